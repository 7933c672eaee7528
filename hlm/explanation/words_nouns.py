"""What things are called in a sentence: columns, their coefficients, groups."""

from __future__ import annotations

import re

from hlm.explanation.math_expression import visible
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, Part

_FACTOR = re.compile(r"\b(?:(?:as\.)?factor|C)\(([\w.]+)\)")
_DUMMY = re.compile(r"dummy\((.+), ([\"'])(.+)\2\)\Z")
_OF_A_CURVE = re.compile(r".*\)\d+\Z")  # poly(x, 2)1


def noun(column: Column) -> str:
    """What a column's coefficient is called: ``intercept``, ``slope for pre``, ``effect of sex = M``."""
    if column == INTERCEPT_COLUMN:
        return "intercept"
    text = " and ".join(part_text(part) for part in column.parts)
    if len(column.parts) > 1:
        return f"interaction of {text}"
    if _OF_A_CURVE.match(column.parts[0].variable):
        return f"coefficient of {text}"
    return f"slope for {text}" if column.is_numeric and not is_dummy(column.parts[0]) else f"effect of {text}"


def is_dummy(part: Part) -> bool:
    """Whether a number says which rows have one level: ``dummy(f, "a")``."""
    return _DUMMY.match(part.variable) is not None


def group_noun(name: str) -> str:
    """What a group is called: a ``school``, also of ``factor(school)``."""
    return _FACTOR.sub(r"\1", visible(name))


def part_text(part: Part) -> str:
    """A variable, or a variable with its level, ``sex = M``; a contrast's column as in tables, ``C(f, Sum)[1]``."""
    if part.is_score:
        return f"{visible(part.variable)}[{part.level}]"
    if dummy := _DUMMY.match(part.variable):
        return f"{visible(dummy[1])} = {visible(dummy[3])}"
    return visible(part.variable) if part.level is None else f"{visible(part.variable)} = {visible(part.level)}"
