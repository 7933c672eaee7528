"""Several grouping factors, nested or crossed: what is kept of the data, and the same integral as in marginal.py.

The factor with the most effects is eliminated first, group by group: its groups share no row, so that its part of the
precision is block diagonal. For that step the other factors' effects are columns like X, and a group touches few of
them. The products that remain of these effects are one dense matrix, S_rr. With J = diag(L) for each of their levels::

    N = I + J' S_rr J / sigma^2,    S_reduced = S_xy,xy - S_xy,r J (sigma^2 N)^-1 J' S_r,xy
    u_r | beta, theta, y ~ N(N^-1 J'(S_ry - S_rx beta) / sigma^2, N^-1),    b_r = J u_r

(Bates et al. 2015, J. Stat. Software 67(1), section 3, order the effects by a sparse Cholesky factor instead.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hlm.engines.exact.sums.one_factor import GroupSums, centred, split, weighted
from hlm.engines.exact.sums.orthogonalised import orthogonalised
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import orthonormal, solve_upper


@dataclass(frozen=True, slots=True)
class CrossedProducts(GroupSums):
    """The data of several factors, with columns [rest, X, y]: the other factors' effects (m), X (p), the response."""

    first: int  # the factor that is eliminated group by group, whose groups those above are
    widths: tuple[int, ...]  # effects of every factor, in the order of the model
    sizes: tuple[int, ...]  # levels of every factor
    begin: np.ndarray  # shape (K + 1,); where the entries of each group begin: the columns that its rows touch
    column: np.ndarray  # shape (entries,)
    explained: np.ndarray  # shape (q, entries); Q_k' times these columns
    left: np.ndarray  # shape (m + p + 1, m + p + 1); products of what all Q_k leave of the columns, summed over groups
    # shape (3, levels); for each level of the other factors its first column of the rest, that after its last, and its
    # first column among all factors' effects, and so in L
    levels: np.ndarray
    # shape (effects of all factors, the same), or None; U of orthogonalised.py, where the columns of a factor are
    # nearly collinear. Then Z and b here are the transformed Z U^-1 and U b.
    transformation: np.ndarray | None = None

    @property
    def m(self) -> int:
        """Effects of all factors but the first."""
        return len(self.left) - self.p - 1

    @property
    def response(self) -> tuple[float, np.ndarray]:
        """Squares of y that the first factor's own lines leave, and Q_k'y, shape (K, q)."""
        return float(self.left[-1, -1]), self.explained[:, self.begin[1:] - 1].T

    @property
    def offset(self) -> int:
        """The first factor's place among all effects."""
        return sum(self.widths[: self.first])

    @property
    def operations(self) -> float:
        """Multiplications for one theta, roughly: scattered ones count ten times."""
        touched = np.diff(self.begin).astype(np.float64)
        return float(10 * len(self.explained) * (touched**2).sum() + self.m**3 / 3 + self.p**3)

    def effects(self, first: np.ndarray, rest: np.ndarray) -> list[np.ndarray]:
        """Of each factor's columns as written, shape (draws, levels, width), from the first factor's and the rest's."""
        sizes = [k * q for k, q in zip(self.sizes, self.widths, strict=True)]
        parts = np.split(rest, np.cumsum(sizes[: self.first] + sizes[self.first + 1 :])[:-1], axis=1)
        parts.insert(self.first, first)
        found = [part.reshape(-1, k, q) for part, k, q in zip(parts, self.sizes, self.widths, strict=True)]
        if self.transformation is None:
            return found
        back = solve_upper(self.transformation, np.eye(len(self.transformation)))
        return [b @ back[a:z, a:z].T for b, (a, z) in zip(found, pairwise(np.cumsum([0, *self.widths])), strict=True)]


