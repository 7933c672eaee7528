"""What the engine covers, and the sentence for what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.engines.exact.coverage import covers
from hlm.model.priors import Prior, Priors
from hlm.model.resolve import resolve

EXAM = "post ~ pre + (pre|school)"


def _why_not(formula, data="exam", *, pooling="partial", family="gaussian", **priors):
    model = resolve(formula, load_data(data), poolings=(pooling,), family=family)[pooling]
    return covers(replace(model, priors=Priors({**model.priors, **priors})))


@pytest.mark.parametrize(
    ("formula", "pooling"),
    [
        (EXAM, "partial"), (EXAM, "none"), (EXAM, "complete"),
        ("post ~ pre + (pre||school)", "partial"),
        ("post ~ pre + sex + (1|school) + (0 + pre|school)", "partial"),
        ("post ~ pre + (0 + sex|school)", "none"),
        ("post ~ pre + (sex + pre + vr|school)", "none"),  # no limit where the sds are known
        ("post ~ pre + (1|school) + (1|vr)", "complete"),
        ("post ~ pre + (1|school) + (1|vr)", "partial"),
        ("post ~ pre + (1|school) + (pre|student)", "partial"),
        ("post ~ pre + (0 + pre|school)", "none"),
    ],
)  # fmt: skip
def test_covered(formula, pooling):
    assert _why_not(formula, pooling=pooling) is None


@pytest.mark.parametrize(
    ("formula", "pooling", "sentence"),
    [("post ~ pre + (pre + sex + vr|school)", "partial", "There are 16 standard deviations and correlations, more")],
)
def test_structures_that_are_not_covered(formula, pooling, sentence):
    assert _why_not(formula, pooling=pooling).startswith(sentence)


def test_crossed_factors_without_pooling_are_covered():
    assert _why_not("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin", pooling="none") is None


def test_too_many_effects_beside_the_largest_factor():
    """6,000 x 6,000 levels would make one dense matrix of 6,000 columns."""
    rng = np.random.default_rng(1)
    a = np.concatenate([np.arange(6000), rng.integers(0, 6000, 6000)])
    frame = pd.DataFrame({"y": rng.normal(size=12_000), "a": a, "b": rng.permutation(a)})
    models = resolve("y ~ 1 + (1|a) + (1|b)", frame, poolings=("partial", "none"))
    sentence = "Beside the largest grouping factor there are 6000 effects of others; one matrix takes 5000 at most."
    assert [covers(model) for model in models.values()] == [sentence, sentence]


@pytest.mark.parametrize(
    ("name", "prior", "sentence"),
    [
        ("pre", Prior("StudentT", nu=4, mu=0, sigma=1), "StudentT(nu=4, mu=0, sigma=1): only Normal(mu, sigma)"),
        ("pre", Prior("Normal", dist=print, mu=0, sigma=1), "Normal(mu=0, sigma=1): only Normal(mu, sigma)"),
        ("Intercept", Prior("Normal", mu=0, sigma=np.inf), "Normal(mu=0, sigma=inf): its numbers must be finite"),
        ("sigma", Prior("Weibull", alpha=1, beta=1), "Weibull(alpha, beta); covered are "),
        ("1|school_sigma", Prior("Mine", dist=print), "a distribution of the user's own."),
        ("school_corr", Prior("Uniform", lower=-1, upper=1), "Uniform(lower=-1, upper=1), not LKJ(eta)."),
        ("school_corr", Prior("LKJ", eta=0), "LKJ(eta=0), not LKJ(eta)."),
    ],
    ids=str,
)
def test_priors_that_are_not_covered(name, prior, sentence):
    assert _why_not(EXAM, **{name: prior}).startswith(f"The prior of {name!r} is {sentence}")


def test_other_families_are_not_covered():
    assert _why_not(EXAM, family="t").startswith("The family is t: only in the gaussian family")
