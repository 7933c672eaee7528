"""How many parameters a model has, and how many coefficients each pooling strategy estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlm.explanation.regressors import levels
from hlm.explanation.structure import ModelStructure
from hlm.formula.expansion import contracted
from hlm.formula.formula import INTERCEPT, Formula
from hlm.formula.pooling_formulas import Pooling, complete_formula

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Parameters of the partial-pooling model; the groups' own coefficients are not among them."""

    # common, sds, correlations, others: ``others`` are those of the response's distribution, thresholds included where
    # data tell how many
    common: int
    sds: int
    correlations: int
    others: int

    @property
    def total(self) -> int:
        return self.common + self.sds + self.correlations + self.others

    @property
    def text(self) -> str:
        """For example ``6 parameters: 2 common coefficients, 2 standard deviations between groups, ...``."""
        parts = [
            _counted(self.common, "common coefficient"),
            _counted(self.sds, "standard deviation", " between groups"),
            _counted(self.correlations, "correlation"),
            _counted(self.others, "parameter", " of the response's distribution"),
        ]
        return f"{_counted(self.total, 'parameter')}: {', '.join(p for p in parts if p)}."


def parameter_counts(model: ModelStructure) -> ParameterCounts:
    """Count the parameters; a categorical response has each coefficient once per label but the first."""
    labels = len(levels(model.response, model.data))
    times = max(labels - 1, 1) if model.family.has_predictor_per_label else 1
    thresholds = max(labels - 1, 0) if model.ordinal else 0
    pairs = [len(bar.columns) * (len(bar.columns) - 1) // 2 for bar in model.bars]
    return ParameterCounts(
        times * len(model.common),
        times * sum(len(bar.columns) for bar in model.bars),
        times * sum(pairs),
        len(model.family.auxiliary) + thresholds,
    )


def strategy_formulas(model: ModelStructure) -> dict[Pooling, Formula]:
    """The formula of each pooling strategy, in lme4's dialect."""
    return {
        "complete": complete_formula(model.written),
        "none": contracted(model.model.design.no_pooling.formula, model.expansions),
        "partial": model.written,
    }


def own_groups(model: ModelStructure) -> tuple[str, ...]:
    """The factors whose groups have coefficients of their own in no pooling."""
    return tuple(group.name for group in model.model.design.no_pooling.designs)


def no_pooling_notes(model: ModelStructure) -> tuple[str, ...]:
    """What no pooling had to leave out on these data."""
    return model.model.design.no_pooling.notes if model.bars else ()


def strategy_coefficients(model: ModelStructure) -> dict[Pooling, int] | None:
    """How many coefficients each strategy estimates; in partial pooling the common and the groups' departures.

    result: None without data or grouping factor.
    """
    if model.data is None or not model.bars:
        return None
    none, sizes = model.model.design.no_pooling, {factor.term: factor.size or 0 for factor in model.factors}
    own = sum(sizes[group] * len(design.labels) for group, design in none.designs.items())
    intercepts = sum(INTERCEPT in design.terms for design in none.designs.values())
    departures = sum(len(bar.columns) * sizes[bar.factor.term] for bar in model.bars)
    return {
        "complete": len(model.common),
        "none": own - max(intercepts - 1, 0) + len(none.kept.labels),  # of a second factor's intercepts one is 0
        "partial": len(model.common) + departures,
    }


def _counted(count: int, noun: str, after: str = "") -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}{after}" if count else ""
