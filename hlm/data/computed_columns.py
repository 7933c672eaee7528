"""The variables of a formula: columns as they are, and what its functions compute from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.pandas_polars_arrow import as_factor
from hlm.data.transforms import Functions, Transform, learn
from hlm.errors import DataError, FormulaError
from hlm.formula.expansion import basis_columns
from hlm.formula.formula import Formula
from hlm.formula.function_calls import is_call, shown, source_columns

if TYPE_CHECKING:
    import pandas as pd


def learn_variables(
    formula: Formula, columns: pd.DataFrame, sources: pd.DataFrame, functions: Functions
) -> tuple[pd.DataFrame, dict[str, Transform], dict[str, tuple[str, ...]]]:
    """The variables of a formula on the rows of a fit.

    columns: the formula's variables in their order, then the columns that they were made of.
    transforms: by computed variable.
    expansions: ``"poly(x, 2)"`` to the names of its columns.
    """
    for name in formula.functions:
        if name not in functions:
            raise FormulaError(f"The formula calls {name}(), which is yours: pass functions={{{name!r}: ...}}.")
    transforms: dict[str, Transform] = {}
    made: dict[str, pd.Series] = {}
    for variable in formula.computed:
        transforms[variable], found = learn(variable, sources, functions)
        made |= found
    expansions = basis_columns(formula)
    names = [n for v in formula.variables for n in expansions.get(v, (v,))]
    return _together(formula, names, made, columns), transforms, expansions


def apply_variables(
    formula: Formula, variables: Sequence[str], columns: pd.DataFrame, sources: pd.DataFrame,
    transforms: Mapping[str, Transform], expansions: Mapping[str, tuple[str, ...]],
) -> pd.DataFrame:  # fmt: skip
    """Some variables of a formula in single columns on new rows, computed as on the rows of the fit."""
    made: dict[str, pd.Series] = {}
    for variable, transform in transforms.items():
        if not {variable, *expansions.get(variable, ())}.isdisjoint(variables):
            made |= transform.on(sources)
    return _together(formula, variables, made, columns)


def all_others(formula: Formula, available: Sequence[str], weights: str | None) -> tuple[str, ...]:
    """What ``.`` stands for: the columns that are neither response, grouping factor, offset nor weights.

    R puts grouping factors among the common terms, too; here a group's own intercept would be there twice.
    """
    elsewhere = [*formula.response.variables, *formula.group_variables, *formula.offsets]
    used = {c for v in elsewhere for c in source_columns(v, formula.functions)} | {weights}
    removed = {term.variables for term in formula.removed}
    others = tuple(name for name in available if name not in used and (name,) not in removed)
    for name in others:
        if is_call(name, formula.functions):
            raise DataError(f"The column {name!r}, which '.' stands for, has a name like a function's: rename it.")
    if not others:
        raise FormulaError("'.' stands for all other columns, and there are none.", str(formula))
    return others


def _as_counts(name: str, column: pd.Series) -> pd.Series:
    """Successes or trials as numbers: what is true counts 1."""
    if column.dtype != "category":
        return column
    if not set(column.cat.categories) <= {"False", "True"}:
        raise DataError(f"{shown(name)!r} counts successes or trials, but holds labels ({column.iloc[0]!r}, ...).")
    return (column.astype(str) == "True").astype(np.int64)


def _together(
    formula: Formula, names: Sequence[str], made: dict[str, pd.Series], columns: pd.DataFrame
) -> pd.DataFrame:
    """The variables first, then the columns that are only inside functions; groups as labels, counts as integers."""
    import pandas as pd

    for name, column in made.items():
        if name in formula.group_variables and column.dtype != "category":
            made[name] = as_factor(column.tolist(), column.index)
        elif formula.response.trials is not None and name in formula.response.variables:
            column = _as_counts(name, column)
            whole = column.round()  # 0.3 of 10 is 3: rounding is all that keeps it from an integer
            made[name] = whole.astype(np.int64) if ((column - whole).abs() < 1e-6).all() else column
    found = {**columns, **made}
    return pd.DataFrame({name: found[name] for name in dict.fromkeys([*names, *columns])})
