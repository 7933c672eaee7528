"""How many parameters a model has, and how many coefficients each pooling strategy estimates."""

from __future__ import annotations

from hlm.explanation.regressors import levels
from hlm.explanation.structure import ModelStructure
from hlm.formula.expansion import contracted
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import Pooling, complete_formula


def parameter_counts(model: ModelStructure) -> dict[str, int]:
    """Parameters of partial pooling by what they are, a noun with ``{s}`` for its plural.

    The groups' own coefficients are not among them. A categorical response has each coefficient once per label but the
    first; thresholds are counted where data tell how many there are.
    """
    labels = len(levels(model.response, model.data))
    times = max(labels - 1, 1) if model.family.has_predictor_per_label else 1
    thresholds = max(labels - 1, 0) if model.family.has_thresholds else 0
    widths = [len(bar.columns) for bar in model.bars]
    return {
        "common coefficient{s}": times * len(model.common),
        "standard deviation{s} between groups": times * sum(widths),
        "correlation{s}": times * sum(width * (width - 1) // 2 for width in widths),
        "parameter{s} of the response's distribution": len(model.family.auxiliary) + thresholds,
    }


def parameter_text(model: ModelStructure) -> str:
    """For example ``6 parameters: 2 common coefficients, 2 standard deviations between groups, ...``."""
    counts = parameter_counts(model)
    parts = [_counted(count, noun) for noun, count in counts.items() if count]
    return f"{_counted(sum(counts.values()), 'parameter{s}')}: {', '.join(parts)}."


def strategy_formulas(model: ModelStructure) -> dict[Pooling, Formula]:
    """The formula of each pooling strategy, in lme4's dialect."""
    return {
        "complete": complete_formula(model.written),
        "none": contracted(model.model.design.no_pooling.formula, model.expansions),
        "partial": model.written,
    }


def strategy_coefficients(model: ModelStructure) -> dict[Pooling, int] | None:
    """The number of coefficients of each strategy (of partial pooling with departures); None without data or groups."""
    if model.data is None or not model.bars:
        return None
    none, sizes = model.model.design.no_pooling, {factor.term: factor.size or 0 for factor in model.factors}
    own = sum(sizes[group] * len(design.labels) for group, design in none.designs.items())
    departures = sum(len(bar.columns) * sizes[bar.factor.term] for bar in model.bars)
    return {
        "complete": len(model.common),
        "none": own - none.zeros + len(none.kept.labels),
        "partial": len(model.common) + departures,
    }


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun.format(s='s' if count != 1 else '')}"
