"""Prior distributions as expressions, with their numbers or with the rule that will give them."""

from __future__ import annotations

import math

from hlm.explanation.math_expression import Expression, Name, Sign, call, joined, row
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN
from hlm.explanation.structure import ModelStructure
from hlm.model.prior_scales import STANDARD_DEVIATIONS, Quantity


def distribution(prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A prior as it stands in an equation: ``Normal(0, 2.5)``; standard deviations, not variances."""
    return call(prior.distribution, *(_argument(key, q, prior, model) for key, q in prior.args))


def _argument(key: str, value: Quantity, prior: ParameterPrior, model: ModelStructure) -> Expression:
    """A number or its rule; a mean to a thousandth of its sd, so that rounding error of 0 is written as 0."""
    if value.value is not None:
        sigma = prior.numbers.get("sigma", 0.0)
        exact = key != "mu" or sigma <= 0
        return Sign(number(value.value if exact else round(value.value, 3 - math.floor(math.log10(sigma)))))
    y: Expression = call("log", Name(model.response)) if model.family.is_of_logarithm else Name(model.response)
    if model.formula.response.trials is not None:
        y = row(y, "/", Name(model.formula.response.trials))
    mean, sd = call("mean", y), call("sd" if model.formula.has_intercept else "rms", y)
    link = "identity" if value.rule == "response" else model.family.link
    if value.rule == "centre":
        centres = {"log": (call("log", mean),), "inverse": ("1", "/", mean), "inverse_squared": ("1", "/", mean, "²")}
        return row(*centres.get(link, (mean,)))
    spreads: dict[str, tuple[Expression | str, ...]] = {
        "identity": ("·", sd), "inverse": ("·", sd, "/", mean, "²"), "inverse_squared": ("· 2 ·", sd, "/", mean, "³"),
    }  # fmt: skip
    times, left = (1.0, ()) if value.rule in ("spread", "response") else (STANDARD_DEVIATIONS, left_over(prior, model))
    spread = spreads.get(link, ())
    if times * value.times == 1 and spread:
        return row(*spread[1:], *left)
    return row(number(times * value.times), *spread, *left)


def left_over(prior: ParameterPrior, model: ModelStructure) -> tuple[Expression | str, ...]:
    """What a coefficient's or an sd's rule divides by, with the sign before it; nothing where that is 1."""
    column = prior.column
    what = "1" if column is None or not column.parts else joined([Name(p.variable) for p in column.parts], "·")
    if prior.role == "slope":
        alone = len({*model.slopes}) == 1
        return ("/", call("sd" if model.has_intercept else "rms", what if alone else row(what, "|", "others")))
    bar = model.bars[prior.bar or 0]
    one_block, width = len([b for b in model.bars if b.factor == bar.factor]) == 1, len(bar.columns)
    orthogonalised = model.model.is_orthogonalised(bar.block)
    if what == "1" and one_block and (width == 1 or orthogonalised):
        return ()
    alone = one_block and width == (2 if orthogonalised else 1)
    centred = orthogonalised and INTERCEPT_COLUMN in bar.columns
    return ("/", call("sd" if centred else "rms", what if alone else row(what, "|", "others")))


def number(value: float) -> str:
    """Three digits, or all before the point up to four, with a true minus sign."""
    shown = f"{value:.3g}" if abs(value) < 100 else f"{value:.4g}"
    return "0" if float(shown) == 0 else shown.replace("-", "−")
