"""Draws of predictions as a table with intervals, or as an array with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_RESULTS = ("estimate", "sd", "lower", "upper", "prob", "new_group", "note")
_LABEL = "label"
_DIMS = ("chain", "draw", "row", _LABEL)


def check_column_names(rows: pd.DataFrame, *, labelled: bool) -> None:
    """Raise a `DataError` for a column that has the name of one of the table's own."""
    own = (*_RESULTS, _LABEL) if labelled else _RESULTS
    taken = next((name for name in rows.columns if name in own), None)
    if taken is not None:
        raise DataError(
            f"The column {taken!r} has the name of a column of predict's table ({', '.join(own)}): "
            f"rename it before fitting, for example {taken}_x."
        )


def with_gaps(drawn: dict[str, np.ndarray], unknown: list[int], rows: int) -> dict[str, np.ndarray]:
    """NaN put in at the places of rows of which there is nothing to say; each of shape (draws, rows)."""
    known = np.isin(np.arange(rows), unknown, invert=True)
    if known.all():
        return drawn
    found = {label: np.full((len(values), rows), np.nan) for label, values in drawn.items()}
    for label, values in drawn.items():
        found[label][:, known] = values
    return found


def table_of_draws(
    rows: pd.DataFrame, drawn: dict[str, np.ndarray], prob: float, new: np.ndarray, notes: list[str]
) -> pd.DataFrame:
    """Means, sds and central intervals beside the rows; where there are labels, one row for each of them.

    drawn: by label, or under an empty one; each of shape (draws, rows).
    notes: one for each row.
    """
    import pandas as pd

    tail, tables = (1 - prob) / 2, []
    for label, values in drawn.items():
        table = rows.assign(**{_LABEL: label}) if label else rows
        tables.append(
            table.assign(
                estimate=values.mean(axis=0), sd=values.std(axis=0, ddof=1), lower=np.quantile(values, tail, axis=0),
                upper=np.quantile(values, 1 - tail, axis=0), prob=prob, new_group=new, note=notes,
            )
        )  # fmt: skip
    return tables[0] if len(tables) == 1 else pd.concat(tables).sort_index(kind="stable").reset_index(drop=True)


def array_of_draws(
    rows: pd.DataFrame, drawn: dict[str, np.ndarray], posterior: xr.Dataset, kind: str, note: str
) -> xr.DataArray:
    """The draws themselves; dims ``chain, draw, row`` and, where there are labels, ``label``."""
    import xarray as xr

    coords: dict[str, Any] = {name: posterior[name].values for name in ("chain", "draw")}
    coords["row"] = np.arange(len(rows))
    shape = tuple(map(len, coords.values()))
    arrays = [values.reshape(shape) for values in drawn.values()]
    values = arrays[0]
    if "" not in drawn:
        coords[_LABEL], values = list(drawn), np.stack(arrays, axis=-1)
    dims = list(coords)
    coords |= {name: ("row", np.asarray(rows[name])) for name in rows.columns if name not in _DIMS}
    return xr.DataArray(values, coords, dims, name=kind, attrs={"note": note} if note else None)
