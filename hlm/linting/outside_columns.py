"""Columns of the data, also those that a formula does not have, as integers; and what they say about a factor."""

from __future__ import annotations

import numpy as np

from hlm.linting.case import DataCase
from hlm.model.nesting import refines


def outside_codes(name: str, case: DataCase, *, labels_only: bool = False) -> np.ndarray | None:
    """A column of the data on the complete rows as integers, shape (rows,); None where it is missing somewhere.

    labels_only: None also for what holds neither labels nor whole numbers.
    """
    import narwhals.stable.v2 as nw
    import pandas as pd

    column = case.frame[name]
    labels = column.dtype.is_integer() or column.dtype in (nw.String, nw.Categorical, nw.Enum)
    if labels_only and not labels:
        return None
    rows = case.data.columns.index.to_numpy()
    try:
        codes, _ = pd.factorize(np.asarray(column.to_numpy())[rows])
    except TypeError:  # lists and other objects that cannot be compared
        return None
    return None if len(codes) == 0 or codes.min() < 0 else np.asarray(codes, dtype=np.int64)


def describes(codes: np.ndarray, beside: np.ndarray | None, case: DataCase) -> bool:
    """Whether a column of the data is a property of a factor: the same in each level, but not in all levels.

    What makes the same groups as the factor is another name of it, no property.

    codes: shape (rows,).
    beside: the codes of another factor, whose properties do not count.
    """
    for name in case.frame.columns:
        if name in case.formula.response.variables:
            continue
        values = outside_codes(name, case)
        if values is None or values.max() == 0 or not refines(codes, values) or refines(values, codes):
            continue
        if beside is None or not refines(beside, values):
            return True
    return False
