"""The density of a response given the others of its group from an integral of these others.

The nodes of the whole group stand where all its responses are likely. Without one of few, or one that lies far off, the
group's effects spread further than these nodes reach, so that the others need an integral at their own mode.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.predictive import Predictive, different_responses

# log density of a response given all of its group, less that without it: where it is smaller, both ways agree to 1e-4
_INFLUENTIAL = 0.03
_FEW = 4  # draws at which both ways are compared
_LEFT = 0.002  # sum of the differences that need no own integrals at every draw
_COMPARED, _VALUES = 2e7, 3e8  # draws x rows x nodes at most, of the few draws and of all


def set_own_integrals(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray, found: Predictive
) -> None:
    """Mend ``found.without`` where the nodes of the whole group do not reach."""
    responses, place = different_responses(grouped)
    of = _groups_of(grouped, responses)
    times, counts = len(theta), np.bincount(place)
    influence = np.nan_to_num((found.inside - found.without).mean(axis=0), nan=np.inf)
    influence[np.bincount(of[place], minlength=grouped.groups)[of] == 1] = 0  # nothing else is in the group
    finer = np.minimum(chosen + 1, len(rules.counts) - 1)  # fewer rows are further from a normal distribution
    values = (np.diff(grouped.start) * rules.sizes[finer])[of]  # that one integral takes
    some = _affordable(np.argsort(-influence)[: (influence > _INFLUENTIAL).sum()], values, _COMPARED / _FEW)
    if not len(some):
        return
    few = np.unique(np.linspace(0, times - 1, _FEW).astype(int))

    def own(which: np.ndarray, draws: np.ndarray) -> np.ndarray:
        without = without_responses(grouped, responses[which])
        integrals = group_integrals(without, theta.some(draws), u[draws], rules, finer[of[which]])
        return np.asarray(found.group[np.ix_(draws, of[which])] - integrals)

    change = own(some, few) - found.without[np.ix_(few, some)]
    size = np.nan_to_num(np.abs(change).mean(axis=0) * counts[some], nan=np.inf)
    order = np.argsort(-size)
    smallest_first = np.cumsum(size[order][::-1])[::-1]  # the sum of each difference and all that are smaller
    every = _affordable(order[: (smallest_first > _LEFT).sum()], values[some], _VALUES / times)
    rest = np.setdiff1d(np.flatnonzero(np.isfinite(size)), every)
    found.without[:, some[rest]] += change[:, rest].mean(axis=0)
    if len(every):
        exact = own(some[every], np.arange(times))
        found.without[:, some[every]] = np.where(np.isfinite(exact), exact, found.without[:, some[every]])


def without_responses(grouped: GroupedRows, responses: np.ndarray) -> GroupedRows:
    """For each response its group without it, as a group of its own.

    responses: the summed row, y and trials of each, shape (m, 3).
    """
    of = _groups_of(grouped, responses)
    sizes = np.diff(grouped.start)[of]
    start = np.concatenate([[0], np.cumsum(sizes)])
    places = np.arange(start[-1]) + np.repeat(grouped.start[of] - start[:-1], sizes)
    s, c, offset, x = (column[places] for column in grouped.rows)
    out = start[:-1] + responses[:, 0].astype(np.int64) - grouped.start[of]
    c[out] -= responses[:, 2]
    s[out] = np.where(c[out] > 0, s[out] - responses[:, 1], 0.0)  # of none there is nothing, not a rounding error
    return replace(grouped, rows=(s, c, offset, x), start=start, z=grouped.z[places], groups=len(of))


def _groups_of(grouped: GroupedRows, responses: np.ndarray) -> np.ndarray:
    return np.searchsorted(grouped.start, responses[:, 0], side="right") - 1


def _affordable(order: np.ndarray, values: np.ndarray, most: float) -> np.ndarray:
    """As many of them, in their order, as take so many values together."""
    return order[np.cumsum(values[order]) <= most]
