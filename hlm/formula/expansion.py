"""What stands for several columns, written out once the data say which: ``.`` and ``poly(x, 2)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

from hlm.formula.formula import ALL_OTHERS, Block, Formula, Term
from hlm.formula.function_calls import arguments, canonical, is_basis, read_call
from hlm.formula.term_algebra import union, without

type Columns = Mapping[str, tuple[str, ...]]
type Terms = tuple[Term, ...]


def expanded(formula: Formula, columns: Columns) -> Formula:
    """The formula with one term for each column of what stands for several.

    Parameters
    ----------
    formula : Formula
    columns : Mapping
        ``"."`` to the columns it stands for, ``"poly(x, 2)"`` to ``("poly(x, 2)1", "poly(x, 2)2")``: the data know, see
        `CleanData.expansions`. In ``(poly(x, 2)||g)`` the columns of one function stay correlated among
        themselves, as in lme4.

    Examples
    --------
    >>> from hlm.formula.parser import parse
    >>> print(expanded(parse("y ~ . - id + (1|g)"), {".": ("x", "id", "z")}))
    y ~ x + z + (1|g)
    """
    if not columns:
        return formula
    common = without(_spread(formula.common, {k: v for k, v in columns.items() if k == ALL_OTHERS}), formula.removed)
    blocks: list[Block] = []
    for block in formula.blocks:
        several = not block.correlated and any(v in columns for e in block.effects for v in e.variables)
        for part in block.expand() if several else (block,):
            blocks.append(replace(part, effects=_spread(part.effects, columns)))
    return replace(formula, common=_spread(common, columns), blocks=tuple(blocks), removed=())


def basis_columns(formula: Formula) -> dict[str, tuple[str, ...]]:
    """The names of the columns of every ``poly``, ``bs`` and ``ns``: their arguments say how many there are.

    Examples
    --------
    >>> from hlm.formula.parser import parse
    >>> basis_columns(parse("y ~ poly(x, 2) + (1|g)"))
    {'poly(x, 2)': ('poly(x, 2)1', 'poly(x, 2)2')}
    """
    return {v: tuple(f"{v}{j + 1}" for j in range(_width(v))) for v in formula.computed if is_basis(v)}


def _width(variable: str) -> int:
    call = read_call(variable)
    given = {name: canonical(value) for name, value in arguments(call).items()}
    if call.name == "bs":
        return int(given.get("df", given.get("degree", "3")))
    return int(given.get("degree" if call.name == "poly" else "df", "1"))


def contracted(formula: Formula, columns: Columns) -> Formula:
    """The other way round: ``poly(x, 2)1 + poly(x, 2)2`` written ``poly(x, 2)`` again, where all columns stand."""
    functions = {function: names for function, names in columns.items() if function != ALL_OTHERS}
    blocks = tuple(replace(block, effects=_gathered(block.effects, functions)) for block in formula.blocks)
    return replace(formula, common=_gathered(formula.common, functions), blocks=blocks)


def _spread(terms: Terms, columns: Columns) -> Terms:
    """Every term with each of its variables replaced by the columns it stands for, in all combinations."""
    choices = [product(*(columns.get(v, (v,)) for v in term.variables)) for term in terms]
    found = tuple(Term(tuple(dict.fromkeys(variables))) for choice in choices for variables in choice)
    return tuple(sorted(union(found), key=lambda term: term.degree))


def _gathered(terms: Terms, columns: Columns) -> Terms:
    for function, names in columns.items():
        found = []
        for term in terms:
            own = next((v for v in term.variables if v in names), None)
            whole = own is not None and all(_with(term, own, name) in terms for name in names)
            found.append(_with(term, own, function) if whole and own is not None else term)
        terms = tuple(dict.fromkeys(found))
    return terms


def _with(term: Term, old: str, new: str) -> Term:
    return Term(tuple(new if v == old else v for v in term.variables))
