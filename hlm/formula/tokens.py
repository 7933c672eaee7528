"""Text to tokens: the smallest pieces of a formula, each with its place in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from hlm.errors import FormulaError

Kind = Literal["name", "number", "string", "op", "end"]

_LONGEST = 20_000  # characters
_PACKAGES = ("base", "stats", "splines", "lme4", "brms", "mgcv", "glmmTMB")  # of R; their functions are read by name
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
      | (?P<quoted>`[^`]*`)
      | (?P<string>"[^"]*"|'[^']*')
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:L(?![\w.]))?)
      | (?P<name>(?:(?:{"|".join(_PACKAGES)})::(?=[\w.]+\s*\())?(?:[^\W\d]|\.(?!\d))[\w.]*)
      | (?P<op>%in%|\*\*|%%|%/%|\|\||[<>=!]=|[~|+\-*/:^(),=<>])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a formula: ``text`` is its meaning, ``start:stop`` its place in the formula."""

    kind: Kind
    text: str
    start: int
    stop: int

    @property
    def operator(self) -> str:
        """The text of an operator or a parenthesis; empty for all else, also for a back-quoted name."""
        return self.text if self.kind == "op" else ""


def tokenize(formula: str) -> tuple[Token, ...]:
    """Split a formula into names, numbers, strings and operators, with an ``end`` token last."""
    if len(formula) > _LONGEST:
        raise FormulaError(f"The formula has {len(formula)} characters, more than {_LONGEST}.")
    tokens = []
    position = 0
    while position < len(formula):
        match = _TOKEN.match(formula, position)
        if match is None:
            raise FormulaError(_unreadable(formula[position]), formula, position, position + 1)
        text, start, position = match.group(), match.start(), match.end()
        if text == "``":
            raise FormulaError("A back-quoted name is empty.", formula, start, position)
        if match.lastgroup == "quoted":
            tokens.append(Token("name", text[1:-1], start, position))
        elif match.lastgroup != "space":
            meaning = "^" if text == "**" else text  # R reads ** as ^
            if match.lastgroup == "name":
                meaning = text.rpartition("::")[2]
            elif match.lastgroup == "number":
                meaning = text.removesuffix("L")  # R's whole number
            tokens.append(Token(cast(Kind, match.lastgroup), meaning, start, position))
    return (*tokens, Token("end", "", len(formula), len(formula)))


def _unreadable(character: str) -> str:
    if character == "`":
        return "This back-quote is never closed: a back-quoted name is written `like this`."
    if character in "\"'":
        return "This quotation mark is never closed."
    if character in "[]{}":
        return (
            f"{character!r} has no meaning in a formula: use round parentheses, as in (x|g), and the name of a column "
            f"alone, as in x."
        )
    if character == "$":
        return "'$' has no meaning in a formula: write the name of a column alone, x for d$x."
    if character in "&!@;?\\":
        return f"{character!r} has no meaning in a formula: compute a new column in the data first, then use its name."
    return f"The character {character!r} has no meaning in a formula; write an unusual column name in `back-quotes`."
