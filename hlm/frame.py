"""Any data frame in, the clean columns of one formula out: complete rows, checked, cells of several factors made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.errors import DataError
from hlm.formula.formula import Formula, Term
from hlm.reading import check_rows, narwhalize, read_all

if TYPE_CHECKING:
    import pandas as pd

CELL_SEPARATOR = ":"


@dataclass(frozen=True, slots=True)
class CleanData:
    """The columns that a formula needs, ready to use.

    Attributes
    ----------
    columns : pandas.DataFrame
        The complete rows; the index is each row's position in the caller's frame, from 0. Numbers as float64 or int64,
        everything else as category with string labels. Grouping columns are always category; a factor of cells such
        as ``batch:cask`` has a column of its own, under that name.
    rows_given : int
        Rows of the caller's frame.
    missing : Mapping
        Column name to the number of rows that it cost; a row may be counted in several columns.
    """

    columns: pd.DataFrame
    rows_given: int
    missing: Mapping[str, int] = field(default_factory=dict)

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


def clean(formula: Formula, data: Any, *, family: str = "gaussian", must_vary: bool = True) -> CleanData:
    """Take the formula's columns out of any data frame and check them.

    Parameters
    ----------
    formula : Formula
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads. It is not changed.
    family : str
        Decides what a response may be.
    must_vary : bool
        False lets constant columns and single groups pass, so that `hlm.lint` can name them all.

    Raises
    ------
    DataError
        Missing column, infinite value, no rows, constant response, fewer than two groups, a dtype without meaning:
        the message names column and row.
    """
    if isinstance(data, CleanData):
        return data
    frame = narwhalize(data)
    read = read_all(formula.variables, set(formula.group_variables), frame)
    columns, missing = _complete_rows(read, len(frame))
    for name in formula.response.variables:
        columns[name] = _response(columns[name], name, family)
    for group in formula.groups:
        if len(group.variables) > 1:
            columns[group.name] = cells(columns, group)
    result = CleanData(columns, len(frame), missing)
    if must_vary:
        _check_usable(formula, result)
    return result


def read_columns(names: Sequence[str], groups: set[str], data: Any) -> pd.DataFrame:
    """Columns of a frame that must not have missing values (new data for a prediction)."""
    frame = narwhalize(data)
    read = read_all(names, groups, frame)
    for name, column in read.items():
        check_rows(name, column, column.isna().to_numpy(), "a prediction needs a value here")
    columns, _ = _complete_rows(read, len(frame))
    return columns


def cells(columns: pd.DataFrame, group: Term) -> pd.Series:
    """The observed combinations of several factors as one factor, the first factor varying slowest."""
    import pandas as pd

    codes = [np.asarray(columns[v].cat.codes, dtype=np.int64) for v in group.variables]
    combinations, inverse = np.unique(np.column_stack(codes), axis=0, return_inverse=True)
    labels = [
        CELL_SEPARATOR.join(str(columns[v].cat.categories[c]) for v, c in zip(group.variables, row, strict=True))
        for row in combinations
    ]
    if len(set(labels)) < len(labels):
        raise DataError(
            f"Two different cells of {group.name} have the same label, for example because labels contain ':'. "
            f"Rename the labels of {' or '.join(group.variables)}."
        )
    return pd.Series(
        pd.Categorical.from_codes(inverse.ravel().tolist(), pd.Index(labels), ordered=True), index=columns.index
    )


def _complete_rows(read: Mapping[str, pd.Series], rows: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows without missing values, and how many were missing in each column."""
    import pandas as pd

    gaps = {name: column.isna().to_numpy() for name, column in read.items()}
    missing = {name: int(gap.sum()) for name, gap in gaps.items() if gap.any()}
    keep = ~np.logical_or.reduce(list(gaps.values()))
    if not keep.any():
        where = ", ".join(f"{name} ({count} of {rows})" for name, count in missing.items())
        raise DataError(f"No row is complete. Missing values: {where}.")
    if keep.all():
        return pd.DataFrame(dict(read)), missing
    columns = pd.DataFrame({name: column[keep] for name, column in read.items()})
    for name in columns:
        if isinstance(columns[name].dtype, pd.CategoricalDtype):
            columns[name] = columns[name].cat.remove_unused_categories()
    return columns, missing


def _response(column: pd.Series, name: str, family: str) -> pd.Series:
    """The response as numbers; for bernoulli the second of two labels counts as success, as in R's glm."""
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    levels = list(column.cat.categories)
    if family in ("bernoulli", "categorical", "cumulative", "sratio"):
        if family == "bernoulli" and len(levels) == 2:
            return pd.Series(column.cat.codes.astype(np.int64), index=column.index)
        if family != "bernoulli":
            return column
        raise DataError(f"The response {name!r} must have two values for the bernoulli family, not {len(levels)}.")
    if set(levels) <= {"False", "True"}:
        return pd.Series((column.astype(str) == "True").astype(np.int64))
    shown = ", ".join(levels[:5])
    raise DataError(f"The response {name!r} holds labels ({shown}), not numbers. Is family='bernoulli' meant?")


def _check_usable(formula: Formula, data: CleanData) -> None:
    """The response varies, every predictor varies, every grouping factor has two levels at least."""
    response = data.columns[formula.response.variable]
    if _is_constant(response):
        raise DataError(
            f"The response {formula.response.variable!r} is constant ({response.iloc[0]} in all {data.rows} rows): "
            f"there is nothing to model."
        )
    for group in formula.groups:
        levels = data.levels(group)
        if len(levels) < 2:
            raise DataError(
                f"The grouping factor {group.name!r} has one group only ({levels[0]!r}): "
                f"partial pooling needs two groups at least."
            )
    for name in formula.predictors:
        if _is_constant(data.columns[name]):
            value = data.columns[name].iloc[0]
            raise DataError(f"The predictor {name!r} is constant ({value} in every row): leave it out of the formula.")


def _is_constant(column: pd.Series) -> bool:
    """Whether all rows have the same value (none is missing); counting the distinct values would take far longer."""
    values = (column.cat.codes if column.dtype == "category" else column).to_numpy()
    return bool((values == values[0]).all())
