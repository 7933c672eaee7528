"""Every parameter with its prior: as numbers with data, as the rule that will give the numbers without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.formula.formula import Formula
from hlm.model.families import Family
from hlm.model.priors import Prior, Priors, replace_priors

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData
    from hlm.explanation.structure import Bar

Rule = Literal["mean_y", "sd_y", "slope", "logit_slope", "intercept"]
Role = Literal["intercept", "slope", "auxiliary", "sd", "correlation"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or the rule that data will turn into one.

    Attributes
    ----------
    value : float or None
    rule : str or None
        ``mean_y``, ``sd_y``: of the response; ``slope``: 2.5 sd(y) / sd(x); ``logit_slope``: 1 / sd(x);
        ``intercept``: the sd of the response at predictors of 0.
    """

    value: float | None = None
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class ParameterPrior:
    """One parameter of the model.

    Attributes
    ----------
    name : str
        In the posterior: ``Intercept``, ``pre``, ``sigma``, ``pre|school_sigma``, ``school_corr``.
    role : str
    distribution : str
        PyMC's name; ``LKJ`` for a correlation matrix.
    args : tuple of (str, Quantity)
    column : Column or None
        The column that it is about.
    bar : int or None
        The block that it is about, by its place in the structure.
    scaled : bool
        Whether the family's default priors follow the response's mean and sd.
    given : bool
        Whether the user gave this prior.
    """

    name: str
    role: Role
    distribution: str
    args: tuple[tuple[str, Quantity], ...]
    column: Column | None = None
    bar: int | None = None
    scaled: bool = True
    given: bool = False

    @property
    def label(self) -> str:
        """The name, with the level where a factor has several coefficients: ``period[2]``."""
        if self.column is None or self.column.label in ("Intercept", self.column.term.name):
            return self.name
        return self.name.replace(self.column.term.name, self.column.label, 1)

    @property
    def numbers(self) -> dict[str, float]:
        """The arguments that are numbers already."""
        return {key: q.value for key, q in self.args if q.value is not None}


def parameter_priors(
    formula: Formula,
    family: Family,
    data: CleanData | None,
    common: tuple[Column, ...],
    bars: tuple[Bar, ...],
    given: Mapping[str, Any] | None,
) -> tuple[ParameterPrior, ...]:
    """All parameters in the order in which views list them: common, auxiliary, sds, correlations."""
    rules = list(_rules(family, common, bars))
    if data is None:
        defaults = Priors({rule.name: Prior("Normal", mu=0, sigma=1) for rule in rules})
    else:
        from hlm.model.default_priors import default_priors

        defaults = default_priors(formula, data, family=family.name)
    replaced = replace_priors(defaults, given)
    return tuple(_filled(rule, replaced, data is not None or replaced[rule.name] is not defaults[rule.name],
                         replaced[rule.name] is not defaults[rule.name], common, bars) for rule in rules)  # fmt: skip


def _rules(family: Family, common: tuple[Column, ...], bars: tuple[Bar, ...]) -> Iterator[ParameterPrior]:
    """The default priors as rules; the same rules as `hlm.model.default_priors`, which has the numbers."""
    scaled, logit = family.is_scaled, family.is_binomial
    mean = Quantity(rule="mean_y") if scaled else Quantity(0.0)
    for column in common:
        if column == INTERCEPT_COLUMN:
            sd = Quantity(1.5) if logit else Quantity(rule="intercept")
            yield ParameterPrior("Intercept", "intercept", "Normal", (("mu", mean), ("sigma", sd)), column,
                                 scaled=scaled)  # fmt: skip
        else:
            sd = Quantity(rule="logit_slope" if logit else "slope")
            args = (("mu", Quantity(0.0)), ("sigma", sd))
            yield ParameterPrior(column.term.name, "slope", "Normal", args, column, scaled=scaled)
    for name, own in family.auxiliary.items():
        if name == family.half_student:
            sd = Quantity(rule="sd_y") if scaled else Quantity(1.0)
            yield ParameterPrior(name, "auxiliary", "HalfStudentT", (("nu", Quantity(4.0)), ("sigma", sd)),
                                 scaled=scaled)  # fmt: skip
        else:
            numbers = tuple((key, Quantity(v)) for key, v in own.prior.args.items() if isinstance(v, float))
            yield ParameterPrior(name, "auxiliary", own.prior.name, numbers, scaled=scaled)
    for place, bar in enumerate(bars):
        for column in bar.columns:
            rule: Rule = "intercept" if column == INTERCEPT_COLUMN else "slope"
            spread = (("sigma", Quantity(rule=rule)),)
            yield ParameterPrior(bar.sd_name(column), "sd", "HalfNormal", spread, column, place, scaled)
        if bar.correlation is not None:
            eta = (("eta", Quantity(1.0)),)
            yield ParameterPrior(bar.correlation, "correlation", "LKJ", eta, None, place, scaled)


def _filled(
    rule: ParameterPrior, priors: Priors, known: bool, given: bool, common: tuple[Column, ...], bars: tuple[Bar, ...]
) -> ParameterPrior:
    """The rule with the prior's own distribution and numbers, where they are known."""
    if not known:
        return rule
    prior = priors[rule.name]
    columns = common if rule.bar is None else bars[rule.bar].columns
    siblings = [c for c in columns if rule.column is not None and c.term == rule.column.term]
    place = siblings.index(rule.column) if rule.column in siblings else 0
    args = tuple((k, Quantity(v[place] if isinstance(v, tuple) else v)) for k, v in prior.args.items())
    return ParameterPrior(rule.name, rule.role, prior.name, args, rule.column, rule.bar, rule.scaled, given)
