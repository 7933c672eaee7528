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
from hlm.formula.formula import INTERCEPT, Term
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
    # X, shape (rows, p). In no pooling of several factors the groups' own coefficients are columns of it.
    common: Columns
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
        return none_as_groups(model) if independent_groups(model) else none_as_columns(model)
    if not model.factors:
        return _numbers(model, model.common)
    return _numbers(model, model.common, np.zeros(model.factors[-1].columns.stop), None)


def _numbers(
    model: Model, common: Columns, mean: np.ndarray = _NOTHING, sd: np.ndarray | None = _NOTHING
) -> GaussianModel:
    """A model with these common columns, and with effects of this prior mean and sd (None: to be estimated), if any."""
    prior, factors = normal_prior(common, model.priors), model.factors if len(mean) else ()
    common, transformation = orthogonalised_common(common)
    if transformation is not None:  # the prior of the intercept is about centred columns already
        centred = np.where([[term == INTERCEPT] for term in common.terms], np.eye(len(transformation)), transformation)
        prior = replace(prior, transformation=centred)
    return GaussianModel(
        model.response, common, prior, factors, mean, sd, _correlations(model), model.root_weights,
        _transformation(model) if sd is None else None, transformation,
    )  # fmt: skip


def independent_groups(model: Model) -> bool:
    """Whether the groups of no pooling are independent given the common coefficients.

    Not with a second factor, nor beside a common intercept, whose prior is about the centred columns of all groups.
    """
    return len(model.factors) == 1 and INTERCEPT not in model.common.terms


def none_as_groups(model: Model) -> GaussianModel:
    """No pooling with the groups' own coefficients as effects of known sd, fast for any number of groups."""
    own = [(model.priors[e.coefficients.name].args, len(e.labels)) for e in model.factors[0].effects]
    mean, sd = (np.concatenate([np.broadcast_to(args[key], q) for args, q in own]) for key in ("mu", "sigma"))
    return _numbers(model, model.common, mean, sd)


def none_as_columns(model: Model) -> GaussianModel:
    """No pooling with the groups' own coefficients as ordinary columns of X, one for each group and effect."""
    own = {o.term: Term((o.group.name, *o.effect.variables)) for o in model.design.no_pooling.own}
    terms = tuple(own.get(term, term) for term in model.formula.common)  # cells a:b are one column of the data
    return _numbers(model, model.design.columns_of(terms))


def summed(gaussian: GaussianModel) -> Sums:
    """The cross-products of the model's columns and response."""
    if len(gaussian.factors) > 1:
        factors = [(factor.design, factor.codes) for factor in gaussian.factors]
        return crossed_products(gaussian.common, factors, gaussian.response, gaussian.root_weights)
    return cross_products(*columns_alone(gaussian))


def columns_alone(gaussian: GaussianModel) -> tuple[Columns, Columns, np.ndarray, np.ndarray, np.ndarray | None]:
    """With one factor, or none (then all rows are one group): X, Z, groups, y less what b's mean fits, root weights."""
    effects, codes = gaussian.common.select(()), np.zeros(len(gaussian.response), dtype=np.int64)
    if gaussian.factors:
        effects, codes = gaussian.factors[0].design, gaussian.factors[0].codes
    y = gaussian.response - effects.matrix @ gaussian.mean
    return gaussian.common, effects, codes, y, gaussian.root_weights


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
        prior = priors[names.coefficient(term)]
        mine = [t == term for t in common.terms]
        if any(sum(mine) % np.size(prior.args[key]) for key in ("mu", "sigma")):
            raise FitError(f"The prior of {term.name!r} is {prior}, and the term has {sum(mine)} coefficient(s).")
        for values, given in ((mean, prior.args["mu"]), (sd, prior.args["sigma"])):
            values[mine] = np.tile(given, sum(mine) // np.size(given))  # one for each column, the same for every group
    return NormalPrior(mean, sd)
