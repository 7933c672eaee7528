"""The model that `reml` fits, in coordinates in which nothing is ill-conditioned.

X = Q R with orthonormal Q. The columns of a correlated block are made orthogonal too: its covariance matrix is free, so
that the model is the same in any basis, and years around 2003 are as easy as years around 3. Results are transformed
back to the columns as written: R^-1 times the coefficients of Q, and `VaryingBlock.basis` times the effects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.likelihood.marginal import Sums
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.errors import DataError, FitError
from hlm.formula.formula import Formula, Term
from hlm.model.design import Design, response_less_offset
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import solve_upper

_NEW_SHARE = 1e-7  # of its length that a column must add to the ones before it: the tolerance of R's qr and so lme4's


@dataclass(frozen=True, slots=True)
class VaryingBlock:
    """Effects of one grouping factor that share a free covariance matrix."""

    group: Term
    labels: tuple[str, ...]  # of its columns, as written
    start: int  # its first column among the effects of all factors
    stop: int
    # shape (w, w); the fit's columns are those as written times it; effects as written are it times the fit's
    basis: np.ndarray
    codes: np.ndarray  # shape (rows,); the group of each row
    groups: int  # how many there are

    @property
    def columns(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def entries(self) -> list[tuple[int, int]]:
        """The free entries of its part of the factor, row by row."""
        return [(i, j) for i in range(self.start, self.stop) for j in range(self.start, i + 1)]


@dataclass(frozen=True, slots=True)
class MixedDesign:
    """y = X beta + sum over blocks Z b[group] + noise."""

    y: np.ndarray  # shape (rows,)
    x: np.ndarray  # shape (rows, p); orthonormal columns
    x_root: np.ndarray  # shape (p, p); R: the columns as written are ``x @ x_root``
    x_labels: tuple[str, ...]  # the p columns as written
    blocks: tuple[VaryingBlock, ...]
    z: np.ndarray  # shape (rows, q); the blocks' columns side by side, in their bases; on average their squares are 1
    log_weights: float  # sum of the logs of the rows' weights, whose roots all columns have been multiplied by
    sums: Sums  # of all that, for `hlm.engines.exact.likelihood.marginal.sweep`
    notes: tuple[str, ...]  # columns that were left out, and standard deviations that are not unique


def mixed_design(formula: Formula, data: CleanData) -> MixedDesign:
    """Evaluate a formula on its data.

    DataError: where there are not more rows than common coefficients.
    FitError: where a block has as many effects as there are rows, as in lme4.
    """
    root = np.ones(data.rows) if data.weights is None else np.sqrt(data.weights)
    columns = Design(formula, data)
    y = response_less_offset(formula, data) * root
    common = columns.common
    x, x_root, x_labels = _independent(replace(common, matrix=common.matrix * root[:, None]))
    if len(x_labels) >= len(y):
        raise DataError(f"There are {len(y)} rows for {len(x_labels)} common coefficients: leave terms out.")
    blocks, z = _blocks(columns, data, root)
    factors = [[block for block in blocks if block.group == group] for group in formula.groups]
    parts = [z[:, mine[0].start : mine[-1].stop] for mine in factors]
    dropped = tuple(label for label in columns.columns_of(formula.common).labels if label not in x_labels)
    notes = [f"Left out, in the span of the common columns before: {', '.join(dropped)}."] * bool(dropped)
    notes += [f"{sentence}." for sentence in columns.left_out_of_bars]
    notes += [
        f"The standard deviations by {mine[0].group.name} are not unique: columns of its effects add up to others, "
        f"and only the sum of their variation can be estimated."
        for mine, part in zip(factors, parts, strict=True)
        if _confounded(mine, part)
    ]
    named = [(_unnamed(part), mine[0].codes) for mine, part in zip(factors, parts, strict=True)]
    one = len(named) == 1
    sums = cross_products(_unnamed(x), *named[0], y) if one else crossed_products(_unnamed(x), named, y)
    return MixedDesign(y, x, x_root, x_labels, blocks, z, 2 * float(np.log(root).sum()), sums, tuple(notes))


def _independent(design: Columns) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Q, R, and the labels of the columns that are kept.

    A column that lme4 would not tell from those before it is left out, too.
    """
    keep = list(range(len(design.labels)))
    while True:
        q, r = np.linalg.qr(design.matrix[:, keep])
        new = np.abs(np.diagonal(r))[: len(keep)] > _NEW_SHARE * np.linalg.norm(r, axis=0)[: len(r)]
        if len(keep) <= len(r) and new.all():
            break
        del keep[int(np.argmin([*new, False]))]
    return q, r, tuple(design.labels[i] for i in keep)


def _blocks(columns: Design, data: CleanData, root: np.ndarray) -> tuple[tuple[VaryingBlock, ...], np.ndarray]:
    """The blocks of all factors, those of one factor together, with their columns side by side."""
    found: list[VaryingBlock] = []
    matrices: list[np.ndarray] = []
    for block, design in sorted(columns.blocks, key=lambda part: columns.formula.groups.index(part[0].group)):
        matrix, start, group = design.matrix * root[:, None], found[-1].stop if found else 0, block.group
        basis, codes, groups = _basis(matrix), data.codes(group), len(data.levels(group))
        found.append(VaryingBlock(group, design.labels, start, start + len(basis), basis, codes, groups))
        matrices.append(matrix @ basis)
    for varying in found:
        _check_enough_rows(varying)
    return tuple(found), np.column_stack(matrices)


def _basis(matrix: np.ndarray) -> np.ndarray:
    """The matrix that makes columns orthogonal with mean squares of 1; if they are dependent, only the latter."""
    r = np.linalg.qr(matrix, mode="r") / np.sqrt(len(matrix))
    lengths = np.linalg.norm(r, axis=0)
    if len(r) < len(lengths) or (np.abs(np.diagonal(r)) <= _NEW_SHARE * lengths).any():
        return np.diag(1.0 / lengths)
    return solve_upper(r, np.eye(len(r)))


def _check_enough_rows(block: VaryingBlock) -> None:
    group, rows, effects = block.group.name, len(block.codes), block.groups * len(block.labels)
    if rows <= effects:
        names = f"{' and '.join(block.labels)} for each of {block.groups} {group}"
        raise FitError(
            f"There are {rows} rows for {effects} group-level effects ({names}): their variation and the residual one "
            f"cannot be told apart without priors. Let less vary by {group}, or take fit(), whose priors decide."
        )


def _confounded(mine: list[VaryingBlock], z: np.ndarray) -> bool:
    """Whether two covariance matrices of a factor's effects give the responses the same distribution."""
    r, first = np.linalg.qr(z, mode="r"), mine[0].start
    shapes = [np.outer(r[:, i - first], r[:, j - first]) for block in mine for i, j in block.entries]
    directions = np.array([(shape + shape.T).ravel() / np.linalg.norm(shape) for shape in shapes])
    return bool(np.linalg.matrix_rank(directions, tol=_NEW_SHARE) < len(directions))


def _unnamed(matrix: np.ndarray) -> Columns:
    """Columns with made-up names, none of them the intercept, so that the sums do not centre them."""
    labels = tuple(f"column {j}" for j in range(matrix.shape[1]))
    return Columns(matrix, tuple(Term((label,)) for label in labels), labels)
