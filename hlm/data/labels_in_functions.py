"""What functions of a formula do with labels: comparisons with a text, ``dummy`` and ``mean_by``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.pandas_polars_arrow import label
from hlm.errors import DataError, nearest
from hlm.formula.contrasts import label_text
from hlm.formula.syntax_tree import Node
from hlm.formula.tokens import Token

if TYPE_CHECKING:
    import pandas as pd


def texts(column: pd.Series) -> np.ndarray:
    """A column as labels, shape (rows,), of str: 48 and 48.0 are ``48``."""
    if column.dtype == "category":
        return np.asarray(column.astype(str), dtype=object)
    return np.array([label(value) for value in column.tolist()], dtype=object)


def compares_labels(left: Node, right: Node, columns: pd.DataFrame) -> bool:
    """Whether two sides of ``==`` are labels: a text, or two columns of labels."""
    sides = [_kind(side, columns) for side in (left, right)]
    return "text" in sides or sides == ["labels", "labels"]


def compared_side(side: Node, other: Node, columns: pd.DataFrame, *, learning: bool) -> np.ndarray | str:
    """One side of a comparison of labels: a column's, or one text, which must be a label of the other side's column."""
    assert isinstance(side, Token)
    if side.kind == "string":
        assert isinstance(other, Token)
        return known_labels(columns[other.text], (side,), learning=learning)[0]
    if columns[side.text].dtype != "category":
        raise DataError(
            f"Column {side.text!r} holds numbers, and is compared with a text: write a number instead, as in "
            f"I({side.text} == 1)."
        )
    return texts(columns[side.text])


def known_labels(column: pd.Series, nodes: Sequence[Node], *, learning: bool) -> list[str]:
    """The labels that a formula names; while learning the column must have each of them."""
    named = []
    for node in nodes:
        text, is_text = str(label_text(node)), isinstance(node, Token) and node.kind == "string"
        if learning and is_text != (column.dtype == "category"):
            kind, instead = ("labels", f'"{text}"') if not is_text else ("numbers", _as_number(text))
            raise DataError(f"Column {column.name!r} holds {kind}: write {instead} instead of {_written(node)}.")
        named.append(text if is_text else label(float(text)))
    present = set(texts(column)) if learning else set(named)
    for text in named:
        if text not in present:
            raise DataError(f"Column {column.name!r} has no label {text!r}. {nearest(text, sorted(present))}")
    return named


def learn_means(values: np.ndarray, groups: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The mean of each group, in a group's cells where there are several factors.

    means: shape (cells,).
    labels: shape (cells, factors), of str.
    """
    cells = np.column_stack([group.astype(str) for group in groups])
    labels, codes = np.unique(cells, axis=0, return_inverse=True)
    codes = codes.ravel()
    return np.bincount(codes, weights=values) / np.bincount(codes), labels


def apply_means(groups: Sequence[np.ndarray], learned: tuple[np.ndarray, ...], call: str) -> np.ndarray:
    """The stored mean of each row's group, shape (rows,).

    DataError: for a group that the data did not have.
    """
    means, labels = learned
    place = {tuple(cell): k for k, cell in enumerate(labels.tolist())}
    cells = list(zip(*(group.astype(str).tolist() for group in groups), strict=True))
    new = next((cell for cell in cells if cell not in place), None)
    if new is not None:
        raise DataError(
            f"{call} has no mean for the group {':'.join(new)!r}, which the data did not have. For predictions in new "
            f"groups make the mean a column of the data, and write its name in the formula instead of {call}."
        )
    return np.asarray(means[[place[cell] for cell in cells]])


def _kind(side: Node, columns: pd.DataFrame) -> str:
    if isinstance(side, Token) and side.kind == "string":
        return "text"
    if isinstance(side, Token) and side.kind == "name" and columns[side.text].dtype == "category":
        return "numbers" if set(columns[side.text].cat.categories) <= {"False", "True"} else "labels"
    return "numbers"


def _as_number(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return "a number"


def _written(node: Node) -> str:
    return node.text if isinstance(node, Token) else ""
