"""The kernel against a plain NumPy twin, and both against dense matrices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hlm.engines.exact.likelihood.marginal import Theta, common_posterior, draw_effects, sweep
from hlm.engines.exact.sums.one_factor import CrossProducts, cross_products
from hlm.engines.normal_coefficients import NormalPrior
from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns


def twin(sums: CrossProducts, prior: NormalPrior, sigma: float, factor: np.ndarray) -> float:
    """log p(y | theta) as the formulas at the top of marginal.py are written."""
    p = sums.p
    s, log_det = np.zeros((p + 1, p + 1)), 0.0
    for root, explained, left in zip(sums.root, sums.explained, sums.left, strict=True):
        a = root @ factor / sigma
        n = np.eye(len(a)) + a @ a.T
        s += left + explained.T @ np.linalg.solve(n, explained)
        log_det += np.linalg.slogdet(n)[1]
    weight, offset = np.diag(1 / prior.sd**2), prior.mean - sums.shift
    precision = s[:p, :p] / sigma**2 + weight
    r = s[:p, p] / sigma**2 + weight @ offset
    return -0.5 * (
        sums.rows * np.log(2 * np.pi * sigma**2) + log_det + s[p, p] / sigma**2
        - np.linalg.slogdet(weight)[1] + offset @ weight @ offset
        + np.linalg.slogdet(precision)[1] - r @ np.linalg.solve(precision, r)
    )  # fmt: skip


def test_kernel_is_its_twin(case):
    sums = case.sums
    found = common_posterior(sums, case.theta, case.prior).log_marginal
    expected = [twin(sums, case.prior, s, f) for s, f in zip(case.theta.sigma, case.theta.factor, strict=True)]
    # the same operations in another order; the twin solves with N_k, 1e12 times longer in one direction at worst
    assert found == pytest.approx(expected, rel=1e-6 if _extreme(case) else 1e-10)


def test_the_log_determinant_of_very_many_groups_does_not_underflow():
    """|N_k| = 1 + n tau^2 / sigma^2: the product over 3000 groups is 1e36000, far beyond what a number can hold."""
    codes, ones = np.repeat(np.arange(3000), 2), np.ones((6000, 1))
    one = Columns(ones, (INTERCEPT,), ("Intercept",))
    sums = cross_products(one, one, codes, np.random.default_rng(1).normal(size=6000))
    tau, sigma = np.array([1.0, 1e6, 0.0]), np.array([1.0, 1.0, 2.0])
    _, log_det = sweep(sums, Theta(sigma, tau[:, None, None]))
    # a sum of 3000 logarithms taken some at a time: 1e-16 of each
    assert log_det == pytest.approx(3000 * np.log1p(2 * (tau / sigma) ** 2), rel=1e-12)


def _extreme(case) -> bool:
    return bool(np.abs(case.theta.factor).max() > 1e5 * case.theta.sigma.min())


def test_many_thetas_in_threads_are_the_same_one_by_one(case):
    many = Theta(np.tile(case.theta.sigma, 100), np.tile(case.theta.factor, (100, 1, 1)))
    reduced, log_det = sweep(case.sums, many)
    once, log_det_once = sweep(case.sums, case.theta)
    assert np.array_equal(reduced, np.tile(once, (100, 1, 1))) and np.array_equal(log_det, np.tile(log_det_once, 100))


def test_log_marginal_is_the_dense_normal_density(ordinary_case):
    case = ordinary_case
    found = common_posterior(case.sums, case.theta, case.prior).log_marginal
    x, z = case.x_centred, case.z_dense
    for t, (sigma, factor) in enumerate(zip(case.theta.sigma, case.theta.factor, strict=True)):
        v = sigma**2 * np.eye(len(x)) + z @ np.kron(np.eye(z.shape[1] // len(factor)), factor @ factor.T) @ z.T
        v += x * case.prior.sd**2 @ x.T
        dense = multivariate_normal(x @ case.prior.mean, v).logpdf(case.y)
        assert found[t] == pytest.approx(dense, rel=1e-8)  # V's condition number is 1e6 at most


def test_log_marginal_in_exact_fractions(case):
    """The dense normal density without any rounding: the extreme cases keep their digits."""
    found = common_posterior(case.sums, case.theta, case.prior).log_marginal
    x, z = _fractions(case.x_centred), _fractions(case.z_dense)
    mean, sd = _fractions(case.prior.mean), _fractions(case.prior.sd)
    root = np.kron(np.eye(z.shape[1] // case.sums.root.shape[1], dtype=int), _fractions(case.theta.factor[0]))
    v = (z @ root) @ (z @ root).T + (x * sd**2) @ x.T
    v[np.diag_indices(len(v))] += Fraction(case.theta.sigma[0]) ** 2
    log_det, quadratic = _eliminate(v, _fractions(case.y) - x @ mean)
    exact = -0.5 * (len(v) * np.log(2 * np.pi) + log_det + quadratic)
    assert found[0] == pytest.approx(exact, rel=1e-8)  # of a sum of squares, rounding leaves about 1e-10


def _fractions(values: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda number: Fraction(float(number)), otypes=[object])(values)


def _eliminate(v: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """log|V| and r'V^-1 r by Gauss's elimination."""
    v, right, log_det, quadratic = v.copy(), right.copy(), 0.0, Fraction(0)
    for i in range(len(v)):
        log_det += np.log(float(v[i, i]))
        quadratic += right[i] ** 2 / v[i, i]
        share = v[i + 1 :, i] / v[i, i]
        right[i + 1 :] -= share * right[i]
        v[i + 1 :, i:] -= np.outer(share, v[i, i:])
    return log_det, float(quadratic)


def test_conditional_moments_are_the_dense_ones(case):
    """beta and b are jointly normal given theta: compare all means and covariances, written with b = L v."""
    sums, x = case.sums, case.x_centred
    p, (groups, q, _) = x.shape[1], sums.root.shape
    given = common_posterior(sums, case.theta, case.prior)
    zero = np.zeros((len(case.theta), groups, q))
    centre = draw_effects(sums, case.theta, given.mean, zero.copy())
    for t, (sigma, factor) in enumerate(zip(case.theta.sigma, case.theta.factor, strict=True)):
        spread = np.kron(np.eye(groups), factor)
        design = np.column_stack([x, case.z_dense @ spread])
        prior = np.concatenate([1 / case.prior.sd**2, np.ones(groups * q)])
        right = design.T @ case.y / sigma**2 + np.concatenate(
            [case.prior.mean / case.prior.sd**2, np.zeros(groups * q)]
        )
        precision = design.T @ design / sigma**2 + np.diag(prior)
        covariance = np.linalg.inv(precision)
        mean = np.linalg.solve(precision, right)
        tolerance = 1e-2 if _extreme(case) else 1e-6  # the precision of the dense inverse
        assert given.mean[t] + sums.shift == pytest.approx(mean[:p], rel=tolerance, abs=tolerance)
        assert centre[t].ravel() == pytest.approx(spread @ mean[p:], rel=tolerance, abs=tolerance)
        assert np.linalg.inv(given.precision[t]) == pytest.approx(covariance[:p, :p], rel=tolerance, abs=tolerance)
        of_common, of_normals = _linear_maps(sums, Theta(case.theta.sigma[[t]], case.theta.factor[[t]]))
        b_covariance = of_common @ covariance[:p, :p] @ of_common.T + of_normals @ of_normals.T
        assert b_covariance == pytest.approx(spread @ covariance[p:, p:] @ spread.T, rel=tolerance, abs=tolerance)
        assert of_common @ covariance[:p, :p] == pytest.approx(
            spread @ covariance[p:, :p], rel=tolerance, abs=tolerance
        )


def _linear_maps(sums: CrossProducts, theta: Theta) -> tuple[np.ndarray, np.ndarray]:
    """b is linear in beta and in the normal numbers that it is drawn with: the two matrices."""
    groups, q, _ = sums.root.shape

    def effects(common: np.ndarray, normals: np.ndarray) -> np.ndarray:
        return draw_effects(sums, theta, common[None], normals.reshape(1, groups, q).copy()).ravel()

    nothing, still = np.zeros(sums.p), np.zeros(groups * q)
    base = effects(nothing, still)
    of_common = np.array([effects(e, still) - base for e in np.eye(sums.p)]).T.reshape(groups * q, sums.p)
    of_normals = np.array([effects(nothing, e) - base for e in np.eye(groups * q)]).T
    return of_common, of_normals


def test_a_hopeless_theta_has_no_density(case):
    theta = Theta(np.array([1e-200]), case.theta.factor[:1])
    with np.errstate(all="ignore"):
        assert common_posterior(case.sums, theta, case.prior).log_marginal[0] == -np.inf
