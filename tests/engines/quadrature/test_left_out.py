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
from hlm.engines.quadrature.predictive import predictive_densities
from hlm.model.resolve import resolve

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


def test_groups_left_out_are_refits() -> None:
    """The elpd of all groups is that of real refits without each of 20 groups, to Monte Carlo error."""
    r = np.random.default_rng(8)
    g = np.repeat(np.arange(20), r.integers(3, 9, 20))
    y = (r.random(len(g)) < expit(0.4 + 0.8 * r.normal(size=20)[g])).astype(int)
    data = pd.DataFrame({"g": g.astype(str), "y": y})
    model = resolve("y ~ 1 + (1|g)", data, poolings=("partial",), family="bernoulli")["partial"]
    draws = QUADRATURE.sample(model, Options(draws=1000, seed=1))
    found = QUADRATURE.leave_out(model, draws, model.written.groups[0])
    assert found is not None
    refitted, variances = [], []
    for level in model.factors[0].levels:
        rest, left = data[data["g"] != level], data[data["g"] == level]
        # with the priors of all rows, so that the refit differs by the rows alone
        again = resolve("y ~ 1 + (1|g)", rest, poolings=("partial",), family="bernoulli", priors=dict(model.priors))
        posterior = QUADRATURE.sample(again["partial"], Options(draws=1000, seed=2)).idata["posterior"]
        alpha, tau = (posterior[name].to_numpy().reshape(-1, 1) for name in ("Intercept", "1|g_sigma"))
        k, n = left["y"].sum(), len(left)
        grid = V[::20]
        eta = alpha + tau * grid
        density = logsumexp(k * eta - n * np.logaddexp(0, eta) - 0.5 * grid**2, axis=1) - logsumexp(-0.5 * grid**2)
        refitted.append(logsumexp(density) - np.log(len(density)))
        variances.append(np.exp(density).var() / np.exp(density).mean() ** 2 / (0.7 * len(density)))  # efficiency 70 %
    # the refits are independent; leaving out from 1000 draws of one fit, half of which count, adds four times as much
    error = np.sqrt(5 * sum(variances))
    assert error < 0.07
    assert found.total == pytest.approx(sum(refitted), abs=4 * error)


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
