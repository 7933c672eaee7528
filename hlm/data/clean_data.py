"""Any data frame in, the clean columns of one formula out: complete rows, checked, cells of several factors made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.column_checks import (
    check_labels,
    check_names,
    check_no_numbers_as_text,
    check_offset,
    check_sizes,
    check_told_apart,
    check_varies,
)  # fmt: skip
from hlm.data.computed_columns import all_others, learn_variables
from hlm.data.contrasts import Contrast, contrast
from hlm.data.missing_values import complete_rows
from hlm.data.pandas_polars_arrow import as_factor, check_rows, narwhalize
from hlm.data.transforms import Functions, Transform
from hlm.errors import DataError
from hlm.formula.expansion import expanded
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.formula.parser import parse
from hlm.formula.response import NUMBERS, ResponseKind, with_weights
from hlm.support.options import check_functions

if TYPE_CHECKING:
    import pandas as pd

CELL_SEPARATOR = ":"


@dataclass(frozen=True, slots=True)
class CleanData:
    """The columns that a formula needs, ready to use."""

    # the complete rows; the index is each row's position in the caller's frame, from 0. Numbers as float64 or int64,
    # everything else as category with string labels. Grouping columns are always category; a factor of cells such as
    # ``batch:cask`` has a column of its own, under that name, and so has each computed variable, ``log(x)`` or
    # ``poly(x, 2)1``; the columns that those are made of come last.
    columns: pd.DataFrame
    rows_given: int  # rows of the caller's frame
    # column name to the number of rows that it cost; a row may be counted in several columns
    missing: Mapping[str, int] = field(default_factory=dict)
    # by computed variable: its functions as they were learned on these rows
    transforms: Mapping[str, Transform] = field(default_factory=dict)
    # what ``.`` and variables with several columns stand for: the argument of `hlm.formula.expansion.expanded`
    expansions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # by factor: the contrasts that the formula asks for, as ``C(f, Sum)`` does; no other factor stands here
    contrasts: Mapping[str, Contrast] = field(default_factory=dict)
    # shape (rows,), optional; what is added to the linear predictor: the sum of the formula's offsets
    offset: np.ndarray | None = None
    weights: np.ndarray | None = None  # shape (rows,), optional; how much each row counts, above 0
    weights_column: str | None = None  # where they come from
    labels: tuple[str, ...] = ()  # the two labels of a response of 0 and 1; the second is 1

    @property
    def rows(self) -> int:
        return len(self.columns)

    @property
    def message(self) -> str:
        """What was left out, in one sentence; empty if nothing was."""
        dropped = self.rows_given - self.rows
        if not dropped:
            return ""
        where = ", ".join(f"{name} ({count})" for name, count in self.missing.items())
        return f"{dropped} of {self.rows_given} rows left out for missing values: {where}."

    def codes(self, group: Term) -> np.ndarray:
        """The group of each row as integers 0 .. K-1, shape (rows,)."""
        return np.asarray(self.columns[group.name].cat.codes, dtype=np.int64)

    def levels(self, group: Term) -> list[str]:
        """The labels of the groups, in their order, length K."""
        return list(self.columns[group.name].cat.categories)


def formula_and_data(
    formula: str | Formula,
    data: Any,
    *,
    family: ResponseKind = NUMBERS,
    weights: str | None = None,
    functions: Functions | None = None,
) -> tuple[Formula, CleanData]:
    """Read a formula and the data that it needs: what every public function starts with.

    family, functions: as in `clean`.
    weights: a column. In a binomial family the number of trials, where the response is a proportion such as ``k/n``; in
        the gaussian family precisions as in lme4: a row's residual sd is ``sigma / sqrt(weight)``.
    formula: with ``.`` and ``poly(x, 2)`` written out in single columns.
    """
    check_functions(functions)
    read = with_weights(parse(formula, functions=tuple(functions or ())), weights, family)
    precisions = weights if family.weights == "precisions" else None
    table = clean(read, data, family=family, weights=precisions, functions=functions)
    return expanded(read, table.expansions), table


def clean(
    formula: Formula,
    data: Any,
    *,
    family: ResponseKind = NUMBERS,
    weights: str | None = None,
    functions: Functions | None = None,
    must_vary: bool = True,
) -> CleanData:
    """Take the formula's columns out of any data frame, check them, and compute what the formula computes.

    data: pandas, polars, pyarrow, or anything narwhals reads. It is not changed.
    family: one of `hlm.model.families`: decides what a response may be.
    weights: a column of numbers above 0, kept as ``weights``.
    functions: the caller's own functions by the names that the formula calls them.
    must_vary: False lets constant columns, single groups, and predictors' labels that differ by blanks pass, so that
        `hlm.lint` can name them all.
    DataError: missing column, infinite value, no rows, constant response, fewer than two groups, a dtype without
        meaning, numbers that are a predictor and a grouping factor, a function without a value (``log(0)``): the
        message names column and row.
    """
    import narwhals.stable.v2 as nw

    if isinstance(data, CleanData):
        return data
    frame = narwhalize(data)
    expansions = {ALL_OTHERS: all_others(formula, list(frame.columns), weights)} if formula.has_dot else {}
    named = expanded(formula, expansions)
    check_names(named, frame)
    needed = tuple(dict.fromkeys([*named.columns, *([weights] if weights is not None else [])]))
    columns, sources, missing = complete_rows(named, needed, frame)
    labelled = needed if must_vary else named.response.variables
    check_labels(columns, [n for n in labelled if n in columns], is_polars=frame.implementation.is_polars())
    columns, transforms, bases = learn_variables(named, columns, sources, functions or {})
    if "Intercept" in {*named.predictors, *named.group_variables}:
        raise DataError("The column 'Intercept' has the name of a model parameter: rename it, for example Intercept_x.")
    check_no_numbers_as_text(named, columns, [name for name in needed if frame[name].dtype in (nw.String, nw.Object)])
    given = columns[named.response.variable]
    labels = tuple(given.cat.categories) if given.dtype == "category" and family.support == "binary" else ()
    for name in named.response.variables:
        columns[name] = _response(columns[name], name, family)
    for group in named.groups:
        if len(group.variables) > 1:
            columns[group.name] = cells(columns, group)
    check_sizes(
        columns,
        [*named.response.variables, *named.predictors, *(n for names in bases.values() for n in names)],
        named.functions,
    )  # fmt: skip
    result = CleanData(
        columns, len(frame), missing, transforms, {**expansions, **bases}, offset=offsets(named, columns),
        weights=None if weights is None else check_weights(sources[weights], weights), weights_column=weights,
        labels=labels, contrasts=_contrasts(named, columns),
    )  # fmt: skip
    if family.support == "real":
        check_offset(named.response.variable, columns, result.offset)
    if must_vary:
        check_varies(expanded(named, bases), columns)
    check_told_apart(expanded(named, bases), columns)
    return result


def _contrasts(formula: Formula, columns: pd.DataFrame) -> dict[str, Contrast]:
    """By factor among the predictors: the contrasts that it asks for."""
    factors = [v for v in formula.computed if v in formula.predictors and v in columns]
    asked = {v: contrast(v, list(columns[v].cat.categories)) for v in factors if columns[v].dtype == "category"}
    return {variable: found for variable, found in asked.items() if found is not None}


def offsets(formula: Formula, columns: pd.DataFrame) -> np.ndarray | None:
    """The sum of a formula's offsets, shape (rows,); None where it has none."""
    if not formula.offsets:
        return None
    for name in formula.offsets:
        if columns[name].dtype == "category":
            raise DataError(f"The offset {name!r} holds labels: an offset is a number added to the linear predictor.")
    return np.sum([columns[name].to_numpy(dtype=np.float64) for name in formula.offsets], axis=0)


