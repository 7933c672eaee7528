"""R's contrasts of a factor: the numbers and names that ``contr.sum`` and its kind give for its levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hlm.data.polynomials_and_splines import apply_poly, learn_poly
from hlm.errors import DataError, nearest
from hlm.formula.contrasts import ContrastChoice, contrast_choice
from hlm.formula.function_calls import is_call, read_call, shown

_POLY_NAMES = (".L", ".Q", ".C")


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """The columns that a factor has where it is not coded in full."""

    labels: tuple[str, ...]  # a name for each column: ``1``, ``.L``, or a level
    matrix: np.ndarray  # shape (levels, columns)
    base: str | None = None  # the reference level, where each column asks whether a row has one level


def contrast(variable: str, levels: Sequence[str]) -> Contrast | None:
    """The contrasts that a variable such as ``C(f, Sum)`` asks for; None where it asks for none.

    DataError: where the levels do not fit.
    """
    choice = contrast_choice(read_call(variable)) if is_call(variable) else None
    if choice is None:
        return None
    count = len(levels)
    if choice.levels not in (None, count):
        raise DataError(
            f"{shown(variable)} is for {choice.levels} levels; the factor has {count}: {', '.join(levels)}."
        )
    if choice.columns is not None and choice.columns >= count:
        raise DataError(
            f"{shown(variable)} keeps {choice.columns} contrasts; a factor of {count} levels has {count - 1}: leave "
            f"the number out, or write a smaller one."
        )
    some = slice(choice.columns)
    match choice.kind:
        case "treatment" | "SAS":
            base = _base(choice, variable, levels)
            kept = [k for k in range(count) if k != base][some]
            return Contrast(tuple(levels[k] for k in kept), np.eye(count)[:, kept], levels[base])
        case "sum":
            matrix = np.vstack([np.eye(count - 1), -np.ones(count - 1)])
        case "helmert":
            matrix = np.triu(-np.ones((count, count - 1)))
            matrix[np.arange(1, count), np.arange(count - 1)] = np.arange(1, count)
        case "poly":
            scores = np.arange(1.0, count + 1)
            matrix = apply_poly(scores, learn_poly(scores, degree=count - 1))
            names = [*_POLY_NAMES, *(f"^{degree}" for degree in range(4, count))]
            return Contrast(tuple(names[: count - 1][some]), matrix[:, some])
    return Contrast(tuple(str(k) for k in range(1, count))[some], matrix[:, some])


def _base(choice: ContrastChoice, variable: str, levels: Sequence[str]) -> int:
    if choice.base is not None:
        if choice.base not in levels:
            raise DataError(f"{shown(variable)}: there is no level {choice.base!r}. {nearest(choice.base, levels)}")
        return list(levels).index(choice.base)
    if choice.kind == "SAS":
        return len(levels) - 1
    if choice.place is not None and choice.place > len(levels):
        raise DataError(f"{shown(variable)}: there is no level {choice.place}; the factor has {len(levels)}.")
    return (choice.place or 1) - 1
