"""Draws of the groups' effects for the pairs of theta and u that were chosen."""

from __future__ import annotations

import numpy as np

from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.in_threads import in_threads
from hlm.engines.quadrature.integrals import Pairs, integrals, numbers_of_integrals, work_arrays
from hlm.engines.quadrature.joint_modes import Centre, Theta
from hlm.engines.quadrature.kernels.effects import effects_kernel


def effects(
    grouped: GroupedRows, theta: Theta, found: Pairs, which: np.ndarray, centre: Centre, rules: Rules,
    chosen: np.ndarray, rng: np.random.Generator,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """A draw for each pair that was chosen, shape (S, K, q); the most proposals that the draw of a group took.

    which: shape (S,); places of the chosen among all pairs of theta and u. A pair may come several times.
    centre: where searches for the groups' modes start, if the integrals were not kept.
    """
    each = found.u.shape[1]
    t, r = np.divmod(which, each)
    if not found.u.shape[2]:  # the groups are the same for all values of u
        r[:] = 0
    different, place, counts = np.unique(t * each + r, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")  # which draws are those of the first pair, of the second, ...
    first = np.cumsum(counts) - counts
    drawn, proposals = np.empty((len(which), *centre.v.shape)), np.zeros(len(different))
    seeds = rng.integers(0, 2**63, len(different)).astype(np.uint64)
    for times in np.unique(counts).tolist():
        mine = np.flatnonzero(counts == times)
        at = order[first[mine][:, None] + np.arange(times)]  # shape (pairs, times)
        theta_at, u_at = np.divmod(different[mine], each)

        def work(
            some: slice, mine: np.ndarray = mine, at: np.ndarray = at, t: np.ndarray = theta_at, r: np.ndarray = u_at
        ) -> None:
            t, r = t[some], r[some]
            here, u = theta.some(t), np.ascontiguousarray(found.u[t, r][:, None])
            if found.integrals is None:
                starts = np.repeat(centre.v[None, None], len(t), axis=0)
                of_groups = integrals(grouped, here, u, rules, chosen, starts)
                modes, roots, peaks = of_groups.modes, of_groups.roots, of_groups.peaks
            else:
                kept = found.integrals
                modes, roots, peaks = (array[t, r][:, None] for array in (kept.modes, kept.roots, kept.peaks))
            values, tried = np.empty((*at[some].shape, *centre.v.shape)), np.empty(len(t))
            effects_kernel(
                grouped.kind, here.phi, grouped.rows, grouped.start, grouped.z, here.factor, u, modes, roots, peaks,
                seeds[mine[some], None], values, tried, work_arrays(grouped, rules, chosen),
            )  # fmt: skip
            drawn[at[some]], proposals[mine[some]] = values, tried

        numbers = numbers_of_integrals(grouped) + times * centre.v.size
        in_threads(work, len(mine), len(grouped.z) * times, numbers)
    return drawn, float(proposals.max())
