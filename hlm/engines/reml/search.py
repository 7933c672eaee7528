"""The minimum of the criterion over the relative factor Lambda.

The criterion depends on Lambda Lambda' alone, so the sign of a column does not matter. Without the bound
"diagonal >= 0" it is a smooth even function, and an estimate of 0 is an ordinary stationary point. Newton steps with
derivatives from one batch of evaluations find the minimum. Then every block gets the smallest rank that does not change
the criterion, so that an sd of 0 or a correlation of 1 is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hlm.engines.reml.design import MixedDesign, VaryingBlock

Criterion = Callable[[np.ndarray], np.ndarray]
"""Relative factors, shape (T, q, q), to values, shape (T,)."""

_SIZES = 10.0 ** np.arange(-2.0, 6.5, 0.5)  # of group-level sds relative to sigma, to start from
_CHANGES = 10.0 ** np.array([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0])
_STEPS = np.array([4.0, 2.0, 1.0, 0.5, 0.25, 0.1, 0.03, 0.01, 1e-3, 1e-4])  # of a Newton step, tried together
_DIFFERENCE = 5e-4  # of numerical derivatives; 1 is a large step. Its square, and rounding over it, are both small
_MOST_ITERATIONS = 200
_STATIONARY = 1e-11  # predicted decrease of the criterion
_AS_GOOD = 1e-5  # a gain that still counts as stationary: with sds above 1e4 sigma, rounding is as large
_SAME = 1e-9  # increase of the criterion at which a block of lower rank is still taken
_ROUNDING = 64 * np.finfo(float).eps  # of the criterion, relative
_FLAT = 1e-9  # curvature relative to the largest: smaller ones are replaced by it


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where the criterion is smallest."""

    # shape (q, q); lambda: lower triangular, the diagonal not negative, columns of 0 last in a block of lower rank
    factor: np.ndarray
    ranks: tuple[int, ...]  # of each block's covariance matrix
    settled: bool  # whether the criterion is stationary there


def minimise(criterion: Criterion, design: MixedDesign) -> Minimum:
    """Search from several starting points, keep the best, then reduce ranks as far as the criterion allows."""
    full, ranks = [len(block.labels) for block in design.blocks], []
    ends = [_newton(criterion, start, design.blocks, full) for start in _starts(criterion, design.z.shape[1])]
    factor, settled = min(ends, key=lambda end: float(criterion(end[0][None])[0]))
    for block in design.blocks:
        factor, rank = _smallest_rank(criterion, factor, block)
        ranks.append(rank)
    if ranks != full:  # the other blocks change a little when one loses a rank
        factor, settled = _newton(criterion, factor, design.blocks, ranks)
    signs = np.where(np.diagonal(factor) < 0, -1.0, 1.0)
    return Minimum(np.tril(factor * signs), tuple(ranks), settled)


def _starts(criterion: Criterion, q: int) -> list[np.ndarray]:
    """Diagonal factors: the local minima over one size for all sds, each then improved sd by sd."""
    one = np.eye(q)
    found = criterion(_SIZES[:, None, None] * one)
    padded = np.array([np.inf, *found, np.inf])
    lowest = [k for k in range(len(found)) if padded[k] >= found[k] < padded[k + 2]] or [int(np.argmin(found))]
    starts = []
    for k in lowest:
        sds = np.full(q, _SIZES[k])
        for j in range(q):
            trials = np.tile(sds, (len(_CHANGES), 1))
            trials[:, j] *= _CHANGES
            sds = trials[int(np.argmin(criterion(trials[:, :, None] * one)))]
        starts.append(sds[:, None] * one)
    return starts


