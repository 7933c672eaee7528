"""One pooling arm as the engine needs it: which columns, which priors, which names in the posterior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.likelihood.marginal import NormalPrior, Sums
from hlm.engines.exact.sums.one_factor import CrossProducts, summed_up
from hlm.engines.exact.sums.rows import Coordinates, coordinates
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.engines.exact.theta.coordinates import Correlations
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import Pooling, none_formula
from hlm.model.default_priors import correlated_blocks
from hlm.model.design_columns import Columns, block_columns, columns
from hlm.model.no_pooling import kept_columns, none_arm, own_columns
from hlm.model.priors import Prior, Priors


@dataclass(frozen=True, slots=True)
class EffectTerm:
    """An effect that each group has for itself.

    Attributes
    ----------
    name : str
        Its variable in the posterior: ``pre|school``, or ``school:pre`` in no pooling.
    effect : Term
    columns : slice
        Its columns of its factor's Z.
    labels : tuple of str
        Its columns' labels.
    """

    name: str
    effect: Term
    columns: slice
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Factor:
    """One grouping factor with the effects that vary by it.

    Attributes
    ----------
    group : Term
    codes : numpy.ndarray of int, shape (rows,)
    design : Columns
        Z, shape (rows, q): the columns of all its blocks side by side.
    effects : tuple of EffectTerm
    start : int
        Where its columns begin among those of all factors.
    """

    group: Term
    codes: np.ndarray
    design: Columns
    effects: tuple[EffectTerm, ...]
    start: int = 0

    @property
    def columns(self) -> slice:
        return slice(self.start, self.start + len(self.design.terms))


@dataclass(frozen=True, slots=True)
class GaussianArm:
    """One arm: y = X beta + sum of Z b[group] over the factors + noise.

    Attributes
    ----------
    common : Columns
        X, shape (rows, p).
    prior : NormalPrior
        Of its coefficients, the intercept's about centred columns.
    factors : tuple of Factor
        Empty in complete pooling, where all rows are one group without effects.
    mean : numpy.ndarray, shape (q,)
        Prior mean of b; 0 but in no pooling.
    known_sd : numpy.ndarray, shape (q,), or None
        Prior sd of b where it is not to be estimated: in no pooling.
    blocks : tuple of Correlations
    root_weights : numpy.ndarray, shape (rows,), or None
        Square roots of the rows' weights.
    """

    common: Columns
    prior: NormalPrior
    factors: tuple[Factor, ...]
    mean: np.ndarray
    known_sd: np.ndarray | None
    blocks: tuple[Correlations, ...] = ()
    root_weights: np.ndarray | None = None


def make_arm(formula: Formula, data: CleanData, pooling: Pooling, priors: Priors) -> GaussianArm:
    """The arm of a partial-pooling formula; see `hlm.engines.exact.coverage.covers` for what must hold.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    priors : Priors
        Of that arm.
    """
    arm = _unweighted(formula, data, pooling, priors)
    return arm if data.weights is None else replace(arm, root_weights=np.sqrt(data.weights))


def _unweighted(formula: Formula, data: CleanData, pooling: Pooling, priors: Priors) -> GaussianArm:
    if pooling == "none":
        return none_as_groups(formula, data, priors) or none_as_columns(formula, data, priors)
    common = columns(formula.common, data)
    prior = normal_prior(common, priors)
    if pooling == "complete" or not formula.blocks:
        return GaussianArm(common, prior, (), np.zeros(0), np.zeros(0))
    factors = tuple(_factors(formula, data))
    mean = np.zeros(factors[-1].columns.stop)
    return GaussianArm(common, prior, factors, mean, None, _correlations(formula, factors, data, priors))


def summed(arm: GaussianArm, y: np.ndarray) -> Sums:
    """The cross-products of an arm with a response."""
    if len(arm.factors) > 1:
        return crossed_products(arm.common, [(f.design, f.codes) for f in arm.factors], y, arm.root_weights)
    return summed_alone(arm, y)


def summed_alone(arm: GaussianArm, y: np.ndarray) -> CrossProducts:
    """The cross-products of an arm with one factor, or none: then all rows are one group."""
    return summed_up(*coordinates_alone(arm, y))


def coordinates_alone(arm: GaussianArm, y: np.ndarray) -> tuple[Coordinates, np.ndarray]:
    """The rows of such an arm as the sums see them, and their groups."""
    effects, codes = Columns(np.empty((len(y), 0)), (), ()), np.zeros(len(y), dtype=np.int64)
    if arm.factors:
        effects, codes = arm.factors[0].design, arm.factors[0].codes
    rows = coordinates(arm.common, effects, codes, y, effect_mean=arm.mean, root_weights=arm.root_weights)
    return rows, codes


def none_as_groups(formula: Formula, data: CleanData, priors: Priors) -> GaussianArm | None:
    """No pooling with the groups' own coefficients as effects of known sd, fast for any number of groups.

    None where the groups are not independent given the common coefficients: with a second factor, or beside a common
    intercept, whose prior is about the centred columns of all groups.
    """
    arm = none_arm(formula, data)
    common = kept_columns(formula, arm, data)
    if len({o.group for o in arm.own}) != 1 or INTERCEPT in common.terms:
        return None
    group = arm.own[0].group
    design = own_columns(arm.own, group, data)
    effects = tuple(_term(o.term.name, o.effect, design, 0) for o in arm.own)
    mean, sd = (
        np.concatenate([np.broadcast_to(priors[e.name].args[key], len(e.labels)) for e in effects])
        for key in ("mu", "sigma")
    )
    factor = Factor(group, data.codes(group), design, effects)
    return GaussianArm(common, normal_prior(common, priors), (factor,), mean, sd)


def none_as_columns(formula: Formula, data: CleanData, priors: Priors) -> GaussianArm:
    """No pooling with the groups' own coefficients as ordinary columns of X, one for each group and effect."""
    arm = none_arm(formula, data)
    own = {o.term: Term((o.group.name, *o.effect.variables)) for o in arm.own}  # cells a:b are one column of the data
    terms = none_formula(formula, arm.own, arm.dropped).common
    common = columns(tuple(own.get(term, term) for term in terms), data)
    return GaussianArm(common, normal_prior(common, priors), (), np.zeros(0), np.zeros(0))


