"""Every parameter of a model with its prior, a row for each column: as numbers, or, without data, as a rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.model import names
from hlm.model.default_priors import PriorRule, Quantity, prior_rules
from hlm.model.grouping_factors import CovarianceBlock
from hlm.model.model import Model
from hlm.model.parameters import Parameter
from hlm.model.priors import Prior, Priors, replace_priors
from hlm.model.resolve import sds_of_departures

Role = Literal["intercept", "slope", "auxiliary", "sd", "correlation"]


@dataclass(frozen=True, slots=True)
class ParameterPrior:
    """One parameter of the model."""

    name: str  # in the posterior: ``Intercept``, ``pre``, ``sigma``, ``pre|school_sigma``, ``school_corr``
    role: Role
    distribution: str  # PyMC's name; ``LKJ`` for a correlation matrix
    args: tuple[tuple[str, Quantity], ...]
    column: Column | None = None  # the column that it is about
    bar: int | None = None  # the block that it is about, by its place in the structure
    scaled: bool = True  # whether the family's default priors follow the response's mean and sd
    given: bool = False  # whether the user gave this prior
    reason: str = ""  # why the default is what it is; see `PriorRule.reason`
    label: str = ""  # the name, with the level where a factor has several: ``period[2]``, ``sex[M]|school_sigma``

    @property
    def numbers(self) -> dict[str, float]:
        """The arguments that are numbers already."""
        return {key: q.value for key, q in self.args if q.value is not None}


def parameter_priors(
    model: Model,
    common: Sequence[Column],
    blocks: Sequence[tuple[CovarianceBlock, Sequence[Column]]],
    given: Mapping[str, Any] | None,
) -> tuple[ParameterPrior, ...]:
    """All parameters in the order in which views list them: common, auxiliary, then each block's sds and correlation.

    model: of partial pooling; with the user's priors where it has data.
    blocks: each with its columns.
    given: the user's priors.
    """
    rules = prior_rules(model)
    standing = Priors({name: Prior("Normal", mu=0, sigma=1) for name in rules})
    asked = replace_priors(standing, given, sds_of_departures(model))
    own = {name for name in rules if asked[name] is not standing[name]}
    priors = model.priors if model.has_data else Priors({name: asked[name] for name in own})

    def rows(parameter: Parameter, columns: Sequence[Column], bar: int | None) -> Iterator[ParameterPrior]:
        name = parameter.prior_name
        row = _Row(parameter, rules[name], priors.get(name), bar, model.family.is_scaled, name in own)
        return row.of_columns(
            [c for c in columns if c.term == parameter.term] if parameter.term is not None else [None]
        )

    found: list[ParameterPrior] = []
    for parameter in model.of_kind("common", "residual", "family"):
        found += rows(parameter, common, None)
    for place, (block, columns) in enumerate(blocks):
        for effect in block.effects:
            assert effect.sd is not None
            found += rows(effect.sd, columns, place)
        if block.correlation is not None:
            found += rows(block.correlation, columns, place)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Row:
    """A parameter on its way to one `ParameterPrior` for each of its columns."""

    parameter: Parameter
    rule: PriorRule
    prior: Prior | None
    bar: int | None
    scaled: bool
    given: bool

    def of_columns(self, columns: Sequence[Column | None]) -> Iterator[ParameterPrior]:
        for place, column in enumerate(columns):
            yield ParameterPrior(
                self.parameter.prior_name, self._role(column), *self._distribution(place), column, self.bar,
                self.scaled, self.given, self.rule.reason, self._label(column),
            )  # fmt: skip

    def _label(self, column: Column | None) -> str:
        if column is None or column.level is None:
            return self.parameter.prior_name
        if self.parameter.factor is not None:
            return names.group_sd_of_column(column.label, self.parameter.factor)
        return names.in_posterior(column.label)

    def _distribution(self, place: int) -> tuple[str, tuple[tuple[str, Quantity], ...]]:
        if self.prior is None:
            return self.rule.distribution, self.rule.args
        numbers = ((k, v[place] if isinstance(v, tuple) else v) for k, v in self.prior.args.items())
        return self.prior.name, tuple((key, Quantity(value)) for key, value in numbers)

    def _role(self, column: Column | None) -> Role:
        match self.parameter.kind:
            case "sd":
                return "sd"
            case "correlation":
                return "correlation"
            case "common":
                return "intercept" if column == INTERCEPT_COLUMN else "slope"
            case _:
                return "auxiliary"
