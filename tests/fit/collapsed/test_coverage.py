"""What the engine covers, and the sentence for what it does not."""

from __future__ import annotations

import pytest

from hlm.datasets import load_data
from hlm.fit.collapsed.coverage import covers
from hlm.formula.parser import parse
from hlm.frame import clean
from hlm.prior import Prior, Priors
from hlm.priors import default_priors

EXAM = "post ~ pre + (pre|school)"


def _why_not(formula, data="exam", *, pooling="partial", family="gaussian", **priors):
    read = parse(formula)
    table = clean(read, load_data(data))
    known = default_priors(read, table, pooling=pooling)
    return covers(read, table, pooling=pooling, family=family, priors=Priors({**known, **priors}))


@pytest.mark.parametrize(
    ("formula", "pooling"),
    [
        (EXAM, "partial"), (EXAM, "none"), (EXAM, "complete"),
        ("post ~ pre + (pre||school)", "partial"),
        ("post ~ pre + sex + (1|school) + (0 + pre|school)", "partial"),
        ("post ~ pre + (0 + sex|school)", "none"),
        ("post ~ pre + (sex + pre + vr|school)", "none"),  # no limit where the sds are known
        ("post ~ pre + (1|school) + (1|vr)", "complete"),
    ],
)  # fmt: skip
def test_covered(formula, pooling):
    assert _why_not(formula, pooling=pooling) is None


@pytest.mark.parametrize(
    ("formula", "pooling", "sentence"),
    [
        ("post ~ pre + (1|school) + (1|vr)", "partial", "There are several grouping factors: school, vr."),
        (
            "post ~ pre + (1|school) + (1|vr)",
            "none",
            "Several grouping factors have coefficients of their own: school, vr.",
        ),
        (
            "post ~ pre + (0 + pre|school)",
            "none",
            "The groups share an intercept, whose prior is about the centred columns",
        ),
        (
            "post ~ pre + (pre + sex + vr|school)",
            "partial",
            "There are 16 standard deviations and correlations, more than 12.",
        ),
    ],
)
def test_structures_that_are_not_covered(formula, pooling, sentence):
    assert _why_not(formula, pooling=pooling).startswith(sentence)


@pytest.mark.parametrize(
    ("priors", "sentence"),
    [
        ({"pre": Prior("StudentT", nu=4, mu=0, sigma=1)},
         "The prior of 'pre' is StudentT(nu=4, mu=0, sigma=1): only Normal(mu, sigma) coefficients can be integrated out."),
        ({"Intercept": Prior("Normal", mu=0, sigma=float("inf"))},
         "The prior of 'Intercept' is Normal(mu=0, sigma=inf): its numbers must be finite, and sigma positive."),
        ({"Intercept": Prior("Normal", dist=print, mu=0, sigma=1)}, "The prior of 'Intercept' is Normal(mu=0, sigma=1): only"),
        ({"sigma": Prior("Weibull", alpha=1, beta=1)}, "The prior of 'sigma' is Weibull(alpha, beta); covered are "),
        ({"1|school_sigma": Prior("Mine", dist=print)}, "The prior of '1|school_sigma' is a distribution of the user's own."),
        ({"school_corr": Prior("Uniform", lower=-1, upper=1)}, "The prior of 'school_corr' is Uniform(lower=-1, upper=1), not"),
    ],
)  # fmt: skip
def test_priors_that_are_not_covered(priors, sentence):
    assert _why_not(EXAM, **priors).startswith(sentence)


def test_other_families_are_not_covered():
    assert _why_not(EXAM, family="t").startswith("The family is t: only in the gaussian family")