def _factors(formula: Formula, data: CleanData) -> Iterator[Factor]:
    """Each grouping factor with the columns of all its blocks as one Z."""
    start = 0
    for group in formula.groups:
        parts = [(block, design) for block, design in block_columns(formula, data) if block.group == group]
        effects: list[EffectTerm] = []
        at = 0
        for block, design in parts:
            effects += [_term(f"{e.name}|{group.name}", e, design, at) for e in block.effects]
            at += len(design.terms)
        matrix = np.column_stack([design.matrix for _, design in parts])
        terms = tuple(t for _, design in parts for t in design.terms)
        labels = tuple(label for _, design in parts for label in design.labels)
        yield Factor(group, data.codes(group), Columns(matrix, terms, labels), tuple(effects), start)
        start += at


def _term(name: str, effect: Term, design: Columns, start: int) -> EffectTerm:
    first = design.terms.index(effect)  # the columns of a term stand together
    labels = design.labels_of(effect)
    return EffectTerm(name, effect, slice(start + first, start + first + len(labels)), labels)


def _correlations(
    formula: Formula, factors: Sequence[Factor], data: CleanData, priors: Priors
) -> tuple[Correlations, ...]:
    names = {index: name for name, index in correlated_blocks(formula, data).items()}
    place = {factor.group: factor.start for factor in factors}
    found = []
    for index, (block, design) in enumerate(block_columns(formula, data)):
        start = place[block.group]
        place[block.group] = stop = start + len(design.terms)
        if index in names:
            eta = priors[names[index]].args["eta"]
            assert isinstance(eta, float)
            found.append(Correlations(names[index], start, stop, eta))
    return tuple(found)


def normal_prior(common: Columns, priors: Priors) -> NormalPrior:
    """The priors of the common terms as one mean and sd per column."""
    mean, sd = np.empty(len(common.terms)), np.empty(len(common.terms))
    for term in dict.fromkeys(common.terms):
        prior: Prior = priors["Intercept" if term == INTERCEPT else term.name]
        mine = [t == term for t in common.terms]
        if any(sum(mine) % np.size(prior.args[key]) for key in ("mu", "sigma")):
            raise FitError(f"The prior of {term.name!r} is {prior}, and the term has {sum(mine)} coefficient(s).")
        for values, given in ((mean, prior.args["mu"]), (sd, prior.args["sigma"])):
            values[mine] = np.tile(given, sum(mine) // np.size(given))  # one for each column, the same for every group
    return NormalPrior(mean, sd)
