"""What the groups' own coefficients of no pooling explain, and which of them others explain.

The first factor is taken out group by group. Of several factors the others' columns make one matrix, as large as they
have coefficients; what is left of it beside the first factor is kept as products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from hlm.support.independent_columns import independent_root
from hlm.support.linear_algebra import orthonormal, project_out, solve_with_root, within_least_squares

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_LEAST = 1e-12  # of a column's squares that must be new: products keep half of the digits
_MOST = 5000  # columns in one matrix
_ROUNDS, _STILL = 200, 1e-12  # of alternating projections, and the share of a column that no longer moves


@dataclass(frozen=True, eq=False)
class OwnSpan:
    """The own columns of one factor or several."""

    codes: tuple[np.ndarray, ...]  # of each factor the group of each row, shape (rows,)
    effects: tuple[np.ndarray, ...]  # of each factor the columns of its effects, shape (rows, q)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Groups of each factor."""
        return tuple(int(codes.max()) + 1 for codes in self.codes)

    @cached_property
    def fixed(self) -> tuple[np.ndarray, ...]:
        """Of each factor, shape (K, q): which coefficients are 0, since those of other groups stand for them.

        A coefficient that a group's own rows cannot tell from its others is free: its prior decides.
        """
        found = [np.zeros((size, z.shape[1]), dtype=bool) for size, z in zip(self.sizes, self.effects, strict=True)]
        if self._too_many:  # a level of each other factor, as where all are crossed
            for one in found[1:]:
                one[0, 0] = True
        elif self._others is not None:
            dropped = np.ones(len(self._others.columns), dtype=bool)
            dropped[self._others.kept] = False
            for place in np.flatnonzero(dropped):
                factor, group, column = self._others.columns[place]
                found[factor][group, column] = True
        return tuple(found)

    def outside(self, columns: np.ndarray) -> np.ndarray:
        """What the own columns leave of columns, shape (rows, p)."""
        if self._too_many:
            return np.column_stack([self._projected_away(column) for column in columns.T])
        left = np.ascontiguousarray(columns.T).copy()
        project_out(self._basis, left, self.codes[0], self.sizes[0])
        if self._others is not None:
            for _ in range(2):  # the second time removes the rounding error of the first
                share = solve_with_root(self._others.root, self._others.matrix.T @ left.T)
                left -= (self._others.matrix @ share).T
                project_out(self._basis, left, self.codes[0], self.sizes[0])
        return np.ascontiguousarray(left.T)

    @property
    def _too_many(self) -> bool:
        widths = (z.shape[1] for z in self.effects[1:])
        return bool(sum(size * width for size, width in zip(self.sizes[1:], widths, strict=True)) > _MOST)

    def _projected_away(self, column: np.ndarray) -> np.ndarray:
        """What is left of one column, by a regression on each factor in turn until nothing moves."""
        left = column.copy()
        for _ in range(_ROUNDS):
            before = np.linalg.norm(left)
            for codes, z in zip(self.codes, self.effects, strict=True):
                left -= np.einsum("ij,ij->i", z, within_least_squares(left, codes, z)[codes])
            if before - np.linalg.norm(left) <= _STILL * np.linalg.norm(column):
                break
        return left

    @cached_property
    def _basis(self) -> np.ndarray:
        """Orthonormal columns of the first factor, shape (q, rows)."""
        return orthonormal(np.ascontiguousarray(self.effects[0].T), self.codes[0], self.sizes[0])[1]

    @cached_property
    def _others(self) -> _Others | None:
        """The columns of the other factors; the first level's come last, so that it is the one that is left out."""
        if len(self.codes) < 2:
            return None
        from scipy.sparse import csr_array

        names, place, value, count = [], [], [], 0
        for factor, (codes, z, size) in enumerate(zip(self.codes, self.effects, self.sizes, strict=True)):
            if factor > 0:
                root, basis = orthonormal(np.ascontiguousarray(z.T), codes, size)
                there = np.argwhere(np.diagonal(root, axis1=1, axis2=2) > 0)[::-1]
                names += [(factor, group, column) for group, column in there.tolist()]
                places = np.zeros((size, z.shape[1]), dtype=np.int64)  # where there is none the basis is 0
                places[there[:, 0], there[:, 1]] = np.arange(count, count + len(there))
                place.append(places[codes])
                value.append(basis.T)
                count += len(there)
        rows, places, values = len(self.codes[0]), np.hstack(place), np.hstack(value)
        matrix = csr_array(
            (values.ravel(), places.ravel(), np.arange(0, places.size + 1, places.shape[1])), shape=(rows, count)
        )
        matrix.sum_duplicates()
        products = (matrix.T @ matrix).toarray()
        nothing = _LEAST * np.diagonal(products)
        for direction in self._basis:
            one = csr_array((direction, self.codes[0], np.arange(rows + 1)), shape=(rows, self.sizes[0]))
            shares = one.T @ matrix
            products -= (shares.T @ shares).toarray()
        kept, root = independent_root(products, nothing)
        return _Others(names, matrix[:, kept], kept, root)


@dataclass(frozen=True, slots=True)
class _Others:
    columns: list[tuple[int, int, int]]  # factor, group, and column of its effects
    matrix: csr_array  # shape (rows, kept)
    kept: np.ndarray  # places among ``columns``
    root: np.ndarray  # of the products of what the first factor leaves of the kept columns
