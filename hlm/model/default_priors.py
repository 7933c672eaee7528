"""The default priors: one rule for each kind of parameter, the numbers that data make of it, and the reason.

The numbers are Bambi's rule (its ``priors/scaler.py``), which follows rstanarm: 2.5 standard deviations of the
response per standard deviation of the predictor. All engines and the printed table take them from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT
from hlm.model.families import Family
from hlm.model.parameters import Parameter
from hlm.model.priors import Prior, Priors

if TYPE_CHECKING:
    from hlm.model.model import Model

type Scale = Literal["mean_y", "sd_y", "slope", "logit_slope", "intercept"]

STANDARD_DEVIATIONS = 2.5
NO_POOLING_WIDENING = 100.0  # gaussian and t: wide enough that each group's estimate is its own least squares


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or the rule that data turn into one for each column."""

    value: float | None = None
    # ``mean_y``, ``sd_y``: of the response; ``slope``: 2.5 sd(y) / sd(x); ``logit_slope``: 1 / sd(x), of factors 1;
    # ``intercept``: the sd of the response where all predictors are 0
    rule: Scale | None = None
    times: float = 1.0  # what the rule's number is multiplied by


@dataclass(frozen=True, slots=True)
class PriorRule:
    """The default prior of a parameter."""

    distribution: str  # PyMC's name; ``LKJ`` for a correlation matrix
    args: tuple[tuple[str, Quantity], ...]
    # one clause. ``{where}``, ``{response}``, ``{what}``, ``{unit}`` and ``{group}`` stand for the model's own words.
    reason: str


@dataclass(frozen=True)
class Scales:
    """The few numbers of the data that the rules are made of."""

    model: Model

    @cached_property
    def mean(self) -> float:
        """Of the response; 0 in families whose scale is fixed."""
        return float(self._response.mean()) if self.model.family.is_scaled else 0.0

    @cached_property
    def sd(self) -> float:
        """Of the response, with divisor n; 1 in families whose scale is fixed."""
        return float(self._response.std()) if self.model.family.is_scaled else 1.0

    @cached_property
    def intercept_sd(self) -> float:
        """An intercept is where all predictors are 0, which may be far from their means."""
        variance = (STANDARD_DEVIATIONS * self.sd) ** 2
        design = self.model.design.common
        for term in dict.fromkeys(design.terms):
            if term != INTERCEPT:
                values = design.of(term)
                rule: Scale = "logit_slope" if self.model.family.is_binomial else "slope"
                sd = self._slope(term.name, values, rule, factors=self.model.is_factor(term))
                variance += float(np.dot(sd**2, values.mean(axis=0) ** 2))
        return float(np.sqrt(variance))

    def number(self, quantity: Quantity, parameter: Parameter) -> float | np.ndarray:
        """A quantity as a number, or one for each column of the parameter."""
        match quantity.rule:
            case None:
                assert quantity.value is not None
                return quantity.value
            case "mean_y":
                return self.mean
            case "sd_y":
                return quantity.times * self.sd
            case "intercept":
                return quantity.times * self.intercept_sd
            case rule:
                assert parameter.term is not None
                values = self.model.columns_of(parameter)
                factors = self.model.is_factor(parameter.term)
                return quantity.times * self._slope(str(parameter.term), values, rule, factors=factors)

    @property
    def _response(self) -> np.ndarray:
        return self.model.data.columns[self.model.written.response.variable].to_numpy()

    def _slope(self, name: str, values: np.ndarray, rule: Scale, *, factors: bool) -> np.ndarray:
        """The sd of each column's coefficient."""
        if rule == "logit_slope":
            return np.ones(values.shape[1]) if factors else np.full(values.shape[1], 1.0 / values.sum(axis=1).std())
        if (values.std(axis=0) == 0).any():
            raise DataError(
                f"The term {name} has a column that is the same in every row, so that it has no scale for a prior: "
                f"leave the term out, or join levels of its factors."
            )
        return np.asarray(STANDARD_DEVIATIONS * self.sd / values.std(axis=0))


def default_priors_of(model: Model, rules: Mapping[str, PriorRule]) -> Priors:
    """The rules with the numbers of a model's data."""
    scales = Scales(model)
    found: dict[str, Prior] = {}
    for parameter in model.parameters:
        if parameter.prior_name in rules:
            rule = rules[parameter.prior_name]
            numbers = {key: scales.number(quantity, parameter) for key, quantity in rule.args}
            found[parameter.prior_name] = Prior(rule.distribution, **numbers)
    return Priors(found, _notes(model))


