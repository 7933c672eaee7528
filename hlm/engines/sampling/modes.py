"""Modes of log densities in a few dimensions, by Newton's method, with many searches in one call of the density.

A density here takes the points of all searches, shape (s, n, d), and gives their log densities, shape (s, n); each of
the s searches may have its own density. The coordinates are normal scores: of order 1 under the prior alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_STEP = 1e-3  # for derivatives
_MOST_STEPS = 50
_FRACTIONS = np.array([2.0, 1.0, 0.5, 0.2, 0.05, 0.01])  # of a Newton step, tried together
_LONGEST = 3.0  # Newton step
_NEAR = 5e-3  # of the maximum, in the log density: a tenth of a posterior sd
_FLATTEST = 0.2  # smaller curvatures are replaced by it

type Densities = Callable[[np.ndarray], np.ndarray]


def laplace(densities: Densities, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A normal approximation at the local maximum that each search finds.

    starts: shape (s, d).
    modes: shape (s, d).
    covariances: shape (s, d, d); from the curvature as it is half a posterior sd around the mode.
    """
    modes, sharp = _climb(densities, starts)
    steps = 0.5 / np.sqrt(np.maximum(np.diagonal(sharp, axis1=1, axis2=2), _FLATTEST))
    _, _, curvatures = _derivatives(densities, modes, steps)
    values, vectors = np.linalg.eigh(curvatures)
    return modes, vectors / np.maximum(values, _FLATTEST)[:, None] @ vectors.swapaxes(1, 2)


def _climb(densities: Densities, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The modes and the curvatures there."""
    points, everywhere = starts, np.arange(len(starts))
    for _ in range(_MOST_STEPS):
        heights, gradients, curvatures = _derivatives(densities, points, np.full(starts.shape, _STEP))
        values, vectors = np.linalg.eigh(curvatures)
        uphill = vectors / np.maximum(np.abs(values), _FLATTEST)[:, None] @ vectors.swapaxes(1, 2)
        moves = (uphill @ gradients[:, :, None])[:, :, 0]
        if (np.einsum("sd,sd->s", moves, gradients) < 2 * _NEAR).all():
            break
        moves *= np.minimum(1.0, _LONGEST / np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-300))
        tried = points[:, None] + _FRACTIONS[:, None] * moves[:, None]
        found = densities(tried)
        better = found.max(axis=1) > heights
        if not better.any():
            break
        points = np.where(better[:, None], tried[everywhere, found.argmax(axis=1)], points)
    return points, curvatures


def _derivatives(
    densities: Densities, points: np.ndarray, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights (s,), gradients (s, d) and minus the second derivatives (s, d, d), by central differences in one call.

    The derivatives are 0 where the density of a point around is 0; the second ones also where they overflow.
    """
    s, d = points.shape
    i, j = np.tril_indices(d, -1)
    ways = np.vstack([np.eye(d), np.eye(d)[i] + np.eye(d)[j]])
    ways = np.vstack([np.zeros(d), ways, -ways])
    values = densities(points[:, None] + ways * steps[:, None])
    heights, (up, down) = values[:, 0], np.split(values[:, 1:], 2, axis=1)
    whole = np.isfinite(values).all(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        slopes = np.where(whole, up - down, 0.0)
        bends = np.where(whole, 2 * heights[:, None] - up - down, 0.0)  # minus the second derivative along each way
    curvatures = np.empty((s, d, d))
    curvatures[:, range(d), range(d)] = bends[:, :d]
    curvatures[:, i, j] = curvatures[:, j, i] = (bends[:, d:] - bends[:, i] - bends[:, j]) / 2
    with np.errstate(over="ignore"):
        curvatures = curvatures / (steps[:, :, None] * steps[:, None])
    curvatures[~np.isfinite(curvatures).all(axis=(1, 2))] = 0.0
    return heights, slopes[:, :d] / (2 * steps), curvatures
