"""The correlated group effects that Bambi lacks, by its public interface: a prior with a ``dist`` of its own.

Bambi calls ``dist(label, sigma=<tensor>, dims=...)`` inside the PyMC model, once for each term of a block
(``1|school``, then ``pre|school``). The first call creates the block's correlation matrix and one matrix of standard
normal offsets (effects x groups), which the later ones find in the PyMC model; every call returns its own rows.

The correlation matrix is built from canonical partial correlations, scaled Beta variables (Lewandowski, Kurowicka &
Joe 2009, J. Multivariate Analysis 100:1989-2001), because the free variable of PyMC 6's LKJCorr is a Cholesky factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class CorrelatedEffects:
    """The distribution of one term of a correlated block, non-centred."""

    block: str  # name of the correlation matrix, ``school_corr``
    dims: tuple[str, ...]  # of the correlation matrix, ``school_effect`` and ``school_effect_bis``
    effects: tuple[str, ...]  # the block's columns, length q: ``("Intercept", "pre")``
    rows: tuple[int, ...]  # which of them belong to this term
    eta: float  # of the LKJ prior
    has_levels: bool  # whether the term is a factor, whose columns have a dim of their own after the groups'
    # where the priors belong to orthogonalised effects b_c with b = T b_c: T, shape (q, q), and the numbers of the
    # HalfNormal priors of their sds, length q
    transformation: np.ndarray | None = None
    sds: tuple[float, ...] = ()

    def __call__(self, name: str, *, sigma: Any, dims: tuple[str, ...]) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        factor_dim, *others = dims
        response_dims = others[int(self.has_levels) :]
        model = pm.modelcontext(None)
        root = self.root(model, response_dims)
        offset_name = f"{self.block}_z_offset"
        if offset_name not in model.named_vars:
            pm.Normal(offset_name, 0.0, 1.0, dims=(self.dims[0], factor_dim, *response_dims))
        offsets = model[offset_name]
        effects = [sum(entry * offsets[j] for j, entry in enumerate(root[i])) for i in self.rows]
        if self.transformation is None:
            effects = [(sigma[k] if self.has_levels else sigma) * effect for k, effect in enumerate(effects)]
        values = pt.stack(effects, axis=1) if self.has_levels else effects[0]
        return pm.Deterministic(name, values, dims=dims)

    def root(self, model: Any, response_dims: Sequence[str]) -> list[list[Any]]:
        """The rows of a root of the block's correlation matrix, or, where T is given, of its covariance matrix.

        The variables that it is made of are created when first asked for.
        """
        import pymc as pm

        partial_name, sd_name, q = f"{self.block}_partial_offset", f"{self.block}_sd_offset", len(self.effects)
        if partial_name in model.named_vars:
            return self._rows(model[partial_name], None if self.transformation is None else model[sd_name])
        (effect_dim, effect_dim_bis), pair_dim = self.dims, f"{self.block}_pair"
        labels = [f"{self.effects[j]}, {self.effects[i]}" for i, j in _pairs(q)]
        model.add_coords({effect_dim: self.effects, effect_dim_bis: self.effects, pair_dim: labels})
        # the Beta parameter of each partial correlation: column j conditions on the j columns before it
        shape = (-1, *(1 for _ in response_dims))
        beta = np.reshape([self.eta + (q - 2 - j) / 2 for _, j in _pairs(q)], shape)
        partial = pm.Beta(partial_name, alpha=beta, beta=beta, dims=(pair_dim, *response_dims))
        sds = None
        if self.transformation is not None:
            sds = pm.HalfNormal(sd_name, np.reshape(self.sds, shape), dims=(effect_dim, *response_dims))
        root = self._rows(partial, sds)
        pm.Deterministic(self.block, _correlation(root), dims=(effect_dim, effect_dim_bis, *response_dims))
        return root

    def _rows(self, partial: Any, sds: Any) -> list[list[Any]]:
        rows = _cholesky_rows(partial, len(self.effects))
        if self.transformation is None:
            return rows
        q, t = len(rows), self.transformation
        return [[sum(t[i, k] * sds[k] * rows[k][j] for k in range(max(i, j), q)) for j in range(q)] for i in range(q)]


@dataclass(frozen=True, slots=True)
class DerivedSds:
    """In the place of a prior: the sds of a term's effects as they follow from those of the orthogonalised effects."""

    effects: CorrelatedEffects

    def __call__(self, name: str, *, dims: tuple[str, ...] | None) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        response_dims = (dims or ())[int(self.effects.has_levels) :]
        root = self.effects.root(pm.modelcontext(None), response_dims)
        found = [pt.sqrt(sum(entry**2 for entry in root[i])) for i in self.effects.rows]
        return pm.Deterministic(name, pt.stack(found) if self.effects.has_levels else found[0], dims=dims)


def _pairs(q: int) -> list[tuple[int, int]]:
    """All (later, earlier) pairs in the order of the rows of a lower triangle."""
    return [(i, j) for i in range(q) for j in range(i)]


def _cholesky_rows(partial: Any, q: int) -> list[list[Any]]:
    """Partial correlations, on (0, 1), to the lower triangle of the correlation matrix's Cholesky factor."""
    import pytensor.tensor as pt

    position = {pair: k for k, pair in enumerate(_pairs(q))}
    rows: list[list[Any]] = [[1.0]]
    for i in range(1, q):
        row, left = [], 1.0
        for j in range(i):
            share = partial[position[i, j]]
            row.append((2 * share - 1) * left)
            left = left * pt.sqrt(4 * share * (1 - share))
        rows.append([*row, left])
    return rows


def _correlation(root: list[list[Any]]) -> Any:
    """The correlation matrix from the rows of a root of it, or of the covariance matrix."""
    import pytensor.tensor as pt

    q = len(root)
    sds = [pt.sqrt(sum(entry**2 for entry in row)) for row in root]
    entries = [[pt.ones_like(sds[1])] * q for _ in range(q)]
    for i, j in _pairs(q):
        products = sum(a * b for a, b in zip(root[i], root[j], strict=False))
        entries[i][j] = entries[j][i] = products / (sds[i] * sds[j])
    return pt.stack([pt.stack(row) for row in entries])
