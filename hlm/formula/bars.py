"""The bars of a formula: what varies by which grouping factor."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from hlm.formula.allowed_functions import BESIDE_THE_RESPONSE, FUNCTIONS, REFUSED
from hlm.formula.check_calls import check_call
from hlm.formula.formula import ALL_OTHERS, INTERCEPT, Block, Term, quote
from hlm.formula.function_calls import Source, canonical
from hlm.formula.response import column
from hlm.formula.syntax_tree import Call, Group, Node, Operation
from hlm.formula.term_algebra import find_bar, is_bar, product, summands
from hlm.formula.tokens import Token


def read_bars(bars: list[Node], effects: Callable[[Node], tuple[Term, ...]], source: Source) -> tuple[Block, ...]:
    """Every bar as blocks, an effect at most once per group.

    bars: the bars in their parentheses.
    effects: reads the terms left of a bar.
    """
    blocks: list[Block] = []
    for bar in bars:
        for block in _blocks(bar, effects, source):
            _check_not_repeated(block, blocks, bar, source)
            blocks.append(block)
    return tuple(blocks)


def check_bars_are_added(node: Node, source: Source) -> None:
    """A bar must stand in parentheses and be added to the other terms, nothing else."""
    for _, summand, _ in summands(node):
        bar = None if is_bar(summand) else find_bar(summand)
        if bar is None:
            continue
        if isinstance(summand, Call) and (summand.name in REFUSED or summand.name in BESIDE_THE_RESPONSE):
            check_call(summand, source)
        if isinstance(summand, Call) and bar in summand.args and summand.name not in {*FUNCTIONS} - {"exp"}:
            raise source.error(
                f"{summand.name}() around a bar asks for a covariance that is not read here. Write ({source.of(bar)}), "
                f"with all variances and correlations.",
                summand,
            )
        if bar is summand or not isinstance(summand, Operation):
            inside = source.of(bar.right)
            raise source.at_operator(
                f"The bar '{bar.op}' must stand inside parentheses. To let the intercept vary by {inside} write "
                f"(1{bar.op}{inside}); for intercept and slope (x{bar.op}{inside}).",
                bar,
            )
        raise source.error("A bar can only be added to the other terms, as in y ~ x + (x|g).", summand)


def _blocks(node: Node, read_effects: Callable[[Node], tuple[Term, ...]], source: Source) -> list[Block]:
    """One bar; ``(1|a/b)`` gives two blocks, for ``a`` and for ``a:b``."""
    assert isinstance(node, Group) and isinstance(node.inner, Operation) and node.inner.left is not None
    bar, left = node.inner, node.inner.left
    if find_bar(left) or find_bar(bar.right):
        plain = None
        if isinstance(left, Operation) and left.op in ("|", "||") and left.left is not None:
            plain = f"({source.of(left.left)}{left.op}{source.of(bar.right)})"
        raise source.error(
            f"One bar only inside parentheses: brms's name between two bars is not read. Write {plain or '(x|g)'}.",
            node,
            plain,
        )
    effects = read_effects(left)
    if not effects:
        raise source.error("Nothing varies in this bar: write (1|g) for intercepts or (0 + x|g) for slopes.", left)
    if any(ALL_OTHERS in effect.variables for effect in effects):
        raise source.error("'.' (all other columns) cannot vary by a group: name the columns that do.", left)
    groups = _group_terms(bar.right, source)
    shared = {v for effect in effects for v in effect.variables} & {v for g in groups for v in g.variables}
    if shared:
        raise source.error(f"{quote(min(shared))} stands on both sides of the bar: leave it out of one.", node)
    return [Block(effects, group, correlated=bar.op == "|") for group in groups]


def _group_terms(node: Node, source: Source) -> list[Term]:
    """The grouping factors right of a bar: columns joined by ``:`` (cells) and ``/`` (nested)."""
    match node:
        case Group(inner):
            return _group_terms(inner, source)
        case Token() as token if token.kind == "name" and token.text != ALL_OTHERS:
            return [Term((column(node, source),))]
        case Operation(op=":" | "/" as op, left=before, right=after) if before is not None:
            left, right = _group_terms(before, source), _group_terms(after, source)
            if op == ":":
                return [product(a, b) for a in left for b in right]
            return left + [product(left[-1], b) for b in right]
        case Operation(op="+" | "*" as op, left=before, right=after) if before is not None:
            a, b = source.of(before), source.of(after)
            raise source.error(
                f"A bar has one grouping factor; lme4 refuses {source.of(node)} too. Write one bar each, as in "
                f"(1|{a}) + (1|{b}), or (1|{a}:{b}) for their cells.",
                node,
            )
        case Call():
            return [_computed_group(node, source)]
    raise source.error("After the bar stands a grouping column, as in (1|school).", node)


def _computed_group(node: Call, source: Source) -> Term:
    """``factor(g)``; ``interaction(a, b)`` is ``a:b``."""
    kind = check_call(node, source).kind
    if kind == "cells":
        return reduce(product, [_group_terms(argument, source)[0] for argument in node.args])
    if node.name == "C" and len(node.args) > 1:
        of = source.of(node.args[0])
        message = f"Contrasts mean nothing for a grouping factor, whose levels are groups. Write factor({of})."
        raise source.error(message, node, f"factor({of})")
    if kind in ("basis", "offset"):
        raise source.error(f"{node.name}() cannot be a grouping factor: labels can, as in (1|factor(g)).", node)
    return Term((canonical(node),))


def _check_not_repeated(block: Block, blocks: list[Block], node: Node, source: Source) -> None:
    for other in blocks:
        repeated = set(block.effects) & set(other.effects)
        if set(other.group.variables) != set(block.group.variables) or not repeated:
            continue
        if other.effects == block.effects:
            raise source.error(f"The bar {block} stands twice: leave one out.", node)
        effect = min(repeated, key=lambda term: term.degree)
        what = "intercept" if effect == INTERCEPT else f"effect of {effect}"
        merged = tuple(dict.fromkeys((*other.effects, *block.effects)))
        raise source.error(
            f"The {what} varies by {block.group} twice, in {other} and in {block}: its two standard deviations "
            f"cannot be told apart. Write {Block(merged, block.group)} (correlated) or "
            f"{Block(merged, block.group, correlated=False)} (not correlated).",
            node,
        )
