"""Which factor is nested in which: every group of the fine one lies in one group of the coarse one.

A factor is given by its codes, integers 0 .. K-1, shape (rows,), of which every one occurs.
"""

from __future__ import annotations

import numpy as np


def refines(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether each group of one factor lies within one group of the other; also of two with the same groups.

    Examples
    --------
    >>> cask, batch = np.array([0, 0, 1, 2]), np.array([0, 0, 0, 1])
    >>> refines(cask, batch), refines(batch, cask)
    (True, False)
    """
    return bool(np.array_equal(parents(fine, coarse)[fine], coarse))


def parents(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """The coarse group of each fine one, shape (fine groups,); of a group that lies in several, any one of them."""
    found = np.zeros(int(fine.max()) + 1, dtype=np.int64)
    found[fine] = coarse
    return found


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two factors divide the rows into the same groups."""
    return refines(a, b) and refines(b, a)


def count_parents(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """In how many coarse groups each fine one occurs, shape (fine groups,)."""
    import pandas as pd  # its hashing is faster on many rows than numpy's sorting

    width = int(coarse.max()) + 1
    return np.bincount(pd.unique(fine * width + coarse) // width, minlength=int(fine.max()) + 1)
