"""The one object that every view is printed from: what the model consists of, with the data's numbers where there are.

A *column* is one regressor, such as ``pre`` or ``[sex = M]``; every column has one coefficient, which may be common to
all groups, vary by some, or both. Without data a factor cannot be told from a number, so that a term is one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hlm.errors import FitError
from hlm.explanation.prior_rules import ParameterPrior, parameter_priors
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, term_columns
from hlm.formula.expansion import basis_columns, expanded
from hlm.formula.formula import ALL_OTHERS, INTERCEPT, Formula, Term
from hlm.formula.parser import parse
from hlm.formula.response import with_weights
from hlm.model import names
from hlm.model.design import Design
from hlm.model.families import Family, check_trials, get_family
from hlm.model.grouping_factors import CovarianceBlock
from hlm.model.model import Model
from hlm.model.resolve import check_names, resolve, strategy
from hlm.support.options import check_functions

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData
    from hlm.data.transforms import Functions

_LETTERS = "klmjhrstuvwabcdefg"


@dataclass(frozen=True, slots=True)
class Factor:
    """A grouping factor."""

    term: Term  # ``school``, or the cells ``batch:cask``
    letter: str  # its index in equations; the capital is the number of its groups
    size: int | None  # how many groups the data have

    @property
    def name(self) -> str:
        return self.term.name

    @property
    def size_text(self) -> str:
        """The number of groups, or its symbol."""
        return self.letter.upper() if self.size is None else str(self.size)


@dataclass(frozen=True, slots=True)
class Bar:
    """A block with one covariance matrix: the columns that vary together, and what they vary around."""

    factor: Factor
    block: CovarianceBlock  # of the model
    terms: tuple[Term, ...]
    columns: tuple[Column, ...]
    # per column, what its coefficients vary around in the hierarchical form: the common coefficient (the column
    # itself), the coefficient of a coarser factor (that factor), or 0 (None)
    centres: tuple[Factor | Column | None, ...]

    @property
    def correlation(self) -> str | None:
        """The posterior's name of the correlation matrix."""
        return None if self.block.correlation is None else self.block.correlation.name

    def sd_name(self, column: Column) -> str:
        """The posterior's name of the standard deviation of a column's coefficients."""
        return names.group_sd(column.term, self.factor.term)


@dataclass(frozen=True, slots=True)
class ModelStructure:
    """A partial-pooling model, ready to be told in words, equations, pictures and code."""

    model: Model  # of partial pooling
    written: Formula  # as it was written, but for ``.``, which stands written out where data say what it is
    formula: Formula  # one term for each column: ``poly(x, 2)`` is two
    # ``"poly(x, 2)"`` to the names of its columns, ``"."`` to what it stands for
    expansions: Mapping[str, tuple[str, ...]]
    family: Family
    data: CleanData | None
    factors: tuple[Factor, ...]
    common: tuple[Column, ...]  # the columns whose coefficients all groups share
    bars: tuple[Bar, ...]  # one per covariance matrix; coarse factors before the finer ones that they contain
    priors: tuple[ParameterPrior, ...]

    @property
    def response(self) -> str:
        return self.formula.response.variable

    @property
    def weights(self) -> str | None:
        """The column of trials that was given apart from the formula, as of ``k/n``."""
        response = self.formula.response
        apart = response.written and not response.written.startswith("cbind(")
        return response.trials if apart else None

    @property
    def bases(self) -> Mapping[str, tuple[str, ...]]:
        """``"poly(x, 2)"`` to the names of its columns."""
        return {function: names for function, names in self.expansions.items() if function != ALL_OTHERS}

    def basis_of(self, variable: str) -> str | None:
        """The function that a variable is one column of."""
        return next((function for function, names in self.bases.items() if variable in names), None)

    @property
    def rows(self) -> int | None:
        return None if self.data is None else self.data.rows

    @property
    def slopes(self) -> tuple[Column, ...]:
        """Every column but the intercept, varying ones first: the order in which slopes are numbered."""
        varying = [c for bar in self.bars for c in bar.columns]
        first = [c for c in self.common if c in varying]
        return tuple(c for c in dict.fromkeys([*first, *varying, *self.common]) if c != INTERCEPT_COLUMN)

    @property
    def ordinal(self) -> bool:
        """Whether thresholds stand in for the intercept."""
        return self.family.has_thresholds

    @property
    def centred(self) -> tuple[Column, ...]:
        """The columns at whose means the intercept's prior holds; empty where there is no intercept."""
        has_intercept = INTERCEPT_COLUMN in self.common
        return tuple(c for c in self.common if c != INTERCEPT_COLUMN) if has_intercept else ()

    def prior(self, name: str, column: Column | None = None) -> ParameterPrior:
        """The prior of a parameter by the posterior's name (of a factor's sds, one per column)."""
        return next(p for p in self.priors if p.name == name and (column is None or p.column in (None, column)))

    def carriers(self, column: Column) -> tuple[tuple[Bar, bool], ...]:
        """The bars that a column varies in; True where another bar varies around it, so that it is in it already."""
        within = [bar for bar in self.bars if column in bar.columns]
        return tuple((bar, any(column_centre(b, column) == bar.factor for b in within)) for bar in within)


