"""The groups' integrals against sums over dense grids, for every family and link."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln, logsumexp

from hlm.engines.normal_coefficients import normal_coefficients
from hlm.engines.quadrature.coverage import KINDS
from hlm.engines.quadrature.gauss_hermite import rules
from hlm.engines.quadrature.grouped_rows import GroupedRows, grouped_rows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.nodes import MOST_ERROR, chosen_rules, error_of
from hlm.model.model import Model
from hlm.model.resolve import resolve

GRIDS = {1: np.linspace(-9, 9, 5001), 2: np.linspace(-9, 9, 301)}  # by the number of effects


def data(seed: int = 0, groups: int = 6) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    sizes = r.integers(1, 9, groups)
    g = np.repeat(np.arange(groups), sizes)
    x = r.integers(0, 3, len(g)) + 2.0
    eta = -0.5 + 0.4 * x + r.normal(size=groups)[g]
    return pd.DataFrame(
        {
            "g": g.astype(str), "x": x, "o": r.normal(size=len(g)) / 4, "y": (r.random(len(g)) < 0.5).astype(int),
            "n": (n := r.integers(1, 30, len(g))), "k": r.binomial(n, 1 / (1 + np.exp(-eta))),
            "c": r.poisson(np.exp(eta)), "t": r.gamma(2.0, np.exp(eta) / 2) + 0.01,
        }
    )  # fmt: skip


RESPONSES = {"bernoulli": "y", "binomial": "p(k, n)", "poisson": "c", "negativebinomial": "c"}


def model(family: str, link: str, bar: str) -> Model:
    response = RESPONSES.get(family, "t")
    text = f"{response} ~ x + offset(o) + {bar}"
    return resolve(text, data(), poolings=("partial",), family=family, link=link)["partial"]


def by_grid(resolved: Model, grouped: GroupedRows, theta: Theta, u: np.ndarray) -> np.ndarray:
    """Log of the integral of each group's responses over v on a grid, with the family's own record of its density."""
    factor = resolved.factors[0]
    density = resolved.family.log_density
    own = {p.name: theta.phi[:1, None] for p in resolved.of_kind("family")}
    q = factor.width
    grid = GRIDS[q]
    v = np.stack(np.meshgrid(*[grid] * q, indexing="ij"), axis=-1).reshape(-1, q)
    log_prior = -0.5 * (v**2).sum(axis=1) - 0.5 * q * np.log(2 * np.pi) + q * np.log(grid[1] - grid[0])
    z = resolved.orthogonalised(factor)
    eta = grouped.rows[2][grouped.place] + grouped.rows[3][grouped.place] @ u
    predictor = eta + v @ (z @ theta.factor[0]).T
    trials = grouped.trials if resolved.family.has_trials else None
    if density is not None:
        values = density(grouped.response, predictor, trials, own)
    else:  # gamma and exponential: the shape alpha and the mean
        alpha = own["alpha"] if own else np.ones((1, 1))
        rate = alpha / np.exp(predictor)
        y = grouped.response
        values = alpha * np.log(rate) + (alpha - 1) * np.log(y) - rate * y - gammaln(alpha)
    sums = np.stack([np.bincount(factor.codes, row, factor.size) for row in values])
    return np.asarray(logsumexp(sums + log_prior[:, None], axis=0))


@pytest.mark.parametrize("bar", ["(1|g)", "(x|g)", "(x||g)", "(0 + x|g)"])
@pytest.mark.parametrize(("family", "link"), KINDS)
def test_integrals_are_those_of_a_dense_grid(family: str, link: str, bar: str) -> None:
    resolved = model(family, link, bar)
    grouped = grouped_rows(resolved, normal_coefficients(resolved))
    q, r = resolved.factors[0].width, np.random.default_rng(1)
    root = np.tril(r.normal(size=(q, q))) * 0.4 + 0.6 * np.eye(q)
    theta, u = Theta(np.array([1.7 if resolved.of_kind("family") else 1.0]), root[None]), 0.3 * r.normal(size=(1, 2))
    available = rules(q)
    finest = np.full(grouped.groups, len(available.counts) - 1)
    found = group_integrals(grouped, theta, u, available, finest)[0]
    constants = np.bincount(resolved.factors[0].codes, (grouped.constants + grouped.constants_by_row(theta.phi))[0])
    np.testing.assert_allclose(found + constants, by_grid(resolved, grouped, theta, u[0]), atol=2e-6)
    chosen = chosen_rules(grouped, available, theta, u)
    assert np.abs(group_integrals(grouped, theta, u, available, chosen)[0] - found).sum() < MOST_ERROR
    assert error_of(grouped, available, chosen, theta, u) < MOST_ERROR
