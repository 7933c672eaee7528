"""Every parameter of a model with its prior, a row for each column: as numbers, or, without data, as a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.model import names
from hlm.model.bambi_priors import bambi_priors
from hlm.model.chosen_priors import sds_of_departures
from hlm.model.default_priors import PriorRule, prior_rules
from hlm.model.grouping_factors import CovarianceBlock
from hlm.model.model import Model
from hlm.model.parameters import Parameter
from hlm.model.prior_scales import Quantity
from hlm.model.priors import GivenPriors, Prior, Priors, replace_priors

Role = Literal["intercept", "slope", "auxiliary", "sd", "correlation"]


@dataclass(frozen=True, slots=True)
class ParameterPrior:
    """The prior of a parameter of the model, or of one column of it."""

    parameter: Parameter
    rule: PriorRule  # the default
    distribution: str  # PyMC's name; ``LKJ`` for a correlation matrix
    args: tuple[tuple[str, Quantity], ...]
    column: Column | None  # the column that it is about
    bar: int | None  # the block that it is about, by its place in the structure
    given: bool  # whether the user gave this prior

    @property
    def name(self) -> str:
        """In the posterior: ``Intercept``, ``pre``, ``sigma``, ``pre|school_sigma``, ``school_corr``."""
        return self.parameter.prior_name

    @property
    def label(self) -> str:
        """The name, with the level where a factor has several: ``period[2]``, ``sex[M]|school_sigma``."""
        if self.column is None or self.column.level is None:
            return self.name
        if self.parameter.factor is not None:
            return names.group_sd_of_column(self.column.label, self.parameter.factor)
        return names.in_posterior(self.column.label)

    @property
    def role(self) -> Role:
        """What the parameter does in the model."""
        match self.parameter.kind:
            case "sd" | "correlation" as kind:
                return kind
            case "common":
                return "intercept" if self.column == INTERCEPT_COLUMN else "slope"
            case _:
                return "auxiliary"

    @property
    def numbers(self) -> dict[str, float]:
        """The arguments that are numbers already."""
        return {key: q.value for key, q in self.args if q.value is not None}


def parameter_priors(
    model: Model,
    common: Sequence[Column],
    blocks: Sequence[tuple[CovarianceBlock, Sequence[Column]]],
    given: GivenPriors | None,
) -> tuple[ParameterPrior, ...]:
    """All parameters in the order in which views list them: common, auxiliary, then each block's sds and correlation.

    model: of partial pooling; with the user's priors where it has data.
    blocks: each with its columns.
    given: the user's priors.
    """
    rules = prior_rules(model)
    unchanged = Priors({name: Prior("Normal", mu=0, sigma=1) for name in rules})
    if isinstance(given, str):
        given = bambi_priors(model)
    asked = replace_priors(unchanged, given, sds_of_departures(model))
    own = {name for name in rules if asked[name] is not unchanged[name]}
    priors = model.priors if model.has_data else Priors({name: asked[name] for name in own})
    found: list[ParameterPrior] = []

    def add(parameter: Parameter | None, columns: Sequence[Column], bar: int | None = None) -> None:
        if parameter is None:
            return
        name, term = parameter.prior_name, parameter.term
        for place, column in enumerate([None] if term is None else [c for c in columns if c.term == term]):
            distribution, args = _distribution(rules[name], priors.get(name), place)
            found.append(ParameterPrior(parameter, rules[name], distribution, args, column, bar, name in own))

    for parameter in model.of_kind("common", "residual", "family"):
        add(parameter, common)
    for place, (block, columns) in enumerate(blocks):
        for group_parameter in (*(effect.sd for effect in block.effects), block.correlation):
            add(group_parameter, columns, place)
    return tuple(found)


def _distribution(rule: PriorRule, prior: Prior | None, place: int) -> tuple[str, tuple[tuple[str, Quantity], ...]]:
    """The rule, or the prior that stands for it, of one column; ``place`` is the column's among those of its term."""
    if prior is None:
        return rule.distribution, rule.args
    numbers = {key: value[place] if isinstance(value, tuple) else value for key, value in prior.args.items()}
    return prior.name, tuple((key, Quantity(value)) for key, value in numbers.items())
