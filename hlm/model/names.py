"""Names in the posterior: each variable's name, dims and coordinates are made here, and taken apart nowhere.

They are Bambi's names, so that Bambi's and ArviZ's tools work on every posterior; but xarray refuses variables with a
slash in their names, which is kept there as the division slash, U+2215, as in ``I(x∕2)``.
"""

from __future__ import annotations

from hlm.formula.formula import INTERCEPT, Term
from hlm.formula.function_calls import DIVIDED

RESERVED = ("chain", "draw", "__obs__", "Intercept")  # of the posterior itself
IN_TABLES = ("pooling", "term")  # columns beside a grouping factor in the tables and arrays of results
RESIDUAL_SD = "sigma"
THRESHOLDS, THRESHOLDS_DIM = "threshold", "threshold_dim"  # between ordered labels


def in_posterior(name: str) -> str:
    """A name as it stands in the posterior."""
    return name.replace("/", DIVIDED)


def coefficient(term: Term) -> str:
    """A coefficient of a common term: ``Intercept``, ``pre``."""
    return "Intercept" if term == INTERCEPT else in_posterior(term.name)


def own_coefficient(effect: Term, group: Term) -> str:
    """Each group's own coefficient in no pooling: ``school``, ``school:pre``."""
    return in_posterior(Term((*group.variables, *effect.variables)).name)


def group_effect(effect: Term, group: Term) -> str:
    """The groups' departures in partial pooling: ``1|school``, ``pre|school``."""
    return in_posterior(f"{effect.name}|{group.name}")


def group_sd(effect: Term, group: Term) -> str:
    """The standard deviation of an effect between the groups: ``pre|school_sigma``."""
    return f"{group_effect(effect, group)}_sigma"


def group_sd_of_column(label: str, group: Term) -> str:
    """One of several standard deviations, by the label of its column: ``sex[M]|school_sigma``."""
    return in_posterior(f"{label}|{group.name}_sigma")


def correlation(group: Term, number: int) -> str:
    """The correlation matrix of a factor's first, second, ... correlated block: ``school_corr``, ``school_corr_2``."""
    return in_posterior(f"{group.name}_corr{_suffix(number)}")


def residual_sd(group: Term | None = None) -> str:
    """``sigma``, or ``sigma_school`` where each group has its own."""
    return RESIDUAL_SD if group is None else in_posterior(f"{RESIDUAL_SD}_{group.name}")


def coefficient_dim(name: str) -> str:
    """The dim of a variable that has a value for each level: ``sex_dim``, ``school:pre_dim``."""
    return f"{name}_dim"


def labels_dim(response: str) -> str:
    """The dim of the labels of a response that have linear predictors of their own: all but the first."""
    return f"{in_posterior(response)}_reduced_dim"


def groups_dim(group: Term) -> str:
    """The dim of the groups of a factor in partial pooling: ``school__factor_dim``."""
    return in_posterior(f"{group.name}__factor_dim")


def effect_dim(effect: Term) -> str:
    """The dim of the columns of an effect that is a factor: ``sex__expr_dim``."""
    return in_posterior(f"{effect.name}__expr_dim")


def correlation_dims(group: Term, number: int) -> tuple[str, ...]:
    """``school_effect`` and ``school_effect_bis``."""
    return tuple(in_posterior(f"{group.name}_{what}{_suffix(number)}") for what in ("effect", "effect_bis"))


def own_label(group_level: str, effect_level: str | None) -> str:
    """A coordinate of an own coefficient: the group, or the group and the level of a factor, ``A, q``."""
    return group_level if effect_level is None else f"{group_level}, {effect_level}"


def _suffix(number: int) -> str:
    return "" if number == 1 else f"_{number}"
