"""A model as the exact engine needs it: y = X beta + sum over factors of Z b[group] + noise, with Normal priors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.likelihood.marginal import NormalPrior, Sums
from hlm.engines.exact.sums.one_factor import CrossProducts, summed_up
from hlm.engines.exact.sums.rows import Coordinates, coordinates
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.engines.exact.theta.coordinates import Correlations
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT, Term
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.model.priors import Priors


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


def gaussian_model(model: Model) -> GaussianModel:
    """The numbers of a model that the engine covers (coverage.py)."""
    if model.pooling == "none":
        return none_as_groups(model) if independent_groups(model) else none_as_columns(model)
    if not model.factors:
        return _without_effects(model, model.common)
    prior, mean = normal_prior(model.common, model.priors), np.zeros(model.factors[-1].columns.stop)
    return GaussianModel(
        model.response,
        model.common,
        prior,
        model.factors,
        mean,
        None,
        _correlations(model),
        model.root_weights,
        _transformation(model),
    )


def _without_effects(model: Model, common: Columns) -> GaussianModel:
    prior = normal_prior(common, model.priors)
    nothing = np.zeros(0)
    return GaussianModel(model.response, common, prior, (), nothing, nothing, root_weights=model.root_weights)


def independent_groups(model: Model) -> bool:
    """Whether the groups of no pooling are independent given the common coefficients.

    Not with a second factor, nor beside a common intercept, whose prior is about the centred columns of all groups.
    """
    return len(model.factors) == 1 and INTERCEPT not in model.common.terms


def none_as_groups(model: Model) -> GaussianModel:
    """No pooling with the groups' own coefficients as effects of known sd, fast for any number of groups."""
    (factor,) = model.factors
    mean, sd = (
        np.concatenate(
            [np.broadcast_to(model.priors[e.coefficients.name].args[key], len(e.labels)) for e in factor.effects]
        )
        for key in ("mu", "sigma")
    )
    prior = normal_prior(model.common, model.priors)
    return GaussianModel(model.response, model.common, prior, (factor,), mean, sd, root_weights=model.root_weights)


def none_as_columns(model: Model) -> GaussianModel:
    """No pooling with the groups' own coefficients as ordinary columns of X, one for each group and effect."""
    own = {o.term: Term((o.group.name, *o.effect.variables)) for o in model.design.no_pooling.own}
    terms = tuple(own.get(term, term) for term in model.formula.common)  # cells a:b are one column of the data
    return _without_effects(model, model.design.columns_of(terms))


def summed(gaussian: GaussianModel) -> Sums:
    """The cross-products of the model's columns and response."""
    if len(gaussian.factors) > 1:
        factors = [(factor.design, factor.codes) for factor in gaussian.factors]
        return crossed_products(gaussian.common, factors, gaussian.response, gaussian.root_weights)
    return summed_alone(gaussian)


def summed_alone(gaussian: GaussianModel) -> CrossProducts:
    """The cross-products of a model with one factor, or none: then all rows are one group."""
    return summed_up(*coordinates_alone(gaussian))


def coordinates_alone(gaussian: GaussianModel) -> tuple[Coordinates, np.ndarray]:
    """The rows of such a model as the sums see them, and their groups."""
    y = gaussian.response
    effects, codes = Columns(np.empty((len(y), 0)), (), ()), np.zeros(len(y), dtype=np.int64)
    if gaussian.factors:
        effects, codes = gaussian.factors[0].design, gaussian.factors[0].codes
    rows = coordinates(
        gaussian.common, effects, codes, y, effect_mean=gaussian.mean, root_weights=gaussian.root_weights
    )
    return rows, codes


def _correlations(model: Model) -> tuple[Correlations, ...]:
    found = []
    for factor in model.factors:
        for block in factor.blocks:
            if block.correlation is not None:
                eta = model.priors[block.correlation.name].args["eta"]
                assert isinstance(eta, float)
                start, stop = factor.start + block.columns.start, factor.start + block.columns.stop
                found.append(Correlations(block.correlation.name, start, stop, eta))
    return tuple(found)


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
