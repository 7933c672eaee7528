"""The default priors, with their numbers: one explicit set per arm, for both engines and for the printed table.

The numbers are Bambi's rule (its ``priors/scaler.py``), which follows rstanarm: 2.5 standard deviations of the
response per standard deviation of the predictor. hlm computes them itself so that nothing is left to chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.data.transforms import Functions
from hlm.errors import DataError, FitError
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import POOLINGS, Pooling, check_has_groups
from hlm.model.design_columns import columns
from hlm.model.families import Family, check_response, get_family
from hlm.model.no_pooling import Arm, none_arm, own_columns
from hlm.model.priors import Prior, Priors
from hlm.support.options import check_choice, offending

_LARGEST_ETA = 1e6
STANDARD_DEVIATIONS = 2.5
NO_POOLING_WIDENING = 100.0  # gaussian and t: wide enough that each group's estimate is its own least squares


def default_priors(
    formula: str | Formula,
    data: Any,
    *,
    pooling: Pooling = "partial",
    family: str = "gaussian",
    weights: str | None = None,
    functions: Functions | None = None,
    lkj_eta: float = 1.0,
) -> Priors:
    """The priors that `fit` uses when none are given, with the numbers filled in.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model.
    data : data frame
    pooling : {"partial", "complete", "none"}
        Complete and partial: Bambi's numbers. None: each group's own coefficients have the centre of the common
        prior and, in the gaussian and t families, 100 times its standard deviation, so that the other groups say
        nothing and each estimate is the group's own least squares.
    family : str
    weights, functions
        As in `fit`.
    lkj_eta : float
        Of the LKJ prior of a correlated block; 1 is uniform over correlation matrices, larger pulls towards 0.

    Returns
    -------
    Priors
        A mapping from the variable's name in the posterior to its prior: ``Intercept``, ``pre``, ``sigma``,
        ``1|school_sigma``, ``school_corr``. The prior of ``Intercept`` is about centred predictors, as in Bambi.

    Raises
    ------
    FormulaError, DataError
        Where formula or data cannot be used.

    Examples
    --------
    >>> from hlm import default_priors, load_data
    >>> default_priors("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))["Days"]
    Normal(mu=0, sigma=48.89)
    """
    check_choice("pooling", pooling, POOLINGS)
    check_eta(lkj_eta)
    kind = get_family(family)
    read, table = formula_and_data(formula, data, family=kind, weights=weights, functions=functions)
    check_response(kind, read, table)
    scales = _scales(read, table, kind)
    if pooling == "none":
        check_has_groups(read)
        return _none_priors(read, none_arm(read, table), scales)
    common = _common_priors(read.common, scales)
    if pooling == "complete":
        return Priors(common)
    return Priors({**common, **_group_priors(read, scales, lkj_eta)})


def check_eta(lkj_eta: Any) -> None:
    """Raise a `FitError` for what is no parameter of an LKJ prior; beyond 1e6 all correlations are 0."""
    number = isinstance(lkj_eta, Real) and not isinstance(lkj_eta, bool)
    if not (number and 0 < lkj_eta <= _LARGEST_ETA):
        raise FitError(
            f"lkj_eta is a positive number, not {offending(lkj_eta)}: 1 for any correlations, 2 or more to hold them "
            f"near 0. For correlations of 0 write (x||g)."
        )


def correlated_blocks(formula: Formula, data: CleanData) -> dict[str, int]:
    """Correlation matrices by name: ``school_corr``, and ``school_corr_2`` for the second on the same factor.

    Returns
    -------
    dict of str to int
        The name to the place of its block in ``formula.expanded_blocks()``.
    """
    names: dict[str, int] = {}
    seen: dict[Term, int] = {}
    for index, block in enumerate(formula.expanded_blocks()):
        if columns(block.effects, data).matrix.shape[1] > 1:
            seen[block.group] = seen.get(block.group, 0) + 1
            suffix = "" if seen[block.group] == 1 else f"_{seen[block.group]}"
            names[f"{block.group.name}_corr{suffix}"] = index
    return names


@dataclass(frozen=True, slots=True)
class _Scales:
    """The few numbers of the data that the default priors are made of."""

    formula: Formula
    data: CleanData
    family: Family
    mean: float
    sd: float
    intercept_sd: float


def _scales(formula: Formula, data: CleanData, family: Family) -> _Scales:
    """Mean and sd of the response (0 and 1 where the family's scale is fixed), and the intercept's sd."""
    mean, sd = 0.0, 1.0
    if family.is_scaled:
        response = data.columns[formula.response.variable].to_numpy()
        mean, sd = float(response.mean()), float(response.std())
    scales = _Scales(formula, data, family, mean, sd, 0.0)
    variance = (STANDARD_DEVIATIONS * sd) ** 2
    design = columns(formula.common, data)
    for term in formula.common:
        if term != INTERCEPT:  # the intercept is where all predictors are 0, which may be far from their means
            slope_sd = _slope_sd(term, design.of(term), scales)
            variance += float(np.dot(slope_sd**2, design.of(term).mean(axis=0) ** 2))
    return _Scales(formula, data, family, mean, sd, float(np.sqrt(variance)))


def _common_priors(terms: tuple[Term, ...], scales: _Scales) -> dict[str, Prior]:
    """Intercept, common terms and the family's own parameters."""
    design = columns(scales.formula.common, scales.data)
    priors: dict[str, Prior] = {}
    for term in terms:
        if term != INTERCEPT:
            priors[term.name] = Prior("Normal", mu=0, sigma=_slope_sd(term, design.of(term), scales))
        elif not scales.family.has_thresholds:  # there the thresholds stand in for the intercept
            priors["Intercept"] = Prior("Normal", mu=scales.mean, sigma=_common_intercept_sd(scales))
    priors |= {name: own.prior for name, own in scales.family.auxiliary.items()}
    if scales.family.half_student:
        priors[scales.family.half_student] = Prior("HalfStudentT", nu=4, sigma=scales.sd)
    return priors


def _group_priors(formula: Formula, scales: _Scales, lkj_eta: float) -> dict[str, Prior]:
    """The sds of the varying effects, and the correlation of each block with more than one column."""
    priors: dict[str, Prior] = {}
    for block in formula.expanded_blocks():
        design = columns(block.effects, scales.data)
        for effect in block.effects:
            sd = scales.intercept_sd if effect == INTERCEPT else _scaled(effect, design.of(effect), scales)
            priors[f"{effect.name}|{block.group.name}_sigma"] = Prior("HalfNormal", sigma=sd)
    for name in correlated_blocks(formula, scales.data):
        priors[name] = Prior("LKJ", eta=lkj_eta)
    return priors


def _none_priors(formula: Formula, arm: Arm, scales: _Scales) -> Priors:
    """Each group's own effects, with the centre of the common prior, and the common terms that stay."""
    replaced = {frozenset(o.effect.variables) for o in arm.own}
    kept = tuple(t for t in formula.common if frozenset(t.variables) not in replaced and t not in arm.dropped)
    widening = NO_POOLING_WIDENING if scales.family.is_scaled else 1.0
    priors: dict[str, Prior] = {}
    intercepts = 0
    for own in arm.own:
        if own.effect == INTERCEPT:
            intercepts += 1  # a second factor's own intercepts are differences from its first level: centre 0
            mean = scales.mean if intercepts == 1 else 0.0
            priors[own.term.name] = Prior("Normal", mu=mean, sigma=widening * _common_intercept_sd(scales))
        else:
            values = own_columns(arm.own, own.group, scales.data).of(own.effect)
            priors[own.term.name] = Prior("Normal", mu=0, sigma=widening * _slope_sd(own.effect, values, scales))
    return Priors({**priors, **_common_priors(kept, scales)}, _none_notes(arm, scales.family))


def _none_notes(arm: Arm, family: Family) -> tuple[str, ...]:
    if family.is_scaled:
        width = "no pooling: 100 times the common sd, so that each group's estimate is its own least squares"
    else:
        width = (
            f"no pooling in the {family.name} family: the common sd, since a wider prior would let groups whose "
            f"responses are all alike run off to infinity; it still pulls their estimates towards its centre"
        )
    return (*arm.notes, width)


def _common_intercept_sd(scales: _Scales) -> float:
    return 1.5 if scales.family.is_binomial else scales.intercept_sd


def _slope_sd(term: Term, values: np.ndarray, scales: _Scales) -> np.ndarray:
    """The prior sd of a common term's coefficients, one per column."""
    if not scales.family.is_binomial:
        return _scaled(term, values, scales)
    if all(scales.data.columns[v].dtype == "category" for v in term.variables):
        return np.ones(values.shape[1])
    return np.full(values.shape[1], 1.0 / values.sum(axis=1).std())


def _scaled(term: Term, values: np.ndarray, scales: _Scales) -> np.ndarray:
    """2.5 sd(y) / sd(x), for each column x."""
    if (values.std(axis=0) == 0).any():
        raise DataError(
            f"The term {term} has a column that is the same in every row, so that it has no scale for a prior: leave "
            f"the term out, or join levels of its factors."
        )
    return np.asarray(STANDARD_DEVIATIONS * scales.sd / values.std(axis=0))
