"""The predictor on the horizontal axis: which one, and where its rows stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from hlm.data.clean_data import CleanData
from hlm.errors import DataError, nearest
from hlm.formula.formula import Formula
from hlm.support.options import offending

_LETTERS = 60  # of levels that fit side by side


def drawn_against(formula: Formula, candidates: Iterable[str], data: CleanData, x: str | None, instead: str) -> str:
    """The column of the horizontal axis: the one asked for, else the first numeric candidate, else the first factor.

    instead: what to do where the formula has none.
    DataError: where the column asked for is no candidate, or where there is none to choose.
    """
    groups = {*formula.group_variables, *(group.name for group in formula.groups)}
    there = [v for v in dict.fromkeys(candidates) if v in data.columns and v not in groups]
    numeric = [v for v in there if not isinstance(data.columns[v].dtype, pd.CategoricalDtype)]
    if x is not None and not isinstance(x, str):
        raise DataError(f"x is the name of a column, not {offending(x)}.")
    if x is None and not there:
        raise DataError(f"The formula {formula} has no predictor to draw {formula.response} against. {instead}")
    if x is None or x in there:
        return (numeric or there)[0] if x is None else x
    if not there:
        raise DataError(f"{x!r} is not a predictor that can be drawn against, and there is none. {instead}")
    why = "is a grouping factor" if x in groups else "is not a predictor that can be drawn against"
    raise DataError(f"{x!r} {why}. {nearest(x, there)}")


def positions(data: CleanData, x: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Where the rows stand, shape (rows,), and the levels of a factor, which stand at 0, 1, ...; none of numbers."""
    column = data.columns[x]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(dtype=np.float64), tuple(map(str, column.cat.categories))
    return column.to_numpy(dtype=np.float64), ()


def level_ticks(ax: Axes, levels: Sequence[str]) -> None:
    """The levels of a factor below their places; upright where they are long."""
    if levels:
        upright = sum(map(len, levels)) + 2 * len(levels) > _LETTERS
        ax.set_xticks(range(len(levels)), levels, rotation=90 if upright else 0)
