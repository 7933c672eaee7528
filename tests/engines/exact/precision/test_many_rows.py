"""Millions of rows: sums to the last digits, whatever the order, the threads or the pieces they are done in."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numba
import numpy as np
import pytest

from hlm.engines.exact.left_out import one_factor as leave_out
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior, sweep
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.normal_coefficients import NormalPrior


def test_sums_of_three_million_rows_are_those_of_exact_addition(tools: Any) -> None:
    """One group's root, mean and residual squares against math.fsum, which adds without any rounding."""
    rng = np.random.default_rng(1)
    n = 3_000_000
    x = 5 + rng.normal(size=n)
    y = 100 + 2 * x + rng.normal(size=n)
    line = tools.columns({"1": np.ones(n), "x": x})
    sums = cross_products(line, line, np.zeros(n, dtype=int), y)
    centre, level = math.fsum(x) / n, math.fsum(y) / n
    dx, dy = x - centre, y - level
    correction = math.fsum(dx) / n, math.fsum(dy) / n  # of the centres' own rounding
    squares = math.fsum(dx**2) - n * correction[0] ** 2
    slope = (math.fsum(dx * dy) - n * correction[0] * correction[1]) / squares
    left = dy - correction[1] - slope * (dx - correction[0])
    # a running sum of n numbers errs by about sqrt(n) eps / 2 = 2e-13, a sum of squares by less: 4e-14 seen
    assert sums.root[0, 0, 0] == pytest.approx(math.sqrt(n), rel=1e-13)
    assert sums.root[0, 0, 1] == pytest.approx(centre * math.sqrt(n), rel=1e-13)
    assert sums.root[0, 1, 1] == pytest.approx(math.sqrt(squares), rel=1e-13)
    assert sums.left[0, 2, 2] == pytest.approx(math.fsum(left**2), rel=1e-13)


SIZES = [1, 1, 2, 1_000_000]


def _whole_numbers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, x and y, small whole numbers: every sum of products is exact."""
    codes = np.repeat(np.arange(len(SIZES)), SIZES)
    at = np.arange(len(codes))
    x = np.where(at % 2 == 0, 1.0, 3.0)
    return codes, x, 2 * x + codes + np.array([1.0, -1.0, -2.0, 2.0, 0.0])[at % 5]


def test_groups_of_one_row_beside_a_million(tools: Any) -> None:
    """log p(y | theta) from exact products of the raw columns, in 60 digits, by one precision of all coefficients."""
    codes, x, y = _whole_numbers()
    line = tools.columns({"1": np.ones(len(x)), "x": x})
    sigma, factor = 0.9, tools.root_of(0.8, 0.3, -0.5)
    prior = NormalPrior(np.array([1.0, 0.5]), np.array([4.0, 2.0]))
    sums = cross_products(line, line, codes, y)
    theta = Theta(np.array([sigma]), factor[None])
    found = common_posterior(sums, theta, prior).log_marginal[0]
    # quadratic forms of 1e6 terms and N log sigma^2: relative errors of sums of so many, 1e-13
    assert found == pytest.approx(float(_log_density(tools, codes, x, y, sigma, factor, prior)), rel=1e-13)
    left = groups_left_out(sums, theta, prior).without[0]
    for k in (0, 2):  # log p(y_k | others) = log p(y) - log p(others), of the same columns about the same mean
        others = codes != k
        without = _log_density(tools, codes, x, y, sigma, factor, prior, keep=others)
        exact = float(_log_density(tools, codes, x, y, sigma, factor, prior) - without)
        assert left[k] == pytest.approx(exact, rel=1e-8)  # a share of 1e-6 of the precision is taken from the whole


def _log_density(
    tools: Any, codes: np.ndarray, x: np.ndarray, y: np.ndarray, sigma: float, factor: np.ndarray, prior: NormalPrior,
    keep: np.ndarray | None = None,
) -> Any:  # fmt: skip
    keep = np.ones(len(x), dtype=bool) if keep is None else keep
    mean = mpmath.mpf(int(x.sum())) / len(x)
    groups = len(SIZES)
    gram, moment = tools.big(np.zeros((2 + 2 * groups, 2 + 2 * groups))), tools.big(np.zeros(2 + 2 * groups))
    centre = tools.big(np.eye(2))
    centre[0, 1] = -mean  # [1, x] times it: x about its mean
    root = tools.big(factor)
    for k in range(groups):
        mine = keep & (codes == k)
        raw = np.column_stack([np.ones(mine.sum()), x[mine]])
        square, product = tools.big(raw.T @ raw), tools.big(raw.T @ y[mine])
        here = slice(2 + 2 * k, 4 + 2 * k)
        gram[:2, :2] = gram[:2, :2] + centre.T @ square @ centre
        gram[here, here] = root.T @ square @ root
        gram[:2, here] = centre.T @ square @ root
        gram[here, :2] = gram[:2, here].T
        moment[:2] = moment[:2] + centre.T @ product
        moment[here] = root.T @ product
    s2, sd, n = mpmath.mpf(sigma) ** 2, tools.big(prior.sd), int(keep.sum())
    weight = np.concatenate([1 / sd**2, tools.big(np.ones(2 * groups))])
    centre_of = np.concatenate([tools.big(prior.mean), tools.big(np.zeros(2 * groups))])
    precision, right = gram / s2 + np.diag(weight), moment / s2 + weight * centre_of
    log_det = 2 * sum(mpmath.log(v) for v in np.diagonal(tools.cholesky(precision))) - sum(
        mpmath.log(w) for w in weight
    )
    squares = mpmath.mpf(int((y[keep] ** 2).sum())) / s2 + weight @ centre_of**2
    quadratic = squares - right @ (tools.inverse(precision) @ right)
    return -(n * mpmath.log(2 * mpmath.pi * s2) + log_det + quadratic) / 2


def test_threads_change_nothing(tools: Any) -> None:
    model = tools.crossed(tools.make_model(), slopes=True)
    theta = Theta(np.linspace(0.5, 2, 300), np.repeat(model.theta.factor, 300, axis=0))
    before = numba.get_num_threads()
    results = []
    for one in (tools.make_model(), model):
        some = Theta(theta.sigma, theta.factor[:, : one.factor.shape[0], : one.factor.shape[0]])
        for threads in (1, before):
            numba.set_num_threads(threads)
            results.append(sweep(one.sums, some))
    numba.set_num_threads(before)
    for alone, together in (results[:2], results[2:]):
        assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("numbers", [1, 7, 50])
def test_pieces_change_nothing(numbers: int, tools: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tools.make_model()
    (whole,) = rows_left_out(model.gaussian, model.theta)
    monkeypatch.setattr(leave_out, "_CHUNK_NUMBERS", numbers)
    pieces = list(rows_left_out(model.gaussian, model.theta))
    assert len(pieces) > 1 or numbers == 50
    units = np.concatenate([piece.units for piece in pieces])
    assert units.tolist() == whole.units.tolist()
    for name in ("without", "inside"):
        found = np.concatenate([getattr(piece, name) for piece in pieces], axis=1)
        assert found == pytest.approx(getattr(whole, name), rel=1e-13)  # a product of matrices of another shape
