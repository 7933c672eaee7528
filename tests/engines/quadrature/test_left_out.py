"""Leave-one-out of rows and groups against sums over dense grids, and against refits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logsumexp

from hlm.engines.interface import Options
from hlm.engines.normal_coefficients import normal_coefficients
from hlm.engines.quadrature.engine import QUADRATURE
from hlm.engines.quadrature.gauss_hermite import rules
from hlm.engines.quadrature.grouped_rows import grouped_rows
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.nodes import chosen_rules
from hlm.engines.quadrature.predictive import predictive_densities
from hlm.engines.quadrature.without_rows import set_own_integrals
from hlm.model.resolve import resolve
from tests.engines.quadrature.dense_grids import log_densities, points

V = np.linspace(-9, 9, 3001)
LOG_PRIOR = -0.5 * V**2 - logsumexp(-0.5 * V**2)


def counts(seed: int = 0, groups: int = 7) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), r.integers(1, 7, groups))
    x = r.integers(0, 2, len(g)) * 1.0
    return pd.DataFrame({"g": g.astype(str), "x": x, "y": r.poisson(np.exp(0.3 + 0.4 * x + r.normal(size=groups)[g]))})


def test_rows_and_groups_given_theta_are_those_of_a_grid() -> None:
    data = counts()
    model = resolve("y ~ x + (1|g)", data, poolings=("partial",), family="poisson")["partial"]
    grouped = grouped_rows(model, normal_coefficients(model))
    theta, u = Theta(np.ones(1), np.full((1, 1, 1), 0.9)), np.array([[0.3, -0.2]])
    available = rules(1)
    finest = np.full(grouped.groups, len(available.counts) - 1)
    found = predictive_densities(grouped, theta, u, available, finest)
    eta = (grouped.rows[2] + grouped.rows[3] @ u[0])[grouped.place]
    rows = data["y"].to_numpy()[:, None] * (eta[:, None] + 0.9 * V) - np.exp(eta[:, None] + 0.9 * V)
    for k in range(grouped.groups):
        members = np.flatnonzero(model.factors[0].codes == k)
        whole = rows[members].sum(axis=0) + LOG_PRIOR
        assert found.group[0, k] == pytest.approx(logsumexp(whole), abs=1e-6)
        inside = logsumexp(whole + rows[members].sum(axis=0)) - logsumexp(whole)
        assert found.group_inside[0, k] == pytest.approx(inside, abs=1e-4)
        for i in members:
            without = logsumexp(whole) - logsumexp(whole - rows[i])
            assert found.without[0, found.place[i]] == pytest.approx(without, abs=1e-5)
            inside = logsumexp(whole + rows[i]) - logsumexp(whole)
            assert found.inside[0, found.place[i]] == pytest.approx(inside, abs=1e-5)


def few_rows(seed: int = 4) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    g = np.repeat(np.arange(14), r.integers(1, 6, 14))
    x, n = r.integers(0, 3, len(g)) * 1.0, r.integers(1, 20, len(g))
    eta = 0.3 + 0.3 * x + 2 * r.normal(size=14)[g]
    return pd.DataFrame(
        {
            "g": g.astype(str), "x": x, "y": (r.random(len(g)) < expit(eta)).astype(int), "n": n,
            "k": r.binomial(n, expit(eta)), "c": r.poisson(np.exp(eta / 2)), "t": r.gamma(2.0, np.exp(eta) / 2) + 0.01,
        }
    )  # fmt: skip


@pytest.mark.parametrize("pooling", ["none", "partial"])
@pytest.mark.parametrize(
    ("family", "response", "bar"),
    [
        ("bernoulli", "y", "(1|g)"), ("binomial", "p(k, n)", "(1|g)"), ("poisson", "c", "(1|g)"),
        ("negativebinomial", "c", "(1|g)"), ("gamma", "t", "(1|g)"), ("bernoulli", "y", "(x|g)"),
        ("binomial", "p(k, n)", "(0 + x|g)"), ("binomial", "p(k, n)", "(x|g)"),
    ],
)  # fmt: skip
def test_rows_left_out_of_few_are_those_of_a_grid(family: str, response: str, bar: str, pooling: str) -> None:
    """Without one of few rows the group's effects spread further than the nodes of all its rows reach."""
    link = "log" if family == "gamma" else None
    text = f"{response} ~ x + {bar}"
    model = resolve(text, few_rows(), poolings=(pooling,), family=family, link=link)[pooling]
    coefficients = normal_coefficients(model)
    grouped = grouped_rows(model, coefficients)
    q, p, sds, r = grouped.z.shape[1], len(grouped.means), np.array([0.5, 1, 1.5, 2, 3]), np.random.default_rng(1)
    factor = sds[:, None, None] * (np.eye(q) + 0.3 * np.tril(np.ones((q, q)), -1))
    theta = Theta(np.full(5, 1.7 if model.of_kind("family") else 1.0), factor)
    if coefficients.known_sd is not None:
        theta = Theta(theta.phi, np.repeat(np.diag(np.minimum(coefficients.known_sd, 6.0))[None], 5, axis=0))
    u, available = 0.3 * r.normal(size=(5, p)), rules(q)
    chosen = np.minimum(chosen_rules(grouped, available, theta, u) + 2, len(available.counts) - 3)
    found = predictive_densities(grouped, theta, u, available, chosen)
    set_own_integrals(grouped, theta, u, available, chosen, found)
    v, log_prior = points(np.linspace(-9, 9, 6001 if q == 1 else 241), q)
    codes = np.searchsorted(grouped.start, grouped.place, side="right") - 1
    for t in range(5):
        rows = log_densities(model, grouped, theta.some(slice(t, t + 1)), u[t], v)
        wanted = np.empty(model.rows)
        for i in range(model.rows):
            others = np.flatnonzero((codes == codes[i]) & (np.arange(model.rows) != i))
            rest = rows[:, others].sum(axis=1) + log_prior
            wanted[i] = logsumexp(rest + rows[:, i]) - logsumexp(rest)
        constants = grouped.constants + grouped.constants_by_row(theta.phi[t : t + 1])[0]
        error = found.without[t, found.place] + constants - wanted
        assert np.abs(error).max() < 0.002
        assert abs(error.sum()) < 0.02


