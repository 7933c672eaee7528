"""Where things stand: bars, blocks and terms of a formula as places in its text."""

from __future__ import annotations

from dataclasses import dataclass

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
    tokens = tokens_of(text)
    opened: list[int] = []
    found: list[Bar] = []
    for i, token in enumerate(tokens):
        if token.kind != "op":
            continue
        if token.text == "(":
            opened.append(i)
        elif token.text == ")" and opened:
            found += _bar(tokens[opened.pop() : i + 1])
    return tuple(sorted(found, key=lambda bar: bar.start))


def bare_bars(text: str) -> tuple[Token, ...]:
    """The bars that stand outside of all parentheses."""
    depth = 0
    found = []
    for token in tokens_of(text):
        if token.kind == "op":
            depth += (token.text == "(") - (token.text == ")")
            if token.text in ("|", "||") and depth == 0:
                found.append(token)
    return tuple(found)


def place_of_block(text: str, block: Block) -> Place | None:
    """The bar that a block was read from; a nested bar is the place of each of its blocks."""
    group = set(block.group.variables)
    effects = {v for effect in block.effects for v in effect.variables}
    fitting = [bar for bar in bars(text) if group <= bar.group]
    fitting.sort(key=lambda bar: (bar.effects != effects, bar.group != group))
    return (fitting[0].start, fitting[0].stop) if fitting else None


def place_of_term(text: str, term: Term) -> Place | None:
    """A term among the common ones: its name, or the product it came from (``a*b`` for ``a:b``)."""
    tokens = _right_tokens(text)
    names, width = list(term.variables), len(term.variables)
    for i in range(len(tokens) - 2 * width + 2):
        window = tokens[i : i + 2 * width - 1]
        if {t.text for t in window[::2]} == set(names) and all(t.kind == "op" for t in window[1::2]):
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
    left: list[Token] = []
    for token in tokens_of(text):
        if token.kind == "op" and token.text == "~":
            return (left[0].start, left[-1].stop) if left else None
        left.append(token)
    return None


def _end_of_call(tokens: tuple[Token, ...], start: int) -> int | None:
    """The place of the bracket that closes a call which begins here; None where none begins."""
    after = tokens[start + 1] if start + 1 < len(tokens) else None
    called = tokens[start].kind == "name" and after is not None and (after.kind, after.text) == ("op", "(")
    depth = 0
    for i in range(start + 1, len(tokens)) if called else ():
        if tokens[i].kind == "op":
            depth += (tokens[i].text == "(") - (tokens[i].text == ")")
        if depth == 0:
            return i
    return None


def _as_variable(text: str) -> str | None:
    """The variable that a call is; None for ``offset``, ``interaction`` and what no formula may call."""
    try:
        node = read_tree(text)
    except FormulaError:
        return None
    if not isinstance(node, Call) or node.name in _NO_VARIABLES or "|" in text:
        return None
    return canonical(node)


def _bar(tokens: tuple[Token, ...]) -> list[Bar]:
    """The tokens from ``(`` to ``)`` as a bar, if there is one at their own level."""
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind != "op":
            continue
        depth += (token.text == "(") - (token.text == ")")
        if token.text in ("|", "||") and depth == 1:
            names = [frozenset(t.text for t in side if t.kind == "name") for side in (tokens[:i], tokens[i:])]
            return [Bar(tokens[0].start, tokens[-1].stop, *names)]
    return []


def _right_tokens(text: str) -> list[Token]:
    """The tokens right of the ``~`` and outside of the bars."""
    tokens = tokens_of(text)
    tilde = next((t.start for t in tokens if t.kind == "op" and t.text == "~"), -1)
    inside = [(bar.start, bar.stop) for bar in bars(text)]
    return [t for t in tokens if t.start > tilde and not any(a <= t.start < b for a, b in inside)]
