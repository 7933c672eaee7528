"""Newton searches: known modes, several searches with densities of their own, edges."""

from __future__ import annotations

import numpy as np

from hlm.engines.sampling.modes import laplace

COVARIANCE = np.array([[1.0, 0.6, 0.0], [0.6, 2.0, -0.03], [0.0, -0.03, 0.01]])


def normal(mean: np.ndarray, u: np.ndarray) -> np.ndarray:
    return -0.5 * np.einsum("sni,ij,snj->sn", u - mean, np.linalg.inv(COVARIANCE), u - mean)


def test_of_normal_densities_the_answer_is_exact():
    means = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5]])[:, None]  # each search has its own
    modes, covariances = laplace(lambda u: normal(means, u) - 4600, np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(modes, means[:, 0], atol=2e-4)  # one step; of the rounding 1e-12 over a step of 1e-3
    np.testing.assert_allclose(covariances, [COVARIANCE, COVARIANCE], rtol=1e-7, atol=1e-7)


def banana(u: np.ndarray) -> np.ndarray:
    return -0.5 * (u[..., 0] ** 2 + ((u[..., 1] - u[..., 0] ** 2) / 0.1) ** 2)


def test_a_bent_ridge_is_followed_to_its_top():
    modes, covariances = laplace(banana, np.array([[2.0, 0.0], [-2.0, 8.0], [0.1, 0.1]]))
    assert (banana(modes) > -0.01).all()  # twice the height at which a search may end
    np.testing.assert_allclose(modes, 0.0, atol=0.15)  # which is 0.14 posterior sds of 1
    assert (np.linalg.eigvalsh(covariances) > 0).all()


def test_a_start_between_two_modes_finds_one_and_starts_on_either_side_both():
    def two(u: np.ndarray) -> np.ndarray:
        return np.logaddexp(-0.5 * (u[..., 0] - 3) ** 2, -0.5 * (u[..., 0] + 3) ** 2)

    modes, _ = laplace(two, np.array([[0.4], [-5.0], [5.0]]))
    np.testing.assert_allclose(modes[:, 0], [3, -3, 3], atol=0.11)  # a tenth of a posterior sd, and 5e-3 in the height


def test_beyond_an_edge_there_is_no_density_and_no_warning():
    def half(u: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(u[..., 0] > 0, np.log(np.maximum(u[..., 0], 0)) - u[..., 0], -np.inf)

    modes, covariances = laplace(half, np.array([[0.01], [20.0], [-1.0]]))
    np.testing.assert_allclose(modes[:2, 0], 1.0, atol=0.11)
    assert modes[2, 0] == -1.0 and np.isfinite(covariances).all()  # nowhere to go: it stays, and says nothing wrong
