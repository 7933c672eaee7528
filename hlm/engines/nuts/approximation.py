"""Laplace's approximation of the posterior: where the chains start, and in what coordinates they move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.nuts.columns import Rows
from hlm.engines.nuts.kernels.mode_search import prior_kernel
from hlm.engines.nuts.mode import Mode, joint_mode, through
from hlm.engines.nuts.theta import Theta
from hlm.support.linear_algebra import lower_roots, solve_upper

_STEP = 0.1  # of theta's coordinates, for second derivatives
_GRADIENT_STEP = 1e-3
_MOST_STEPS = 40
_FLATTEST, _STEEPEST = 0.25, 1e6  # curvatures of theta's log density that are believed; priors have about 1


@dataclass(frozen=True, slots=True)
class Approximation:
    """A mode of theta, and the posterior around it."""

    u: np.ndarray  # shape (d,)
    triangle: np.ndarray  # shape (d, d); T, u = u0 + T w
    mode: Mode  # of the coefficients there
    root: np.ndarray  # shape (q, q); L there
    pull: np.ndarray  # shape (effects,); h
    middle: np.ndarray  # shape (dense, dense); (beta, a) from w
    blocks: np.ndarray  # shape (rest, widest)
    border: np.ndarray  # shape (bordered, dense)


class _Target:
    """The log posterior density of theta's coordinates by Laplace's approximation; each mode starts at the last one."""

    def __init__(self, rows: Rows, theta: Theta) -> None:
        self.rows, self.theta = rows, theta
        self.last = np.zeros(rows.coefficients)

    def at(self, u: np.ndarray) -> tuple[float, Mode, np.ndarray]:
        values = self.theta.values(u)
        root = self.theta.roots(values[None])[0]
        mode = joint_mode(self.rows, np.concatenate([values[: self.theta.own], np.ones(2)])[:2], root, self.last)
        found = mode.laplace + prior_kernel(self.theta.kinds, u, self.theta.numbers)
        if np.isfinite(found):
            self.last = np.concatenate([mode.beta, mode.v])
        return (float(found) if np.isfinite(found) else -1e12), mode, root

    def density(self, u: np.ndarray) -> float:
        return self.at(u)[0]


def mode_of_all(rows: Rows, theta: Theta) -> np.ndarray | None:
    """Theta's values, beta and b at the mode, shape (d + coefficients,); None where none was found."""
    target = _Target(rows, theta)
    u = _climbed(target, theta.start)
    _, mode, root = target.at(u)
    if mode.curvature is None:
        return None
    return np.concatenate([theta.values(u), through(rows, root, np.concatenate([mode.beta, mode.v]))])


def approximation(rows: Rows, theta: Theta) -> Approximation:
    """The mode of theta's posterior, and the curvature of everything there."""
    target = _Target(rows, theta)
    u = _climbed(target, theta.start)
    triangle = _triangle(target, u)
    _, mode, root = target.at(u)
    assert mode.curvature is not None
    return Approximation(u, triangle, mode, root, *_whitened(rows, mode, root))


def _climbed(target: _Target, start: np.ndarray) -> np.ndarray:
    """Quasi-Newton steps with numerical slopes to a mode of theta, near enough to start from."""
    if not len(start):
        return start
    from scipy.optimize import minimize

    def slopes(u: np.ndarray, value: float) -> np.ndarray:
        steps = _GRADIENT_STEP * np.eye(len(u))
        return np.array([(value + target.density(u + step)) / _GRADIENT_STEP for step in steps])

    def both(u: np.ndarray) -> tuple[float, np.ndarray]:
        value = -target.density(u)
        return value, -slopes(u, value)

    options = {"maxiter": _MOST_STEPS, "gtol": 0.05}
    with np.errstate(all="ignore"):
        return np.asarray(minimize(both, start, jac=True, method="BFGS", options=options).x)


def _triangle(target: _Target, u: np.ndarray) -> np.ndarray:
    """T with T T' the inverse of minus the second derivatives of theta's log density."""
    d = len(u)
    steps, here = _STEP * np.eye(d), target.density(u)
    ahead, behind = [target.density(u + step) for step in steps], [target.density(u - step) for step in steps]
    second = np.zeros((d, d))
    for i in range(d):
        second[i, i] = (2 * here - ahead[i] - behind[i]) / _STEP**2
        for j in range(i):
            both = target.density(u + steps[i] + steps[j])
            second[i, j] = second[j, i] = (ahead[i] + ahead[j] - here - both) / _STEP**2
    values, vectors = np.linalg.eigh(np.where(np.isfinite(second), second, 0.0))
    return np.asarray(vectors / np.sqrt(np.clip(values, _FLATTEST, _STEEPEST)))


def _whitened(rows: Rows, mode: Mode, root: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """h, and the fixed map from w to (beta, a), such that w is standard normal by the approximation."""
    curvature, p, dense = mode.curvature, rows.x.shape[1], rows.dense
    assert curvature is not None
    widest = int(rows.factors[:, 1].max(initial=1))
    middle = solve_upper(curvature.middle.T, np.eye(dense))  # v from w
    blocks, border = np.zeros((rows.coefficients - dense, widest)), curvature.solved @ middle
    pull = mode.score[p:].copy()
    for f, (c0, q, groups, start) in enumerate(rows.factors):
        mine, here = root[c0 : c0 + q, c0 : c0 + q], rows.of_factor(f)
        told = curvature.data[f]
        chol = lower_roots(np.eye(q) + mine.T @ told @ mine)
        effects = mode.v[here.start - p : here.stop - p].reshape(groups, q) @ mine.T
        pull[here.start - p : here.stop - p] += np.einsum("kij,kj->ki", told, effects).ravel()
        turned = chol.swapaxes(1, 2)  # a from v
        if start < dense:
            middle[here] = (turned @ middle[here].reshape(groups, q, dense)).reshape(-1, dense)
            continue
        inverse = solve_upper(curvature.roots[f].swapaxes(1, 2), np.broadcast_to(np.eye(q), (groups, q, q)))
        blocks[here.start - dense : here.stop - dense, :q] = (turned @ inverse).reshape(-1, q)
        if border.size and start == dense:
            border = (turned @ border.reshape(groups, q, dense)).reshape(-1, dense)
    return pull, middle, blocks, border
