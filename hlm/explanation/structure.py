"""The one object that every view is printed from: a model of partial pooling, its columns, and what each varies around.

A *column* is one regressor, such as ``pre`` or ``[sex = M]``; every column has one coefficient, which may be common to
all groups, vary by some, or both. Without data a factor cannot be told from a number, so that a term is one column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, columns_in, term_columns
from hlm.formula.expansion import basis_columns
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.model import names
from hlm.model.families import Family, order_of_labels
from hlm.model.grouping_factors import CovarianceBlock
from hlm.model.model import Model

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData


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
        """The number of groups, or the letter's capital, which stands for it."""
        return self.letter.upper() if self.size is None else str(self.size)


@dataclass(frozen=True, slots=True)
class Bar:
    """A block with one covariance matrix: the columns that vary together, and what they vary around."""

    factor: Factor
    block: CovarianceBlock  # of the model
    columns: tuple[Column, ...]
    # per column, what its coefficients vary around in the hierarchical form: the common coefficient (the column
    # itself), the coefficient of a coarser factor (that factor), or 0 (None)
    centres: tuple[Factor | Column | None, ...]

    @property
    def correlation(self) -> str | None:
        """The posterior's name of the correlation matrix."""
        return None if self.block.correlation is None else self.block.correlation.name

    @property
    def held(self) -> tuple[Column, ...]:
        """The columns at whose means the priors of an orthogonalised block hold."""
        has_intercept = INTERCEPT_COLUMN in self.columns
        return tuple(c for c in self.columns if c.parts and (has_intercept or any(p.level is None for p in c.parts)))

    def centre(self, column: Column) -> Factor | Column | None:
        """What the coefficients of a column vary around."""
        return self.centres[self.columns.index(column)]


@dataclass(frozen=True, slots=True)
class ModelStructure:
    """A partial-pooling model, ready to be told in words, equations, pictures and code."""

    model: Model  # of partial pooling
    written: Formula  # as it was written, but for ``.``, which stands written out where data say what it is
    factors: tuple[Factor, ...]
    common: tuple[Column, ...]  # the columns whose coefficients all groups share
    bars: tuple[Bar, ...]  # one per covariance matrix; coarse factors before the finer ones that they contain
    priors: tuple[ParameterPrior, ...]

    @property
    def formula(self) -> Formula:
        """With one term for each column: ``poly(x, 2)`` is two."""
        return self.model.written

    @property
    def family(self) -> Family:
        return self.model.family

    @property
    def data(self) -> CleanData | None:
        return self.model.design.data

    @property
    def rows(self) -> int | None:
        return None if self.data is None else self.data.rows

    @property
    def response(self) -> str:
        return self.formula.response.variable

    @property
    def labels(self) -> tuple[str, ...]:
        """The two labels of a response of 0 and 1; the second is 1."""
        return () if self.data is None else self.data.labels

    @property
    def order(self) -> str:
        """The labels of an ordered response, the lowest first; empty for other families and without data."""
        return "" if self.data is None else order_of_labels(self.family, self.formula, self.data)

    @property
    def weights(self) -> str | None:
        """The column of trials that was given apart from the formula, as of ``k/n``."""
        response = self.formula.response
        apart = response.written and not response.written.startswith("cbind(")
        return response.trials if apart else None

    @property
    def expansions(self) -> Mapping[str, tuple[str, ...]]:
        """``"poly(x, 2)"`` to the names of its columns, ``"."`` to what it stands for."""
        return basis_columns(self.written) if self.data is None else self.data.expansions

    @property
    def bases(self) -> Mapping[str, tuple[str, ...]]:
        """``"poly(x, 2)"`` to the names of its columns."""
        return {function: names for function, names in self.expansions.items() if function != ALL_OTHERS}

    def basis_of(self, variable: str) -> str | None:
        """The function that a variable is one column of."""
        return next((function for function, names in self.bases.items() if variable in names), None)

    @property
    def left_out(self) -> tuple[Column, ...]:
        """Columns of the common terms that those before them explain."""
        every = term_columns(self.formula.common, self.data)
        kept = columns_in(self.model.design.common, every)
        return tuple(column for column in every if column not in kept)

    @property
    def left_out_of_bars(self) -> tuple[Column, ...]:
        """Columns of the bars that are 0 in every row."""
        terms = [(bar, tuple(effect.term for effect in bar.block.effects)) for bar in self.bars]
        every = ((bar, column) for bar, effects in terms for column in term_columns(effects, self.data))
        return tuple(dict.fromkeys(column for bar, column in every if column not in bar.columns))

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column once: the intercept, then those that vary."""
        varying = [column for bar in self.bars for column in bar.columns]
        found = dict.fromkeys([*(c for c in self.common if c in varying), *varying, *self.common])
        return tuple(sorted(found, key=lambda column: column != INTERCEPT_COLUMN))

    @property
    def slopes(self) -> tuple[Column, ...]:
        """Every column but the intercept, in the order in which slopes are numbered."""
        return tuple(column for column in self.columns if column != INTERCEPT_COLUMN)

    @property
    def centred(self) -> tuple[Column, ...]:
        """The columns at whose means the intercept's prior holds; empty where there is no intercept."""
        return tuple(c for c in self.common if c != INTERCEPT_COLUMN) if INTERCEPT_COLUMN in self.common else ()

    def varies(self, column: Column) -> bool:
        """Whether a column's coefficient differs between groups."""
        return any(column in bar.columns for bar in self.bars)

    def carriers(self, column: Column) -> tuple[tuple[Bar, bool], ...]:
        """The bars that a column varies in; True where another bar varies around it, so that it is in it already."""
        within = [bar for bar in self.bars if column in bar.columns]
        return tuple((bar, any(other.centre(column) == bar.factor for other in within)) for bar in within)

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept, common or for each group."""
        return any(INTERCEPT_COLUMN in columns for columns in (self.common, *(bar.columns for bar in self.bars)))

    def prior(self, name: str, column: Column | None = None) -> ParameterPrior:
        """The prior of a parameter by the posterior's name (of a factor's sds, one per column)."""
        return next(p for p in self.priors if p.name == name and (column is None or p.column in (None, column)))

    def coefficient_prior(self, column: Column) -> ParameterPrior:
        """The prior of a common coefficient."""
        return self.prior(names.coefficient(column.term), column)

    def sd_priors(self, bar: Bar) -> list[ParameterPrior]:
        """The priors of a bar's standard deviations, one per column."""
        return [self.prior(names.group_sd(column.term, bar.factor.term), column) for column in bar.columns]
