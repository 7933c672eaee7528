"""Checks of arithmetic that stands among the terms, where R reads algebra of terms and drops it without a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hlm.errors import FormulaError
from hlm.formula.formula import Formula, Term
from hlm.formula.function_calls import canonical, shown
from hlm.formula.parser import parse
from hlm.formula.syntax_tree import Call, Group, Node, Operation, read_tree
from hlm.formula.term_algebra import summands
from hlm.formula.tokens import Token
from hlm.linting.case import Case, DataCase
from hlm.linting.findings import Finding
from hlm.linting.rewritten_formulas import with_common

_POWERS = ("^", "**")


@dataclass(frozen=True, slots=True)
class _Power:
    """A variable multiplied by itself: ``x^2``, ``x:x``, ``x * x``."""

    node: Operation
    variable: Node
    exponent: int


def dropped_arithmetic(case: Case) -> Iterator[Finding]:
    """``x^2`` is ``x``, and ``x - z`` is ``x`` where there is no term ``z``."""
    tree = read_tree(case.text)
    assert isinstance(tree, Operation)
    yield from _dropped_powers(list(_powers(tree.right)), case)
    yield from _dropped_differences(tree.right, case)


def _dropped_powers(powers: list[_Power], case: Case) -> Iterator[Finding]:
    text = case.text
    squares: dict[str, str] = {}  # by variable: the power of it that is written instead
    for power in reversed(powers):
        variable = _source(power.variable, case.text)
        factor = isinstance(case, DataCase) and case.is_factor(canonical(power.variable))
        if not factor:
            squares[variable] = f"I({variable}^{power.exponent})"
        plain = variable if factor else f"({variable} + {squares[variable]})"
        text = text[: power.node.start] + plain + text[power.node.stop :]
    instead = _with_common_effects(text, squares, case.formula)
    for power in powers:
        variable = _source(power.variable, case.text)
        message = (
            f"{_source(power.node, case.text)} is {shown(variable)}: among terms, powers and products are "
            f"interactions, and a variable has none with itself. "
        )
        message += (
            f"For a power write {squares[variable]}."
            if variable in squares
            else f"{variable} is a factor, which has no powers."
        )
        yield case.finding("dropped-arithmetic", message, at=(power.node.start, power.node.stop), instead=instead)


def _with_common_effects(text: str, squares: dict[str, str], written: Formula) -> str | None:
    """The text written out; what varies is common as well, where the variable itself is."""
    try:
        formula = parse(text, functions=written.functions)
        needed = [parse(f"` ` ~ {power}", functions=written.functions).common[1] for power in squares.values()]
    except FormulaError:
        return None
    return str(with_common(formula, [t for t in needed if any(t in block.effects for block in formula.blocks)]))


def _powers(node: Node) -> Iterator[_Power]:
    """Every power of a single variable below a node, outside of functions."""
    match node:
        case Group(inner):
            yield from _powers(inner)
        case Operation(op, left, right) if left is not None:
            factors = [_bare(factor) for factor in _factors(node)]
            texts = {canonical(factor) for factor in factors if _is_variable(factor)}
            if len(texts) == 1 and len(factors) > 1 and all(map(_is_variable, factors)):
                yield _Power(node, factors[0], len(factors))
            elif op in _POWERS and _is_variable(_bare(left)) and isinstance(right, Token) and right.text > "1":
                yield _Power(node, _bare(left), int(right.text))
            else:
                yield from _powers(left)
                yield from _powers(right)
        case Operation(right=right):
            yield from _powers(right)


def _factors(node: Node) -> Iterator[Node]:
    """What a chain of products multiplies."""
    if isinstance(node, Operation) and node.op in (":", "*") and node.left is not None:
        yield from _factors(node.left)
        yield from _factors(node.right)
    else:
        yield node


def _dropped_differences(right: Node, case: Case) -> Iterator[Finding]:
    """``x - z``: a minus takes a term away, and there is none."""
    for sign, part, whole in summands(right):
        if sign != "-" or not _is_variable(part) or not isinstance(whole, Operation) or whole.left is None:
            continue
        before = summands(whole.left)[-1][1]
        try:
            left = parse(f"` ` ~ {case.text[right.start : whole.left.stop]}", functions=case.formula.functions)
        except FormulaError:
            continue
        if left.has_dot or Term((canonical(part),)) in left.common:
            continue
        name = _source(part, case.text)
        message = f"'- {name}' takes the term {name} away, and there is none before it: nothing changes."
        instead = None
        if _is_variable(before):
            difference = f"I({_source(before, case.text)} - {name})"
            message += f" For a difference write {difference}."
            instead = case.text[: before.start] + difference + case.text[part.stop :]
        yield case.finding("dropped-arithmetic", message, at=(whole.place, part.stop), instead=instead)


def _is_variable(node: Node) -> bool:
    return isinstance(node, Call) or (isinstance(node, Token) and node.kind == "name")


def _bare(node: Node) -> Node:
    return _bare(node.inner) if isinstance(node, Group) else node


def _source(node: Node, text: str) -> str:
    return text[node.start : node.stop]
