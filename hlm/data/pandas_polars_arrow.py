"""One column of any frame library as hlm's own: numbers as float64 or int64, everything else as category of strings.

What is particular about pandas' many dtypes, polars and pyarrow is handled here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

_CONVERT = "a formula can use numbers and labels only. Convert it first, for example to a number of days or to text."


def narwhalize(data: Any) -> Any:
    """A frame of any library behind narwhals' one interface; what is no frame is a `DataError`."""
    import narwhals.stable.v2 as nw

    try:
        frame = nw.from_native(data)
        frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    except TypeError:
        what = "pd.read_csv(path), or hlm.load_data(name)" if isinstance(data, str) else "pd.DataFrame(data)"
        raise DataError(
            f"The data must be a data frame (pandas, polars, pyarrow, ...), not {type(data).__name__}: write {what}."
        ) from None
    except Exception as problem:  # narwhals has its own DuplicateError, and frame libraries theirs
        raise DataError(f"The data frame cannot be read: {problem}") from problem
    nameless = [name for name in frame.columns if not isinstance(name, str)]
    if nameless:
        raise DataError(
            f"Column names must be text, and {nameless[0]!r} is a {type(nameless[0]).__name__}: rename it, or all at "
            f"once, data.columns = data.columns.map(str)."
        )
    return frame


def read_all(names: Sequence[str], groups: set[str], frame: Any) -> dict[str, pd.Series]:
    """Every column in hlm's own dtypes, in the order of ``names``, still with missing values."""
    available = list(frame.columns)
    for name in names:
        if name not in available:
            raise DataError(f"The data have no column {name!r}. {nearest(name, available)}")
    if len(frame) == 0:
        raise DataError("The data have no rows.")
    read = {name: _read(frame[name], name, as_group=name in groups) for name in names}
    for name, column in read.items():
        if column.dtype == np.float64:
            check_rows(name, column, np.isinf(column.to_numpy()), "mend the value or make it missing")
    return read


def _read(series: Any, name: str, *, as_group: bool) -> pd.Series:
    """One column as float64/int64 or category, still with its missing values."""
    import narwhals.stable.v2 as nw
    import pandas as pd

    dtype, native = series.dtype, nw.to_native(series)
    labelled = isinstance(dtype, nw.Categorical | nw.Enum)
    if labelled or dtype in (nw.Boolean, nw.String):
        order = list(series.cat.get_categories()) if labelled else None
        return _factor(native if isinstance(native, pd.Series) else np.array(series.to_list(), dtype=object), order)
    if dtype == nw.Object or dtype in (nw.Int128, nw.UInt128) or (dtype == nw.Decimal and as_group):
        return _read_objects(series.to_list(), name, as_group=as_group)
    if dtype.is_integer():
        whole = _integers(series)
        if as_group:
            return _factor(whole, None)
        fit = whole.dtype in (np.int64, np.uint64) and whole.max() <= np.iinfo(np.int64).max
        return whole.astype(np.int64) if fit else pd.Series(whole.to_numpy(dtype=np.float64, na_value=np.nan))
    if dtype.is_numeric():  # as a label 0.1 is ``0.1`` in every precision: float32 stays as it is
        kept, kind = (nw.Float32, np.float32) if dtype == nw.Float32 else (nw.Float64, np.float64)
        values = np.array(series.cast(kept).to_numpy(), dtype=kind)
        return _factor(values, None) if as_group else pd.Series(values.astype(np.float64))
    if series.null_count() == len(series):  # polars and pyarrow have a type for columns without any value
        return pd.Series(np.full(len(series), np.nan))
    what = dtype if dtype != nw.Unknown else getattr(native, "dtype", dtype)
    dates = dtype in (nw.Datetime, nw.Date)
    is_polars = series.implementation.is_polars()
    raise DataError(f"Column {name!r} holds {what}: {_convert_dates(name, is_polars=is_polars) if dates else _CONVERT}")


