"""What a group's rows say about its effects, and how these vary between groups: the input of `shrinkage`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.pooling_matrix import cross_products, pooling_matrix, reliability, swept
from hlm.errors import FitError
from hlm.fits.posterior_coefficients import group_covariance, linear_predictor
from hlm.formula.formula import Term
from hlm.model.nesting import parents, refines
from hlm.support.linear_algebra import combination_of

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData
    from hlm.fits.results import Fit
    from hlm.model.design_columns import Columns

_NUMBERS = 8_000_000  # draws x groups x effects^2 worked on: 64 MB an array, one second at most
_TINY = 1e-300
_SAME = 1e-9  # smaller coefficients of one column in another are the rounding of lstsq
_FEWEST = 100  # draws kept however large the data are: a Monte Carlo error of a tenth of a posterior sd


@dataclass(frozen=True, slots=True)
class Level:
    """One grouping factor of a partial-pooling fit: K groups, q effects, T draws.

    Where draws x groups x effects^2 are more than 8 million, evenly spaced draws are taken, 100 at least.
    """

    group: Term
    labels: tuple[str, ...]  # the effects, in the columns of `Design.group_coefficients`; length q
    covariance: np.ndarray  # shape (T, q, q); sigma
    # matrices, scale: shapes (1 or T, K, q, q) and (T,); the information of draw t is ``matrices / scale[t]``
    matrices: np.ndarray
    scale: np.ndarray
    spread: np.ndarray  # shape (q,); mean square of each column around its groups' means; 1 of the intercept
    inner: tuple[str, ...]  # factors within this one, whose effects are integrated out
    given: tuple[str, ...]  # other factors, whose effects are taken as known
    # mean information of a row about its linear predictor, in units of 1 / scale: the mean weight in a gaussian model
    per_row: float
    working: bool  # whether the information is that of a working linear model

    @property
    def information(self) -> np.ndarray:
        """Shape (T, K, q, q)."""
        return np.asarray(self.matrices / self.scale[:, None, None, None])

    def shares(self) -> np.ndarray:
        """The diagonals of the pooling matrices, mean over the draws, shape (K, q)."""
        return np.asarray(np.einsum("tkjj->kj", pooling_matrix(self.covariance, self.information)) / len(self.scale))

    def reliability(self) -> np.ndarray:
        """Shape (K, q); no meaning where a group's rows do not determine the effect."""
        return reliability(self.covariance, self.matrices, self.scale)

    def half_sums(self) -> np.ndarray:
        """Sum of squares of each column at which a group's rows weigh as much as the other groups, shape (q,).

        s2 / tau^2, posterior median (its mean is infinite where tau may be 0); of the intercept it is a number of rows.
        NaN where effects of inner factors stand between the rows and the group.
        """
        if self.inner:
            return np.full(len(self.labels), np.nan)
        variances = np.einsum("tjj->tj", self.covariance)
        return np.asarray(np.median(self.scale[:, None] / (self.per_row * np.maximum(variances, _TINY)), axis=0))

    @property
    def sentence(self) -> str:
        """What must be known to read the numbers; empty if nothing."""
        said = []
        if self.working:
            said.append("pooling from the information of the working linear model at the posterior mean")
        if self.given:
            said.append(f"given the effects of {' and '.join(self.given)}")
        return "; ".join(said)


