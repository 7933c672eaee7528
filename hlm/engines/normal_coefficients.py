"""A model's coefficients as numbers: X beta + sum over factors of Z b[group], with Normal priors of beta and b."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from hlm.engines.theta.covariance import Correlations
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.model.priors import Prior, Priors
from hlm.support.linear_algebra import solve_upper

_NOTHING = np.zeros(0)


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Independent Normal priors of the (centred) common coefficients; ``mean`` and ``sd`` have shape (p,)."""

    mean: np.ndarray
    sd: np.ndarray
    transformation: np.ndarray | None = None  # shape (p, p); T where these are beta, and X is that of b_c, beta = T b_c

    @property
    def centre(self) -> np.ndarray:
        """The mean of b_c, shape (p,)."""
        return self.mean if self.transformation is None else solve_upper(self.transformation, self.mean[:, None])[:, 0]

    @property
    def precision(self) -> np.ndarray:
        """Of b_c, shape (p, p)."""
        if self.transformation is None:
            return np.diag(1.0 / self.sd**2)
        scaled = self.transformation / self.sd[:, None]
        return np.asarray(scaled.T @ scaled)


@dataclass(frozen=True, slots=True)
class NormalCoefficients:
    """The columns of a model and the priors of their coefficients."""

    common: Columns  # X, shape (rows, p)
    prior: NormalPrior  # of its coefficients, the intercept's about centred columns
    factors: tuple[GroupingFactor, ...]  # empty in complete pooling, where all rows are one group without effects
    mean: np.ndarray  # shape (q,); prior mean of b; 0 but in no pooling
    known_sd: np.ndarray | None  # shape (q,), or None; prior sd of b where it is not to be estimated: in no pooling
    blocks: tuple[Correlations, ...] = ()
    # shape (q, q), or None; T with b = T b_c, where the priors of sds and correlations are those of b_c
    transformation: np.ndarray | None = None

    @property
    def sizes(self) -> list[int]:
        """Effects of every factor, of all its groups."""
        return [factor.size * factor.width for factor in self.factors]

    @property
    def coefficients(self) -> int:
        """Common coefficients and effects."""
        return len(self.common.terms) + sum(self.sizes)

    @property
    def fitted_by_means(self) -> np.ndarray | float:
        """What the effects' prior means fit, shape (rows,)."""
        if not self.mean.any():
            return 0.0
        return np.asarray(sum(factor.design.matrix @ self.mean[factor.columns] for factor in self.factors))


def normal_coefficients(model: Model) -> NormalCoefficients:
    """The numbers of a model all of whose coefficients have Normal priors."""
    if model.pooling == "none":
        return _own_coefficients(model)
    prior = normal_prior(model.common, model.priors)
    if not model.factors:
        return NormalCoefficients(model.common, prior, (), _NOTHING, _NOTHING)
    zero = np.zeros(model.factors[-1].columns.stop)
    return NormalCoefficients(
        model.common, prior, model.factors, zero, None, _correlations(model), _transformation(model)
    )


def _own_coefficients(model: Model) -> NormalCoefficients:
    """No pooling with the groups' own coefficients as effects of known sd.

    A coefficient that is fixed at 0 has columns of zeros. The prior of a common intercept is about the means of all
    columns, the groups' own ones included. Here it is about those of the common ones, and has the mean and the sd that
    follow for it, so that groups stay independent.
    """
    own = [(e.coefficients.name, len(e.labels)) for f in model.factors for e in f.effects]
    found = [_for_columns(model.priors, name, name, count) for name, count in own]
    mean, sd = (np.concatenate(numbers) for numbers in zip(*found, strict=True))
    prior = normal_prior(model.common, model.priors)
    if INTERCEPT in model.common.terms:
        place = model.common.terms.index(INTERCEPT)
        for factor in model.factors:
            shares = np.stack([np.bincount(factor.codes, z, factor.size) for z in factor.design.matrix.T]) / model.rows
            prior.mean[place] -= mean[factor.columns] @ shares.sum(axis=1)
            prior.sd[place] = np.hypot(prior.sd[place], np.linalg.norm(shares * sd[factor.columns, None]))
    return NormalCoefficients(model.common, prior, tuple(map(_without_fixed, model.factors)), mean, sd)


def _without_fixed(factor: GroupingFactor) -> GroupingFactor:
    """With columns of zeros for coefficients that are 0."""
    if factor.fixed is None:
        return factor
    return replace(factor, design=replace(factor.design, matrix=factor.design.matrix * ~factor.fixed[factor.codes]))


def _correlations(model: Model) -> tuple[Correlations, ...]:
    places = [
        (block.correlation.name, factor.start + block.columns.start, factor.start + block.columns.stop)
        for factor in model.factors
        for block in factor.blocks
        if block.correlation is not None
    ]
    return tuple(Correlations(*place, cast("float", model.priors[place[0]].args["eta"])) for place in places)


def _transformation(model: Model) -> np.ndarray | None:
    """The transformations of all blocks as one matrix."""
    if not model.transformations:
        return None
    found = np.eye(model.factors[-1].columns.stop)
    for factor in model.factors:
        for block in factor.blocks:
            if block.correlation is not None and block.correlation.name in model.transformations:
                here = slice(factor.start + block.columns.start, factor.start + block.columns.stop)
                found[here, here] = model.transformations[block.correlation.name]
    return found


def normal_prior(common: Columns, priors: Priors) -> NormalPrior:
    """The priors of the common terms as one mean and sd per column."""
    mean, sd = np.empty(len(common.terms)), np.empty(len(common.terms))
    for term in dict.fromkeys(common.terms):
        mine = [t == term for t in common.terms]
        mean[mine], sd[mine] = _for_columns(priors, names.coefficient(term), term.name, sum(mine))
    return NormalPrior(mean, sd)


def _for_columns(priors: Priors, name: str, shown: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean and the sd of each of a term's columns."""
    prior = priors[name]
    if any(np.size(prior.args[key]) not in (1, count) for key in ("mu", "sigma")):
        raise FitError(f"The prior of {shown!r} is {prior}, and the term has {count} coefficient(s).")
    return np.broadcast_to(prior.args["mu"], count), np.broadcast_to(prior.args["sigma"], count)


def why_not_lkj(name: str, prior: Prior) -> str | None:
    """None if the prior of a correlation matrix is LKJ, else one sentence."""
    eta = prior.args.get("eta")
    if prior.name in ("LKJ", "LKJCorr", "LKJCholeskyCov") and isinstance(eta, float) and 0 < eta < np.inf:
        return None
    return f"The prior of {name!r} is {prior}, not LKJ(eta)."


def why_not_normal(name: str, prior: Prior) -> str | None:
    """None if the prior of coefficients is Normal, else one sentence."""
    sigma = prior.args.get("sigma", np.nan)
    if prior.name != "Normal" or prior.dist is not None or set(prior.args) != {"mu", "sigma"}:
        return f"The prior of {name!r} is {prior}: only Normal(mu, sigma) coefficients can be integrated out."
    if not (np.isfinite(sigma).all() and np.min(sigma) > 0 and np.isfinite(prior.args["mu"]).all()):
        return f"The prior of {name!r} is {prior}: its numbers must be finite, and sigma positive."
    return None


def group_means(columns: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The means of columns in each group, shape (K, columns)."""
    counts = np.bincount(codes)
    sums = [np.bincount(codes, column) for column in columns.T]
    return np.stack(sums, axis=1) / counts[:, None] if sums else np.empty((len(counts), 0))
