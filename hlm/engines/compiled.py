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


def compiled_part(function: Any) -> Any:
    """The same for a function that only other compiled ones call: nothing is compiled to call it from Python."""
    options = {"nogil": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


def compiled_callback(signature: Any) -> Any:
    """A decorator: a function with a C address, for libraries that call it from threads of their own."""

    def decorated(function: Any) -> Any:
        options = {"error_model": "numpy"}
        try:
            return numba.cfunc(signature, cache=True, **options)(function)
        except RuntimeError:
            return numba.cfunc(signature, **options)(function)

    return decorated
