"""Prior distributions as expressions, with their numbers or with the rule that will give them."""

from __future__ import annotations

import math

from hlm.explanation.math_expression import Expression, Greek, Name, Scripted, Sign, call, joined, row
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.structure import ModelStructure
from hlm.model.default_priors import Quantity


def distribution(prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A prior as it stands in an equation: ``Normal(0, 2.5)``; standard deviations, not variances."""
    return call(prior.distribution, *(_argument(key, q, prior, model) for key, q in prior.args))


def _argument(key: str, value: Quantity, prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A number or its rule; a mean to a thousandth of its sd, so that rounding error of 0 is written as 0."""
    if value.value is not None:
        sigma = prior.numbers.get("sigma", 0.0)
        exact = key != "mu" or sigma <= 0
        return Sign(number(value.value if exact else round(value.value, 3 - math.floor(math.log10(sigma)))))
    response = Name(model.response)
    match value.rule:
        case "mean_y":
            return call("mean", response)
        case "sd_y":
            return call("sd", response)
        case "intercept":
            return row(Scripted(Greek("s"), (Greek("α"),)))
        case rule:
            parts = [] if prior.column is None else [Name(p.variable) for p in prior.column.parts]
            spread = call("sd", joined(parts, "·"))
            if rule == "logit_slope":
                return row("1", "/", spread)
            times: tuple[Expression | str, ...] = ("·", call("sd", response)) if model.family.is_scaled else ()
            return row("2.5", *times, "/", spread)


def number(value: float) -> str:
    """Three digits, or all before the point up to four, with a true minus sign."""
    shown = f"{value:.3g}" if abs(value) < 100 else f"{value:.4g}"
    return "0" if float(shown) == 0 else shown.replace("-", "−")