def crossed_products(
    common: Columns,
    factors: Sequence[tuple[Columns, np.ndarray]],
    y: np.ndarray,
    root_weights: np.ndarray | None = None,
) -> CrossedProducts:
    """Sum the data of several factors up.

    common: X, shape (rows, p).
    factors: for each factor its effects' columns and the group of each row.
    y: shape (rows,).
    root_weights: shape (rows,), optional; as in `cross_products`.
    """
    sizes = tuple(int(codes.max()) + 1 for _, codes in factors)
    widths = tuple(len(design.terms) for design, _ in factors)
    first = int(np.argmax([k * q for k, q in zip(sizes, widths, strict=True)]))
    groups, codes = sizes[first], factors[first][1]
    effects, transformation = orthogonalised([weighted(design.matrix, root_weights) for design, _ in factors])
    w, means, shift = centred(common, y, root_weights)
    root, basis = orthonormal(effects[first], codes, groups)
    explained = split(basis, w, codes, groups)
    column, value, levels = _rest(effects, [codes for _, codes in factors], sizes, first)
    m = int(levels[1, -1])
    begin, touched, share = _explained_rest(column, value, codes, basis, groups, m)
    left = _left(column, value, begin, touched, share, w)
    own, ends = len(w), np.repeat(begin[1:], len(w))  # behind the entries of each group stand those of X and y
    column = np.insert(touched, ends, np.tile(np.arange(m, m + own), groups))
    entries = np.insert(share, ends, explained.transpose(1, 0, 2).reshape(len(share), -1), axis=1)
    return CrossedProducts(
        np.bincount(codes), root, means, shift, first, widths, sizes, begin + own * np.arange(groups + 1), column,
        entries, left, levels, transformation,
    )  # fmt: skip


def _rest(
    designs: Sequence[np.ndarray], groups: Sequence[np.ndarray], sizes: tuple[int, ...], first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The other factors' columns, for every row places and values, shape (rows, sum of widths); their levels."""
    columns, values, levels, at, effect = [], [], [], 0, 0
    for i, (z, codes, size) in enumerate(zip(designs, groups, sizes, strict=True)):
        if i != first:
            start = at + len(z) * np.arange(size)
            columns.append(start[codes][:, None] + np.arange(len(z)))
            values.append(z.T)
            levels.append([start, start + len(z), np.full(size, effect)])
            at += len(z) * size
        effect += len(z)
    return np.hstack(columns), np.hstack(values), np.hstack(levels)


def _explained_rest(
    column: np.ndarray, value: np.ndarray, codes: np.ndarray, basis: np.ndarray, groups: int, m: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q_k' times the columns of the rest that group k touches: begin, (K + 1,), columns, and values, (q, entries)."""
    keys, place = np.unique(codes[:, None] * m + column, return_inverse=True)
    place = place.reshape(column.shape)
    share = np.zeros((len(basis), len(keys)))
    for j, direction in enumerate(basis):
        for c in range(column.shape[1]):
            share[j] += np.bincount(place[:, c], direction * value[:, c], len(keys))
    begin = np.searchsorted(keys // m, np.arange(groups + 1))
    return begin, keys % m, share


def _left(
    column: np.ndarray, value: np.ndarray, begin: np.ndarray, touched: np.ndarray, share: np.ndarray, w: np.ndarray
) -> np.ndarray:
    """Products of what the first factor leaves of [rest, X, y]; ``w`` is what it left of [X, y]."""
    from scipy.sparse import csr_array

    m = int(column.max()) + 1
    ends = np.arange(0, column.size + 1, column.shape[1])
    rest = csr_array((value.ravel(), column.ravel(), ends), shape=(len(column), m))
    left = np.empty((m + len(w), m + len(w)))
    left[:m, :m] = (rest.T @ rest).toarray()
    for one in share:
        taken = csr_array((one, touched, begin), shape=(len(begin) - 1, m))
        left[:m, :m] -= (taken.T @ taken).toarray()
    left[m:, :m] = (rest.T @ w.T).T
    left[:m, m:] = left[m:, :m].T
    left[m:, m:] = w @ w.T
    return left
