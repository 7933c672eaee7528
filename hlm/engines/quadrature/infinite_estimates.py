"""Coefficients whose maximum likelihood estimates are infinite, and the likelihood that is left in the limit.

Where a combination of the common columns separates rows, the likelihood rises as the coefficients go along it, whatever
the effects: in the limit those rows have probability 1, and the others decide. These may be separated in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.kernels.row_density import GAMMA, NEGATIVE_BINOMIAL, POISSON
from hlm.support.separation import MARGIN, separating_direction

_SPANNED = 1e-8  # of a singular value relative to the largest, and of a part of a vector relative to its length


@dataclass(frozen=True, slots=True)
class Limit:
    """The rows that are left, in columns of full rank."""

    grouped: GroupedRows  # the separated rows count nothing there; its u are those of the rest
    basis: np.ndarray  # shape (p, r); u = basis @ those of the rest
    directions: tuple[np.ndarray, ...]  # of u, each shape (p,); along the first one everything is largest
    separated: np.ndarray  # shape (n,); of the rows

    def infinite(self, combinations: np.ndarray) -> np.ndarray:
        """For combinations of u, shape (m, p): 1 or -1 where they are infinite, NaN where any value, 0 where finite."""
        outside = combinations - combinations @ self.basis @ self.basis.T
        found = np.zeros(len(combinations))
        for place, (whole, rest) in enumerate(zip(combinations, outside, strict=True)):
            if np.linalg.norm(rest) > _SPANNED * np.linalg.norm(whole):
                changes = [whole @ d / (np.linalg.norm(whole) * np.linalg.norm(d)) for d in self.directions]
                found[place] = next((np.sign(change) for change in changes if abs(change) > MARGIN), np.nan)
        return found


def limit(grouped: GroupedRows) -> Limit:
    """Leave out what common columns separate."""
    s, c, offset, x = grouped.rows
    counts = grouped.kind in (POISSON, NEGATIVE_BINOMIAL)
    signs = np.where(s == 0, -1.0, np.where((s == c) & (not counts), 1.0, 0.0))
    left, directions = np.ones(len(s), dtype=bool), []
    scale = np.maximum(np.abs(x).max(axis=0, initial=0.0), np.finfo(float).tiny)
    while grouped.kind != GAMMA and left.any():
        direction = separating_direction(x[left] / scale, signs[left])
        if direction is None:
            break
        directions.append(direction / scale)
        left[left] = np.abs(x[left] @ directions[-1]) <= MARGIN
    if not directions:
        return Limit(grouped, np.eye(x.shape[1]), (), ~left)
    _, sizes, axes = np.linalg.svd(x[left], full_matrices=False)
    basis = axes[sizes > _SPANNED * np.linalg.norm(x, 2)].T
    rest = replace(
        grouped, rows=(s * left, c * left, offset, np.ascontiguousarray(x @ basis * left[:, None])),
        precision=basis.T @ grouped.precision @ basis, to_common=grouped.to_common @ basis,
        means=np.zeros(basis.shape[1]),
    )  # fmt: skip
    return Limit(rest, basis, tuple(directions), ~left)