def test_groups_left_out_are_refits() -> None:
    """The elpd of all groups is that of real refits without each of 20 groups."""
    seed = 1
    r = np.random.default_rng(8)
    g = np.repeat(np.arange(20), r.integers(3, 9, 20))
    y = (r.random(len(g)) < expit(0.4 + 0.8 * r.normal(size=20)[g])).astype(int)
    data = pd.DataFrame({"g": g.astype(str), "y": y})
    model = resolve("y ~ 1 + (1|g)", data, poolings=("partial",), family="bernoulli")["partial"]
    draws = QUADRATURE.sample(model, Options(draws=1000, seed=seed))
    found = QUADRATURE.leave_out(model, draws, model.written.groups[0])
    assert found is not None
    refitted, grid = [], V[::20]
    for level in model.factors[0].levels:
        rest, left = data[data["g"] != level], data[data["g"] == level]
        # with the priors of all rows, so that the refit differs by the rows alone
        again = resolve("y ~ 1 + (1|g)", rest, poolings=("partial",), family="bernoulli", priors=dict(model.priors))
        # so many draws that the sum of the refits has a standard error of 0.01; that of ours is 0.0125
        posterior = QUADRATURE.sample(again["partial"], Options(draws=2500, seed=seed + 1)).idata["posterior"]
        alpha, tau = (posterior[name].to_numpy().reshape(-1, 1) for name in ("Intercept", "1|g_sigma"))
        k, n = left["y"].sum(), len(left)
        eta = alpha + tau * grid
        density = logsumexp(k * eta - n * np.logaddexp(0, eta) - 0.5 * grid**2, axis=1) - logsumexp(-0.5 * grid**2)
        refitted.append(logsumexp(density) - np.log(len(density)))
    assert found.total == pytest.approx(sum(refitted), abs=0.05)


def test_complete_pooling_leaves_whole_groups_out() -> None:
    data = counts(3)
    model = resolve("y ~ x + (1|g)", data, poolings=("complete",), family="poisson")["complete"]
    draws = QUADRATURE.sample(model, Options(draws=1000, seed=1))
    rows = QUADRATURE.leave_out(model, draws, None)
    groups = QUADRATURE.leave_out(model, draws, model.written.groups[0])
    assert rows is not None and groups is not None
    sums = np.bincount(pd.factorize(data["g"])[0], rows.elpd)
    assert len(groups.elpd) == len(sums) and (groups.elpd < sums + 0.3).all()
    assert groups.unit == "g"
