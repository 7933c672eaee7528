"""Which letter stands for what: the lecture's alpha, beta, gamma, delta, tau, with the indices a model needs."""

from __future__ import annotations

from hlm.explanation.math_expression import Expression, Greek, Name, Scripted, Sign, call, joined, row
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, Part
from hlm.explanation.structure import Bar, Factor, ModelStructure
from hlm.formula.formula import ALL_OTHERS

THRESHOLD = Scripted(Greek("θ"), (Sign("c"),))
# The posterior's name of a family's parameter to its letter; alpha would be taken for the intercept.
_LETTERS = {"sigma": "σ", "nu": "ν", "kappa": "κ", "lam": "λ", "psi": "ψ", "alpha": "φ", "b": "b", "mu": "μ", "p": "p"}


def parameter(name: str) -> Expression:
    """A parameter of the response's distribution."""
    return Greek(_LETTERS.get(name, "θ"))


def observed(expression: Expression, model: ModelStructure) -> Scripted:
    """Something that every row has its own of: index ``ki`` with one factor, ``i`` otherwise."""
    letters = (Sign(model.factors[0].letter),) if len(model.factors) == 1 else ()
    return Scripted(expression, (*letters, Sign("i")))


def eta(model: ModelStructure) -> Scripted:
    """The linear predictor of a row, where it is not a parameter under its link."""
    return observed(Greek("η"), model)


def regressor(column: Column, model: ModelStructure) -> Expression:
    """A column as data: the user's names with the row's index."""
    return joined([observed(_part(part), model) for part in column.parts], "·")


def average(column: Column) -> Expression:
    """The mean of a column over all rows."""
    return call("mean", joined([_part(part) for part in column.parts], "·"))


def common(column: Column, model: ModelStructure) -> Expression:
    """The coefficient that all groups share: alpha, beta, beta_2."""
    return _scripted(model, _base(column), _number(column, model))


def centre(column: Column, model: ModelStructure) -> Expression:
    """The same number in the hierarchical form: mu_alpha where groups vary around it, alpha where none does."""
    if not model.varies(column):
        return common(column, model)
    return _scripted(model, Greek("μ"), (Scripted(_base(column), _number(column, model)),))


def coefficient(bar: Bar, column: Column, model: ModelStructure, *, row_of: bool = False) -> Expression:
    """A group's own coefficient, alpha_k; ``row_of`` gives the one of a row's group."""
    if is_departure(bar, column, model):
        return departure(bar, column, model, row_of=row_of)
    return _scripted(model, _base(column), (*_number(column, model), *_index(bar.factor, model, row_of)), bar.factor)


def departure(bar: Bar, column: Column, model: ModelStructure, *, row_of: bool = False) -> Expression:
    """How far a group is from what it varies around: gamma_k of intercepts, delta_k of slopes."""
    letter = Greek("γ" if column == INTERCEPT_COLUMN else "δ")
    return _scripted(model, letter, (*_number(column, model), *_index(bar.factor, model, row_of)), bar.factor)


def is_departure(bar: Bar, column: Column, model: ModelStructure) -> bool:
    """Whether another coefficient already carries the column's centre, as a crossed factor's does."""
    first = next(b for b in model.bars if column in b.columns)
    return bar.centre(column) is None and (column in model.common or bar is not first)


def outer(bar: Bar, column: Column, factor: Factor, model: ModelStructure) -> Expression:
    """The coefficient of the coarser group that a finer one lies in: alpha_k[l]."""
    index = (Sign(factor.letter), Sign("["), Sign(bar.factor.letter), Sign("]"))
    return _scripted(model, _base(column), (*_number(column, model), *index), factor)


def spread(bar: Bar, column: Column, model: ModelStructure) -> Expression:
    """The standard deviation between groups: tau_alpha, tau_beta."""
    return _scripted(model, Greek("τ"), (Scripted(_base(column), _number(column, model)),), bar.factor)


def correlation(bar: Bar, model: ModelStructure) -> Expression:
    """Rho of two effects, the matrix Omega of more."""
    return matrix("ρ" if len(bar.columns) == 2 else "Ω", bar, model)


def matrix(letter: str, bar: Bar, model: ModelStructure) -> Expression:
    """The covariance matrix Sigma or the correlation matrix Omega of a block, numbered where a factor has several."""
    correlated = [b for b in model.bars if b.factor == bar.factor and len(b.columns) > 1]
    below: tuple[Expression, ...] = (Sign(str(correlated.index(bar) + 1)),) if len(correlated) > 1 else ()
    return _scripted(model, Greek(letter), below, bar.factor)


def symbol(prior: ParameterPrior, model: ModelStructure) -> Expression:
    """The letter of any parameter in the hierarchical form."""
    bar = None if prior.bar is None else model.bars[prior.bar]
    if prior.role == "correlation" and bar is not None:
        return correlation(bar, model)
    if prior.column is None:
        return parameter(prior.name)
    return centre(prior.column, model) if bar is None else spread(bar, prior.column, model)


def _base(column: Column) -> Greek:
    return Greek("α" if column == INTERCEPT_COLUMN else "β")


def _number(column: Column, model: ModelStructure) -> tuple[Expression, ...]:
    """Slopes are numbered where there are several."""
    slopes = model.slopes
    return (Sign(str(slopes.index(column) + 1)),) if len(slopes) > 1 and column in slopes else ()


def _index(factor: Factor, model: ModelStructure, row_of: bool) -> tuple[Expression, ...]:
    letter = Sign(factor.letter)
    return (letter, Sign("["), Sign("i"), Sign("]")) if row_of and len(model.factors) > 1 else (letter,)


def _scripted(
    model: ModelStructure, base: Expression, below: tuple[Expression, ...], factor: Factor | None = None
) -> Expression:
    """A letter with its index, its factor's name where there are several, and the response's level if it has one."""
    above: tuple[Expression, ...] = (Name(factor.name),) if factor is not None and len(model.factors) > 1 else ()
    if model.family.has_predictor_per_label:
        above = (*above, Sign("("), Sign("c"), Sign(")"))
    return Scripted(base, below, above) if below or above else base


def _part(part: Part) -> Expression:
    if part.level is None:
        return Name("every other column" if part.variable == ALL_OTHERS else part.variable)
    if part.is_score:
        return row(Name(part.variable), "[", Name(part.level), "]")
    return row("[", Name(part.variable), "=", Name(part.level), "]")
