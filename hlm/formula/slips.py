"""Slips that leave a formula unreadable: ``=`` for ``~``, names with blanks, printed quotes, a lost ``+``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hlm.errors import FormulaError
from hlm.formula.allowed_functions import REFUSED
from hlm.formula.syntax_tree import COMPARISONS, STRUCTURES
from hlm.formula.tokens import Token, tokenize

# characters of word processors, and those of formulas that they look like
_ALIKE = str.maketrans(
    "\N{TILDE OPERATOR}\N{SMALL TILDE}\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}\N{DIVIDES}\N{MULTIPLICATION SIGN}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
    "\N{RIGHT SINGLE QUOTATION MARK}",
    "~~---|*\"\"''",
)


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong, where, and the formula that was probably meant."""

    message: str
    instead: str
    start: int
    stop: int


def what_was_meant(text: str) -> Slip | None:
    """The first slip in a text, and the text without any; None where there is none of these."""
    plain = text.translate(_ALIKE)
    try:
        tokens = tokenize(plain)[:-1]
    except FormulaError:
        return None
    found = [
        *_printed_characters(text, plain), *_equals_signs(tokens), *_bare_comparisons(tokens),
        *_bars_after_names(tokens), *_names_with_blanks(plain, tokens),
    ]  # fmt: skip
    changes = sorted(found, key=lambda slip: slip.start)
    if not changes:
        return None
    instead = text
    for change in reversed(changes):
        instead = instead[: change.start] + change.instead + instead[change.stop :]
    first = changes[0]
    stop = first.stop if first.stop > first.start else next(c.stop for c in changes if c.instead == ")")
    return Slip(" ".join(dict.fromkeys(change.message for change in changes)), instead, first.start, stop)


def _printed_characters(text: str, plain: str) -> list[Slip]:
    """Dashes and quotes as word processors print them, each with the one that is meant."""
    pairs = [(i, old, new) for i, (old, new) in enumerate(zip(text, plain, strict=True)) if old != new]
    return [Slip(f"{old} is not the character {new}.", new, i, i + 1) for i, old, new in pairs]


def _equals_signs(tokens: tuple[Token, ...]) -> list[Slip]:
    """The first ``=`` or ``<-`` outside of parentheses of a text without ``~``."""
    if any(token.operator == "~" for token in tokens):
        return []
    depth = 0
    for token, after in pairwise((*tokens, Token("end", "", 0, 0))):
        depth += (token.operator == "(") - (token.operator == ")")
        if token.operator in ("=", "==") and depth == 0:
            message = f"Between the response and the predictors stands '~', not {token.text!r}."
            return [Slip(message, "~", token.start, token.stop)]
        if token.operator == "<" and after.operator == "-" and after.start == token.stop and depth == 0:
            return [Slip("Between the response and the predictors stands '~', not '<-'.", "~", token.start, after.stop)]
    return []


def _bare_comparisons(tokens: tuple[Token, ...]) -> list[Slip]:
    """``x > 2`` in a sum of terms: where ``I(`` begins and where it ends."""
    found: list[Slip] = []
    edges = ("+", "-", "~", "|", "||", ",", "(", ")")
    calls: list[bool] = []  # of each parenthesis that is open: whether it holds the arguments of a function
    right = False
    for place, token in enumerate(tokens):
        right = right or token.operator == "~"
        if token.operator == "(":
            calls.append(place > 0 and tokens[place - 1].kind == "name")
        elif token.operator == ")" and calls:
            calls.pop()
        if token.operator not in COMPARISONS or not right or True in calls:
            continue
        first, last = _side(tokens, place, -1, edges), _side(tokens, place, 1, edges)
        if first != place != last:
            message = f"{token.text!r} compares whole sums, unless it stands in I()."
            found += [
                Slip(message, "I(", tokens[first].start, tokens[first].start),
                Slip(message, ")", tokens[last].stop, tokens[last].stop),
            ]
    return found


def _side(tokens: tuple[Token, ...], place: int, step: int, edges: tuple[str, ...]) -> int:
    """The place of the last token on one side of a comparison that belongs to it; a sign may follow directly."""
    depth, opening = 0, "(" if step > 0 else ")"
    at = place + step
    while 0 <= at < len(tokens):
        text = tokens[at].operator
        is_sign = text in ("+", "-") and at == place + 1
        if depth == 0 and text in edges and text != opening and not is_sign:
            break
        depth += (text == opening) - (text in ("(", ")") and text != opening)
        at += step
    return at - step


def _bars_after_names(tokens: tuple[Token, ...]) -> list[Slip]:
    """``x (1|g)`` and ``(1|g)(1|h)``: a bar after a name and a blank, or after a bar."""
    found: list[Slip] = []
    opened = None  # the last parenthesis before which a '+' may be missing
    for before, token in pairwise(tokens):
        if token.operator in ("(", ")"):
            word = before.kind == "name" and before.text not in REFUSED and before.text not in STRUCTURES
            apart = before.operator == ")" or (word and before.stop < token.start)
            opened = (before, token) if token.operator == "(" and apart else None
        elif opened is not None and token.operator in ("|", "||"):
            (last, opening), opened = opened, None
            plus = "+ (" if last.stop < opening.start else " + ("
            found.append(Slip("A '+' is missing before the bar.", plus, opening.start, opening.stop))
    return found


def _names_with_blanks(text: str, tokens: tuple[Token, ...]) -> list[Slip]:
    """Names and numbers that follow each other without an operator between them."""
    found: list[Slip] = []
    run = list(tokens[:1])
    for before, token in pairwise((*tokens, Token("end", "", len(text), len(text)))):
        joined = before.kind == "name" and token.kind in ("name", "number")
        if joined or (len(run) > 1 and {before.kind, token.kind} <= {"name", "number"}):
            run.append(token)
            continue
        if len(run) > 1:
            whole = " ".join(text[run[0].start : run[-1].stop].split()).replace("`", "")
            message = "An operator such as + or : is missing; a column with blanks in its name stands in back-quotes."
            found.append(Slip(message, f"`{whole}`", run[0].start, run[-1].stop))
        run = [token]
    return found
