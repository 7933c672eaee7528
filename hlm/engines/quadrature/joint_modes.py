"""The mode of all coefficients given theta, and Laplace's approximation there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.in_threads import in_threads
from hlm.engines.quadrature.kernels.joint_mode import joint_mode_kernel

_EXACT = 1e-14  # Newton's decrement


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
class JointModes:
    """The modes given T values of theta, and the curvature there."""

    density: np.ndarray  # shape (T,); the log density at the mode, minus infinity where there is none
    log_root: np.ndarray  # shape (T,); half the log determinant of the curvature
    log_root_of_u: np.ndarray  # shape (T,); the same of the conditional precision of u
    u: np.ndarray  # shape (T, p)
    v: np.ndarray  # shape (T, K, q)
    root: np.ndarray  # shape (T, p + 1, p + 1); lower root of the conditional precision of u, and a row below
    follows: np.ndarray  # shape (T, K, q, p); how the modes of v move against u


def origin(grouped: GroupedRows) -> Centre:
    """All coefficients at their prior means."""
    return Centre(np.zeros(len(grouped.means)), np.zeros((grouped.groups, grouped.z.shape[1])))


def joint_modes(grouped: GroupedRows, theta: Theta, start: Centre, near: float) -> JointModes:
    """The modes given each theta, in this thread.

    near: Newton's decrement at which a mode is near enough.
    """
    (n, q), times, (groups, p) = grouped.z.shape, len(theta), (grouped.groups, len(grouped.means))
    found = JointModes(
        np.empty(times), np.empty(times), np.empty(times), np.repeat(start.u[None], times, axis=0),
        np.repeat(start.v[None], times, axis=0), np.empty((times, p + 1, p + 1)), np.empty((times, groups, q, p)),
    )  # fmt: skip
    work = (
        np.empty((n, q + p)), np.empty(q + p), np.empty((q + p + 1, q + p + 1)), np.empty((groups, q + p + 1, q)),
        np.empty((2, p)), np.empty((2, groups, q)),
    )  # fmt: skip
    arrays = found.density, found.log_root, found.log_root_of_u, found.u, found.v, found.root, found.follows
    joint_mode_kernel(
        grouped.kind, theta.phi, grouped.rows, grouped.start, grouped.z, grouped.precision, theta.factor, near, arrays,
        work,
    )  # fmt: skip
    return found


def joint_mode(grouped: GroupedRows, theta: Theta, start: Centre, *, fixed: bool = False) -> Centre:
    """The mode of all coefficients given one theta.

    fixed: leave u where it starts, so that only the effects move.
    """
    if fixed:
        s, c, offset, x = grouped.rows
        grouped = replace(grouped, rows=(s, c, offset + x @ start.u, np.zeros_like(x)))
        return Centre(start.u, joint_modes(grouped, theta, Centre(np.zeros_like(start.u), start.v), _EXACT).v[0])
    found = joint_modes(grouped, theta, start, _EXACT)
    return Centre(found.u[0], found.v[0])


def log_laplace(grouped: GroupedRows, theta: Theta, centre: Centre, near: float) -> np.ndarray:
    """Laplace's approximation of log p(y | theta), shape (T,), up to a constant and without `own_constants`."""
    found = np.empty(len(theta))

    def work(some: slice) -> None:
        modes = joint_modes(grouped, theta.some(some), centre, near)
        found[some] = modes.density - modes.log_root

    in_threads(work, len(theta), len(grouped.z), numbers_of_modes(grouped))
    return found


def numbers_of_modes(grouped: GroupedRows) -> int:
    """How many numbers `JointModes` has for one theta."""
    p, q = len(grouped.means), grouped.z.shape[1]
    return int(p * p + grouped.groups * q * (p + 1))
