"""lme4's criterion: -2 log likelihood with beta and sigma integrated or maximised out, a function of Lambda alone;
and the modes of the group-level effects given Lambda.

``sweep`` at sigma = 1 gives S and log|N| for the relative factor Lambda = L / sigma (see marginal.py). Then::

    r2 = S_yy - S_yx S_xx^-1 S_xy
    REML:  log|N| + log|X'V^-1 X| + (N - p) (1 + log(2 pi r2 / (N - p))),    sigma^2 = r2 / (N - p)
    ML:    log|N| + N (1 + log(2 pi r2 / N)),                                sigma^2 = r2 / N

(Bates et al. 2015, J. Stat. Software 67(1), equations 34 and 42.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.likelihood.marginal import Theta, sweep
from hlm.engines.reml.design import MixedDesign
from hlm.support.linear_algebra import lower_roots, solve_with_root


@dataclass(frozen=True, slots=True)
class Profile:
    """The criterion at relative factors, with the values of sigma and beta there."""

    criterion: np.ndarray  # shape (T,); -2 log likelihood; +inf where rounding has left nothing
    sigma: np.ndarray  # shape (T,)
    coefficients: np.ndarray  # shape (T, p); of the orthonormal columns
    information: np.ndarray  # shape (T, p, p); sigma^2 times their precision


def profile(design: MixedDesign, factor: np.ndarray, *, reml: bool) -> Profile:
    """The criterion at relative factors of shape (T, q, q), and what it was maximised over."""
    rows, p = design.x.shape
    with np.errstate(all="ignore"):  # a trial step that overflows has the criterion +inf
        reduced, log_det = sweep(design.sums, Theta(np.ones(len(factor)), factor))
        information = reduced[:, :p, :p]
        root = lower_roots(information)
        finite = np.isfinite(root).all(axis=(1, 2)) & np.isfinite(reduced).all(axis=(1, 2))
        information, root = (np.where(finite[:, None, None], each, np.eye(p)) for each in (information, root))
        log_det_x = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        move = solve_with_root(root, reduced[:, :p, p:])[:, :, 0]
        squares = reduced[:, p, p] - np.einsum("tp,tp->t", move, reduced[:, :p, p])
        freedom = rows - p if reml else rows
        criterion = log_det - design.log_weights + freedom * (1 + np.log(2 * np.pi * squares / freedom))
        if reml:
            criterion = criterion + log_det_x + 2 * np.log(np.abs(np.diagonal(design.x_root))).sum()
    finite &= np.isfinite(criterion)
    sigma = np.sqrt(np.where(finite, squares, np.nan) / freedom)
    return Profile(np.where(finite, criterion, np.inf), sigma, design.sums.shift + move, information)


def conditional_modes(design: MixedDesign, factor: np.ndarray, residual: np.ndarray) -> tuple[np.ndarray, ...]:
    """Each group's effects at their most probable, given y.

    With b = Lambda u they minimise ``|residual - Z Lambda u|^2 + |u|^2`` (Bates et al. 2015, equation 14).

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
