"""Gauss-Hermite rules: the nodes and weights of integrals over a group's effects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

_COUNTS = (3, 5, 7, 9, 13, 19, 27, 39, 57, 85, 127, 189)  # nodes along each direction; the last two only check
MOST_NODES = 20_000  # nodes of one group


@dataclass(frozen=True, slots=True)
class Rules:
    """Gauss-Hermite rules for standard normal variables, each with all its nodes one after the other."""

    places: np.ndarray  # shape (rules, most); the nodes of one variable
    counts: np.ndarray  # shape (rules,); how many these are
    grid: np.ndarray  # shape (nodes, q)
    log_weights: np.ndarray  # shape (nodes,); less the log density of the variables, up to a constant
    at_border: np.ndarray  # shape (nodes,); is there no node beyond?
    first: np.ndarray  # shape (rules + 1,); where the nodes of each rule begin

    @property
    def sizes(self) -> np.ndarray:
        """Nodes of each rule."""
        return np.diff(self.first)

    @property
    def tables(self) -> tuple[np.ndarray, ...]:
        """What the kernels read, in the order above."""
        return self.places, self.counts, self.grid, self.log_weights, self.at_border, self.first


@cache
def rules(effects: int, *, most: int = MOST_NODES) -> Rules:
    """The rules that are affordable for so many effects of a group, and two finer ones that check the last of them.

    most: nodes of one group.
    """
    affordable = sum(count**effects <= most for count in _COUNTS[:-2])
    return _rules(list(_COUNTS[: affordable + 2]), effects)


def one_rule(count: int, effects: int) -> Rules:
    """The rule with so many nodes along each direction."""
    return _rules([count], effects)


def _rules(counts: list[int], effects: int) -> Rules:
    places, grids, weights = np.zeros((len(counts), counts[-1])), [], []
    for i, count in enumerate(counts):
        found, weight = np.polynomial.hermite_e.hermegauss(count)
        places[i, :count] = found
        grids.append(found[np.indices((count,) * effects).reshape(effects, count**effects).T])
        log_weight = np.log(weight / weight.sum()) + 0.5 * found**2
        sums = np.zeros(1)
        for _ in range(effects):
            sums = (sums[:, None] + log_weight).ravel()
        weights.append(sums)
    largest = np.repeat(places.max(axis=1), [len(some) for some in grids])
    grid = np.concatenate(grids)
    border = (np.abs(grid) >= largest[:, None]).any(axis=1)
    first = np.concatenate([[0], np.cumsum([len(some) for some in grids])])
    return Rules(places, np.array(counts), grid, np.concatenate(weights), border, first)
