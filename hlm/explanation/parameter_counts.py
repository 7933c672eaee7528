"""How many parameters a model has, and how many coefficients each pooling arm estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlm.explanation.regressors import levels, term_columns
from hlm.explanation.structure import ModelStructure
from hlm.formula.expansion import contracted
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import Pooling, complete_formula, none_formula, own_effects

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData
    from hlm.model.no_pooling import Arm


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """Parameters of the partial-pooling model; the groups' own coefficients are not among them.

    Attributes
    ----------
    common, sds, correlations, others : int
        ``others`` are those of the response's distribution, thresholds included where data tell how many.
    """

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


def arm_formulas(model: ModelStructure) -> dict[Pooling, Formula]:
    """The formula of each arm, in lme4's dialect."""
    arm = _arm(model)
    own = own_effects(model.formula) if arm is None else arm.own
    dropped = () if arm is None else arm.dropped
    return {
        "complete": complete_formula(model.written),
        "none": contracted(none_formula(model.formula, own, dropped), model.expansions),
        "partial": model.written,
    }


def own_groups(model: ModelStructure) -> tuple[str, ...]:
    """The factors whose groups have coefficients of their own in no pooling."""
    arm = _arm(model)
    own = own_effects(model.formula) if arm is None else arm.own
    return tuple(dict.fromkeys(o.group.name for o in own))


def arm_notes(model: ModelStructure) -> tuple[str, ...]:
    """What no pooling had to leave out on these data."""
    arm = _arm(model)
    return () if arm is None else arm.notes


def arm_coefficients(model: ModelStructure) -> dict[Pooling, int] | None:
    """How many coefficients each arm estimates on the data: in partial pooling the common and the groups' departures.

    Returns
    -------
    dict or None
        None without data.
    """
    arm = _arm(model)
    if model.data is None or arm is None:
        return None
    sizes = {factor.term: factor.size or 0 for factor in model.factors}
    departures = sum(len(bar.columns) * sizes[bar.factor.term] for bar in model.bars)
    return {
        "complete": len(model.common),
        "none": _own_count(arm, model.data, sizes) + _kept_count(model.formula, arm, model.data),
        "partial": len(model.common) + departures,
    }


def _arm(model: ModelStructure) -> Arm | None:
    if model.data is None or not model.bars:
        return None
    from hlm.model.no_pooling import none_arm

    return none_arm(model.formula, model.data)


def _own_count(arm: Arm, data: CleanData, sizes: dict[Term, int]) -> int:
    """Every group's own coefficients; of a second factor's intercepts one is the reference."""
    count, intercepts = 0, 0
    for group in dict.fromkeys(o.group for o in arm.own):
        effects = tuple(o.effect for o in arm.own if o.group == group)
        count += sizes[group] * len(term_columns(effects, data))
        intercepts += INTERCEPT in effects
    return count - max(intercepts - 1, 0)


def _kept_count(formula: Formula, arm: Arm, data: CleanData) -> int:
    """The common terms that stay in no pooling, beside intercepts that something else has."""
    kept = none_formula(formula, arm.own, arm.dropped).common
    own = [o.term for o in arm.own]
    rest = tuple(t for t in kept if t not in own and t != INTERCEPT)
    return len(term_columns((INTERCEPT, *rest), data)) - 1 + (INTERCEPT in kept)


def _counted(count: int, noun: str, after: str = "") -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}{after}" if count else ""