def _newton(
    criterion: Criterion, start: np.ndarray, blocks: Sequence[VaryingBlock], ranks: Sequence[int]
) -> tuple[np.ndarray, bool]:
    """Newton steps in the free entries, with the absolute curvature; each time the best of several step lengths."""
    factor, value, gain = start, float(criterion(start[None])[0]), np.inf
    if not any(ranks):
        return factor, True
    for _ in range(_MOST_ITERATIONS):
        directions = _directions(factor, blocks, ranks)

        def at(points: np.ndarray, here: np.ndarray = factor, along: np.ndarray = directions) -> np.ndarray:
            return criterion(here + np.tensordot(points, along, axes=1))

        gradient, hessian = _derivatives(at, len(directions))
        if not np.isfinite(hessian).all():  # rounding has left nothing of sigma
            return factor, False
        curvature, axes = np.linalg.eigh(hessian)
        curvature = np.maximum(np.abs(curvature), _FLAT * np.abs(curvature).max() + 1e-300)
        slope = axes.T @ gradient
        gain = float((slope**2 / curvature).sum()) / 2  # that the quadratic approximation predicts
        trials = _STEPS[:, None] * -(axes @ (slope / curvature))
        values = at(trials)
        best = int(np.argmin(values))
        if gain < _STATIONARY or not values[best] < value:
            break
        factor, value = factor + np.tensordot(trials[best], directions, axes=1), float(values[best])
    return factor, bool(gain < _AS_GOOD)


def _directions(factor: np.ndarray, blocks: Sequence[VaryingBlock], ranks: Sequence[int]) -> np.ndarray:
    """Changes of Lambda, shape (d, q, q), scaled so that a step of about 1 is large in every direction.

    Lambda changes by C E, with E lower triangular and C C' the block's covariance matrix plus ``floor^2 I``. The
    entries of E are then all of one size, even where that matrix is ill-conditioned. Sds below ``floor`` times sigma
    cannot be distinguished from 0 by the data of one group.
    """
    found = []
    for block, rank in zip(blocks, ranks, strict=True):
        place, floor = block.columns, np.sqrt(block.groups / len(block.codes))
        wide = _widened(factor[place, place], floor)
        for i, j in block.entries:
            if j < block.start + rank:
                change = np.zeros_like(factor)
                change[place, j] = wide[:, i - block.start]
                found.append(change)
    return np.array(found)


def _widened(lower: np.ndarray, floor: float) -> np.ndarray:
    """Root of ``lower lower' + floor^2 I``, by QR: squared, a large ``lower`` would lose the floor in rounding."""
    upper = np.linalg.qr(np.vstack([lower.T, floor * np.eye(len(lower))]), mode="r")
    return np.asarray((upper * np.where(np.diagonal(upper) < 0, -1.0, 1.0)[:, None]).T)


def _derivatives(at: Criterion, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Gradient and Hessian at 0 by central differences, from one batch of points."""
    h = _DIFFERENCE
    moves = h * np.eye(d)
    pairs = [(i, j) for i in range(d) for j in range(i)]
    corners = [s * moves[i] + t * moves[j] for i, j in pairs for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    values = at(np.array([np.zeros(d), *moves, *-moves, *corners]))
    values = np.where(np.isfinite(values), values, np.nan)
    here, up, down = values[0], values[1 : d + 1], values[d + 1 : 2 * d + 1]
    hessian = np.diag((up - 2 * here + down) / h**2)
    around = values[2 * d + 1 :].reshape(-1, 4)
    for (i, j), (both, first, second, neither) in zip(pairs, around, strict=True):
        hessian[i, j] = hessian[j, i] = (both - first - second + neither) / (4 * h**2)
    return (up - down) / (2 * h), hessian


def _smallest_rank(criterion: Criterion, factor: np.ndarray, block: VaryingBlock) -> tuple[np.ndarray, int]:
    """The factor with the smallest rank of a block at which the criterion is as low."""
    whole = factor[block.columns, block.columns]
    left, lengths, _ = np.linalg.svd(whole)
    value = float(criterion(factor[None])[0])
    for rank in range(len(whole)):
        smaller, lower = factor.copy(), np.zeros_like(whole)
        lower[:, :rank] = np.linalg.qr((left[:, :rank] * lengths[:rank]).T, mode="r").T if rank else 0.0
        smaller[block.columns, block.columns] = lower
        if criterion(smaller[None])[0] <= value + _SAME + _ROUNDING * abs(value):
            return smaller, rank
    return factor, len(whole)
