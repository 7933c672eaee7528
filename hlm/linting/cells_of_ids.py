"""How the labels of one factor spread over those of another: whether they look numbered anew in each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.linting.codes import threshold
from hlm.model.nesting import count_parents


@dataclass(frozen=True, slots=True)
class Cells:
    """How the labels of a child spread over those of a parent; labels in the order of the numbers in them."""

    parents: np.ndarray  # in how many parents each label of the child occurs, shape (labels,)
    labels: np.ndarray  # how many labels each parent has, shape (parents,)
    last: np.ndarray  # the place of each parent's last label, from 0, shape (parents,)
    rows: int

    @classmethod
    def of(cls, child: np.ndarray, parent: np.ndarray) -> Cells:
        """The cells of two factors given as integers, each of shape (rows,)."""
        last = np.zeros(int(parent.max()) + 1, dtype=np.int64)
        np.maximum.at(last, parent, child)
        return cls(count_parents(child, parent), count_parents(parent, child), last, len(child))

    @property
    def count(self) -> int:
        """The combinations that are observed."""
        return int(self.parents.sum())

    @property
    def are_rows(self) -> bool:
        """Whether (nearly) every combination holds one row."""
        return self.rows < threshold("rows per group") * self.count

    @property
    def recurring(self) -> float:
        """The share of labels that occur in several parents."""
        return float((self.parents > 1).mean())

    @property
    def filled(self) -> float:
        """The share of all combinations that are observed."""
        return self.count / (len(self.parents) * len(self.labels))

    @property
    def begin_anew(self) -> bool:
        """Whether each parent has the first labels and no others, as many as it needs, with hardly a gap."""
        return bool((self.last + 1).sum() <= (1 + threshold("share of gaps in ids")) * self.count)

    @property
    def low_labels_recur(self) -> bool:
        """Whether low labels occur in more parents than high ones, by rank correlation, beyond chance."""
        if len(set(self.parents)) < 2:
            return False
        r = float(np.corrcoef(np.arange(len(self.parents)), _ranks(self.parents))[0, 1])
        beyond_chance = -r * np.sqrt(len(self.parents) - 1) >= threshold("rank correlation in standard errors")
        return bool(r <= threshold("rank correlation of ids") and beyond_chance)

    @property
    def numbered_anew(self) -> bool:
        return (
            len(self.labels) >= threshold("few groups")
            and len(self.parents) > 2
            and self.count >= 2 * len(self.labels)  # otherwise the parent lies within the child
            and self.recurring >= threshold("share of ids that recur")
            and self.filled < threshold("share of cells filled")
            and (self.begin_anew or self.low_labels_recur)
        )


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks with ties at their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse])
