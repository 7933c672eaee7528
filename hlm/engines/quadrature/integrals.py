"""Densities of many theta at once, the kernels' work divided among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numba
import numpy as np

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.kernels import integrals_kernel, laplace_kernel, left_out_kernel, mode_kernel, pairs_kernel
from hlm.support.interrupts import checkpoint

if TYPE_CHECKING:
    from hlm.engines.quadrature.nodes import Rules

# Newton's decrement at a group's mode
_NEAR, _EXACT = 0.02, 1e-20
_BLOCK = 2e7  # rows times theta between two chances to be interrupted, about a second


@dataclass(frozen=True, slots=True)
class Theta:
    """Values of the family's own parameter and of the effects' covariance."""

    phi: np.ndarray  # shape (T,); 1 where the family has none
    factor: np.ndarray  # shape (T, q, q); L of the effects whose columns are z

    def __len__(self) -> int:
        return len(self.phi)

    def some(self, places: np.ndarray | slice) -> Theta:
        """Some of the values."""
        return Theta(self.phi[places], self.factor[places])


@dataclass(frozen=True, slots=True)
class Centre:
    """Where searches for the joint mode start."""

    u: np.ndarray  # shape (p,)
    v: np.ndarray  # shape (K, q)


@dataclass(frozen=True, slots=True)
class Pairs:
    """R values of u for each theta, the exact log density there, and a draw of all effects for each."""

    u: np.ndarray  # shape (T, R, p)
    v: np.ndarray  # shape (T, R, K, q), or of length 0
    log_target: np.ndarray  # shape (T, R); log p(y, u | theta), up to what does not depend on the parameters
    log_root: np.ndarray  # shape (T,); log determinant of the root of the conditional precision of u
    proposals: np.ndarray  # shape (T,); the most that one draw of a group took


def origin(grouped: GroupedRows) -> Centre:
    """All coefficients at their prior means."""
    return Centre(np.zeros(len(grouped.means)), np.zeros((grouped.groups, grouped.z.shape[1])))


def joint_mode(grouped: GroupedRows, theta: Theta, start: Centre, *, fixed: bool = False) -> Centre:
    """The mode of all coefficients given one theta.

    fixed: leave u where it starts, so that only the effects move.
    """
    found = Centre(start.u.copy(), start.v.copy())
    s, c, offset, x = grouped.rows
    rows = (s, c, offset + x @ start.u, np.zeros_like(x)) if fixed else grouped.rows
    if fixed:
        found.u[:] = 0.0
    mode_kernel(
        grouped.kind, theta.phi[0], rows, grouped.start, grouped.z, grouped.precision, theta.factor[0], found.u, found.v
    )
    return Centre(start.u, found.v) if fixed else found


def log_laplace(grouped: GroupedRows, theta: Theta, centre: Centre, tolerance: float) -> np.ndarray:
    """Laplace's approximation of log p(y | theta), shape (T,), up to a constant and without `own_constants`."""
    found = np.empty(len(theta))

    def work(some: slice) -> None:
        laplace_kernel(
            grouped.kind, theta.phi[some], grouped.rows, grouped.start, grouped.z, grouped.precision,
            theta.factor[some], centre.u, centre.v, tolerance, found[some],
        )  # fmt: skip

    _in_threads(work, len(theta), len(grouped.z))
    return found


def pairs(
    grouped: GroupedRows, theta: Theta, centre: Centre, rules: Rules, chosen: np.ndarray, normals: np.ndarray,
    seeds: np.ndarray, *, with_effects: bool,
) -> Pairs:  # fmt: skip
    """Values of u around the mode given each theta, and the exact density there.

    normals: shape (T, R, p); standard numbers of any distribution.
    seeds: shape (T,); of the draws of the effects.
    """
    times, each, p = normals.shape
    drawn = (times, each, *centre.v.shape) if with_effects else (times, 0, 0, 0)
    found = Pairs(
        np.empty((times, each, p)), np.empty(drawn), np.empty((times, each)), np.empty(times), np.empty(times)
    )

    def work(some: slice) -> None:
        pairs_kernel(
            grouped.kind, theta.phi[some], grouped.rows, grouped.start, grouped.z, grouped.precision,
            theta.factor[some], centre.u, centre.v, rules.tables, chosen, normals[some], seeds[some], found.u[some],
            found.v[some], found.log_target[some], found.log_root[some], found.proposals[some],
        )  # fmt: skip

    _in_threads(work, times, len(grouped.z) * each)
    return found


def group_integrals(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray, *, exactly: bool = False
) -> np.ndarray:
    """Log integral of every group, shape (T, K), for pairs of theta and u, shape (T, p).

    exactly: at the very mode of each group, so that the sum of nodes is a smooth function of theta and u.
    """
    found = np.empty((len(theta), grouped.groups))

    def work(some: slice) -> None:
        integrals_kernel(
            grouped.kind, theta.phi[some], grouped.rows, grouped.start, grouped.z, theta.factor[some], rules.tables,
            chosen, u[some], _EXACT if exactly else _NEAR, found[some],
        )  # fmt: skip

    _in_threads(work, len(theta), len(grouped.z))
    return found


@dataclass(frozen=True, slots=True)
class Predictive:
    """Log predictive densities given theta and u, less the constants of the rows."""

    # without, inside: shape (T, m); of a response given the others of its group, and given all of them; m differ
    without: np.ndarray
    inside: np.ndarray
    # group, group_inside: shape (T, K); the same of all responses of a group
    group: np.ndarray
    group_inside: np.ndarray
    place: np.ndarray  # shape (rows,); which of the m each row of the data is


def predictive_densities(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray
) -> Predictive:
    """Densities of the responses and of the groups for pairs of theta and u, shape (T, p)."""
    different, place = np.unique(
        np.column_stack([grouped.place, grouped.response, grouped.trials]), axis=0, return_inverse=True
    )
    responses = different[:, 0].astype(np.int64), different[:, 1].copy(), different[:, 2].copy()
    of_group = np.searchsorted(responses[0], grouped.start)
    times, m = len(theta), len(different)
    without, inside = np.empty((times, m)), np.empty((times, m))
    group, group_inside = np.empty((times, grouped.groups)), np.empty((times, grouped.groups))

    def work(some: slice) -> None:
        left_out_kernel(
            grouped.kind, theta.phi[some], grouped.rows, grouped.start, grouped.z, theta.factor[some], rules.tables,
            chosen, u[some], of_group, responses, without[some], inside[some], group[some], group_inside[some],
        )  # fmt: skip

    _in_threads(work, times, 2 * m)
    return Predictive(without, inside, group, group_inside, place.ravel())


def _in_threads(work: Callable[[slice], None], times: int, rows: int) -> None:
    """Call ``work`` on stretches of all thetas; the kernels release the interpreter's lock."""
    workers = max(1, min(numba.get_num_threads(), times // 2))
    stretches = workers * max(1, int(np.ceil(times * rows / _BLOCK / workers)))
    edges = np.linspace(0, times, min(stretches, max(times, 1)) + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, [slice(i, j) for i, j in pairwise(edges)]):
            checkpoint()
    checkpoint()
