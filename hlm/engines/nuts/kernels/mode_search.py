"""What the search of a mode calls, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import numpy as np

from hlm.engines.compiled import compiled
from hlm.engines.nuts.kernels.row_density import own_numbers, row_with_zeros
from hlm.engines.nuts.kernels.theta import PRIOR_NUMBERS, coordinate

COMPILED_WITH = {"row_density": "756a25efbe99", "theta": "a26e427156d9"}
_STEP = 1e-4  # of the linear predictor, for the second derivative


@compiled
def prior_kernel(kinds, u, numbers):
    """The log prior density of theta's coordinates; numbers: 2 + PRIOR_NUMBERS for each."""
    total = 0.0
    for j in range(len(u)):
        total += coordinate(kinds[j], u[j], numbers, j * (2 + PRIOR_NUMBERS))[2]
    return total


@compiled
def rows_kernel(which, y, m, eta, own, slope, weight):
    """The rows' log density, summed; their slopes, and minus their second derivatives, into the given arrays."""
    family, link, zeros, count = which[0], which[1], which[2], which[3]
    c, total, share = np.empty(5), 0.0, own[count - 1] if count > 0 else 1.0
    own_numbers(family, own, c)
    for i in range(len(y)):
        for side in range(3):
            at = eta[i] + (side - 1) * _STEP
            value, found, _, _ = row_with_zeros(family, link, zeros, share, y[i], m[i], at, c)
            if side == 0:
                weight[i] = found
            elif side == 1:
                slope[i] = found
                total += value
            else:
                weight[i] = (weight[i] - found) / (2.0 * _STEP)
    return total


@compiled
def curvature_kernel(weight, x, z, place, first, width, dense, blocks, border, middle):
    """X'WX of all columns, as far as it is kept: blocks of groups, of some groups the border, and the dense middle.

    place: shape (n, F); where the effects of the row's group begin among all coefficients.
    first, width: of each factor's columns of z.
    dense: coefficients in the middle, which come first; then those with a block.
    blocks, border: shapes (rest, widest), (rest with a border, dense); rows of effects.
    """
    n, p = x.shape
    factors = len(first)
    count = p + z.shape[1]
    values, places = np.empty(count), np.empty(count, dtype=np.int64)
    for i in range(n):
        inside = p
        for j in range(p):
            values[j], places[j] = x[i, j], j
        for f in range(factors):
            if place[i, f] < dense:
                for j in range(width[f]):
                    values[inside], places[inside] = z[i, first[f] + j], place[i, f] + j
                    inside += 1
        for j in range(inside):
            wv = weight[i] * values[j]
            for k in range(inside):
                middle[places[j], places[k]] += wv * values[k]
        for f in range(factors):
            at = place[i, f] - dense
            if at >= 0:
                for j in range(width[f]):
                    wv = weight[i] * z[i, first[f] + j]
                    for k in range(width[f]):
                        blocks[at + j, k] += wv * z[i, first[f] + k]
                    if at < len(border):
                        for k in range(inside):
                            border[at + j, places[k]] += wv * values[k]
