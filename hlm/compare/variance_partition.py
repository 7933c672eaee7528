"""Where a variance partition is taken: values of predictors to values of design columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlm.errors import FitError, nearest
from hlm.formula.function_calls import kept
from hlm.model.design_columns import Columns

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit


def column_values(fit: Fit, target: Columns, at: Mapping[str, float | str] | None) -> tuple[np.ndarray, str]:
    """One value for each column, and a text that says which.

    at: values of predictors; None takes the mean of every column over the rows.
    values: shape (terms,).
    """
    import pandas as pd

    if at is None:
        values = target.matrix.mean(axis=0)
        shown = ", ".join(f"{n} {v:.3g}" for n, v in zip(target.labels, values, strict=True) if n != "Intercept")
        return values, shown
    names = list(dict.fromkeys(v for term in target.terms for v in term.variables))
    wanted = {kept(name): value for name, value in at.items()}
    for name in wanted:
        if name not in names:
            raise FitError(f"at: there is no predictor {name!r} among the terms. {nearest(name, names)}")
    row = {name: _one(fit.resolved.data.columns[name], name, wanted.get(name)) for name in names}
    shown = ", ".join(f"{name} {row[name].iloc[0]}" for name in wanted)
    return target.on(pd.DataFrame(row)).matrix[0], shown


def _one(column: pd.Series, name: str, value: float | str | None) -> pd.Series:
    """A column of one row: the value, or the mean of the data."""
    import pandas as pd

    if column.dtype == "category":
        levels = list(column.cat.categories)
        if str(value) not in levels:
            said = "gives no level" if value is None else f"has {value!r}"
            raise FitError(f"at {said} for {name!r}, which has levels: name one. {nearest(value, levels)}")
        return pd.Series(pd.Categorical([str(value)], categories=levels, ordered=bool(column.cat.ordered)))
    if isinstance(value, str):
        raise FitError(f"at has {value!r} for {name!r}, which is a number: give a number, such as {column.mean():.3g}.")
    return pd.Series([float(column.mean()) if value is None else float(value)])
