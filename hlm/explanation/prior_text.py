"""Prior distributions with their numbers, or with the rule that will give them, as expressions and as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hlm.explanation.math_expression import Expression, Greek, Name, Row, Scripted, Sign, call, joined, row
from hlm.explanation.math_text import plain
from hlm.explanation.prior_rules import ParameterPrior
from hlm.model.default_priors import Quantity

if TYPE_CHECKING:
    from hlm.explanation.structure import ModelStructure


def distribution(prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A prior as it stands in an equation: ``Normal(0, 2.5)``; standard deviations, not variances."""
    return call(prior.distribution, *(_argument(key, q, prior, model) for key, q in prior.args))


def distribution_text(prior: ParameterPrior, model: ModelStructure) -> str:
    """The same as text."""
    return plain(distribution(prior, model))


def quantity(value: Quantity, prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A number to three or four digits, or its rule."""
    if value.value is not None:
        return Sign(number(value.value))
    response = Name(model.response)
    match value.rule:
        case "mean_y":
            return call("mean", response)
        case "sd_y":
            return call("sd", response)
        case "intercept":
            return Row((Scripted(Greek("s"), (Greek("α"),)),))
        case rule:
            parts = [] if prior.column is None else [Name(p.variable) for p in prior.column.parts]
            spread = call("sd", joined(parts, "·"))
            if rule == "logit_slope":
                return row("1", "/", spread)
            return row("2.5", "·", call("sd", response), "/", spread) if prior.scaled else row("2.5", "/", spread)


def _argument(key: str, value: Quantity, prior: ParameterPrior, model: ModelStructure) -> Expression:
    """One argument; a mean to a thousandth of its sd, so that rounding error of 0 is written as 0."""
    sigma = prior.numbers.get("sigma", 0.0)
    if key == "mu" and value.value is not None and sigma > 0:
        return Sign(number(round(value.value, 3 - math.floor(math.log10(sigma)))))
    return quantity(value, prior, model)


def number(value: float) -> str:
    """Three digits, or all before the point up to four, with a true minus sign."""
    shown = f"{value:.3g}" if abs(value) < 100 else f"{value:.4g}"
    return "0" if float(shown) == 0 else shown.replace("-", "−")
