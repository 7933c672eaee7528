"""The compiler of the kernels: it compiles once and then reads from disk, where a folder can be written.

Numba compiles a kernel anew when the kernel's own file changes, not when a file changes that it takes functions from.
A file of kernels therefore names the files that it takes compiled functions from, with the hash of each, in
``COMPILED_WITH``: whoever changes one of them has to enter the new hash, and so changes the file of kernels too.
`tests/engines/test_compiled.py` holds them to it.
"""

from __future__ import annotations

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """A function compiled by numba, without the interpreter's lock; kept on disk where any folder can be written."""
    return _compiled(function, {"nogil": True})


def part_of_kernels(function: Any) -> Any:
    """A compiled function that only compiled functions call: a quarter less to compile."""
    return _compiled(function, {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True})


def inlined(function: Any) -> Any:
    """A function whose text numba puts in the place of its only call, so that it is compiled once, not twice."""
    return numba.njit(inline="always", error_model="numpy")(function)


def _compiled(function: Any, options: dict[str, Any]) -> Any:
    try:
        return numba.njit(cache=True, error_model="numpy", **options)(function)
    except RuntimeError:  # numba refuses where neither the package's folder nor the user's cache can be written
        return numba.njit(error_model="numpy", **options)(function)


def compiled_callback(signature: Any) -> Any:
    """A decorator: a function with a C address, for libraries that call it from threads of their own."""

    def decorated(function: Any) -> Any:
        try:
            return numba.cfunc(signature, cache=True, error_model="numpy")(function)
        except RuntimeError:
            return numba.cfunc(signature, error_model="numpy")(function)

    return decorated
