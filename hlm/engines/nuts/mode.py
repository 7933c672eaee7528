"""The joint mode of the coefficients at a theta, by Newton's method, and Laplace's approximation of theta's posterior.

Here the effects are b = L v with v standard normal, so that no precision is infinite where an sd is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.nuts.columns import Rows
from hlm.engines.nuts.kernels.mode_search import curvature_kernel, rows_kernel
from hlm.support.linear_algebra import lower_roots, solve_lower, solve_upper, solve_with_root

_STEPS, _HALVINGS = 60, 25
_NEAR = 1e-8  # Newton's decrement at the mode


@dataclass(frozen=True, slots=True)
class Curvature:
    """Minus the second derivatives by (beta, v), and their Cholesky root, by the parts that are kept."""

    data: tuple[np.ndarray, ...]  # by factor: of b without priors, the others given, shape (K, q, q)
    roots: dict[int, np.ndarray]  # by factor outside the middle: roots of M_k, shape (K, q, q)
    solved: np.ndarray  # shape (bordered, dense); M_k^-1 times the border
    middle: np.ndarray  # shape (dense, dense); the root of the middle less what the bordered groups explain

    @property
    def log_determinant(self) -> float:
        roots = [*self.roots.values(), self.middle]
        return float(2 * sum(np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum() for root in roots))


@dataclass(frozen=True, slots=True)
class Mode:
    """A joint mode given theta."""

    density: float  # joint log density there; minus infinity where no mode was found
    beta: np.ndarray  # shape (p,)
    v: np.ndarray  # shape (effects,), in the order of the coefficients
    score: np.ndarray  # shape (coefficients,); slopes of the rows' log density by beta and b
    curvature: Curvature | None

    @property
    def laplace(self) -> float:
        """Log of the integral over the coefficients, by Laplace's approximation."""
        if self.curvature is None:
            return -np.inf
        return self.density - 0.5 * self.curvature.log_determinant


def joint_mode(rows: Rows, own: np.ndarray, root: np.ndarray, start: np.ndarray) -> Mode:
    """Newton's method from ``start``, shape (coefficients,), of (beta, v); a step that leads down is halved."""
    at, p = start, rows.x.shape[1]
    density, slope, weight = _density(rows, own, root, at)
    if not np.isfinite(density):
        at = np.zeros_like(start)
        density, slope, weight = _density(rows, own, root, at)
    for _ in range(_STEPS):
        if not np.isfinite(density):
            break
        score = _score(rows, slope)
        curvature = _curvature(rows, root, weight)
        gradient = through(rows, root, score, back=True)
        gradient[:p] -= rows.precision @ at[:p]
        gradient[p:] -= at[p:]
        step = _solved(rows, curvature, gradient)
        decrement = float(gradient @ step)
        if not np.isfinite(decrement):
            break
        if decrement < _NEAR:
            return Mode(density, at[:p], at[p:], score, curvature)
        for _ in range(_HALVINGS):
            found = _density(rows, own, root, at + step)
            if found[0] >= density - 1e-9:
                break
            step = step / 2
        else:
            return Mode(density, at[:p], at[p:], score, curvature)
        at = at + step
        density, slope, weight = found
    else:
        return Mode(density, at[:p], at[p:], score, curvature)
    return Mode(-np.inf, np.zeros(p), np.zeros(rows.effects), np.zeros(rows.coefficients), None)


