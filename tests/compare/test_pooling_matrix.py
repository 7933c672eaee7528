"""The algebra of the pooling matrix: closed forms, ends, units, and a dense second route."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.compare.pooling_matrix import cross_products, pooling_matrix, reliability, swept

RNG = np.random.default_rng(11)
Z = np.column_stack([np.ones(9), RNG.normal(size=9)])
INFORMATION = (Z.T @ Z / 0.7)[None, None]


def _sigma(sds: tuple[float, float], correlation: float) -> np.ndarray:
    return np.outer(sds, sds) * np.array([[1, correlation], [correlation, 1]])


def test_random_intercept_is_the_textbook_fraction() -> None:
    """Gelman & Hill 2007, equation 12.1."""
    n, s2, tau2 = np.array([1.0, 2.0, 30.0]), 0.6, 0.1
    found = pooling_matrix(np.array([[[tau2]]]), (n / s2)[None, :, None, None])
    np.testing.assert_allclose(found[0, :, 0, 0], (s2 / n) / (s2 / n + tau2), rtol=1e-14)


def test_equals_the_form_with_inverses() -> None:
    sigma = _sigma((0.3, 0.1), 0.5)
    inverse = np.linalg.inv(sigma)
    by_hand = np.linalg.inv(INFORMATION[0, 0] + inverse) @ inverse
    np.testing.assert_allclose(pooling_matrix(sigma[None], INFORMATION)[0, 0], by_hand, rtol=1e-11)  # of the inverse


@pytest.mark.parametrize(("scale", "end"), [(1e-9, np.eye(2)), (1e9, np.zeros((2, 2)))])
def test_the_ends_are_complete_and_no_pooling(scale: float, end: np.ndarray) -> None:
    found = pooling_matrix(_sigma((0.3 * scale, 0.1 * scale), 0.5)[None], INFORMATION)
    np.testing.assert_allclose(found[0, 0], end, atol=1e-12)


@pytest.mark.parametrize(("sds", "correlation"), [((0.0, 0.0), 0.0), ((0.3, 0.0), 0.0), ((0.3, 0.1), 1.0)])
def test_singular_covariances_are_ordinary(sds: tuple[float, float], correlation: float) -> None:
    """Against the limit of regular ones: 1e-9 of a variance away, and the answer moves by as much."""
    singular = _sigma(sds, correlation)
    regular = singular + 1e-10 * np.eye(2)
    inverse = np.linalg.inv(regular)
    limit = np.linalg.inv(INFORMATION[0, 0] + inverse) @ inverse
    np.testing.assert_allclose(pooling_matrix(singular[None], INFORMATION)[0, 0], limit, atol=1e-6)


def test_units_do_not_matter() -> None:
    units = np.diag([1.0, 1e4])
    inverse = np.linalg.inv(units)
    sigma = _sigma((0.3, 0.1), 0.5)
    plain = pooling_matrix(sigma[None], INFORMATION)[0, 0]
    other = pooling_matrix((inverse @ sigma @ inverse)[None], units @ INFORMATION @ units)[0, 0]
    np.testing.assert_allclose(np.diagonal(other), np.diagonal(plain), rtol=1e-9)  # 1e4 squared of 1e-16, and room


def test_sweeping_equals_the_dense_marginal_covariance() -> None:
    """Outer intercept over inner groups with intercept and slope: Z'V^-1 Z with V written out."""
    inner, s2 = np.array([0, 0, 0, 1, 2, 2, 3, 3, 3]), 0.7
    parents = np.array([0, 0, 1, 1])
    sigma = _sigma((0.4, 0.2), -0.3)
    columns = np.column_stack([Z, np.ones(9)])
    cross = cross_products(columns, None, inner, 4)[None] / s2
    found = swept(cross, sigma[None], parents)
    for k in range(2):
        here = parents[inner] == k
        same = inner[here][:, None] == inner[here]
        variance = same * (Z[here] @ sigma @ Z[here].T) + s2 * np.eye(here.sum())
        ones = np.ones((here.sum(), 1))
        np.testing.assert_allclose(found[0, k], ones.T @ np.linalg.solve(variance, ones), rtol=1e-12)


def test_reliability_is_one_minus_pooling_of_an_intercept_alone() -> None:
    information, covariance = np.array([2.0, 40.0])[None, :, None, None], np.array([[[0.1]], [[0.3]]])
    scale = np.array([0.5, 0.9])
    pooled = pooling_matrix(covariance, information / scale[:, None, None, None])[..., 0, 0].mean(axis=0)
    np.testing.assert_allclose(reliability(covariance, information, scale)[:, 0], 1 - pooled, rtol=1e-12)
