"""The correlated group effects that Bambi lacks, by its public interface: a prior with a ``dist`` of its own.

Bambi calls ``dist(label, sigma=<tensor>, dims=...)`` inside the PyMC model, once for each term of a block
(``1|school``, then ``pre|school``). The first call creates the block's correlation matrix and one matrix of standard
normal offsets (effects x groups), which the later ones find in the PyMC model; every call returns its own rows.

The correlation matrix is built from canonical partial correlations, scaled Beta variables (Lewandowski, Kurowicka &
Joe 2009, J. Multivariate Analysis 100:1989-2001), because the free variable of PyMC 6's LKJCorr is a Cholesky factor.
"""

from __future__ import annotations

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

    def __call__(self, name: str, *, sigma: Any, dims: tuple[str, ...]) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        factor_dim, *others = dims
        response_dims = others[int(self.has_levels) :]
        offsets, cholesky = self._shared(pm.modelcontext(None), factor_dim, response_dims)
        standard = [sum(cholesky[i][j] * offsets[j] for j in range(i + 1)) for i in self.rows]
        if self.has_levels:
            values = pt.stack([sigma[k] * effect for k, effect in enumerate(standard)], axis=1)
        else:
            values = sigma * standard[0]
        return pm.Deterministic(name, values, dims=dims)

    def _shared(self, model: Any, factor_dim: str, response_dims: list[str]) -> tuple[Any, list[list[Any]]]:
        """The block's offsets and the rows of its Cholesky factor, created when first asked for."""
        import pymc as pm

        partial_name, offset_name = f"{self.block}_partial_offset", f"{self.block}_z_offset"
        if offset_name in model.named_vars:
            return model[offset_name], _cholesky_rows(model[partial_name], len(self.effects))
        (effect_dim, effect_dim_bis), pair_dim, q = self.dims, f"{self.block}_pair", len(self.effects)
        labels = [f"{self.effects[j]}, {self.effects[i]}" for i, j in _pairs(q)]
        model.add_coords({effect_dim: self.effects, effect_dim_bis: self.effects, pair_dim: labels})
        # the Beta parameter of each partial correlation: column j conditions on the j columns before it
        beta = np.array([self.eta + (q - 2 - j) / 2 for _, j in _pairs(q)]).reshape(-1, *(1 for _ in response_dims))
        partial = pm.Beta(partial_name, alpha=beta, beta=beta, dims=(pair_dim, *response_dims))
        offsets = pm.Normal(offset_name, 0.0, 1.0, dims=(effect_dim, factor_dim, *response_dims))
        cholesky = _cholesky_rows(partial, q)
        pm.Deterministic(self.block, _correlation(cholesky), dims=(effect_dim, effect_dim_bis, *response_dims))
        return offsets, cholesky


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


def _correlation(cholesky: list[list[Any]]) -> Any:
    import pytensor.tensor as pt

    q = len(cholesky)
    entries = [[pt.ones_like(cholesky[1][0])] * q for _ in range(q)]
    for i, j in _pairs(q):
        entries[i][j] = entries[j][i] = sum(cholesky[i][m] * cholesky[j][m] for m in range(j + 1))
    return pt.stack([pt.stack(row) for row in entries])
