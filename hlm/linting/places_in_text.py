"""Where things stand: bars, blocks and terms of a formula as places in its text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate

from hlm.errors import FormulaError
from hlm.formula.formula import ALL_OTHERS, Block, Term
from hlm.formula.function_calls import canonical
from hlm.formula.syntax_tree import Call, read_tree
from hlm.formula.tokens import Token, tokenize

Place = tuple[int, int]
_NO_VARIABLES = ("offset", "interaction", "cbind", "p", "prop", "proportion")


@dataclass(frozen=True, slots=True)
class Bar:
    """One ``(x|g)`` as written: ``start:stop`` with its parentheses, and the names on both sides."""

    start: int
    stop: int
    effects: frozenset[str]
    group: frozenset[str]


def raw_tokens_of(text: str) -> tuple[Token, ...]:
    """The tokens without the end; none where the text cannot even be split."""
    try:
        return tokenize(text)[:-1]
    except FormulaError:
        return ()


def tokens_of(text: str) -> tuple[Token, ...]:
    """The same with each call, ``scale( x )``, as one name: the variable that it is."""
    tokens, found, i = raw_tokens_of(text), [], 0
    while i < len(tokens):
        stop = _end_of_call(tokens, i)
        call = None if stop is None else _as_variable(text[tokens[i].start : tokens[stop].stop])
        if stop is None or call is None:
            found.append(tokens[i])
            i += 1
        else:
            found.append(Token("name", call, tokens[i].start, tokens[stop].stop))
            i = stop + 1
    return tuple(found)


def calls(text: str) -> tuple[tuple[str, Place], ...]:
    """Every name that is called, outermost first, with the place of the whole call."""
    tokens = raw_tokens_of(text)
    ends = ((token, _end_of_call(tokens, i)) for i, token in enumerate(tokens))
    return tuple((token.text, (token.start, tokens[end].stop)) for token, end in ends if end is not None)


def bars(text: str) -> tuple[Bar, ...]:
    """Every bar inside parentheses, in the order written."""
    tokens, opened, found = tokens_of(text), [], []
    for i, token in enumerate(tokens):
        if token.operator == "(":
            opened.append([i])
        elif token.operator in ("|", "||") and opened:
            opened[-1].append(i)
        elif token.operator == ")" and opened:
            start, *middle = opened.pop()
            if middle:
                sides = tokens[start : middle[0]], tokens[middle[0] : i]
                names = [frozenset(t.text for t in side if t.kind == "name") for side in sides]
                found.append(Bar(tokens[start].start, token.stop, *names))
    return tuple(sorted(found, key=lambda bar: bar.start))


def outside(text: str, operators: Collection[str]) -> tuple[Token, ...]:
    """The operators of some kinds that stand outside of all parentheses."""
    tokens = tokens_of(text)
    depths = accumulate((t.operator == "(") - (t.operator == ")") for t in tokens)
    return tuple(t for t, depth in zip(tokens, depths, strict=True) if t.operator in operators and depth == 0)


def place_of_block(text: str, block: Block) -> Place | None:
    """The bar that a block was read from; a nested bar is the place of each of its blocks."""
    group = set(block.group.variables)
    effects = {v for effect in block.effects for v in effect.variables}
    fitting = [bar for bar in bars(text) if group <= bar.group]
    best = min(fitting, key=lambda bar: (bar.effects != effects, bar.group != group), default=None)
    return (best.start, best.stop) if best else None


def place_of_term(text: str, term: Term) -> Place | None:
    """A term among the common ones: its name, or the product it came from (``a*b`` for ``a:b``)."""
    tokens = _right_tokens(text)
    names, width = list(term.variables), len(term.variables)
    for i in range(len(tokens) - 2 * width + 2):
        window = tokens[i : i + 2 * width - 1]
        if {t.text for t in window[::2]} == set(names) and all(t.operator for t in window[1::2]):
            return window[0].start, window[-1].stop
    return place_of_name(text, names[0]) if names else None


def place_of_name(text: str, name: str) -> Place | None:
    """A variable where it first stands: among the common terms if it does there, else anywhere, else the ``.``."""
    for tokens in (_right_tokens(text), tokens_of(text), raw_tokens_of(text)):
        for token in tokens:
            if token.kind == "name" and token.text == name:
                return token.start, token.stop
    if name.startswith("I("):  # offset(x / 2) is kept as I(x / 2)
        return next((place for called, place in calls(text) if called == "offset"), None)
    return place_of_name(text, ALL_OTHERS) if name != ALL_OTHERS else None


def place_of_response(text: str) -> Place | None:
    """Everything left of the ``~``."""
    tokens = tokens_of(text)
    tilde = next((i for i, token in enumerate(tokens) if token.operator == "~"), 0)
    return (tokens[0].start, tokens[tilde - 1].stop) if tilde else None


def _end_of_call(tokens: tuple[Token, ...], start: int) -> int | None:
    """The place of the bracket that closes a call which begins here; None where none begins."""
    if tokens[start].kind != "name" or [t.operator for t in tokens[start + 1 : start + 2]] != ["("]:
        return None
    depths = accumulate((t.operator == "(") - (t.operator == ")") for t in tokens[start + 1 :])
    return next((i for i, depth in enumerate(depths, start + 1) if depth == 0), None)


def _as_variable(text: str) -> str | None:
    """The variable that a call is; None for ``offset``, ``interaction`` and what no formula may call."""
    try:
        node = read_tree(text)
    except FormulaError:
        return None
    return canonical(node) if isinstance(node, Call) and node.name not in _NO_VARIABLES and "|" not in text else None


def _right_tokens(text: str) -> list[Token]:
    """The tokens right of the ``~`` and outside of the bars."""
    tokens, inside = tokens_of(text), bars(text)
    tilde = next((t.start for t in tokens if t.operator == "~"), -1)
    return [t for t in tokens if t.start > tilde and not any(bar.start <= t.start < bar.stop for bar in inside)]
