"""Formulas that cannot be read: what is wrong as a code, and the text that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from hlm.errors import FormulaError
from hlm.formula.formula import Block, Formula
from hlm.formula.parser import parse
from hlm.linting.case import spoken
from hlm.linting.findings import Finding, finding_at
from hlm.linting.places_in_text import Place, bare_bars, bars, place_of_name, tokens_of
from hlm.linting.rewritten_formulas import if_read, without_variables
from hlm.linting.unknown_functions import unknown_functions

_STANDIN = "` {}`"  # a column name that nobody has: a blank first


def unreadable(text: str, problem: FormulaError, functions: Collection[str] = ()) -> list[Finding]:
    """The findings for a formula that `parse` refuses, at least one."""
    calls = unknown_functions(text, functions)
    found = [*_bare_bars(text), *_repeated_bars(text), *_response_on_both_sides(text), *calls]
    if not found:
        place = (problem.start, problem.stop) if problem.formula == text and text else None
        found.append(finding_at("cannot-be-read", text, place, problem.message, _mended(text)))
    return found


def _bare_bars(text: str) -> Iterator[Finding]:
    """``y ~ x | g``: the bar binds more loosely than ``+``, so it takes everything on its left."""
    for token in bare_bars(text)[:1]:
        tilde = text.find("~") + 1
        left, right = text[tilde : token.start].strip(), text[token.stop :].strip()
        if not left or not right:
            continue
        message = (
            f"The bar must stand in parentheses and be added. It binds more loosely than '+', so this reads: all of "
            f"'{left}' varies by '{right}', and no common term is left. Other programs drop the groups or the common "
            f"terms without a word."
        )
        instead = _parenthesised(text, tilde)
        effects = left.rpartition("+")[0].strip()
        if effects and left.rpartition("+")[2].strip() == "1":
            message += f" To let {effects} vary as well, write ({effects}{token.text}{right})."
        yield finding_at("bar-without-parentheses", text, (token.start, token.stop), message, instead)


def _parenthesised(text: str, tilde: int) -> str | None:
    """Every bare bar with parentheses: ``x | g`` is ``x + (x|g)``, ``x + 1|g`` is ``x + (1|g)``."""
    marks = [tilde, *(edge for bar in bare_bars(text) for edge in (bar.start, bar.stop)), len(text)]
    parts = [_summands(text[a:b]) for a, b in zip(marks[::2], marks[1::2], strict=True)]
    operators = [bar.text for bar in bare_bars(text)]
    terms = parts[0]
    for operator, (group, *rest) in zip(operators, parts[1:], strict=True):
        plain = [term for term in terms if not bars(term)]
        if plain and plain[-1] == "1":
            effects = "1"
            terms = terms if len(plain) == 1 else [term for term in terms if term != "1"]
        else:
            effects = " + ".join(plain)
        terms = [*terms, f"({effects}{operator}{group})", *rest]
    return if_read(f"{text[:tilde].strip()} {' + '.join(terms)}")


def _summands(text: str) -> list[str]:
    """The parts of a sum outside of parentheses, as text; at least one."""
    depth, last, parts = 0, 0, []
    for token in tokens_of(text):
        depth += (token.text == "(") - (token.text == ")")
        if token.kind == "op" and token.text == "+" and depth == 0:
            parts.append(text[last : token.start].strip())
            last = token.stop
    return [*parts, text[last:].strip()]


def _repeated_bars(text: str) -> Iterator[Finding]:
    """An effect that varies by one group twice, in two bars."""
    read = read_apart(text)
    if read is None:
        return
    formula, written = read
    merged = replace(formula, blocks=_merged([block for block, _ in written]))
    for i, (block, place) in enumerate(written):
        other = next((b for b, _ in written[:i] if _overlap(b, block)), None)
        if other is None:
            continue
        if set(other.effects) == set(block.effects) and other.correlated == block.correlated:
            message = f"The bar {block} stands twice: one is enough, two have no separate standard deviations."
            yield finding_at("duplicate-block", text, place, message, if_read(str(merged)))
        else:
            shared = spoken([e for e in block.effects if e in other.effects])
            message = (
                f"In {other} and in {block} the same effect ({shared}) varies by {block.group}: two standard "
                f"deviations for one thing cannot be told apart, and other programs merge the bars without a word."
            )
            yield finding_at("overlapping-blocks", text, place, message, if_read(str(merged)))


def read_apart(text: str) -> tuple[Formula, list[tuple[Block, Place]]] | None:
    """The common part and every bar read alone, so that bars which contradict each other can be compared."""
    common, written = text, []
    try:
        for i, bar in enumerate(reversed(bars(text))):
            blocks = parse(f"{_STANDIN.format('y')} ~ 1 + {text[bar.start : bar.stop]}").blocks
            written += [(block, (bar.start, bar.stop)) for block in reversed(blocks)]
            common = f"{common[: bar.start]}(1|{_STANDIN.format(i)}){common[bar.stop :]}"
        return parse(common), written[::-1]
    except FormulaError:
        return None


def _overlap(a: Block, b: Block) -> bool:
    return set(a.group.variables) == set(b.group.variables) and bool(set(a.effects) & set(b.effects))


def _merged(blocks: list[Block]) -> tuple[Block, ...]:
    """Blocks that overlap as one; correlated if one of them was correlated and had something to correlate."""
    result: list[Block] = []
    for block in blocks:
        while clash := next((other for other in result if _overlap(other, block)), None):
            result.remove(clash)
            effects = tuple(sorted(dict.fromkeys((*clash.effects, *block.effects)), key=lambda term: term.degree))
            correlated = any(b.correlated and len(b.effects) > 1 for b in (clash, block)) or len(effects) == 1
            block = Block(effects, clash.group, correlated=correlated)
        result.append(block)
    return tuple(result)


def _response_on_both_sides(text: str) -> Iterator[Finding]:
    """``y ~ y + x``: read with a stand-in on the left, then compared."""
    left, tilde, right = text.partition("~")
    try:
        response = parse(f"{left} ~ 1").response
        formula = parse(f"{_STANDIN.format('y')} ~ {right}")
    except FormulaError:
        return
    both = [v for v in response.variables if v in (*formula.predictors, *formula.group_variables)]
    if tilde and both:
        place = place_of_name(text, both[0])
        message = f"The response {both[0]} also stands on the right of '~': it would explain itself."
        instead = str(replace(without_variables(formula, both), response=response))
        yield finding_at("response-on-both-sides", text, place, message, if_read(instead))


def _mended(text: str) -> str | None:
    """What can be read with the smallest change: parentheses closed or not doubled, no sign left at the end."""
    missing = text.count("(") - text.count(")")
    closed = text.rstrip(" +") + ")" * max(0, missing)
    return if_read(closed) or if_read(text.replace("((", "(").replace("))", ")"))