def prior_rules(model: Model, lkj_eta: float = 1.0) -> dict[str, PriorRule]:
    """By name: the default prior of every parameter that has one, in the order of the model's parameters."""
    found: dict[str, PriorRule] = {}
    own_intercepts = 0
    for parameter in model.parameters:
        match parameter.kind:
            case "common":
                found[parameter.name] = _coefficient(parameter, model.family)
            case "group effect" if model.pooling == "none":
                own_intercepts += parameter.term == INTERCEPT
                found[parameter.name] = _own(parameter, model.family, first=own_intercepts == 1)
            case "sd":
                found[parameter.name] = _group_sd(parameter)
            case "correlation":
                reason = "every correlation matrix is equally likely; a larger eta would pull towards 0"
                found[parameter.name] = PriorRule("LKJ", (("eta", Quantity(lkj_eta)),), reason)
            case "residual" | "family":
                found[parameter.prior_name] = _family_parameter(parameter.prior_name, model.family)
    return found


def _coefficient(parameter: Parameter, family: Family) -> PriorRule:
    if parameter.term != INTERCEPT:
        return _slope(parameter, family)
    mean = Quantity(rule="mean_y") if family.is_scaled else Quantity(0.0)
    if family.is_binomial:
        sd, reason = Quantity(1.5), "probabilities from 0.05 to 0.95 are all plausible{where}"
    elif family.is_scaled:
        sd, reason = Quantity(rule="intercept"), "around the mean of {response}{where}, wide enough to say little"
    else:
        sd, reason = Quantity(rule="intercept"), "around 0 on the scale of the link{where}, wide enough to say little"
    return PriorRule("Normal", (("mu", mean), ("sigma", sd)), reason)


def _slope(parameter: Parameter, family: Family) -> PriorRule:
    if family.is_binomial:
        sd, reason = Quantity(rule="logit_slope"), "1 on the log-odds per standard deviation of {what}"
    elif family.is_scaled:
        sd = Quantity(rule="slope")
        reason = "around 0; 2.5 standard deviations of {response} per standard deviation of {what}"
    else:
        sd, reason = Quantity(rule="slope"), "around 0; 2.5 on the scale of the link per standard deviation of {what}"
    return PriorRule("Normal", (("mu", Quantity(0.0)), ("sigma", sd)), reason)


def _own(parameter: Parameter, family: Family, *, first: bool) -> PriorRule:
    """A group's own coefficient: the centre of the common prior, and no information from the other groups.

    A second factor's own intercepts are differences from its first level, so that their centre is 0.
    """
    common = _coefficient(parameter, family)
    widening = NO_POOLING_WIDENING if family.is_scaled else 1.0
    mean = common.args[0][1] if first or parameter.term != INTERCEPT else Quantity(0.0)
    return replace(common, args=(("mu", mean), ("sigma", replace(common.args[1][1], times=widening))))


def _group_sd(parameter: Parameter) -> PriorRule:
    rule: Scale = "intercept" if parameter.term == INTERCEPT else "slope"
    reason = "as wide as the prior of a common {what}: each {group} may differ that much, most likely less"
    return PriorRule("HalfNormal", (("sigma", Quantity(rule=rule)),), reason)


def _family_parameter(name: str, family: Family) -> PriorRule:
    own = family.auxiliary[name]
    if name == family.half_student:
        sd = Quantity(rule="sd_y") if family.is_scaled else Quantity(1.0)
        spread = "about as large as the spread of {response}; heavy tails forgive a wrong guess"
        reason = spread if family.is_scaled else own.reason
        return PriorRule("HalfStudentT", (("nu", Quantity(4.0)), ("sigma", sd)), reason)
    numbers = tuple((key, Quantity(value)) for key, value in own.prior.args.items() if isinstance(value, float))
    return PriorRule(own.prior.name, numbers, own.reason)


def _notes(model: Model) -> tuple[str, ...]:
    return tuple(_no_pooling_notes(model)) if model.pooling == "none" else ()


def _no_pooling_notes(model: Model) -> Iterator[str]:
    yield from model.design.no_pooling.notes
    if model.family.is_scaled:
        yield "no pooling: 100 times the common sd, so that each group's estimate is its own least squares"
    else:
        yield (
            f"no pooling in the {model.family.name} family: the common sd, since a wider prior would let groups whose "
            f"responses are all alike run off to infinity; it still pulls their estimates towards its centre"
        )