def column_centre(bar: Bar, column: Column) -> Factor | Column | None:
    """What a column's coefficients vary around in one bar."""
    return bar.centres[bar.columns.index(column)]


def model_structure(
    formula: str | Formula,
    data: Any = None,
    *,
    family: str = "gaussian",
    weights: str | None = None,
    functions: Functions | None = None,
    priors: Mapping[str, Any] | None = None,
) -> ModelStructure:
    """Read a formula, and data where there are, into the structure that all views share.

    FormulaError, DataError, FitError: where formula, data, family or priors cannot be used.
    """
    kind = get_family(family)
    check_functions(functions)
    if weights is not None and kind.weights == "precisions":
        raise FitError(
            f"explain does not show the weights of a gaussian model ({weights!r}): leave them out, and read sigma as "
            f"the residual standard deviation of a row of weight 1."
        )
    parsed = with_weights(parse(formula, functions=tuple(functions or ())), weights, kind)
    model = _model(parsed, data, family, functions, priors)
    read, table = model.written, model.design.data
    expansions = basis_columns(parsed) if table is None else table.expansions
    written = expanded(parsed, {name: found for name, found in expansions.items() if name == ALL_OTHERS})
    factors = tuple(
        Factor(term, _letter(i), None if table is None else len(table.levels(term)))
        for i, term in enumerate(sorted(read.groups, key=lambda t: t.degree))
    )
    terms = tuple(t for t in read.common if not (t == INTERCEPT and kind.has_thresholds))
    common = term_columns(read.common, table, keep=terms)
    bars = _bars(model, factors, common)
    return ModelStructure(
        model, written, read, expansions, kind, table, factors, common, bars,
        parameter_priors(model, common, [(bar.block, bar.columns) for bar in bars], priors),
    )  # fmt: skip


def _model(
    formula: Formula, data: Any, family: str, functions: Functions | None, priors: Mapping[str, Any] | None
) -> Model:
    """The model of partial pooling, on its data or of the formula alone."""
    if data is not None:
        return resolve(formula, data, family=family, functions=functions, priors=priors)["partial"]
    kind = get_family(family)
    check_trials(kind, formula)
    model = strategy(Design(expanded(formula, basis_columns(formula)), None), "partial", kind)
    check_names(model)
    return model


def _letter(position: int) -> str:
    return _LETTERS[position % len(_LETTERS)] + "'" * (position // len(_LETTERS))


def _bars(model: Model, factors: tuple[Factor, ...], common: tuple[Column, ...]) -> tuple[Bar, ...]:
    """The blocks, coarse factors first, each column's centre found."""
    by_term = {factor.term: factor for factor in factors}
    of_factor = {factor.group: iter(factor.blocks) for factor in model.factors}
    blocks = [(block, next(of_factor[block.group])) for block, _ in model.design.blocks]
    carrier: dict[Column, Column | Bar] = {column: column for column in common}
    bars = []
    for written, block in sorted(blocks, key=lambda pair: pair[0].group.degree):
        columns = term_columns(written.effects, model.design.data)
        factor = by_term[written.group]
        centres = tuple(_centre(column, factor, columns, carrier) for column in columns)
        bar = Bar(factor, block, written.effects, columns, centres)
        bars.append(bar)
        for column, centre in zip(columns, centres, strict=True):
            if centre is not None or column not in carrier:
                carrier[column] = bar
    return tuple(bars)


def _centre(
    column: Column, factor: Factor, columns: tuple[Column, ...], carrier: Mapping[Column, Column | Bar]
) -> Factor | Column | None:
    """The common coefficient, or a coarser factor's if all that varies with it varies in this bar too, else 0."""
    centre = carrier.get(column)
    if not isinstance(centre, Bar):
        return centre
    finer = set(centre.factor.term.variables) < set(factor.term.variables)
    return centre.factor if finer and set(centre.columns) <= set(columns) else None
