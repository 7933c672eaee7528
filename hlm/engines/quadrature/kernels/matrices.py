"""Small matrices, compiled: elimination of some unknowns, and triangular systems."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

from hlm.engines.compiled import part_of_kernels


@part_of_kernels
def eliminate(a, unknowns):
    """Eliminate the first unknowns of a symmetric matrix, of which only the lower triangle is there, in its place.

    Their columns become those of the root, and the rest becomes the Schur complement. False where there is no root.
    With a last row of a right side g and a last number of 0, the row becomes ``root^-1 g`` and the number minus its
    square.
    """
    for j in range(unknowns):
        if not a[j, j] > 0.0:
            return False
        a[j, j] = math.sqrt(a[j, j])
        for i in range(j + 1, len(a)):
            a[i, j] /= a[j, j]
            for k in range(j + 1, i + 1):
                a[i, k] -= a[i, j] * a[k, j]
    return True


@part_of_kernels
def backward(root, x):
    """``root'^-1 x`` in the place of x; of the root only as many rows as x has numbers."""
    for i in range(len(x) - 1, -1, -1):
        for j in range(i + 1, len(x)):
            x[i] -= root[j, i] * x[j]
        x[i] /= root[i, i]


@part_of_kernels
def times_root(z, root, zl):
    """``Z L`` for a lower triangular root, into the first columns of ``zl``."""
    for n in range(len(z)):
        for j in range(z.shape[1]):
            zl[n, j] = 0.0
            for i in range(j, z.shape[1]):
                zl[n, j] += z[n, i] * root[i, j]
