"""R's coding of factors: which columns a sum of terms has, from the terms and the factors' levels alone.

In a term a factor has either a column for every level (*full* coding) or contrasts, one column fewer (against the first
level, unless ``C(f, Sum)`` asks for others), so that the columns of all terms together say everything once. The rule is
that of R and of patsy: a term stands for all products of its factors that the terms before it, with the same numbers in
them, do not have yet. Where these products are the columns of one coding, that is the coding.

Source: patsy's "Redundancy and categorical factors", https://patsy.readthedocs.io/en/latest/formulas.html.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product

from hlm.data.contrasts import Contrast
from hlm.formula.formula import INTERCEPT, Term

type Coding = dict[str, bool]  # by factor: True where every level has a column
type Levels = Mapping[str, Sequence[str]]  # by factor: its levels, the reference first


@dataclass(frozen=True, slots=True)
class Part:
    """A variable, or the question whether a factor has a level: 1 if it has, else 0."""

    variable: str
    level: str | None = None
    is_score: bool = False  # a contrast's column of numbers, of which ``level`` is the name


@dataclass(frozen=True, slots=True)
class Column:
    """A product of parts; the intercept is the empty product, 1. Columns of the same parts are equal."""

    parts: tuple[Part, ...]
    term: Term  # the term of the formula that it belongs to

    @property
    def label(self) -> str:
        """Its name in tables and in the posterior: ``Intercept``, ``pre``, ``sex[M]``, ``x:c[q]``, ``c:d[q, l]``."""
        name = "Intercept" if self.term == INTERCEPT else self.term.name
        return name if self.level is None else f"{name}[{self.level}]"

    @property
    def level(self) -> str | None:
        """The levels of its factors as one text, ``M`` or ``q, l``; None where it has no factor."""
        levels = [part.level for part in self.parts if part.level is not None]
        return ", ".join(levels) if levels else None

    @property
    def is_numeric(self) -> bool:
        """Whether it has no question about a level."""
        return all(part.level is None or part.is_score for part in self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Column) and frozenset(self.parts) == frozenset(other.parts)

    def __hash__(self) -> int:
        return hash(frozenset(self.parts))


def coding(terms: Sequence[Term], factors: Collection[str]) -> dict[Term, Coding]:
    """How the factors of each term are coded.

    Where a term lacks margins, as ``c:d`` without ``c`` and ``d`` does, no one coding says just what is new. Then R's
    rule holds: a factor has contrasts if the term without it is in a term before, else a column for every level. Of
    such columns some are sums of others; see `hlm.model.independent_columns`.

    Parameters
    ----------
    terms : sequence of Term
        All terms that are coded together, with or without the intercept.
    factors : collection of str
        The variables that are factors.

    Returns
    -------
    dict
        Term to factor to True (every level has a column) or False (the first has none); empty for a term of numbers.

    Examples
    --------
    >>> from hlm.formula.parser import parse
    >>> coding(parse("y ~ 0 + c + d").common, {"c", "d"})
    {Term(variables=('c',)): {'c': True}, Term(variables=('d',)): {'d': False}}
    >>> coding(parse("y ~ c:d").common, {"c", "d"})[Term(("c", "d"))]
    {'c': True, 'd': True}
    """
    ordered = sorted(terms, key=lambda term: term.degree)
    found = all_codings(terms, factors)
    return {
        term: found[term][0] if len(found[term]) == 1 else _by_margins(term, ordered[: ordered.index(term)], factors)
        for term in terms
    }


def _by_margins(term: Term, before: Sequence[Term], factors: Collection[str]) -> Coding:
    """R's rule (Chambers & Hastie 1992, Statistical Models in S, page 38), among terms with the same numbers."""
    own = set(term.variables)
    others = [set(other.variables) for other in before]
    same = [other for other in others if other.difference(factors) == own.difference(factors)]
    return {v: not any(own - {v} <= other for other in same) for v in term.variables if v in factors}


def all_codings(terms: Sequence[Term], factors: Collection[str]) -> dict[Term, tuple[Coding, ...]]:
    """As `coding`, for terms that may lack margins: a term with several codings has the columns of all of them.

    With an intercept ``c:d`` alone is ``d`` by contrasts, then ``c:d`` with every level of d.
    """
    found: dict[Term, tuple[Coding, ...]] = {}
    known: dict[frozenset[str], set[frozenset[str]]] = {}  # numbers of a term to products of factors beside them
    for term in sorted(terms, key=lambda term: term.degree):
        own = [v for v in term.variables if v in factors]
        before = known.setdefault(frozenset(term.variables).difference(own), set())
        subsets = chain.from_iterable(combinations(own, size) for size in range(len(own) + 1))
        new = [subset for subset in subsets if frozenset(subset) not in before]
        before.update(map(frozenset, new))
        found[term] = tuple(_joined([dict.fromkeys(subset, False) for subset in new]))
    return found


def term_columns(
    term: Term, full: Mapping[str, bool], levels: Levels, contrasts: Mapping[str, Contrast] | None = None
) -> tuple[Column, ...]:
    """The columns of one term; the levels of its last factor vary fastest.

    Parameters
    ----------
    term : Term
    full : mapping of str to bool
        The coding of the term's factors, from `coding`.
    levels : mapping of str to sequence of str
        Of every factor; a variable that is not in it is a number.
    contrasts : mapping of str to Contrast, optional
        Of the factors that have other contrasts than those against their first level.

    Examples
    --------
    >>> found = term_columns(Term(("x", "c")), {"c": False}, {"c": ["p", "q", "r"]})
    >>> [column.label for column in found], found[0].level
    (['x:c[q]', 'x:c[r]'], 'q')
    """
    choices = [_parts(v, full.get(v), levels.get(v), (contrasts or {}).get(v)) for v in term.variables]
    return tuple(Column(parts, term) for parts in product(*choices))


def _parts(variable: str, full: bool | None, levels: Sequence[str] | None, contrast: Contrast | None) -> list[Part]:
    if levels is None:
        return [Part(variable)]
    if full or contrast is None:
        return [Part(variable, level) for level in levels[first_level(bool(full)) :]]
    return [Part(variable, label, is_score=contrast.base is None) for label in contrast.labels]


def first_level(full: bool) -> int:
    """The first level with a column of its own."""
    return 0 if full else 1


def factor_width(levels: Sequence[str], full: bool, contrast: Contrast | None) -> int:
    """How many columns a factor has: one for each level, or its contrasts, of which ``C(f, Poly, 1)`` keeps some."""
    return len(levels) - first_level(full) if full or contrast is None else len(contrast.labels)


def _joined(products: list[Coding]) -> list[Coding]:
    """As few products as say the same: contrasts of c beside those of c:d are c:d with every level of d."""
    while (pair := _pair(products)) is not None:
        short, long = pair
        (extra,) = long.keys() - short.keys()
        products = [p | {extra: True} if p is long else p for p in products if p is not short]
    return products


def _pair(products: list[Coding]) -> tuple[Coding, Coding] | None:
    """The first product that is another one less one factor, and that other one."""
    pairs = ((short, long) for short, long in combinations(products, 2) if len(long) == len(short) + 1)
    return next((pair for pair in pairs if pair[0].items() <= pair[1].items()), None)
