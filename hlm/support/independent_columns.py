"""Which columns of a matrix add something to those before them."""

from __future__ import annotations

import numpy as np

_SHARE = 1e-10  # of what a column varies: less is explained by the columns before
_ROUNDING = 1e-13  # of a column's length, which matters where it is far from 0
_BLOCK = 64  # columns that are worked on together


def tolerance(columns: np.ndarray) -> np.ndarray:
    """The length of what is left of each column, shape (p,), that is nothing.

    columns: shape (rows, p).
    """
    spread = np.asarray(columns.std(axis=0)) * np.sqrt(len(columns))
    return np.asarray(_SHARE * spread + _ROUNDING * np.linalg.norm(columns, axis=0))


def independent_columns(columns: np.ndarray, nothing: np.ndarray | None = None) -> np.ndarray:
    """The places of the columns that those before them do not explain, in ascending order.

    columns: shape (rows, p).
    nothing: shape (p,), optional; what is no length: `tolerance` of the columns, or of those that these are left of.
    """
    nothing = tolerance(columns) if nothing is None else nothing
    length = np.linalg.norm(columns, axis=0)
    scale = np.where(length > 0, length, 1.0)
    triangle = np.linalg.qr(columns / scale, mode="r")
    least = np.maximum(nothing, np.finfo(np.float64).tiny) / scale
    new = np.abs(np.diagonal(triangle)) > least[: len(triangle)]
    if new.all() and len(new) == len(length):
        return np.arange(len(length))
    found, basis, count = [], np.empty((len(triangle), len(triangle))), 0
    for j, column in enumerate(triangle.T):
        rest = column.copy()
        for _ in range(2):  # the second time removes the rounding error of the first
            rest -= basis[:, :count] @ (basis[:, :count].T @ rest)
        size = np.linalg.norm(rest)
        if size > least[j] and count < len(basis):
            basis[:, count] = rest / size
            count += 1
            found.append(j)
    return np.array(found, dtype=np.int64)


def independent_root(products: np.ndarray, nothing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same from products of columns, which keep half of the digits.

    products: shape (m, m); X'X.
    nothing: shape (m,); the squares of a column that are no squares.
    places: of the columns that are kept, length r.
    root: shape (r, r); lower triangular; the products of the kept columns are root @ root'.
    """
    m = len(products)
    lower, kept = np.zeros((m, m)), np.zeros(0, dtype=np.int64)
    for start in range(0, m, _BLOCK):
        stop, before = min(start + _BLOCK, m), len(kept)
        left = products[start:, start:stop] - lower[start:, :before] @ lower[start:stop, :before].T
        for j in range(stop - start):
            pivot = left[j, j]
            if pivot > nothing[start + j]:
                column = left[j:, j] / np.sqrt(pivot)
                lower[start + j :, len(kept)] = column
                left[j:, j + 1 :] -= column[:, None] * column[1 : stop - start - j]
                kept = np.append(kept, start + j)
    return kept, lower[kept][:, : len(kept)]
