"""How many nodes each group's integral takes: as many as its log needs, seen by taking more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import Theta, group_integrals

_COUNTS = (3, 5, 7, 9, 13, 19, 27, 39, 57, 85, 127, 189)  # nodes along each direction; the last two only check
_MOST = 20_000  # nodes of one group
MOST_ERROR = 0.05  # of the sum of all groups' log integrals
_SHARE = 0.1  # of it that the choice aims at


@dataclass(frozen=True, slots=True)
class Rules:
    """Gauss-Hermite rules for a standard normal variable, one a row."""

    places: np.ndarray  # shape (rules, most)
    log_weights: np.ndarray
    counts: np.ndarray  # shape (rules,)

    @property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.places, self.log_weights, self.counts


def rules(effects: int, *, most: int = _MOST) -> Rules:
    """The rules that are affordable for so many effects of a group, and two finer ones that check the last of them.

    most: nodes of one group.
    """
    affordable = sum(count**effects <= most for count in _COUNTS[:-2])
    return _rules(list(_COUNTS[: affordable + 2]))


def one_rule(count: int) -> Rules:
    """The rule with so many nodes."""
    return _rules([count])


def _rules(counts: list[int]) -> Rules:
    places, log_weights = np.zeros((len(counts), counts[-1])), np.full((len(counts), counts[-1]), -np.inf)
    for i, count in enumerate(counts):
        found, weights = np.polynomial.hermite_e.hermegauss(count)
        places[i, :count], log_weights[i, :count] = found, np.log(weights / weights.sum())
    return Rules(places, log_weights, np.array(counts))


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
