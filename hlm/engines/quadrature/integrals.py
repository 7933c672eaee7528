"""The groups' integrals for many theta and common coefficients at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.in_threads import in_threads
from hlm.engines.quadrature.joint_modes import Centre, Theta, joint_modes, numbers_of_modes
from hlm.engines.quadrature.kernels.group_integrals import integrals_kernel
from hlm.support.linear_algebra import solve_upper

# Newton's decrement at a group's mode, and at a joint mode that only proposes
_NEAR, _EXACT, ROUGH = 0.02, 1e-20, 1e-2


@dataclass(frozen=True, slots=True)
class Integrals:
    """The groups' integrals given T values of theta and R of u for each."""

    log: np.ndarray  # shape (T, R, K); NaN where there is none
    modes: np.ndarray  # shape (T, R, K, q)
    roots: np.ndarray  # shape (T, R, K, q, q); of the curvature there
    peaks: np.ndarray  # shape (T, R, K, 3); what the draws need
    at_nodes: np.ndarray  # shape (T, R, nodes); the log density of the rows at all nodes of all groups, or empty


def empty_integrals(times: int, each: int, effects: tuple[int, ...], nodes: int = 0) -> Integrals:
    """Arrays to be filled; effects: K and q."""
    shape = times, each, *effects
    return Integrals(
        np.empty(shape[:3]), np.empty(shape), np.empty((*shape, shape[3])), np.empty((*shape[:3], 3)),
        np.empty((times, each, nodes)),
    )  # fmt: skip


def integrals(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray, starts: np.ndarray,
    *, near: float = _NEAR, keep_nodes: bool = False,
) -> Integrals:  # fmt: skip
    """Log integral of every group in this thread, for theta and u, shape (T, R, p).

    chosen: shape (K,); the rule of each group.
    starts: shape (T, R, K, q); where the searches for the groups' modes start; it becomes the modes.
    near: Newton's decrement at which a mode is near enough.
    """
    times, each, groups, q = starts.shape
    nodes = int(rules.sizes[chosen].sum()) if keep_nodes else 0
    found = replace(empty_integrals(times, each, (groups, q), nodes), modes=starts)
    integrals_kernel(
        grouped.kind, theta.phi, grouped.rows, grouped.start, grouped.z, theta.factor, rules.tables, chosen, u, near,
        (found.log, found.modes, found.roots, found.peaks), found.at_nodes, work_arrays(grouped, rules, chosen),
    )  # fmt: skip
    return found


def work_arrays(grouped: GroupedRows, rules: Rules, chosen: np.ndarray) -> tuple[np.ndarray, ...]:
    """What the kernels write intermediate numbers to."""
    n, q = grouped.z.shape
    most = int(rules.sizes[chosen].max())
    return (
        np.empty((n, q)), np.empty((n, q)), np.empty((2, n)), np.empty((3, most)),
        np.empty((q + 2, max(q, rules.places.shape[1]))), np.empty((q + 1, q + 1)),
    )  # fmt: skip


def group_integrals(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray, *, exactly: bool = False
) -> np.ndarray:
    """Log integral of every group, shape (T, K), for pairs of theta and u, shape (T, p).

    exactly: at the very mode of each group, so that the sum of nodes is a smooth function of theta and u.
    """
    found = np.empty((len(theta), grouped.groups))
    shape = 1, grouped.groups, grouped.z.shape[1]

    def work(some: slice) -> None:
        starts = np.zeros((some.stop - some.start, *shape))
        near = _EXACT if exactly else _NEAR
        here = integrals(grouped, theta.some(some), u[some, None], rules, chosen, starts, near=near)
        found[some] = here.log[:, 0]

    in_threads(work, len(theta), len(grouped.z), numbers_of_integrals(grouped))
    return found


@dataclass(frozen=True, slots=True)
class Pairs:
    """R values of u for each theta, and the exact log density there."""

    u: np.ndarray  # shape (T, R, p)
    log_target: np.ndarray  # shape (T, R); log p(y, u | theta), up to what does not depend on the parameters
    log_root: np.ndarray  # shape (T,); log determinant of the root of the conditional precision of u
    integrals: Integrals | None  # those of the groups, of R values of u, or of one where there is no u; if kept


def pairs(
    grouped: GroupedRows, theta: Theta, centre: Centre, rules: Rules, chosen: np.ndarray, normals: np.ndarray,
    *, keep: bool,
) -> Pairs:  # fmt: skip
    """Values of u around the mode given each theta, and the exact density there.

    normals: shape (T, R, p); standard numbers of any distribution.
    keep: the groups' integrals, for draws of their effects.
    """
    times, each, p = normals.shape
    different = each if p else 1  # without common coefficients the groups are the same for all
    kept = empty_integrals(times, different, centre.v.shape) if keep else None
    found = Pairs(np.empty((times, each, p)), np.empty((times, each)), np.empty(times), kept)

    def work(some: slice) -> None:
        here = theta.some(some)
        modes = joint_modes(grouped, here, centre, ROUGH)
        with np.errstate(all="ignore"):  # where there is no mode
            steps = solve_upper(modes.root[:, :-1, :-1].swapaxes(1, 2), normals[some].swapaxes(1, 2))
            u = np.ascontiguousarray((modes.u[:, :, None] + steps).swapaxes(1, 2))
            moved = modes.follows.reshape(len(here), centre.v.size, p) @ steps[:, :, :different]
            starts = modes.v.reshape(len(here), 1, centre.v.size) - moved.swapaxes(1, 2)
            starts = np.ascontiguousarray(starts.reshape(len(here), different, *centre.v.shape))
            of_groups = integrals(grouped, here, np.ascontiguousarray(u[:, :different]), rules, chosen, starts)
            target = of_groups.log.sum(axis=2) - 0.5 * ((u @ grouped.precision) * u).sum(axis=2)
        found.u[some], found.log_root[some] = u, modes.log_root_of_u
        found.log_target[some] = np.where(np.isfinite(modes.density)[:, None], target, -np.inf)
        if kept is not None:
            kept.modes[some], kept.roots[some], kept.peaks[some] = of_groups.modes, of_groups.roots, of_groups.peaks

    numbers = numbers_of_modes(grouped) + each * numbers_of_integrals(grouped)
    in_threads(work, times, len(grouped.z) * each, numbers)
    return found


def numbers_of_integrals(grouped: GroupedRows) -> int:
    """How many numbers `Integrals` has for one theta and u, without those at the nodes."""
    q = grouped.z.shape[1]
    return int(grouped.groups * (4 + q + q * q))
