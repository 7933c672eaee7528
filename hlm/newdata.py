"""New data for predictions, read as the data were: same labels, same factor levels, nested cells made."""

from __future__ import annotations

from typing import Any

from hlm.errors import DataError, nearest
from hlm.formula.formula import Formula, Term
from hlm.frame import CELL_SEPARATOR, CleanData, read_columns


def prepare(formula: Formula, data: CleanData, frame: Any) -> Any:
    """The columns that a prediction needs, as pandas.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model: all grouping columns are needed.
    data : CleanData
        What the model was fitted to.
    frame : data frame
        New rows. The response may be missing. Grouping columns may hold new groups; factors may not hold new levels.

    Returns
    -------
    pandas.DataFrame
        The predictors and grouping columns, and the response where the frame has it.

    Raises
    ------
    DataError
        A missing column or value, or a factor level that the data did not have.
    """
    import pandas as pd

    response = [v for v in formula.response.variables if v in getattr(frame, "columns", ())]
    wanted = dict.fromkeys([*formula.predictors, *formula.group_variables, *response])
    columns = read_columns(list(wanted), set(formula.group_variables), frame)
    for name in formula.predictors:
        if data.columns[name].dtype == "category":
            columns[name] = _known_levels(columns[name], data.columns[name], name)
    for group in formula.groups:
        if len(group.variables) > 1:
            columns[group.name] = _cell_labels(columns, group)
        known = data.levels(group)
        new = [label for label in dict.fromkeys(columns[group.name].astype(str)) if label not in known]
        columns[group.name] = pd.Categorical(columns[group.name].astype(str), categories=[*known, *new])
    return columns


def _cell_labels(columns: Any, group: Term) -> Any:
    first, *others = (columns[v].astype(str) for v in group.variables)
    for other in others:
        first = first + CELL_SEPARATOR + other
    return first


def _known_levels(column: Any, trained: Any, name: str) -> Any:
    import pandas as pd

    labels = column.astype(str) if column.dtype == "category" else column.map(lambda v: f"{v:g}")
    levels = list(trained.cat.categories)
    unknown = [label for label in dict.fromkeys(labels) if label not in levels]
    if unknown:
        raise DataError(
            f"Column {name!r} has the level {unknown[0]!r}, which the data did not have. {nearest(unknown[0], levels)}"
        )
    return pd.Series(pd.Categorical(labels, categories=levels, ordered=True), index=column.index)
