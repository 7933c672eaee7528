"""The compiler of the kernels: it compiles once and then reads from disk, where a folder can be written."""

from __future__ import annotations

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """A function compiled by numba, without the interpreter's lock; kept on disk where any folder can be written."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba refuses where neither the package's folder nor the user's cache can be written
        return numba.njit(**options)(function)
