"""Checks of the labels of factors: blanks, capitals, dates written as text, an order that is not used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import narwhals.stable.v2 as nw

from hlm.data.column_checks import alike, blanks_removed, strip_labels
from hlm.linting.case import DataCase, listed
from hlm.linting.findings import Finding

_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%d-%m-%Y",
    "%m-%d-%Y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%Y-%m",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", "T%H:%M:%SZ")
_FEWEST_DATES = 3  # two dates are before and after


def blanks_in_labels(case: DataCase) -> Iterator[Finding]:
    """``"control"`` and ``"control "`` are two groups to a computer; `fit` refuses them."""
    for name in _labelled(case):
        if twins := alike(case.data.columns[name], blanks_removed):
            message = strip_labels(name, twins, is_polars=_is_polars(case))
            yield case.finding("blanks-in-labels", message, at=name)


def labels_of_other_case(case: DataCase) -> Iterator[Finding]:
    """``"Male"`` and ``"male"``."""
    for name in _labelled(case):
        found = [twins for twins in alike(case.data.columns[name], _letters_alone) if _more_than_blanks(twins)]
        if found:
            shown = listed([" and ".join(f"{label!r} ({rows})" for label, rows in twins.items()) for twins in found])
            instead = {label: max(twins, key=lambda one: twins[one]) for twins in found for label in twins}
            mend = {label: other for label, other in instead.items() if label != other}
            message = (
                f"Labels of {name} that differ by capitals or blanks only, with their rows: {shown}. They are "
                f"different levels here. If the same is meant: {_replaced(name, mend, case)}."
            )
            yield case.finding("labels-differ-by-case", message, at=name)


def blank_label(case: DataCase) -> Iterator[Finding]:
    """An empty label is a level of its own; mostly it was a missing value."""
    for name in _labelled(case):
        column = case.data.columns[name]
        blank = [label for label in column.cat.categories if not str(label).strip()]
        if blank:
            rows = int(column.isin(blank).sum())
            message = (
                f"{name} has a label without any text ({blank[0]!r}, {rows} row{'s' if rows > 1 else ''}), which is a "
                f"level like the others. If the value is missing: {_replaced(name, dict.fromkeys(blank), case)}."
            )
            yield case.finding("blank-label", message, at=name)


def dates_as_text(case: DataCase) -> Iterator[Finding]:
    """Dates left of a bar that nobody made numbers of."""
    for name in case.formula.predictors:
        if name not in case.frame.columns or not case.is_factor(name):
            continue
        labels = case.levels(name)
        form = _form_of_dates(labels) if len(labels) >= _FEWEST_DATES else None
        if form is not None:
            days = _days(name, form, min(datetime.strptime(label, form) for label in labels).date(), case)
            message = (
                f"{name} holds dates as text ({labels[0]!r}, ...): each of the {len(labels)} dates is a level with a "
                f"coefficient of its own, without order or distance. Make numbers of them, {days}, and write days in "
                f"the formula."
            )
            yield case.finding("dates-as-text", message, at=name)


def _days(name: str, form: str, first: date, case: DataCase) -> str:
    """The code that makes days since the first date."""
    if _is_polars(case):
        start = f"pl.date({first.year}, {first.month}, {first.day})"
        dates = f"pl.col({name!r}).cast(pl.String).str.to_datetime({form!r})"
        return f"data = data.with_columns(days=({dates} - {start}).dt.total_days())"
    dates = f"pd.to_datetime(data[{name!r}], format={form!r})"
    return f"data['days'] = ({dates} - pd.Timestamp('{first}')).dt.days"


def ordered_factor(case: DataCase) -> Iterator[Finding]:
    """R codes an ordered factor by polynomials; here the order only says which level comes first."""
    for name in case.formula.predictors:
        if name not in case.frame.columns or not case.is_factor(name) or len(case.levels(name)) < 3:
            continue
        if nw.is_ordered_categorical(case.frame[name]):
            levels = case.levels(name)
            message = (
                f"{name} is an ordered factor ({' < '.join(levels[:5])}{' < ...' if len(levels) > 5 else ''}), and is "
                f"coded as any factor: each level against the first, {levels[0]}. R would use polynomials of the "
                f"order, C({name}, Poly): the same model with other coefficients."
            )
            yield case.finding("ordered-factor", message, at=name)


def _labelled(case: DataCase) -> list[str]:
    """The columns of the data with labels."""
    return [name for name in case.formula.columns if str(case.data.columns[name].dtype) == "category"]


def _letters_alone(label: str) -> str:
    """A label without blanks and capitals, where it has a letter: ``1 11`` and ``11 1`` are not alike."""
    return "".join(label.split()).casefold() if any(map(str.isalpha, label)) else label


def _more_than_blanks(twins: dict[str, int]) -> bool:
    """Whether labels differ by more than `blanks_in_labels` tells."""
    return len({blanks_removed(label) for label in twins}) > 1


def _form_of_dates(labels: Sequence[str]) -> str | None:
    """The form in which all labels are dates."""
    return next((day + time for day in _DAYS for time in _TIMES if _all_read(labels, day + time)), None)


def _all_read(labels: Sequence[str], form: str) -> bool:
    try:
        for label in labels:
            datetime.strptime(label, form)
    except ValueError:
        return False
    return True


def _replaced(name: str, names: dict[str, str | None] | dict[str, str], case: DataCase) -> str:
    """The code that replaces labels."""
    if _is_polars(case):
        return f"data = data.with_columns(pl.col({name!r}).cast(pl.String).replace({names!r}))"
    return f"data[{name!r}] = data[{name!r}].astype(object).replace({names!r})"


def _is_polars(case: DataCase) -> bool:
    return bool(case.frame.implementation.is_polars())


LABEL_CHECKS = (blanks_in_labels, labels_of_other_case, blank_label, dates_as_text, ordered_factor)
