"""One thread for BLAS and LAPACK, in all of the process, while small matrices are factorised.

OpenBLAS's threads wait for each other in a loop that keeps a core busy. Beside any other work a Cholesky factor of
200 columns took 347 ms with two threads and 0.2 ms with one, a QR decomposition of 4,000 x 30 numbers 302 and 4 ms.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_SET = threading.Lock()  # held by the caller that has set the limit


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While inside, BLAS uses one thread.

    Of several callers at a time, nested or in threads, the first sets the limit and takes it back: limits that overlap
    would take back each other's.

    Examples
    --------
    >>> import numpy as np
    >>> with one_blas_thread():
    ...     np.linalg.cholesky(4 * np.eye(2)).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """
    if not _SET.acquire(blocking=False):
        yield
        return
    try:
        with _libraries().limit(limits=1, user_api="blas"):
            yield
    finally:
        _SET.release()


@cache
def _libraries() -> Any:
    """The loaded libraries, numpy's and SciPy's own among them."""
    import scipy.linalg  # noqa: F401  # loads SciPy's, which numba's kernels call
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
