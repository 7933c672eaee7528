"""New data for predictions, read as the data were: same labels, same factor levels, nested cells made."""

from __future__ import annotations

from typing import Any

from hlm.data.clean_data import CELL_SEPARATOR, CleanData
from hlm.data.computed_columns import apply_variables
from hlm.data.missing_values import complete_rows
from hlm.data.pandas_polars_arrow import label, narwhalize
from hlm.errors import DataError, nearest
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.formula.function_calls import source_columns


def prepare(formula: Formula, data: CleanData, frame: Any) -> Any:
    """The columns that a prediction needs, as pandas.

    formula: of the partial-pooling model: all grouping columns are needed.
    data: what the model was fitted to.
    frame: new rows. The response may be missing. Grouping columns may hold new groups; factors may not hold new levels.
    result: the predictors, grouping columns and offsets, the response where the frame has it, and the columns that
        computed ones are made of.
    DataError: a missing column or value, or a factor level that the data did not have.
    """
    import pandas as pd

    view = narwhalize(frame)
    own, available = formula.functions, set(view.columns)
    response = [v for v in formula.response.variables if available.issuperset(_sources(v, data, own))]
    wanted = [*dict.fromkeys([*formula.predictors, *formula.group_variables, *formula.offsets, *response])]
    names = dict.fromkeys(name for variable in wanted for name in _sources(variable, data, own))
    columns, sources, _ = complete_rows(formula, list(names), view, drop_missing=False)
    columns = apply_variables(formula, wanted, columns, sources, data.transforms, data.expansions)
    for name in formula.predictors:
        if data.columns[name].dtype == "category":
            columns[name] = _known_levels(columns[name], data.columns[name], name)
    for group in formula.groups:
        if len(group.variables) > 1:
            columns[group.name] = _cell_labels(columns, group)
        levels = data.levels(group)
        new = [label for label in dict.fromkeys(columns[group.name].astype(str)) if label not in levels]
        columns[group.name] = pd.Categorical(columns[group.name].astype(str), categories=[*levels, *new])
    return columns


def _sources(variable: str, data: CleanData, functions: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a frame that a variable is made of; of ``poly(x, 2)1`` it is ``x``."""
    whole = next((v for v, names in data.expansions.items() if variable in names and v != ALL_OTHERS), variable)
    return source_columns(whole, functions)


def _cell_labels(columns: Any, group: Term) -> Any:
    first, *others = (columns[v].astype(str) for v in group.variables)
    for other in others:
        first = first + CELL_SEPARATOR + other
    return first


def _known_levels(column: Any, trained: Any, name: str) -> Any:
    import pandas as pd

    labels = column.astype(str) if column.dtype == "category" else column.map(label)
    levels = list(trained.cat.categories)
    unknown = [label for label in dict.fromkeys(labels) if label not in levels]
    if unknown:
        raise DataError(
            f"Column {name!r} has the level {unknown[0]!r}, which the data did not have. {nearest(unknown[0], levels)}"
        )
    return pd.Series(pd.Categorical(labels, categories=levels, ordered=True), index=column.index)
