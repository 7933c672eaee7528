"""Several grouping factors: the same integral as a dense normal density, and the same draws as dense algebra."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior, draw_crossed, sweep
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.sums.several_factors import CrossedProducts
from hlm.model.resolve import resolve


def test_log_marginal_is_the_dense_normal_density(crossing):
    found = common_posterior(crossing.sums, crossing.theta, crossing.prior).log_marginal
    for t, sigma in enumerate(crossing.theta.sigma):
        z = crossing.z(t)
        v = z @ z.T + (crossing.x * crossing.prior.sd**2) @ crossing.x.T + sigma**2 * np.eye(len(crossing.y))
        dense = multivariate_normal(crossing.x @ crossing.prior.mean, v, allow_singular=True).logpdf(crossing.y)
        assert found[t] == pytest.approx(dense, rel=1e-7)  # V's condition number is 1e8 at most


def test_draws_have_the_dense_mean_and_covariance(crossing):
    """All coefficients are a linear map of beta's and their own normal numbers, given theta: find the map."""
    sums, p = crossing.sums, 2
    given = common_posterior(sums, crossing.theta, crossing.prior)
    for t, sigma in enumerate(crossing.theta.sigma):
        z = crossing.z(t)
        design = np.column_stack([crossing.x, z])
        weight = np.concatenate([1 / crossing.prior.sd**2, np.ones(z.shape[1])])
        precision = design.T @ design / sigma**2 + np.diag(weight)
        right = design.T @ crossing.y / sigma**2
        right[:p] += crossing.prior.mean / crossing.prior.sd**2
        mean, covariance = np.linalg.solve(precision, right), np.linalg.inv(precision)
        fitted = _fitted(crossing, t, given.mean[t], None)
        tolerance = {"rel": 1e-6, "abs": 1e-6 * np.abs(crossing.y).max()}
        assert fitted == pytest.approx(z @ mean[p:], **tolerance)
        of_normals = np.column_stack([_fitted(crossing, t, given.mean[t], i) - fitted for i in range(_numbers(sums))])
        of_common = np.column_stack(
            [_fitted(crossing, t, given.mean[t] + step, None) - fitted for step in np.eye(p)]
        )  # fmt: skip
        spread = of_common @ covariance[:p, :p] @ of_common.T + of_normals @ of_normals.T
        assert spread == pytest.approx(z @ covariance[p:, p:] @ z.T, **tolerance)
        assert of_common @ covariance[:p, :p] == pytest.approx(z @ covariance[p:, :p], **tolerance)


def _numbers(sums: CrossedProducts) -> int:
    return sums.m + sums.root.shape[0] * sums.root.shape[1]


def _fitted(crossing, t: int, common: np.ndarray, number: int | None) -> np.ndarray:
    """What the drawn effects add to each row, with one of the normal numbers 1 and the rest 0."""
    sums = crossing.sums
    groups, q, _ = sums.root.shape
    normals = np.zeros((1, _numbers(sums)))
    if number is not None:
        normals[0, number] = 1.0
    first, rest = normals[:, : groups * q].reshape(1, groups, q).copy(), normals[:, groups * q :].copy()
    effects = draw_crossed(sums, crossing.theta, np.array([t]), common[None], first, rest)
    return sum(
        np.einsum("ij,ij->i", design.matrix, values[0, codes])
        for (design, codes), values in zip(crossing.factors, effects, strict=True)
    )


def test_draws_of_one_theta_share_its_factor(crossings):
    """Several draws for each theta are those that would be drawn one by one."""
    crossing = crossings["slopes by both"]
    sums, rng = crossing.sums, np.random.default_rng(1)
    which = np.array([0, 0, 1, 2, 2, 2])
    common, first = rng.normal(size=(6, 2)), rng.normal(size=(6, *sums.root.shape[:2]))
    rest = rng.normal(size=(6, sums.m))
    together = draw_crossed(sums, crossing.theta, which, common, first.copy(), rest.copy())
    for i in range(6):
        alone = draw_crossed(sums, crossing.theta, which[[i]], common[[i]], first[[i]].copy(), rest[[i]].copy())
        for a, b in zip(alone, together, strict=True):
            assert a[0] == pytest.approx(b[i], rel=1e-12)


def test_a_second_factor_without_spread_changes_nothing(crossings):
    crossing = crossings["slopes by the first"]
    one, _ = crossing.factors
    factor = crossing.theta.factor.copy()
    factor[:, 2, 2] = 0.0
    reduced, log_det = sweep(crossing.sums, Theta(crossing.theta.sigma, factor))
    alone, log_det_alone = sweep(
        cross_products(crossing.common, *one, crossing.y), Theta(crossing.theta.sigma, factor[:, :2, :2])
    )
    assert reduced == pytest.approx(alone, rel=1e-9)
    assert log_det == pytest.approx(log_det_alone, rel=1e-12)


def test_an_impossible_theta_has_no_density_and_does_not_raise(crossings):
    crossing = crossings["unbalanced"]
    theta = Theta(np.array([np.nan, 1e-200, 0.5]), crossing.theta.factor)
    with np.errstate(all="ignore"):
        found = common_posterior(crossing.sums, theta, crossing.prior).log_marginal
    assert np.isneginf(found[:2]).all() and np.isfinite(found[2])


def test_no_theta_explains_more_than_least_squares_of_the_cells():
    """log p(y | theta) is an average over coefficients, so that none exceeds the best of them, however small sigma is.

    Below sigma of 1e-15 rounding once gave matrices with two negative eigenvalues, whose determinant is positive: the
    density was 1e126 there, the importance sampler went to it, and the fit ended in a LinAlgError.
    """
    rng = np.random.default_rng(1)
    cells, outer = np.tile(np.repeat(np.arange(5), [1, 2, 4, 8, 16]), 6), np.repeat(np.arange(6), 31)
    frame = pd.DataFrame({"a": outer, "b": cells, "x": rng.normal(size=186), "y": rng.normal(size=186)})
    gaussian = gaussian_model(resolve("y ~ x + (1|a/b)", frame)["partial"])
    sigma, tau = np.repeat(10.0 ** -np.arange(40), 30), np.tile(np.geomspace(0.1, 1000, 30), 40)
    factor = np.zeros((len(sigma), 2, 2))
    factor[:, 0, 0], factor[:, 1, 1] = tau, tau[::-1]
    with np.errstate(all="ignore"):
        found = common_posterior(summed(gaussian), Theta(sigma, factor), gaussian.prior).log_marginal
    design = np.column_stack([(5 * outer + cells)[:, None] == np.arange(30), frame["x"]])
    _, (left,), *_ = np.linalg.lstsq(design, frame["y"])
    best = -186 / 2 * np.log(2 * np.pi * sigma**2) - left / (2 * sigma**2)
    # products of columns lose eps for each tau / sigma; where all is lost, -1e33 must at least not become attractive
    rounding = np.minimum(10 * np.finfo(float).eps * np.maximum(tau, tau[::-1]) / sigma, 0.99)
    assert (found <= best + rounding * np.abs(best)).all()
    assert np.isfinite(found[sigma > 1e-10]).all()
