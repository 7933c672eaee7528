"""Whether columns can be computed with: they vary, and their numbers are neither too large nor too much alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from hlm.errors import DataError
from hlm.formula.formula import Formula
from hlm.formula.function_calls import shown

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 1e100  # squares, and products of squares, stay below float64's 1e308
_SMALLEST = 1e-100
_FEW_LABELS = 10  # texts of digits: as many can be codes, on purpose
_ALIKE = 1e-9  # of a predictor's size: of 16 digits 7 are left to tell rows apart
_ALIKE_RESPONSE = 1e-12  # a response is centred first: it only loses the digits that its own numbers lack


def check_varies(formula: Formula, columns: pd.DataFrame) -> None:
    """The response varies, every grouping factor has two levels at least, every predictor varies.

    DataError: for the first column that does not.
    """
    response = columns[formula.response.variable]
    if _is_constant(response):
        raise DataError(
            f"The response {formula.response.variable!r} is constant ({response.iloc[0]} in all {len(columns)} rows): "
            f"there is nothing to model."
        )
    for group in formula.groups:
        levels = list(columns[group.name].cat.categories)
        if len(levels) < 2:
            raise DataError(
                f"The grouping factor {group.name!r} has one group only ({levels[0]!r}): "
                f"partial pooling needs two groups at least."
            )
    for name in formula.predictors:
        if _is_constant(columns[name]):
            value = columns[name].iloc[0]
            raise DataError(f"The predictor {name!r} is constant ({value} in every row): leave it out of the formula.")


def check_told_apart(formula: Formula, columns: pd.DataFrame) -> None:
    """Raise a `DataError` for a response or predictor whose numbers differ in their last digits only."""
    for name in formula.predictors:
        _check_told_apart(columns[name], name, _ALIKE)
    _check_told_apart(columns[formula.response.variable], formula.response.variable, _ALIKE_RESPONSE)


def check_sizes(columns: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise a `DataError` for numbers so large, or so small, that float64 has no squares of them."""
    for name in names:
        if name not in columns or columns[name].dtype == "category":
            continue
        largest = float(columns[name].abs().max())
        if _has_no_squares(largest):
            what = "as large as" if largest > 1 else "no larger than"
            raise DataError(
                f"The numbers of {shown(name)!r} are {what} {largest:.3g}, and the computer has no squares of such "
                f"numbers: use other units, I({shown(name)} * {1 / max(largest, 1e-300):.0e})."
            )


def check_size_of_products(values: np.ndarray, term: str) -> None:
    """Raise a `DataError` where the products of an interaction of numbers have no squares in float64."""
    with np.errstate(invalid="ignore"):
        largest = float(np.abs(values).max(initial=0.0))
    if _has_no_squares(largest):
        raise DataError(
            f"The products of {term!r} are {'as large as' if largest > 1 else 'no larger than'} {largest:.3g}, and the "
            f"computer has no squares of such numbers: use other units for {term.replace(':', ' and ')}."
        )


def _has_no_squares(largest: float) -> bool:
    return largest > _LARGEST or 0 < largest < _SMALLEST


def check_no_numbers_as_text(formula: Formula, columns: pd.DataFrame, texts: Iterable[str]) -> None:
    """Raise a `DataError` for a response or predictor of text that was meant to be numbers: one cell makes it labels.

    texts: the columns that the caller gave as text; a category is labels on purpose.
    """
    given = set(texts) - {*formula.group_variables}
    for name in dict.fromkeys([*formula.response.variables, *formula.predictors]):
        if name not in given or columns[name].dtype != "category":
            continue
        labels = list(columns[name].cat.categories)
        like = sum(_number_kind(label) != "no number" for label in labels)
        if like > _FEW_LABELS and 2 * like > len(labels):
            odd = next((label for label in labels if _number_kind(label) != "number"), None)
            row = columns.index[columns[name] == odd][0] if odd is not None else None
            but = "" if odd is None else f", but not {odd!r} (row {row}, counting from 0)"
            raise DataError(
                f"Column {name!r} holds text, most of which reads as numbers{but}. Mend it, or make numbers of what "
                f"can be read, pd.to_numeric(data[{name!r}], errors='coerce'). If labels are meant: factor({name})."
            )


def _number_kind(label: str) -> str:
    """Whether a text is a number, or one written with commas."""
    for text, kind in ((label, "number"), (label.replace(",", "").strip(" $€%"), "number with signs")):
        try:
            float(text)
        except ValueError:
            continue
        return kind
    return "no number"


def check_offset(response: str, columns: pd.DataFrame, offset: np.ndarray | None) -> None:
    """Raise a `DataError` where nothing of the response is left beside the offset."""
    if offset is None or columns[response].dtype == "category":
        return
    values = columns[response].to_numpy(dtype=np.float64)
    if np.ptp(values - offset) <= _ALIKE_RESPONSE * np.abs(values).max():
        raise DataError(f"The response {response!r} less its offset is constant: there is nothing to model.")


def _check_told_apart(column: pd.Series, name: str, share: float) -> None:
    if column.dtype == "category" or _is_constant(column):
        return
    values = column.to_numpy(dtype=np.float64)
    apart, largest = float(np.ptp(values)), float(np.abs(values).max())
    if apart <= share * largest:
        raise DataError(
            f"The numbers of {shown(name)!r} differ by {apart:.3g} at most and lie near {values[0]:.6g}, so that too "
            f"few of their digits tell rows apart: subtract a constant, I({shown(name)} - {values[0]:.6g})."
        )


def _is_constant(column: pd.Series) -> bool:
    """Whether all rows have the same value (none is missing); counting the distinct values would take far longer."""
    values = (column.cat.codes if column.dtype == "category" else column).to_numpy()
    return bool((values == values[0]).all())
