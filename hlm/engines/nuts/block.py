"""All numbers of a model as one block of memory, which the compiled density reads."""

from __future__ import annotations

import numpy as np

from hlm.engines.nuts.approximation import Approximation
from hlm.engines.nuts.columns import Rows
from hlm.engines.nuts.kernels.log_density import HEADER
from hlm.engines.nuts.theta import Theta


def block(rows: Rows, theta: Theta, found: Approximation) -> np.ndarray:
    """The block, shape (size,), as whole numbers; real ones are the same bytes read as such."""
    widest = int(rows.factors[:, 1].max(initial=1))
    information = np.zeros((rows.effects, widest, widest))
    p = rows.x.shape[1]
    assert found.mode.curvature is not None
    for f, told in enumerate(found.mode.curvature.data):
        here, q = rows.of_factor(f), told.shape[-1]
        for i in range(q):
            information[here.start - p + i : here.stop - p : q, 0, :q] = told[:, i]
    known = theta.known_sd if theta.known_sd is not None else np.zeros(0)
    arrays = (
        rows.y, rows.m, rows.offset, rows.x, rows.z, rows.precision,
        theta.kinds, theta.numbers, found.u, found.triangle,
        theta.pairs, known, rows.factors, rows.place, information[:, 0], found.pull, found.middle, found.blocks,
        found.border, found.mode.beta,
    )  # fmt: skip
    header = np.zeros(HEADER, dtype=np.int64)
    header[:4] = rows.which
    header[4:15] = (
        len(rows.y), p, len(rows.factors), rows.z.shape[1], len(theta.coordinates), len(theta.pairs), rows.dense,
        rows.effects, rows.bordered, widest, theta.known_sd is not None,
    )  # fmt: skip
    sizes = [array.size for array in arrays]
    header[15 : 15 + len(arrays)] = HEADER + np.concatenate([[0], np.cumsum(sizes)[:-1]])
    header[-1] = HEADER + sum(sizes)
    parts = [np.ascontiguousarray(array).ravel() for array in arrays]
    return np.concatenate([header, *(a if a.dtype == np.int64 else a.astype(np.float64).view(np.int64) for a in parts)])
