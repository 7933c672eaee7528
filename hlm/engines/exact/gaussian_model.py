"""A model as the exact engine needs it: y = X beta + sum over factors of Z b[group] + noise, with Normal priors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from hlm.engines.exact.likelihood.marginal import NormalPrior, Sums
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.sums.orthogonalised import orthogonalised_common
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.engines.exact.theta.coordinates import Correlations
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.model.priors import Priors

_NOTHING = np.zeros(0)


@dataclass(frozen=True, slots=True)
class GaussianModel:
    """The numbers of a model."""

    response: np.ndarray  # shape (rows,); y, less its offset
    common: Columns  # X, shape (rows, p)
    prior: NormalPrior  # of its coefficients, the intercept's about centred columns
    factors: tuple[GroupingFactor, ...]  # empty in complete pooling, where all rows are one group without effects
    mean: np.ndarray  # shape (q,); prior mean of b; 0 but in no pooling
    known_sd: np.ndarray | None  # shape (q,), or None; prior sd of b where it is not to be estimated: in no pooling
    blocks: tuple[Correlations, ...] = ()
    root_weights: np.ndarray | None = None  # shape (rows,), or None; square roots of the rows' weights
    # shape (q, q), or None; T with b = T b_c, where the priors of sds and correlations are those of b_c
    transformation: np.ndarray | None = None
    # shape (p, p), or None; T with beta = T b_c, where X is that of b_c, since as written it is nearly collinear
    common_transformation: np.ndarray | None = None

    @property
    def response_less_means(self) -> np.ndarray:
        """The response less what the effects' prior means fit, shape (rows,)."""
        fitted = (factor.design.matrix @ self.mean[factor.columns] for factor in self.factors)
        return np.asarray(self.response - sum(fitted)) if self.mean.any() else self.response

    @property
    def sizes(self) -> list[int]:
        """Effects of every factor, of all its groups."""
        return [factor.size * factor.width for factor in self.factors]

    @property
    def coefficients(self) -> int:
        """Common coefficients and effects."""
        return len(self.common.terms) + sum(self.sizes)


def gaussian_model(model: Model) -> GaussianModel:
    """The numbers of a model that the engine covers (coverage.py)."""
    if model.pooling == "none":
        return none_as_groups(model)
    if not model.factors:
        return _numbers(model, normal_prior(model.common, model.priors))
    prior = normal_prior(model.common, model.priors)
    return _numbers(model, prior, model.factors, np.zeros(model.factors[-1].columns.stop), None)


def _numbers(
    model: Model, prior: NormalPrior, factors: tuple[GroupingFactor, ...] = (), mean: np.ndarray = _NOTHING,
    sd: np.ndarray | None = _NOTHING,
) -> GaussianModel:  # fmt: skip
    """A model with effects of this prior mean and sd (None: to be estimated), if any."""
    common, transformation = orthogonalised_common(model.common)
    if transformation is not None:  # the prior of the intercept is about centred columns already
        centred = np.where([[term == INTERCEPT] for term in common.terms], np.eye(len(transformation)), transformation)
        prior = replace(prior, transformation=centred)
    return GaussianModel(
        model.response, common, prior, factors, mean, sd, _correlations(model), model.root_weights,
        _transformation(model) if sd is None else None, transformation,
    )  # fmt: skip


def none_as_groups(model: Model) -> GaussianModel:
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
    return _numbers(model, prior, tuple(map(_without_fixed, model.factors)), mean, sd)


def _without_fixed(factor: GroupingFactor) -> GroupingFactor:
    """With columns of zeros for coefficients that are 0."""
    if factor.fixed is None:
        return factor
    return replace(factor, design=replace(factor.design, matrix=factor.design.matrix * ~factor.fixed[factor.codes]))


def summed(gaussian: GaussianModel) -> Sums:
    """The cross-products of the model's columns and response."""
    if len(gaussian.factors) > 1:
        factors = [(factor.design, factor.codes) for factor in gaussian.factors]
        return crossed_products(gaussian.common, factors, gaussian.response_less_means, gaussian.root_weights)
    return cross_products(*columns_alone(gaussian))


def columns_alone(gaussian: GaussianModel) -> tuple[Columns, Columns, np.ndarray, np.ndarray, np.ndarray | None]:
    """With one factor, or none (then all rows are one group): X, Z, groups, y less what b's mean fits, root weights."""
    effects, codes = gaussian.common.select(()), np.zeros(len(gaussian.response), dtype=np.int64)
    if gaussian.factors:
        effects, codes = gaussian.factors[0].design, gaussian.factors[0].codes
    return gaussian.common, effects, codes, gaussian.response_less_means, gaussian.root_weights


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
