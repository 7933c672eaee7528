"""The default priors: one rule for each kind of parameter, the numbers that data make of it, and the reason.

No default prior may decide an answer, wherever the origin of a predictor lies and whatever stands beside it. So a
coefficient's prior is scaled by what the *other* columns leave of its own: 2.5 standard deviations of the response per
standard deviation that is left. With one column that is Bambi's rule (its ``priors/scaler.py``), which follows
rstanarm. All engines and the printed table take the numbers from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from hlm.formula.formula import INTERCEPT
from hlm.model.families import Family
from hlm.model.own_intercepts import own_intercepts_at_means
from hlm.model.parameters import Parameter
from hlm.model.prior_scales import STANDARD_DEVIATIONS, Quantity, Scale, Scales
from hlm.model.priors import Prior, Priors

if TYPE_CHECKING:
    from hlm.model.model import Model

WIDE, LESS_WIDE = 100.0, 4.0  # how much wider the priors of no pooling are; the second where a link is not the identity
_UNITS = ("log", "logit", "probit", "cloglog", "softmax")  # links on whose scale 1 is much, whatever the data
# links where the response's mean says where an intercept is, and how that is said
_AROUND = MappingProxyType(
    {
        "identity": "around the mean of {response}",
        "log": "around the logarithm of the mean of {response}",
        "inverse": "around 1 / the mean of {response}",
        "inverse_squared": "around 1 / the square of the mean of {response}",
    }
)


@dataclass(frozen=True, slots=True)
class PriorRule:
    """The default prior of a parameter."""

    distribution: str  # PyMC's name; ``LKJ`` for a correlation matrix
    args: tuple[tuple[str, Quantity], ...]
    # one clause. ``{where}``, ``{response}``, ``{what}``, ``{unit}`` and ``{group}`` stand for the model's own words.
    reason: str


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
    """An intercept's prior is about the means of all predictors."""
    around = _AROUND.get(family.link, "around 0")
    if parameter.term == INTERCEPT:
        centre = Quantity(rule="centre") if family.link in _AROUND else Quantity(0.0)
        reason = f"{around}{{where}}, wide enough to say little"
        return PriorRule("Normal", (("mu", centre), ("sigma", _spreads(family, STANDARD_DEVIATIONS))), reason)
    what = (
        "2.5 standard deviations of {response}"
        if family.link == "identity"
        else f"2.5 on the scale of the {family.link} link"
    )
    reason = f"around 0; {what} per standard deviation of {{what}}{{left}}"
    return PriorRule("Normal", (("mu", Quantity(0.0)), ("sigma", Quantity(rule="coefficient"))), reason)


def _spreads(family: Family, times: float) -> Quantity:
    """So many spreads of the linear predictor, as a number where the spread is 1 in any data."""
    return Quantity(times) if family.link in _UNITS else Quantity(rule="spread", times=times)


def _own(parameter: Parameter, family: Family, *, first: bool) -> PriorRule:
    """A group's own coefficient: the centre of the common prior, and no information from the other groups.

    A second factor's own intercepts are differences from its first level, so that their centre is 0. Under the identity
    link the prior belongs to the coefficient as it is written, at 0 of the other columns; else see ``own_intercepts``.
    """
    common = _coefficient(parameter, family)
    mean = common.args[0][1] if first or parameter.term != INTERCEPT else Quantity(0.0)
    widening = WIDE if family.link == "identity" else LESS_WIDE
    rule: Scale = "own_intercept" if parameter.term == INTERCEPT else "coefficient"
    sigma = Quantity(rule=rule, times=widening)
    if rule == "own_intercept" and family.link != "identity":
        sigma = _spreads(family, widening * STANDARD_DEVIATIONS)
    return replace(common, args=(("mu", mean), ("sigma", sigma)))


def _group_sd(parameter: Parameter) -> PriorRule:
    reason = "as wide as the prior of a common {what}: each {group} may differ that much, most likely less"
    return PriorRule("HalfNormal", (("sigma", Quantity(rule="group_sd")),), reason)


def _family_parameter(name: str, family: Family) -> PriorRule:
    own = family.auxiliary[name]
    if name in family.in_units_of_response:
        reason = "about as large as the spread of {response}; heavy tails forgive a wrong guess"
        return PriorRule("HalfStudentT", (("nu", Quantity(4.0)), ("sigma", Quantity(rule="response"))), reason)
    numbers = tuple((key, Quantity(value)) for key, value in own.prior.args.items() if isinstance(value, float))
    return PriorRule(own.prior.name, numbers, own.reason)


def _notes(model: Model) -> tuple[str, ...]:
    return tuple(_no_pooling_notes(model)) if model.pooling == "none" else ()


def _no_pooling_notes(model: Model) -> Iterator[str]:
    yield from model.design.no_pooling.notes
    if model.family.link == "identity":
        yield "no pooling: 100 times the common sd, so that each group's estimate is its own least squares"
    else:
        yield (
            f"no pooling in the {model.family.name} family: 4 times the common sd. A much wider prior would let groups "
            f"whose responses are all alike run off to infinity; there the estimate is the prior's doing"
        )
        if names := own_intercepts_at_means(model):
            yield f"the prior of {' and '.join(names)} holds at the means of each group's own rows, wherever 0 lies"
