"""Whether columns can be computed with: they vary, and their numbers and labels are told apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.errors import DataError
from hlm.formula.formula import Formula, Term, quote
from hlm.formula.function_calls import is_call, shown

if TYPE_CHECKING:
    import pandas as pd

_LARGEST = 1e100  # squares, and products of squares, stay below float64's 1e308
_SMALLEST = 1e-100
_FEW_LABELS = 10  # texts of digits: as many can be codes, on purpose
_ALIKE = 1e-9  # of a predictor's size: of 16 digits 7 are left to tell rows apart
_ALIKE_RESPONSE = 1e-12  # a response is centred first: it only loses the digits that its own numbers lack


def check_varies(formula: Formula, columns: pd.DataFrame) -> None:
    """The response varies, every grouping factor has two levels at least, every factor and varying slope varies.

    A number that is the same in every row may stand among the common terms, as in R: it is left out where the intercept
    explains it, and is the intercept where there is none.

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
    in_bars = {v for block in formula.blocks for term in block.effects for v in term.variables}
    for name in formula.predictors:
        if _is_constant(columns[name]) and (columns[name].dtype == "category" or name in in_bars):
            value = columns[name].iloc[0]
            raise DataError(f"The predictor {name!r} is constant ({value} in every row): leave it out of the formula.")


def check_names(formula: Formula, frame: Any) -> None:
    """A column is a number or a label, in R one left of a bar and the other right of it; ``x:c`` is a product."""
    both = [name for name in formula.group_variables if name in formula.predictors and name in frame.columns]
    numbers = {name: f"factor({quote(name)})" for name in both if frame[name].dtype.is_numeric()}
    for name, labels in numbers.items():
        groups = [Term(tuple(numbers.get(v, v) for v in block.group.variables)) for block in formula.blocks]
        blocks = tuple(replace(block, group=group) for block, group in zip(formula.blocks, groups, strict=True))
        instead = str(replace(formula, blocks=blocks))
        raise DataError(
            f"{name!r} holds numbers, and is a predictor as well as a grouping factor: is it a number or a label? "
            f"For a slope beside a deviation of each {name}, write {labels} right of the bar: {instead}. For labels in "
            f"both places make the column text.",
            instead,
        )
    effects = [(block.group, effect) for block in formula.blocks for effect in block.effects]
    deviations = [Term((*group.variables, *effect.variables)) for group, effect in effects]
    terms = [*formula.common, *formula.groups, *(effect for _, effect in effects), *deviations]
    products = {term.name for term in terms if term.degree > 1}
    for name in formula.variables:
        if name in products:
            raise DataError(f"The column {name!r} has the name of a product of columns in this model: rename it.")


def _written(name: str, functions: Collection[str]) -> str:
    """A column as a formula writes it: back-quoted where it has blanks, a computed one as it is."""
    return shown(name) if is_call(name, functions) else quote(name)


def check_labels(columns: pd.DataFrame, names: Iterable[str], *, is_polars: bool) -> None:
    """Raise a `DataError` for labels of one column that differ by blanks only."""
    for name in names:
        if columns[name].dtype == "category" and (twins := alike(columns[name], blanks_removed)):
            raise DataError(strip_labels(name, twins, is_polars=is_polars))


def alike(column: pd.Series, key: Callable[[str], str]) -> list[dict[str, int]]:
    """Labels that a key makes the same, two or more in each entry, with the number of their rows."""
    together: dict[str, list[str]] = {}
    for label in column.cat.categories:
        together.setdefault(key(label), []).append(label)
    found = [labels for labels in together.values() if len(labels) > 1]
    return [{label: int((column == label).sum()) for label in labels} for labels in found]


def blanks_removed(label: str) -> str:
    """A label without blanks at its ends, and with single ones inside."""
    return " ".join(label.split())


def strip_labels(name: str, twins: list[dict[str, int]], *, is_polars: bool) -> str:
    """What to say of labels that differ by blanks only, and how to strip them."""
    first = " and ".join(f"{label!r} ({rows} row{'s' if rows > 1 else ''})" for label, rows in twins[0].items())
    more = f", and {len(twins) - 1} more of this kind" if len(twins) > 1 else ""
    inside = any(len({label.strip() for label in labels}) > 1 for labels in twins)
    if is_polars:
        single = ".str.replace_all(r'\\s+', ' ')" if inside else ""
        code = f"data = data.with_columns(pl.col({name!r}).cast(pl.String){single}.str.strip_chars())"
    else:
        code = f"data[{name!r}] = data[{name!r}].str{'.split().str.join(" ")' if inside else '.strip()'}"
    return f"Labels of {name!r} differ by blanks only: {first}{more}. Strip them: {code}."


