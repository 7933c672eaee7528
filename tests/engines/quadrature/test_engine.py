"""The posterior against sums over grids of all unknowns, and what must not change it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp

from hlm.engines.interface import Draws, Options
from hlm.engines.quadrature.engine import QUADRATURE
from hlm.formula.pooling_formulas import POOLINGS, Pooling
from hlm.model.model import Model
from hlm.model.priors import Prior
from hlm.model.resolve import resolve

DRAWS = Options(draws=1000, chains=4, seed=1)


def sampled(formula: str, data: pd.DataFrame, pooling: Pooling = "partial", seed: int = 1, **options: object) -> Draws:
    model = resolve(formula, data, poolings=(pooling,), **options)[pooling]  # type: ignore[arg-type]
    assert QUADRATURE.covers(model) is None
    found = QUADRATURE.sample(model, Options(draws=1000, chains=4, seed=seed))
    assert found.diagnostics.ok, found.diagnostics.sentence
    return found


def means(found: Draws) -> Mapping[str, np.ndarray]:
    return {str(k): v.mean(("chain", "draw")).to_numpy() for k, v in found.idata["posterior"].data_vars.items()}


def sds(found: Draws) -> Mapping[str, np.ndarray]:
    return {str(k): v.std(("chain", "draw")).to_numpy() for k, v in found.idata["posterior"].data_vars.items()}


def within(found: Draws, name: str, mean: np.ndarray | float, sd: np.ndarray | float) -> None:
    """Mean and sd of a parameter are right within 4 Monte Carlo standard errors of the effective draws."""
    ess = min(found.diagnostics.ess, 4000)  # type: ignore[attr-defined]
    np.testing.assert_array_less(np.abs(means(found)[name] - mean), 4 * np.asarray(sd) / np.sqrt(ess))
    # the sd of a heavy-tailed posterior has a relative error of about sqrt(kurtosis - 1) / 2 / sqrt(ess), here < 1.5
    np.testing.assert_array_less(np.abs(sds(found)[name] / sd - 1), 6 / np.sqrt(ess))


def small(seed: int = 3, groups: int = 8, sd: float = 2.0, most: int = 4) -> pd.DataFrame:
    """0 and 1 in groups of one to four rows with a large sd: where Laplace's approximation fails."""
    r = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), r.integers(1, most + 1, groups))
    y = (r.random(len(g)) < expit(0.5 + sd * r.normal(size=groups)[g])).astype(int)
    return pd.DataFrame({"g": g.astype(str), "y": y})


@pytest.mark.parametrize("seed", [3, 4])
def test_posterior_of_0_and_1_in_small_groups_is_that_of_a_grid(seed: int) -> None:
    data = small(seed)
    priors = {"1|g_sigma": Prior("HalfNormal", sigma=3.0), "Intercept": Prior("Normal", mu=0.0, sigma=2.0)}
    found = sampled("y ~ 1 + (1|g)", data, family="bernoulli", priors=priors)
    b, tau, v = np.linspace(-9, 9, 121), np.linspace(0.02, 14, 141), np.linspace(-8, 8, 321)
    log_v = -0.5 * v**2 - logsumexp(-0.5 * v**2)
    total = -0.5 * (b[:, None] / 2) ** 2 - 0.5 * (tau / 3) ** 2
    effects = []
    for _, rows in data.groupby("g", sort=False):
        k, n = rows["y"].sum(), len(rows)
        eta = b[:, None, None] + tau[:, None] * v
        density = k * eta - n * np.logaddexp(0, eta) + log_v
        integral = logsumexp(density, axis=2)
        total = total + integral
        effects.append((np.exp(density - integral[..., None]) * tau[:, None] * v).sum(axis=2))
    weight = np.exp(total - logsumexp(total))
    for name, values in (("Intercept", np.broadcast_to(b[:, None], weight.shape)), ("1|g_sigma", tau + 0 * weight)):
        mean = (weight * values).sum()
        within(found, name, mean, np.sqrt((weight * (values - mean) ** 2).sum()))
    exact = np.array([(weight * one).sum() for one in effects])
    spread = sds(found)["1|g"] / np.sqrt(min(found.diagnostics.ess, 4000))  # type: ignore[attr-defined]
    np.testing.assert_array_less(np.abs(means(found)["1|g"] - exact), 4 * spread)


def test_no_pooling_is_each_group_alone() -> None:
    data = small(5, most=9)
    found = sampled("y ~ 1 + (1|g)", data, "none", family="bernoulli")
    eta = np.linspace(-60, 60, 24001)
    for place, (_, rows) in enumerate(data.groupby("g", sort=False)):
        k, n = rows["y"].sum(), len(rows)
        log = k * eta - n * np.logaddexp(0, eta) - 0.5 * (eta / 10) ** 2
        weight = np.exp(log - logsumexp(log))
        mean = weight @ eta
        sd = np.sqrt(weight @ (eta - mean) ** 2)
        assert abs(means(found)["g"][place] - mean) < 4 * sd / np.sqrt(4000)
        assert abs(sds(found)["g"][place] / sd - 1) < 6 / np.sqrt(4000)


def both(left: Draws, right: Draws) -> None:
    """Two posteriors are the same within Monte Carlo error."""
    for name, value in means(left).items():
        if name.endswith("corr"):
            continue
        error = np.hypot(sds(left)[name], sds(right)[name])
        ess = min(left.diagnostics.ess, right.diagnostics.ess, 4000)  # type: ignore[attr-defined]
        np.testing.assert_array_less(np.abs(value - means(right)[name]), 4.5 * error / np.sqrt(ess), err_msg=name)


