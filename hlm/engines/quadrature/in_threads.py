"""The kernels' work divided among threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numba
import numpy as np

from hlm.support.interrupts import checkpoint

_BLOCK = 2e7  # rows times theta between two chances to be interrupted, about a second
_NUMBERS = 4e6  # in the arrays of one stretch, 32 MB


def in_threads(work: Callable[[slice], None], times: int, rows: int, numbers: int = 0) -> None:
    """Call ``work`` on stretches of all thetas; the kernels release the interpreter's lock.

    rows, numbers: rows that one theta takes, and numbers in the arrays that it fills.
    """
    workers = max(1, min(numba.get_num_threads(), times // 2))
    stretches = workers * max(1, int(np.ceil(times * max(rows / _BLOCK, numbers / _NUMBERS) / workers)))
    edges = np.linspace(0, times, min(stretches, max(times, 1)) + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(work, [slice(i, j) for i, j in pairwise(edges)]):
            checkpoint()
    checkpoint()
