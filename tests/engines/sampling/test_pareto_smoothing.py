"""Smoothing of all rows at once gives ArviZ's numbers a row at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from arviz_stats.base import array_stats

from hlm.engines.sampling import leave_one_out as loo
from hlm.engines.sampling.leave_one_out import from_densities, pointwise_loo
from hlm.engines.sampling.pareto_smoothing import log_sum_exp, smooth


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_weights_and_k_are_arvizs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spread = np.linspace(0.05, 4, 25)  # from harmless to hopeless
    log_ratios = rng.standard_normal((1000, 25)) * spread + rng.standard_t(3, (1000, 25)) * 0.3
    ours = smooth(log_ratios)
    for row in range(25):
        weights, k = array_stats.psislw(-log_ratios[:, row], r_eff=1.0)
        np.testing.assert_allclose(ours.log_weights[:, row], weights, rtol=0, atol=1e-8)  # same formulas in float64
        np.testing.assert_allclose(ours.pareto_k[row], k, rtol=1e-8)
    assert ours.pareto_k[0] < 0.7 < ours.pareto_k[-1]


def test_equal_ratios_are_left_alone() -> None:
    found = smooth(np.zeros((400, 2)))
    np.testing.assert_allclose(found.log_weights, -np.log(400), rtol=1e-12)
    assert (found.pareto_k < 0).all()


def test_too_few_draws_are_said() -> None:
    assert np.isinf(smooth(np.random.default_rng(1).standard_normal((10, 3))).pareto_k).all()


def test_leave_one_out_of_a_normal_mean_is_the_closed_form() -> None:
    """y ~ N(mu, 1), flat prior: the leave-one-out predictive of y_i is N(mean of the others, 1 + 1/(n-1))."""
    rng = np.random.default_rng(6)
    y = rng.standard_normal(30)
    draws = y.mean() + rng.standard_normal(20000) / np.sqrt(30)

    def log_density(rows: slice) -> np.ndarray:
        return -0.5 * np.log(2 * np.pi) - 0.5 * (y[rows] - draws[:, None]) ** 2

    loo = pointwise_loo(log_density, 30, 20000)
    others, variance = (y.sum() - y) / 29, 1 + 1 / 29
    exact = -0.5 * np.log(2 * np.pi * variance) - 0.5 * (y - others) ** 2 / variance
    # the weights vary by about |y - mean| / sqrt(30) < 0.5, so that each value has Monte Carlo error below 0.5/141
    np.testing.assert_allclose(loo.elpd, exact, rtol=0, atol=4 * 0.5 / 141)
    assert loo.p_loo == pytest.approx(1, abs=0.35)  # about the one parameter, sampling variation of the 30 residuals
    assert len(loo.bad) == 0


def test_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(2).standard_normal((500, 40))
    whole = pointwise_loo(lambda rows: values[:, rows], 40, 500)
    monkeypatch.setattr("hlm.engines.sampling.leave_one_out._CHUNK_NUMBERS", 3500)
    pieces = pointwise_loo(lambda rows: values[:, rows], 40, 500)
    np.testing.assert_array_equal(whole.elpd, pieces.elpd)


def test_log_sum_exp_does_not_overflow() -> None:
    np.testing.assert_allclose(log_sum_exp(np.array([[1000.0], [1000.0]])), 1000 + np.log(2))


def test_strips_and_threads_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every unit is weighed by itself, also one of which the others say nothing."""
    values = np.random.default_rng(3).normal(size=(400, 23))
    values[:, 7] = np.nan
    inside = np.where(np.isnan(values), -1.0, values)
    pieces = [(np.arange(15, 23), values[:, 15:], inside[:, 15:]), (np.arange(15), values[:, :15], inside[:, :15])]
    whole = from_densities(pieces, 23)
    monkeypatch.setattr(loo, "_STRIP_NUMBERS", 1)
    for threads in (1, 3):
        monkeypatch.setattr(loo, "_MOST_THREADS", threads)
        found = from_densities(pieces, 23)
        for name in ("elpd", "lppd", "pareto_k"):
            # a single column is added up in another order
            np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-12)
    assert np.flatnonzero(np.isinf(whole.pareto_k)).tolist() == [7]


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def pieces() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for _ in range(50):
            yield np.array([99]), np.zeros((10, 1)), np.zeros((10, 1))

    with pytest.raises(IndexError, match="99"):
        from_densities(pieces(), 3)