def level_of(fit: Fit, factor: Term) -> Level | None:
    """Take one factor of a partial-pooling fit apart; None in a family whose information is not written down.

    Factors within this one (casks within batches) are integrated out, so that a batch of three casks does not count as
    one of sixty pastes; all others (crossed, or around it) are taken as known.
    """
    if fit.pooling != "partial":
        raise FitError(f"Pooling is measured on the partial-pooling fit, not on {fit.pooling!r}: give fits['partial'].")
    model, data = fit.resolved, fit.resolved.data
    gaussian = model.family.is_gaussian
    weights = data.weights if gaussian else _working_weights(fit)
    if not gaussian and weights is None:
        return None
    chain = _chain(model.written.groups, factor, data)
    target = model.design.group_coefficients
    effects = [varying_effects(fit, group, target) for group in chain]
    matrix = np.column_stack([target.matrix[:, kept] for kept, _ in effects])
    finest = chain[0]
    cross = cross_products(matrix, weights, data.codes(finest), len(data.levels(finest)))[None]
    wanted = max(_FEWEST, _NUMBERS // max(1, cross.size))
    draws = slice(None, None, max(1, -(-len(effects[0][1]) // wanted)))
    # draws of s2; 1 where the working weights have it in them
    scale = fit.idata["posterior"]["sigma"].to_numpy().ravel() ** 2 if gaussian else np.ones(len(effects[0][1]))
    scale = scale[draws]
    for place, (group, outer) in enumerate(pairwise(chain)):
        cross = cross / scale[:, None, None, None] if place == 0 else cross
        cross = swept(cross, effects[place][1][draws], parents(data.codes(group), data.codes(outer)))
    kept, covariance = effects[-1]
    return Level(
        group=factor, labels=tuple(target.labels[j] for j in kept), covariance=covariance[draws], matrices=cross,
        scale=scale if len(chain) == 1 else np.ones(len(scale)),
        spread=_spread(target.matrix[:, kept], data.codes(factor)),
        inner=tuple(group.name for group in chain[:-1]),
        given=tuple(group.name for group in model.written.groups if group not in chain),
        per_row=1.0 if weights is None else float(weights.mean()), working=not gaussian,
    )  # fmt: skip


def varying_effects(fit: Fit, factor: Term, target: Columns) -> tuple[list[int], np.ndarray]:
    """Which columns vary by a factor, and how.

    kept: the varying columns of ``target``, length q.
    covariance: shape (T, q, q); of every draw; blocks of the same factor added up.
    """
    design = fit.resolved.factor(factor).design
    sds, correlation = group_covariance(fit.idata["posterior"].to_dataset(), fit.resolved.factor(factor))
    change = combination_of(target.matrix, design.matrix)
    share = np.abs(change) * np.linalg.norm(target.matrix, axis=0)[:, None]
    change[share < _SAME * np.linalg.norm(design.matrix, axis=0)] = 0.0
    root = change * sds[:, None, :]
    covariance = root @ correlation @ root.swapaxes(1, 2)
    kept = [j for j in range(len(target.labels)) if (covariance[:, j, j] > 0).any()]
    return kept, covariance[:, kept][:, :, kept]


def _working_weights(fit: Fit) -> np.ndarray | None:
    """The weights of the working linear model at the posterior mean, shape (rows,).

    None in a family whose record has no information. They are those of iteratively reweighted least squares, where
    the posterior mean of the coefficients stands for the mode.
    """
    model, parts = fit.resolved, fit.parts
    if model.family.information is None:
        return None
    means = tuple(replace(part, values=part.values.mean(axis=0, keepdims=True)) for part in parts.groups)
    at = replace(parts, shared=parts.shared.mean(axis=0, keepdims=True), groups=means)
    eta = linear_predictor(at, model.data, slice(0, model.rows))[0]
    name = model.written.response.trials
    trials = None if name is None else model.data.columns[name].to_numpy(np.float64)
    own = {own: fit.idata["posterior"][own].mean().to_numpy() for own in model.family.auxiliary}
    return model.family.information(eta, trials, own)


def _chain(groups: tuple[Term, ...], factor: Term, data: CleanData) -> list[Term]:
    """The factor, last, and those within it, each within the next: the finest first."""
    chain = [factor]
    for other in sorted(groups, key=lambda group: len(data.levels(group))):
        if other != factor and refines(data.codes(other), data.codes(chain[0])):
            chain.insert(0, other)
    return chain


def _spread(columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Mean square of each column around its groups' means, 1 of a column of ones, shape (q,)."""
    counts = np.bincount(codes)
    spread = np.empty(columns.shape[1])
    for j, column in enumerate(columns.T):
        means = np.bincount(codes, column) / counts
        spread[j] = 1.0 if (column == 1).all() else np.mean((column - means[codes]) ** 2)
    return spread