def test_trials_are_sums_of_0_and_1() -> None:
    r = np.random.default_rng(1)
    sums = pd.DataFrame({"g": np.repeat(list("abcdefghij"), 3), "x": np.tile([0.0, 1.0, 2.0], 10)})
    sums["n"] = r.integers(1, 12, 30)
    sums["k"] = r.binomial(sums["n"], expit(-0.5 + 0.4 * sums["x"] + np.repeat(r.normal(size=10), 3)))
    rows = sums.loc[np.repeat(sums.index, sums["n"])].reset_index(drop=True)
    rows["y"] = np.concatenate([np.r_[np.ones(k), np.zeros(n - k)] for k, n in zip(sums["k"], sums["n"], strict=True)])
    rows["y"] = rows["y"].astype(int)
    priors = {
        "Intercept": Prior("Normal", mu=0, sigma=2), "x": Prior("Normal", mu=0, sigma=2),
        "1|g_sigma": Prior("HalfNormal", sigma=2),
    }  # fmt: skip
    left = sampled("p(k, n) ~ x + (1|g)", sums, family="binomial", priors=priors)
    right = sampled("y ~ x + (1|g)", rows, family="bernoulli", priors=priors, seed=2)
    # the intercept's prior is about the means of x over the rows, which differ: it says little
    both(left, right)


def test_origin_and_unit_change_nothing() -> None:
    r = np.random.default_rng(2)
    g = np.repeat(np.arange(15), 12)
    x = r.normal(size=len(g))
    y = r.poisson(np.exp(0.3 + 0.5 * x + r.normal(size=15)[g] * 0.5 + 0.3 * r.normal(size=15)[g] * x))
    data = pd.DataFrame({"g": g.astype(str), "x": x, "far": 1000 * x + 1e6, "y": y})
    for pooling in POOLINGS:
        left = sampled("y ~ x + (x|g)", data, pooling, family="poisson")
        right = sampled("y ~ far + (far|g)", data, pooling, family="poisson", seed=2)
        name = "g:x" if pooling == "none" else "x"
        error = np.hypot(sds(left)[name], 1000 * sds(right)[name.replace("x", "far")])
        difference = np.abs(means(left)[name] - 1000 * means(right)[name.replace("x", "far")])
        np.testing.assert_array_less(difference, 4.5 * error / np.sqrt(1000))


def test_rows_in_another_order_are_the_same_model() -> None:
    data = small(6, groups=12)
    left = sampled("y ~ 1 + (1|g)", data, family="bernoulli")
    right = sampled("y ~ 1 + (1|g)", data.sample(frac=1, random_state=1), family="bernoulli", seed=2)
    order = [str(level) for level in left.idata["posterior"]["1|g"].coords["g__factor_dim"].to_numpy()]
    moved = right.idata["posterior"]["1|g"].sel(g__factor_dim=order).mean(("chain", "draw")).to_numpy()
    error = np.hypot(sds(left)["1|g"], sds(right)["1|g"].max())
    np.testing.assert_array_less(np.abs(means(left)["1|g"] - moved), 4.5 * error / np.sqrt(1000))


def test_counts_in_the_millions() -> None:
    r = np.random.default_rng(4)
    g = np.repeat(np.arange(12), 10)
    y = r.poisson(np.exp(14 + 0.3 * r.normal(size=12)[g]))
    found = sampled("y ~ 1 + (1|g)", pd.DataFrame({"g": g.astype(str), "y": y}), family="poisson")
    logs = np.log(np.bincount(g, y) / 10)
    fitted = means(found)["Intercept"] + means(found)["1|g"]
    assert np.abs(fitted - logs).max() < 1e-3


@pytest.mark.parametrize("bar", ["(1|g)", "(x|g)", "(x + w|g)"])
def test_effects_of_large_groups_are_drawn_in_few_proposals(bar: str) -> None:
    """Counts that determine their group's effects: nearly normal given the rest, so that three nodes are enough."""
    r = np.random.default_rng(5)
    g = np.repeat(np.arange(12), 60)
    x, w = r.normal(size=(2, len(g)))
    own = r.normal(size=(12, 3)) * [0.8, 0.3, 0.3]
    eta = 3 + own[g, 0] + (own[g, 1] * x if "x" in bar else 0) + (own[g, 2] * w if "w" in bar else 0)
    data = pd.DataFrame({"g": g.astype(str), "x": x, "w": w, "y": r.poisson(np.exp(eta))})
    found = sampled(f"y ~ x + w + {bar}", data, family="poisson")
    assert found.diagnostics.nodes[0] == 3  # type: ignore[attr-defined]
    assert found.diagnostics.proposals < 100  # type: ignore[attr-defined]
    departures = found.idata["posterior"]["1|g"]
    total = (found.idata["posterior"]["Intercept"] + departures).to_numpy().reshape(-1, 12)
    # of 12 groups the furthest from the truth: less than 5 posterior standard deviations
    assert (np.abs(total.mean(axis=0) - 3 - own[:, 0]) < 5 * total.std(axis=0)).all()


def model(formula: str, data: pd.DataFrame, **options: object) -> Model:
    return resolve(formula, data, poolings=("partial",), **options)["partial"]  # type: ignore[arg-type]


def test_what_is_not_covered_is_said() -> None:
    data = small(1).assign(h=lambda d: np.resize(list("uvw"), len(d)))
    assert "several grouping factors" in str(
        QUADRATURE.covers(model("y ~ 1 + (1|g) + (1|h)", data, family="bernoulli"))
    )
    assert "not concave" in str(QUADRATURE.covers(model("y ~ 1 + (1|g)", data, family="bernoulli", link="identity")))
    priors = {"Intercept": Prior("StudentT", nu=3, mu=0, sigma=2)}
    assert "StudentT" in str(QUADRATURE.covers(model("y ~ 1 + (1|g)", data, family="bernoulli", priors=priors)))