def _convert_dates(name: str, *, is_polars: bool) -> str:
    """How dates become days for a predictor, or text for labels."""
    if is_polars:
        column = f"pl.col({name!r})"
        days = f"data = data.with_columns(days=({column} - {column}.min()).dt.total_days())"
        text = f"data = data.with_columns({column}.cast(pl.String))"
    else:
        dates = f"pd.to_datetime(data[{name!r}])"
        days = f"data['days'] = ({dates} - {dates}.min()).dt.days"
        text = f"data[{name!r}] = {dates}.astype('string')"
    return (
        f"a formula can use numbers and labels only. Convert it first, for example to a number of days: {days}; or to "
        f"text, as labels: {text}."
    )


def _integers(series: Any) -> pd.Series:
    """Integers as they are: beyond 2^53, float64 would take different ones for the same."""
    import pandas as pd

    missing = np.asarray(series.is_null().to_numpy(), dtype=bool)
    if missing.any():
        return pd.Series(np.asarray(series.fill_null(0).to_numpy())).convert_dtypes().mask(missing)
    values = np.asarray(series.to_numpy())
    return pd.Series(values if values.dtype == np.uint64 else values.astype(np.int64))


def _read_objects(values: list[Any], name: str, *, as_group: bool) -> pd.Series:
    """A column of Python objects: all numbers, or all labels."""
    import pandas as pd

    values = [None if _is_missing(value) else value for value in values]
    if not as_group and all(v is None or (isinstance(v, Real | Decimal) and not isinstance(v, bool)) for v in values):
        return pd.Series([np.nan if value is None else _float(value) for value in values], dtype=np.float64)
    for row, value in enumerate(values):
        if value is not None and not isinstance(value, str | bool | np.bool_ | Real | Decimal):
            convert = _convert_dates(name, is_polars=False) if isinstance(value, date) else _CONVERT
            raise DataError(
                f"Column {name!r} holds {type(value).__name__} objects (row {row}, counting from 0: "
                f"{str(value)[:40]!r}): {convert}"
            )
    # labelled value by value: 1 and True are the same to pandas, but not to a reader
    return _factor(np.array([None if value is None else label(value) for value in values], dtype=object), None)


def _is_missing(value: Any) -> bool:
    import pandas as pd

    if isinstance(value, float | np.floating | Decimal):
        return value.is_nan() if isinstance(value, Decimal) else bool(np.isnan(value))
    return value is None or value is pd.NA or value is pd.NaT


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond 1e308
        return np.inf if value > 0 else -np.inf


def _factor(values: pd.Series | np.ndarray, order: list[Any] | None) -> pd.Series:
    """Labels as a category of strings; a given order is kept, unused levels are not.

    Each distinct value is labelled once, however many rows have it.
    """
    import pandas as pd

    codes, distinct = pd.factorize(values)  # the code of a missing value is -1
    labels = [label(value) for value in distinct]
    used = set(labels)
    levels = sorted_labels(used) if order is None else [n for n in dict.fromkeys(map(label, order)) if n in used]
    place = {level: position for position, level in enumerate(levels)}
    positions = np.array([*map(place.__getitem__, labels), -1])  # code -1 finds the last, again -1
    # ordered, or formulae 0.6 would sort the levels by the alphabet
    return pd.Series(pd.Categorical.from_codes(positions[codes], pd.Index(levels), ordered=True))


def as_factor(values: list[Any], index: pd.Index[Any]) -> pd.Series:
    """Numbers or truth values as a category of strings, in their own order."""
    import pandas as pd

    return _factor(pd.Series(values, dtype=object), None).set_axis(index)


def label(value: Any) -> str:
    """48 and 48.0 and "48" are the same label."""
    if isinstance(value, Decimal) and value.is_finite():
        return str(int(value)) if value == int(value) else f"{value.normalize():f}"
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)


def sorted_labels(labels: set[str]) -> list[str]:
    """By value if all are numbers (2 before 10, nan last), else by the alphabet."""
    texts = sorted(labels)
    try:
        return [texts[place] for place in np.argsort([float(text) for text in texts], kind="stable")]
    except ValueError:
        return texts


def check_rows(name: str, column: pd.Series, bad: np.ndarray, why: str) -> None:
    """Raise a `DataError` that names the first bad row of a column and says why it is bad."""
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f", and in {len(rows) - 1} more" if len(rows) > 1 else ""
        raise DataError(
            f"Column {name!r} is {column.iloc[rows[0]]} in row {column.index[rows[0]]} (counting from 0){more}: {why}."
        )