def cells(columns: pd.DataFrame, group: Term) -> pd.Series:
    """The observed combinations of several factors as one factor, the first factor varying slowest."""
    import pandas as pd

    codes = [np.asarray(columns[v].cat.codes, dtype=np.int64) for v in group.variables]
    inverse = codes[0]
    for more in codes[1:]:  # one factor after the other, so that no key grows beyond rows x levels
        _, inverse = np.unique(inverse * (more.max() + 1) + more, return_inverse=True)
    _, first = np.unique(inverse, return_index=True)
    levels = [columns[v].cat.categories.astype(str).to_numpy(dtype=object) for v in group.variables]
    parts = (own[code[first]] for own, code in zip(levels, codes, strict=True))
    labels = [CELL_SEPARATOR.join(cell) for cell in zip(*parts, strict=True)]
    if len(set(labels)) < len(labels):
        raise DataError(
            f"Two different cells of {group.name} have the same label, for example because labels contain ':'. "
            f"Rename the labels of {' or '.join(group.variables)}."
        )
    cell = pd.Categorical.from_codes(inverse.ravel().tolist(), pd.Index(labels), ordered=True)
    return pd.Series(cell, index=columns.index)


def check_weights(column: pd.Series, name: str) -> np.ndarray:
    """Weights as numbers; a `DataError` where they are none above 0."""
    if column.dtype == "category":
        raise DataError(f"The weights {name!r} hold labels ({column.iloc[0]!r}, ...): they must be numbers above 0.")
    check_rows(name, column, column.to_numpy() <= 0, "weights must be above 0")
    return column.to_numpy(dtype=np.float64)


def _response(column: pd.Series, name: str, family: ResponseKind) -> pd.Series:
    """The response as labels or numbers; for bernoulli the second of two labels counts as success, as in R's glm."""
    import pandas as pd

    as_labels = family.support in ("labels", "ordered")
    if as_labels or column.dtype != "category":
        return as_factor(column.tolist(), column.index) if as_labels and column.dtype != "category" else column
    levels = list(column.cat.categories)
    if family.support == "binary":
        if len(levels) == 2:
            return pd.Series(column.cat.codes.astype(np.int64), index=column.index)
        raise DataError(
            f"The response {name!r} must have two values for the bernoulli family, not {len(levels)}. For more labels "
            f"write family='categorical', or 'cumulative' if they are ordered."
        )
    if set(levels) <= {"False", "True"}:
        return pd.Series((column.astype(str) == "True").astype(np.int64))
    more = "family='bernoulli'" if len(levels) == 2 else "family='categorical', or 'cumulative' if they are ordered"
    raise DataError(
        f"The response {name!r} holds labels ({', '.join(levels[:5])}), not numbers. For labels write {more}."
    )
