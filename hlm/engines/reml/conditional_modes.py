"""The conditional modes of the group-level effects, given the estimates."""

from __future__ import annotations

import numpy as np

from hlm.engines.reml.design import MixedDesign


def conditional_modes(design: MixedDesign, factor: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each group's effects at their most probable, given y.

    With b = Lambda u they minimise ``|residual - Z Lambda u|^2 + |u|^2`` (Bates et al. 2015, J. Stat. Software 67(1),
    equation 14), for any number of grouping factors at once.

    factor: shape (q, q); lambda, the relative factor.
    residual: shape (rows,); y - X beta.
    result: for each block, shape (groups, w): effects of its columns as fitted (see `VaryingBlock.basis`).
    """
    from scipy import sparse
    from scipy.sparse.linalg import spsolve

    rows = np.arange(len(residual))
    lowers = [factor[block.columns, block.columns] for block in design.blocks]
    parts = []
    for block, lower in zip(design.blocks, lowers, strict=True):
        width = len(lower)
        where = (np.repeat(rows, width), (block.codes[:, None] * width + np.arange(width)).ravel())
        values = (design.z[:, block.columns] @ lower).ravel()
        parts.append(sparse.csr_array((values, where), shape=(len(rows), block.groups * width)))
    zl = sparse.hstack(parts, format="csr")
    precision = (zl.T @ zl + sparse.eye_array(zl.shape[1])).tocsc()
    u = np.atleast_1d(spsolve(precision, zl.T @ residual, permc_spec="MMD_AT_PLUS_A"))
    split = np.split(u, np.cumsum([part.shape[1] for part in parts])[:-1])
    return tuple(one.reshape(-1, len(lower)) @ lower.T for one, lower in zip(split, lowers, strict=True))