def check_told_apart(formula: Formula, columns: pd.DataFrame) -> None:
    """Raise a `DataError` for a response or predictor whose numbers differ in their last digits only."""
    shares = {**dict.fromkeys(formula.predictors, _ALIKE), formula.response.variable: _ALIKE_RESPONSE}
    for name, share in shares.items():
        if columns[name].dtype == "category" or _is_constant(columns[name]):
            continue
        values = columns[name].to_numpy(dtype=np.float64)
        if np.ptp(values) <= share * np.abs(values).max():
            written = _written(name, formula.functions)
            raise DataError(
                f"The numbers of {shown(name)!r} differ by {np.ptp(values):.3g} at most and lie near {values[0]:.6g}, "
                f"so that too few of their digits tell rows apart: subtract a constant, I({written} - "
                f"{values[0]:.6g})."
            )


def check_sizes(columns: pd.DataFrame, names: Iterable[str], functions: Collection[str]) -> None:
    """Raise a `DataError` for numbers so large, or so small, that float64 has no squares of them."""
    for name in names:
        if name in columns and columns[name].dtype != "category":
            largest = float(columns[name].abs().max())
            units = f", I({_written(name, functions)} * {1 / max(largest, 1e-300):.0e})"
            _check_size(f"numbers of {shown(name)!r}", largest, units)


def check_size_of_products(values: np.ndarray, term: str) -> None:
    """Raise a `DataError` where the products of an interaction of numbers have no squares in float64."""
    with np.errstate(invalid="ignore"):
        largest = float(np.abs(values).max(initial=0.0))
    _check_size(f"products of {term!r}", largest, f" for {term.replace(':', ' and ')}")


def _check_size(what: str, largest: float, units: str) -> None:
    if largest > _LARGEST or 0 < largest < _SMALLEST:
        raise DataError(
            f"The {what} are {'as large as' if largest > 1 else 'no larger than'} {largest:.3g}, and the computer has "
            f"no squares of such numbers: use other units{units}."
        )


def check_no_numbers_as_text(formula: Formula, columns: pd.DataFrame, texts: Iterable[str]) -> None:
    """Raise a `DataError` for a response or predictor of text that was meant to be numbers: one cell makes it labels.

    texts: the columns that the caller gave as text; a category is labels on purpose.
    """
    given = set(texts) - {*formula.group_variables}
    for name in dict.fromkeys([*formula.response.variables, *formula.predictors]):
        if name not in given or columns[name].dtype != "category":
            continue
        labels = list(columns[name].cat.categories)
        like = sum(_is_number(label) or _is_number(label.replace(",", "").strip(" $€%")) for label in labels)
        if like > _FEW_LABELS and 2 * like > len(labels):
            odd = next((label for label in labels if not _is_number(label)), None)
            rows = columns.index[columns[name] == odd]
            but = "" if odd is None else f", but not {odd!r} (row {rows[0]}, counting from 0)"
            raise DataError(
                f"Column {name!r} holds text, most of which reads as numbers{but}. Mend it, or make numbers of what "
                f"can be read, pd.to_numeric(data[{name!r}], errors='coerce'). If labels are meant: "
                f"factor({_written(name, formula.functions)})."
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_offset(response: str, columns: pd.DataFrame, offset: np.ndarray | None) -> None:
    """Raise a `DataError` where nothing of the response is left beside the offset."""
    if offset is None or columns[response].dtype == "category":
        return
    values = columns[response].to_numpy(dtype=np.float64)
    if np.ptp(values - offset) <= _ALIKE_RESPONSE * np.abs(values).max():
        raise DataError(f"The response {response!r} less its offset is constant: there is nothing to model.")


def _is_constant(column: pd.Series) -> bool:
    """Whether all rows have the same value (none is missing); counting the distinct values would take far longer."""
    values = (column.cat.codes if column.dtype == "category" else column).to_numpy()
    return bool((values == values[0]).all())
