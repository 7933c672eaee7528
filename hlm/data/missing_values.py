"""Missing values: the complete rows of the columns that a formula needs, and how many rows each column cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.pandas_polars_arrow import check_rows, read_all
from hlm.errors import DataError
from hlm.formula.formula import Formula
from hlm.formula.function_calls import source_columns

if TYPE_CHECKING:
    import pandas as pd


def complete_rows(
    formula: Formula, names: Sequence[str], frame: Any, *, drop_missing: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    """The complete rows of some columns.

    names: the columns of the data.
    drop_missing: leave rows with missing values out; otherwise they are a `DataError`.
    columns: grouping columns as category.
    sources: the same rows for the functions: a grouping column of numbers as numbers.
    missing: column name to the number of rows that it cost.
    """
    inside = {c for v in formula.computed for c in source_columns(v, formula.functions)}
    groups = set(formula.group_variables)
    read = read_all(names, groups, frame)
    numbers = read_all([name for name in names if name in groups & inside], set(), frame)
    gaps = {name: column.isna().to_numpy() for name, column in read.items()}
    if not drop_missing:
        for name, column in read.items():
            check_rows(name, column, gaps[name], "a prediction needs a value here")
    missing = {name: int(gap.sum()) for name, gap in gaps.items() if gap.any()}
    keep = ~np.logical_or.reduce(list(gaps.values()))
    if not keep.any():
        where = ", ".join(f"{name} ({count} of {len(frame)})" for name, count in missing.items())
        raise DataError(f"No row is complete. Missing values: {where}.")
    return _kept(read, keep), _kept({**read, **numbers}, keep), missing


def _kept(read: Mapping[str, pd.Series], keep: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    kept = {name: column[keep] for name, column in read.items()}
    return pd.DataFrame({n: c.cat.remove_unused_categories() if c.dtype == "category" else c for n, c in kept.items()})
