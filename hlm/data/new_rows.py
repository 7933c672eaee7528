"""New data for predictions, read as the data were: same labels, same factor levels, nested cells made."""

from __future__ import annotations

from typing import Any

from hlm.data.clean_data import CELL_SEPARATOR, CleanData, check_weights
from hlm.data.computed_columns import apply_variables
from hlm.data.missing_values import complete_rows
from hlm.data.pandas_polars_arrow import label, narwhalize
from hlm.errors import DataError, nearest
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.formula.function_calls import source_columns


def prepare(formula: Formula, data: CleanData, frame: Any, groups: tuple[Term, ...] | None = None) -> Any:
    """The columns that a prediction needs, as pandas.

    formula: of the partial-pooling model: all grouping columns are needed.
    data: what the model was fitted to.
    groups: the grouping factors that are needed; all by default.
    frame: new rows. The response may be missing, and the weights. Grouping columns may hold new groups; factors may not
        hold new levels.
    result: the predictors, grouping columns and offsets, response and weights where the frame has them, and the columns
        that computed ones are made of.
    DataError: a missing column or value, or a factor level that the data did not have.
    """
    import pandas as pd

    view, groups = narwhalize(frame), formula.groups if groups is None else groups
    # the variable that a column is one of several of, ``poly(x, 2)`` of ``poly(x, 2)1``
    whole = {n: v for v, several in data.expansions.items() if v != ALL_OTHERS for n in several}
    inside = {v: source_columns(whole.get(v, v), formula.functions) for v in formula.variables}
    response = [v for v in formula.response.variables if set(inside[v]) <= set(view.columns)]
    labelled = [variable for group in groups for variable in group.variables]
    wanted = [*dict.fromkeys([*formula.predictors, *labelled, *formula.offsets, *response])]
    names = dict.fromkeys(name for variable in wanted for name in inside[variable])
    weights = [name for name in view.columns if name == data.weights_column]
    if not names and not weights:  # an intercept alone
        return pd.DataFrame(index=range(len(view)))
    columns, sources, _ = complete_rows(formula, [*dict.fromkeys([*names, *weights])], view, drop_missing=False)
    for name in weights:
        check_weights(columns[name], name)
    columns = apply_variables(formula, wanted, columns, sources, data.transforms, data.expansions)
    for name in formula.predictors:
        if data.columns[name].dtype == "category":
            labels = columns[name].astype(str) if columns[name].dtype == "category" else columns[name].map(label)
            levels = list(data.columns[name].cat.categories)
            new = [label for label in dict.fromkeys(labels) if label not in levels]
            if new:
                raise DataError(
                    f"Column {name!r} has the level {new[0]!r}, which the data did not have. {nearest(new[0], levels)}"
                )
            columns[name] = pd.Categorical(labels, categories=levels, ordered=True)
    for group in groups:
        first, *others = group.variables
        labels = columns[first].astype(str).str.cat(columns[others].astype(str), sep=CELL_SEPARATOR)
        columns[group.name] = pd.Categorical(labels, categories=[*dict.fromkeys([*data.levels(group), *labels])])
    return columns
