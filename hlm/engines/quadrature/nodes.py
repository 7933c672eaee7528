"""How many nodes each group's integral takes: as many as its log needs, seen by taking more."""

from __future__ import annotations

import numpy as np

from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta

MOST_ERROR = 0.05  # of the sum of all groups' log integrals
_SHARE = 0.1  # of it that the choice aims at


def chosen_rules(grouped: GroupedRows, available: Rules, theta: Theta, u: np.ndarray) -> np.ndarray:
    """For each group the smallest rule whose log integrals at some theta and u equal those of the next but one.

    u: shape (T, p).
    result: shape (K,); numbers of rules: the last but two where none is good, so that `error_of` sees it.
    """
    groups = grouped.groups
    wanted = _SHARE * MOST_ERROR / groups
    chosen = np.full(groups, len(available.counts) - 3)
    open_ = np.ones(groups, dtype=bool)
    before: list[np.ndarray] = []
    for rule in range(len(available.counts)):
        before.append(group_integrals(grouped, theta, u, available, np.where(open_, rule, 0)))
        if rule >= 2:
            good = open_ & (np.abs(before[rule] - before[rule - 2]).max(axis=0) < wanted)
            chosen[good], open_ = rule - 2, open_ & ~good
        if not open_.any():
            break
    return chosen


def error_of(grouped: GroupedRows, available: Rules, chosen: np.ndarray, theta: Theta, u: np.ndarray) -> float:
    """How much the sum of the log integrals changes with about twice as many nodes, at most, over some theta and u."""
    finer = np.minimum(chosen + 2, len(available.counts) - 1)
    changes = [group_integrals(grouped, theta, u, available, rule).sum(axis=1) for rule in (chosen, finer)]
    change = float(np.abs(changes[1] - changes[0]).max())
    return change if np.isfinite(change) else np.inf
