"""Formulas that cannot be read: what is wrong as a code, and the text that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from hlm.errors import FormulaError, closest
from hlm.formula.allowed_functions import BESIDE_THE_RESPONSE, FUNCTIONS, REFUSED
from hlm.formula.formula import Block, Formula
from hlm.formula.parser import parse
from hlm.formula.slips import what_was_meant
from hlm.linting.case import spoken
from hlm.linting.findings import Finding, finding_at
from hlm.linting.places_in_text import Place, bars, calls, outside, place_of_name
from hlm.linting.rewritten_formulas import if_read, without_variables

_RESPONSES = ("p", "prop", "proportion", "cbind")
# What comes nearest to a function of another program, of its first argument.
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "s": "ns({x}, df = 4)", "gp": "ns({x}, df = 4)", "mo": "factor({x})", "me": "{x}", "mi": "{x}", "cs": "{x}",
        "gr": "{x}", "ln": "log({x})", "np.log": "log({x})", "square": "I({x}^2)", "standardize": "scale({x})",
        "zscore": "scale({x})", "as.numeric": "{x}", "as.integer": "{x}", "pow": "I({x}^2)",
        "lo": "ns({x}, df = 4)", "rcs": "ns({x}, df = 4)",
        "ordered": "C({x}, Poly)", "as.ordered": "C({x}, Poly)", "contr.sum": "C({x}, Sum)",
        "contr.helmert": "C({x}, Helmert)", "contr.poly": "C({x}, Poly)",
    }
)  # fmt: skip
_STANDIN = "` {}`"  # a column name that nobody has: a blank first


def unreadable(text: str, problem: FormulaError, functions: Collection[str] = ()) -> list[Finding]:
    """The findings for a formula that `parse` refuses, at least one."""
    unknown = _unknown_functions(text, functions)
    found = [
        *_bare_bars(text, functions), *_repeated_bars(text, functions), *_response_on_both_sides(text, functions),
        *unknown,
    ]  # fmt: skip
    place = (problem.start, problem.stop) if problem.formula == text and text else None
    if found:
        return found
    instead = None if problem.instead is None else if_read(problem.instead, functions)
    message = problem.message.removesuffix(f" Write {instead}")  # a finding shows it once
    return [finding_at(text, "cannot-be-read", message, place, instead or _mended(text, functions))]


def _bare_bars(text: str, functions: Collection[str]) -> Iterator[Finding]:
    """``y ~ x | g``: the bar binds more loosely than ``+``, so it takes everything on its left."""
    found = outside(text, ("|", "||"))
    tilde = text.find("~") + 1
    for bar in found[:1]:
        left, right = text[tilde : bar.start].strip(), text[bar.stop :].strip()
        if not left or not right:
            continue
        message = (
            f"The bar must stand in parentheses and be added. It binds more loosely than '+', so this reads: all of "
            f"'{left}' varies by '{right}', and no common term is left. Other programs drop the groups or the common "
            f"terms without a word."
        )
        effects, _, last = (part.strip() for part in left.rpartition("+"))
        if effects and last == "1":
            message += f" To let {effects} vary as well, write ({effects}{bar.text}{right})."
        instead = if_read(f"{text[:tilde].strip()} {' + '.join(_parenthesised(text[tilde:]))}", functions)
        yield finding_at(text, "bar-without-parentheses", message, (bar.start, bar.stop), instead)


def _parenthesised(right: str) -> list[str]:
    """The summands, every bare bar with parentheses: ``x | g`` is ``x + (x|g)``, ``x + 1|g`` is ``x + (1|g)``."""
    terms, *others = [_parts(part, ("+",)) for part in _parts(right, ("|", "||"))]
    for bar, (group, *rest) in zip(outside(right, ("|", "||")), others, strict=True):
        plain = [term for term in terms if not bars(term)]
        only_intercept = plain[-1:] == ["1"]
        if only_intercept and len(plain) > 1:
            terms = [term for term in terms if term != "1"]
        terms = [*terms, f"({'1' if only_intercept else ' + '.join(plain)}{bar.text}{group})", *rest]
    return terms


def _parts(text: str, operators: Collection[str]) -> list[str]:
    """What operators outside of parentheses separate, as text; at least one."""
    edges = [0, *(edge for token in outside(text, operators) for edge in (token.start, token.stop)), len(text)]
    return [text[start:stop].strip() for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _repeated_bars(text: str, functions: Collection[str]) -> Iterator[Finding]:
    """An effect that varies by one group twice, in two bars."""
    try:
        formula, written = _read_apart(text, functions)
    except FormulaError:
        return
    instead = if_read(str(replace(formula, blocks=_merged([block for block, _ in written]))), functions)
    for i, (block, place) in enumerate(written):
        other = next((b for b, _ in written[:i] if _overlap(b, block)), None)
        if other is None:
            continue
        code = "overlapping-blocks"
        shared = spoken([e for e in block.effects if e in other.effects])
        message = (
            f"In {other} and in {block} the same effect ({shared}) varies by {block.group}: two standard "
            f"deviations for one thing cannot be told apart, and other programs merge the bars without a word."
        )
        if set(other.effects) == set(block.effects) and other.correlated == block.correlated:
            code = "duplicate-block"
            message = f"The bar {block} stands twice: one is enough, two have no separate standard deviations."
        yield finding_at(text, code, message, place, instead)


def _read_apart(text: str, functions: Collection[str]) -> tuple[Formula, list[tuple[Block, Place]]]:
    """The common part and every bar read alone, so that bars which contradict each other can be compared."""
    common, written = text, []
    for i, bar in enumerate(reversed(bars(text))):
        blocks = parse(f"{_STANDIN.format('y')} ~ 1 + {text[bar.start : bar.stop]}", functions=functions).blocks
        written += [(block, (bar.start, bar.stop)) for block in reversed(blocks)]
        common = f"{common[: bar.start]}(1|{_STANDIN.format(i)}){common[bar.stop :]}"
    return parse(common, functions=functions), written[::-1]


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


def _response_on_both_sides(text: str, functions: Collection[str]) -> Iterator[Finding]:
    """``y ~ y + x``: read with a stand-in on the left, then compared."""
    left, tilde, right = text.partition("~")
    try:
        response = parse(f"{left} ~ 1", functions=functions).response
        formula = parse(f"{_STANDIN.format('y')} ~ {right}", functions=functions)
    except FormulaError:
        return
    both = [v for v in response.variables if v in (*formula.predictors, *formula.group_variables)]
    if tilde and both:
        message = f"The response {both[0]} also stands on the right of '~': it would explain itself."
        instead = if_read(str(replace(without_variables(formula, both), response=response)), functions)
        yield finding_at(text, "response-on-both-sides", message, place_of_name(text, both[0]), instead)


def _unknown_functions(text: str, functions: Collection[str]) -> Iterator[Finding]:
    """A finding for each call of a function that formulas do not have."""
    right = text.find("~")
    for name, (start, stop) in calls(text):
        if name in FUNCTIONS or name in functions or (name in _RESPONSES and start < right):
            continue
        call = text[start:stop]
        if "|" in call and what_was_meant(call):
            continue  # x (1|g) is no call: a '+' is missing
        try:
            beside = name in BESIDE_THE_RESPONSE and start < right  # y | se(s) ~ x: what to write depends on the rest
            parse(text if beside else f"` ` ~ {call}", functions=functions)
        except FormulaError as problem:
            instead = _instead(name, call)
            if beside:
                changed = problem.instead
            elif name == "weights":  # no term
                before, after = text[:start].rstrip().removesuffix("+").rstrip(), text[stop:].lstrip()
                changed = f"{before} {after.removeprefix('+').lstrip() if before.endswith('~') else after}".rstrip()
            else:
                changed = None if instead is None else f"{text[:start]}{instead}{text[stop:]}"
            changed = None if changed is None else if_read(changed, functions)
            found = finding_at(text, "unknown-function", problem.message, (start, stop), changed)
            yield replace(found, message=problem.message)  # a division slash of the writer's own stays


def _instead(name: str, call: str) -> str | None:
    """The call with the function that was probably meant."""
    inside = call[call.index("(") + 1 : -1]
    if name in _INSTEAD:
        return _INSTEAD[name].format(x=inside.partition(",")[0].strip())
    if name in REFUSED or name in BESIDE_THE_RESPONSE:
        return None
    last = name.rpartition(".")[2]  # np.log
    near = [last] if last in FUNCTIONS else closest(name, list(FUNCTIONS))
    return f"{near[0]}({inside})" if near and len(name) > 1 else None


def _mended(text: str, functions: Collection[str]) -> str | None:
    """What can be read with the smallest change: parentheses closed, no sign left at the end."""
    missing = text.count("(") - text.count(")")
    closed = text.rstrip(" +") + ")" * max(0, missing)
    return if_read(closed, functions) or if_read(text.replace("((", "(").replace("))", ")"), functions)