def _density(rows: Rows, own: np.ndarray, root: np.ndarray, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """The joint log density at (beta, v), and the rows' slopes and weights."""
    p = rows.x.shape[1]
    b = through(rows, root, at)
    eta = rows.offset + rows.x @ b[:p]
    for f, (first, width, _, _) in enumerate(rows.factors):
        effects = b[rows.of_factor(f)].reshape(-1, width)
        eta = eta + np.einsum("nq,nq->n", rows.z[:, first : first + width], effects[rows.codes[:, f]])
    slope, weight = np.empty(len(eta)), np.empty(len(eta))
    with np.errstate(all="ignore"):
        value = rows_kernel(rows.which, rows.y, rows.m, eta, own, slope, weight)
    if not (np.isfinite(slope).all() and np.isfinite(weight).all()):
        return -np.inf, slope, weight
    prior = at[:p] @ rows.precision @ at[:p] + at[p:] @ at[p:]
    return float(value - 0.5 * prior), slope, np.maximum(weight, 0.0)


def through(rows: Rows, root: np.ndarray, at: np.ndarray, *, back: bool = False) -> np.ndarray:
    """(beta, L v) from (beta, v); with ``back``, slopes by v from those by b."""
    found = at.copy()
    for f, (first, width, _, _) in enumerate(rows.factors):
        mine = root[first : first + width, first : first + width]
        here = rows.of_factor(f)
        found[here] = (at[here].reshape(-1, width) @ (mine if back else mine.T)).ravel()
    return found


def _score(rows: Rows, slope: np.ndarray) -> np.ndarray:
    """Slopes by beta and b from those of the rows."""
    found = np.empty(rows.coefficients)
    found[: rows.x.shape[1]] = slope @ rows.x
    for f, (first, width, groups, _) in enumerate(rows.factors):
        sums = [np.bincount(rows.codes[:, f], slope * rows.z[:, first + j], groups) for j in range(width)]
        found[rows.of_factor(f)] = np.stack(sums, axis=1).ravel()
    return found


def _curvature(rows: Rows, root: np.ndarray, weight: np.ndarray) -> Curvature:
    p, dense = rows.x.shape[1], rows.dense
    widest = int(rows.factors[:, 1].max(initial=1))
    blocks = np.zeros((rows.coefficients - dense, widest))
    border, middle = np.zeros((rows.bordered, dense)), np.zeros((dense, dense))
    first, width = np.ascontiguousarray(rows.factors[:, 0]), np.ascontiguousarray(rows.factors[:, 1])
    curvature_kernel(weight, rows.x, rows.z, rows.place, first, width, dense, blocks, border, middle)
    data, roots = [], {}
    scaled, prior = np.eye(dense), np.eye(dense)
    prior[:p, :p] = rows.precision
    for f, (c0, q, groups, start) in enumerate(rows.factors):
        mine, here = root[c0 : c0 + q, c0 : c0 + q], rows.of_factor(f)
        if start < dense:
            places = np.arange(here.start, here.stop).reshape(groups, q)
            data.append(middle[places[:, :, None], places[:, None, :]])
            scaled[here, here] = np.kron(np.eye(groups), mine)
        else:
            data.append(blocks[here.start - dense : here.stop - dense, :q].reshape(groups, q, q))
            roots[f] = lower_roots(np.eye(q) + mine.T @ data[-1] @ mine)
    middle = scaled.T @ middle @ scaled + prior
    solved = border
    if border.size:
        f = int(np.flatnonzero(rows.factors[:, 3] == dense)[0])
        c0, q = rows.factors[f, :2]
        mine = root[c0 : c0 + q, c0 : c0 + q]
        border = np.einsum("ji,kjd->kid", mine, border.reshape(-1, q, dense)) @ scaled
        half = solve_lower(roots[f], border)
        middle = middle - np.einsum("kid,kie->de", half, half, optimize=True)
        solved = solve_upper(roots[f].swapaxes(1, 2), half).reshape(-1, dense)
    return Curvature(tuple(data), roots, solved, lower_roots(middle))


def _solved(rows: Rows, curvature: Curvature, right: np.ndarray) -> np.ndarray:
    """The curvature's inverse times a vector."""
    found, dense = np.empty_like(right), rows.dense
    inner = right[:dense] - curvature.solved.T @ right[dense : dense + rows.bordered]
    found[:dense] = solve_with_root(curvature.middle, inner[:, None])[:, 0]
    for f, roots in curvature.roots.items():
        here, q = rows.of_factor(f), int(rows.factors[f, 1])
        found[here] = solve_with_root(roots, right[here].reshape(-1, q, 1)).ravel()
    found[dense : dense + rows.bordered] -= curvature.solved @ found[:dense]
    return found
