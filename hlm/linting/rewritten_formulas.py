"""The formula to write instead: small changes of a formula that was read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Block, Formula, Term, quote
from hlm.formula.parser import parse
from hlm.linting.places_in_text import raw_tokens_of


def with_common(formula: Formula, terms: Iterable[Term]) -> Formula:
    """The same formula with more common terms, each once, in R's order."""
    known = {frozenset(term.variables): term for term in formula.common}
    for term in terms:
        known.setdefault(frozenset(term.variables), term)
    return replace(formula, common=tuple(sorted(known.values(), key=lambda term: term.degree)))


def without_common(formula: Formula, terms: Collection[Term]) -> Formula:
    """The same formula without some common terms; the intercept stands in where nothing is left."""
    kept = tuple(term for term in formula.common if term not in terms)
    return replace(formula, common=kept or (INTERCEPT,))


def without_variables(formula: Formula, names: Collection[str]) -> Formula:
    """Every term and every bar that needs one of these columns left out."""

    def free(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(term for term in terms if not set(term.variables) & set(names))

    blocks = [replace(block, effects=free(block.effects)) for block in formula.blocks if free((block.group,))]
    common = free(formula.common) or (INTERCEPT,)
    return replace(formula, common=common, blocks=tuple(block for block in blocks if block.effects))


def with_blocks(formula: Formula, change: Mapping[Block, tuple[Block, ...]]) -> Formula:
    """The same formula with some blocks replaced: by others, or by none."""
    blocks = [new for block in formula.blocks for new in change.get(block, (block,))]
    return replace(formula, blocks=tuple(dict.fromkeys(blocks)))


def without_groups(formula: Formula, groups: Collection[Term]) -> Formula:
    """The same formula without the bars of some grouping factors."""
    return replace(formula, blocks=tuple(block for block in formula.blocks if block.group not in groups))


def without_effects(formula: Formula, group: Term, effects: Collection[Term]) -> Formula:
    """The same formula with some effects no longer varying by one group."""
    own = [block for block in formula.blocks if block.group == group]
    kept = {block: tuple(effect for effect in block.effects if effect not in effects) for block in own}
    return with_blocks(formula, {b: (replace(b, effects=left),) if left else () for b, left in kept.items()})


def with_variables(formula: Formula, names: Mapping[str, str]) -> Formula:
    """The same formula with some variables of its predictors replaced, on both sides of the bars."""

    def changed(terms: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(Term(tuple(names.get(v, v) for v in term.variables)) for term in terms)

    blocks = tuple(replace(block, effects=changed(block.effects)) for block in formula.blocks)
    return replace(formula, common=changed(formula.common), blocks=blocks)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """The text with some column names replaced, all else as it was written."""
    for token in reversed(raw_tokens_of(text)):
        if token.kind == "name" and token.text in names:
            text = text[: token.start] + quote(names[token.text]) + text[token.stop :]
    return text


def if_read(text: str, functions: Collection[str] = ()) -> str | None:
    """A proposal, if it can be read at all."""
    try:
        parse(text, functions=functions)
    except FormulaError:
        return None
    return text
