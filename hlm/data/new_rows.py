"""New data for predictions, read as the data were: same labels, same factor levels, nested cells made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlm.data.clean_data import CELL_SEPARATOR, CleanData, check_weights
from hlm.data.computed_columns import apply_variables
from hlm.data.missing_values import complete_rows
from hlm.data.pandas_polars_arrow import label, narwhalize, read_all
from hlm.errors import DataError, nearest
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.formula.function_calls import source_columns

if TYPE_CHECKING:
    import pandas as pd


def prepare(formula: Formula, data: CleanData, frame: Any, groups: tuple[Term, ...] | None = None) -> Any:
    """The columns that a prediction needs, as pandas.

    formula: of the model; all of its predictors, grouping columns and offsets are needed.
    data: what the model was fitted to.
    groups: the grouping factors that are needed; all by default.
    frame: new rows. The response may be missing, and the weights. Grouping columns may hold new groups; factors may not
        hold new levels. A computed variable or the cells of several factors may stand there under their own name,
        ``log(x)`` or ``batch:cask``; they are taken as they are where a column that they are made of is missing.
    result: the predictors, grouping columns and offsets, response and weights where the frame has them, and the columns
        that computed ones are made of.
    DataError: a missing column or value, a factor level that the data did not have, or cells beside a factor that
        they contradict.
    """
    import pandas as pd

    view, groups = narwhalize(frame), formula.groups if groups is None else groups
    available = set(view.columns)
    # the variable that a column is one of several of, ``poly(x, 2)`` of ``poly(x, 2)1``
    whole = {n: v for v, several in data.expansions.items() if v != ALL_OTHERS for n in several}
    inside = {v: source_columns(whole.get(v, v), formula.functions) for v in formula.variables}
    given = {v for v in formula.variables if v in available and not available.issuperset(inside[v])}
    inside |= {v: (v,) for v in given}
    cells = [g for g in groups if g.name in available and not _has(g, inside, available)]
    response = [v for v in formula.response.variables if available.issuperset(inside[v])]
    grouping = [v for group in groups if group not in cells for v in group.variables]
    wanted = [*dict.fromkeys([*formula.predictors, *grouping, *formula.offsets, *response])]
    weights = [name for name in view.columns if name == data.weights_column]
    names = dict.fromkeys([*(n for v in wanted for n in inside[v]), *(group.name for group in cells), *weights])
    if not names:  # an intercept alone
        return pd.DataFrame(index=range(len(view)))
    columns, sources, _ = complete_rows(formula, list(names), view, drop_missing=False)
    for name in weights:
        check_weights(columns[name], name)
    computed = [variable for variable in wanted if variable not in given]
    columns = apply_variables(formula, computed, columns, sources, data.transforms, data.expansions)
    columns = columns[[*wanted, *(name for name in columns if name not in wanted)]]
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
        first, *others = [group.name] if group in cells else group.variables
        labels = columns[first].astype(str).str.cat(columns[others].astype(str), sep=CELL_SEPARATOR)
        columns[group.name] = pd.Categorical(labels, categories=[*dict.fromkeys([*data.levels(group), *labels])])
    for group in cells:
        _check_cells(group, data, view, columns)
    return columns


def _has(group: Term, inside: Mapping[str, tuple[str, ...]], available: set[str]) -> bool:
    return all(available.issuperset(inside[variable]) for variable in group.variables)


def _check_cells(group: Term, data: CleanData, view: Any, columns: pd.DataFrame) -> None:
    """Cells that stand in the new rows lie where the other columns say."""
    for variable in group.variables:
        if variable not in columns:
            if variable not in view.columns:
                continue
            columns = columns.assign(**{variable: read_all([variable], {variable}, view)[variable]})
        lies_in = dict(zip(data.columns[group.name].astype(str), data.columns[variable].astype(str), strict=True))
        for row, (cell, said) in enumerate(zip(columns[group.name], columns[variable].astype(str), strict=True)):
            if lies_in.get(cell, said) != said:
                raise DataError(
                    f"Row {row} (counting from 0) says {variable} {said!r} and {group.name} {cell!r}, which lies in "
                    f"{variable} {lies_in[cell]!r}. Give all of {', '.join(group.variables)}, and not {group.name}."
                )
