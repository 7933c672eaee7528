"""The errors that bad input raises: every one says what was wrong and what to write instead."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable


class HlmError(Exception):
    """Any error that hlm raises on purpose; catch this one to catch them all."""


class FormulaError(HlmError):
    """The formula cannot be read, or does not mean what it seems to.

    Parameters
    ----------
    message : str
        What is wrong and what to write instead.
    formula : str, optional
        The text of the formula; shown with the place marked below it.
    start, stop : int, optional
        The characters of ``formula`` that the message is about.
    instead : str, optional
        The whole formula that was probably meant.
    """

    def __init__(
        self, message: str, formula: str = "", start: int = 0, stop: int | None = None, instead: str | None = None
    ) -> None:
        self.message = message
        self.instead = instead
        self.formula = formula
        self.start = start
        self.stop = len(formula) if stop is None else stop
        if formula:  # a line of carets below the offending characters
            line = formula.replace("\n", " ").replace("\t", " ")
            message += f"\n\n    {line}\n    {' ' * start}{'^' * max(1, self.stop - start)}"
        super().__init__(message)


class DataError(HlmError):
    """The data cannot be used as they are: the message names the column and, where it can, the row.

    Parameters
    ----------
    message : str
        What is wrong and what to do instead.
    instead : str, optional
        The formula that can be used with these data.
    """

    def __init__(self, message: str, instead: str | None = None) -> None:
        self.instead = instead
        super().__init__(message)


class FitError(HlmError):
    """The model could not be built or fitted, or a result was asked for that it does not have."""


class UnknownNameError(FitError, KeyError):
    """A name that a result does not have; also a `KeyError`, so that ``get`` of a mapping returns its default."""

    __str__ = Exception.__str__  # a KeyError would show its message in quotation marks


def nearest(name: object, allowed: Iterable[object]) -> str:
    """A closing hint for an unknown name: the nearest allowed names, then all of them."""
    names = [str(a) for a in allowed]
    close = closest(str(name), names)
    shown = ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")
    hint = f"Did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
    if str(name) == "pi":
        hint = f"For the number write {math.pi}. "
    return f"{hint}There {'is' if len(names) == 1 else 'are'}: {shown or 'none'}."


def closest(name: str, names: list[str]) -> list[str]:
    """The names that a misspelt one may stand for, the likeliest first, three at most; R's pi is no misspelling."""
    if str(name) == "pi":
        return []
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return close
    lower = {n.lower(): n for n in names}  # difflib is case-sensitive; people are not
    return [lower[c] for c in difflib.get_close_matches(name.lower(), list(lower), n=3, cutoff=0.5)]
