"""The posterior against engines without a Markov chain; names and dims against Bambi's; what happens to lost chains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from every_family import frame

from hlm import load_data
from hlm.engines.bambi.build import bambi_model
from hlm.engines.exact.engine import EXACT
from hlm.engines.interface import Draws, Engine, Options
from hlm.engines.nuts import engine as nuts
from hlm.engines.nuts.coverage import covers
from hlm.engines.nuts.engine import NUTS
from hlm.engines.quadrature.engine import QUADRATURE
from hlm.errors import FitError
from hlm.formula.pooling_formulas import Pooling
from hlm.model.priors import Prior
from hlm.model.resolve import resolve


def assert_same(first: Draws, second: Draws, ess: float = 400) -> None:
    """Means within 4 Monte Carlo standard errors, sds within 5 % and what their own error allows.

    ess: effective draws of every parameter that both have at least.
    """
    one, other = first.idata["posterior"].to_dataset(), second.idata["posterior"].to_dataset()
    assert {k: v.dims for k, v in one.data_vars.items()} == {k: v.dims for k, v in other.data_vars.items()}
    for name in one.data_vars:
        a, b = one[name], other[name]
        if name == "alpha":  # whose posterior has heavy tails
            a, b = np.log(a), np.log(b)
        sd = b.std(("chain", "draw")).to_numpy()
        apart = np.abs(a.mean(("chain", "draw")) - b.mean(("chain", "draw"))).to_numpy()
        assert (apart <= 4 * sd * np.sqrt(2 / ess) + 1e-12).all(), (name, np.max(apart / np.maximum(sd, 1e-12)))
        ratio = np.where(sd > 0, a.std(("chain", "draw")).to_numpy() / np.where(sd > 0, sd, 1), 1)
        assert (np.abs(ratio - 1) < 0.05 + 4 / np.sqrt(ess)).all(), (name, ratio)


@pytest.mark.parametrize(
    ("engine", "data", "formula", "pooling", "options"),
    [
        (EXACT, "penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", "partial", {}),
        (EXACT, "sleepstudy", "Reaction ~ Days + (Days|Subject)", "partial", {}),
        (EXACT, "sleepstudy", "Reaction ~ Days + (Days||Subject)", "none", {}),
        (QUADRATURE, "cbpp", "p(incidence, size) ~ period + (1|herd)", "partial", {"family": "binomial"}),
        (QUADRATURE, "cbpp", "p(incidence, size) ~ period + (1|herd)", "none", {"family": "binomial", "link": "probit"}),
        (QUADRATURE, "cbpp", "incidence ~ period + (1|herd)", "partial", {"family": "negativebinomial"}),
    ],
)  # fmt: skip
def test_posterior_is_that_of_engines_without_a_chain(
    engine: Engine, data: str, formula: str, pooling: Pooling, options: Mapping[str, Any]
) -> None:
    model = resolve(formula, load_data(data), poolings=(pooling,), **options)[pooling]
    found = NUTS.sample(model, Options(seed=1))
    assert found.diagnostics.ok, found.diagnostics.sentence
    assert_same(found, engine.sample(model, Options(seed=1)))


def test_priors_of_the_users_own() -> None:
    priors = {
        "1|herd_sigma": Prior("Gamma", alpha=3, beta=2), "alpha": Prior("LogNormal", mu=1, sigma=0.5),
        "Intercept": Prior("Normal", mu=1, sigma=0.5),
    }  # fmt: skip
    data = load_data("cbpp")
    model = resolve("incidence ~ period + (1|herd)", data, family="negativebinomial", priors=priors)["partial"]
    assert_same(NUTS.sample(model, Options(seed=2)), QUADRATURE.sample(model, Options(seed=2)))


@pytest.mark.parametrize("pooling", ["partial", "none"])
def test_names_and_dims_are_bambis(pooling: Pooling) -> None:
    formula, few = "count ~ x + f + (x*f|g)", Options(draws=5, tune=5, chains=2, seed=1)
    model = resolve(formula, frame(), poolings=(pooling,), family="negativebinomial")[pooling]
    ours = NUTS.sample(model, few).idata["posterior"].to_dataset()
    theirs = bambi_model(model, for_sampling=True).backend.model
    for name, values in ours.data_vars.items():
        assert set(values.dims[2:]) == set(theirs.named_vars_to_dims.get(name, ())), name
        assert name in theirs.named_vars
        for dim in values.dims[2:]:
            assert [str(label) for label in theirs.coords[dim]] == values[dim].to_numpy().tolist()


def test_counts_that_lost_a_chain_from_a_random_start() -> None:
    """118 small groups that differ much, and a predictor of sd 35."""
    r = np.random.default_rng(77)
    size = r.integers(1, 11, 118)
    g = np.repeat(np.arange(118), size)
    year, height = np.repeat(r.choice(["95", "96", "97"], 118), size), np.repeat(r.normal(0, 35, 118), size)
    eta = 0.5 + 1.15 * (year == "96") - (year == "97") - 0.024 * height + np.repeat(r.normal(0, 1, 118), size)
    data = pd.DataFrame({"g": g, "year": year, "height": height, "y": r.poisson(np.exp(eta))})
    model = resolve("y ~ year + height + (1|g)", data, family="poisson")["partial"]
    found = [NUTS.sample(model, Options(seed=seed)) for seed in (1, 2)]
    assert all(one.diagnostics.ok for one in found)
    assert_same(*found)


def test_a_fit_whose_diagnostics_fail_is_repeated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    sample = nuts.sample_chains
    monkeypatch.setattr(nuts, "sample_chains", lambda *a, **k: (asked.append(k["tune"]), sample(*a, **k))[1])
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    short = {"tune": 50, "seed": 1, "sampler_kwargs": {"nuts": {"maxdepth": 1}}}  # steps too short to get far
    drawn = NUTS.sample(model, Options(draws=100, chains=2, **short))
    assert asked == [50, 100]
    assert not drawn.diagnostics.ok
    asked.clear()
    for few in ({"draws": 20, "chains": 2}, {"draws": 100, "chains": 1}):  # whatever is done, they are not enough
        NUTS.sample(model, Options(**few, **short))
    assert asked == [50, 50]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"inference_method": "pymc"}, "'inference_method' is for Bambi. Write method='bambi'"),
        ({"nuts": 3}, r"sampler_kwargs\['nuts'\] is a mapping such as {'target_accept': 0.95}, not 3"),
        ({"nuts": {"target": 0.9}}, "is one of 'target_accept', 'maxdepth', not 'target'"),
        ({"nuts": {"draws": 100}}, "is one of 'target_accept', 'maxdepth', not 'draws'"),
        ({"nuts": {"target_accept": "a"}}, "target_accept is a number above 0, not 'a'"),
        ({"nuts": {"target_accept": 2.0}}, "target_accept is a number above 0 and at most 0.999, not 2.0"),
        ({"nuts": {"maxdepth": 2.5}}, "maxdepth is a whole number of at least 1, not 2.5"),
    ],
)
def test_settings_that_cannot_be_used(given: Mapping[str, Any], message: str) -> None:
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    with pytest.raises(FitError, match=message):
        NUTS.sample(model, Options(sampler_kwargs=given))


def test_settings_reach_the_sampler() -> None:
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    settings = {"target_accept": np.float64(0.9), "maxdepth": 2}
    drawn = NUTS.sample(model, Options(draws=20, tune=50, chains=2, seed=1, sampler_kwargs={"nuts": settings}))
    assert int(drawn.idata["sample_stats"]["depth"].max()) <= 2


def test_progress_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    NUTS.sample(model, Options(draws=20, tune=50, chains=2, seed=1, progress=True))
    said = capsys.readouterr().err
    assert said.startswith("partial pooling: sampling 2 x 70 draws ...\n")
    assert "partial pooling: done in " in said
    NUTS.sample(model, Options(draws=20, tune=50, chains=2, seed=1))
    assert capsys.readouterr().err == ""


def test_no_seed_means_other_draws_each_time() -> None:
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    few = [NUTS.sample(model, Options(draws=20, tune=50, chains=2, seed=seed)) for seed in (None, None, 1, 1)]
    first, second, third, fourth = (drawn.idata["posterior"].to_dataset() for drawn in few)
    assert not first.identical(second)
    assert third.identical(fourth)


def test_too_many_draws_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlm.support.memory._free", lambda: 1e6)
    model = resolve("count ~ x + (1|g)", frame(), family="poisson")["partial"]
    with pytest.raises(
        FitError, match=r"would need about .* \(draws of the coefficients .* memory for draws=(\d+) in 4"
    ) as said:
        NUTS.sample(model, Options(draws=10_000))
    fitting = int(str(said.value).partition("draws=")[2].partition(" ")[0])
    NUTS.sample(model, Options(draws=fitting, tune=50, seed=1))


def test_what_is_not_covered() -> None:
    reasons = {"laplace": "it has no compiled log density", "gamma": "the inverse link: it has no compiled log density"}
    for family, reason in reasons.items():
        why_not = covers(resolve("positive ~ x + (1|g)", frame(), family=family)["partial"])
        assert why_not is not None and reason in why_not
