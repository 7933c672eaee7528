"""R's algebra of terms: sums, products, powers. Pure functions on terms and trees."""

from __future__ import annotations

from functools import reduce
from itertools import chain

from hlm.formula.formula import INTERCEPT, Term
from hlm.formula.syntax_tree import Call, Group, Named, Node, Operation
from hlm.formula.tokens import Token

type Terms = tuple[Term, ...]
type Parts = list[tuple[str, Node, Node]]


def combine(op: str, left: Terms, right: Terms) -> Terms:
    """The terms of ``left op right`` for the operators ``:``, ``*``, ``/`` and ``%in%``."""
    products = tuple(product(a, b) for a in left for b in right)
    match op:
        case "*":
            return union(left, right, products)
        case "/":  # a/b is a + a:b; (a + b)/c is a + b + a:b:c
            return union(left, tuple(product(reduce(product, left), b) for b in right))
        case "%in%":  # R: a %in% (b + c) is a:b:c
            return union(tuple(product(a, reduce(product, right, INTERCEPT)) for a in left))
    return union(products)


def product(a: Term, b: Term) -> Term:
    """The interaction of two terms; a variable stands in it once."""
    return Term(tuple(dict.fromkeys((*a.variables, *b.variables))))


def union(*parts: Terms) -> Terms:
    """All terms once; ``b:a`` is the same term as ``a:b``."""
    seen: dict[frozenset[str], Term] = {}
    for term in chain(*parts):
        seen.setdefault(frozenset(term.variables), term)
    return tuple(seen.values())


def without(terms: Terms, removed: Terms) -> Terms:
    """The terms that are not among others, in whatever order their variables stand."""
    gone = {frozenset(term.variables) for term in removed}
    return tuple(term for term in terms if frozenset(term.variables) not in gone)


def in_one_order(*sums: Terms) -> list[Terms]:
    """The same terms, a product spelled as the products before it that are in it: ``x:z + z:x:c`` is ``x:z + x:z:c``.

    Otherwise ``z:x`` in a bar would be another coefficient than the common ``x:z``, and formulae 0.6 would not see that
    ``x:z`` is in ``z:x:c``.
    """
    before: list[Term] = []
    found = []
    for terms in sums:
        start = len(before)
        for term in terms:
            before.append(_spelled_as(before, term))
        found.append(tuple(before[start:]))
    return found


def _spelled_as(before: list[Term], term: Term) -> Term:
    inside = [other for other in before if other.degree > 1 and set(other.variables) <= set(term.variables)]
    if all(tuple(v for v in term.variables if v in other.variables) == other.variables for other in inside):
        return term
    return Term(tuple(dict.fromkeys(v for other in (*inside, term) for v in other.variables)))


def summands(node: Node) -> Parts:
    """The parts of a sum from left to right: sign, part, and the sum up to there."""
    parts: Parts = []
    while isinstance(node, Operation) and node.op in ("+", "-"):
        parts.append((node.op, node.right, node))
        if node.left is None:
            return parts[::-1]
        node = node.left
    return [("+", node, node), *parts[::-1]]


def last_word_on_intercept(parts: Parts) -> bool | None:
    """Whether a sum has an intercept, as its last 1 or 0 says; None where it says nothing.

    As in R the word counts wherever it stands, in parentheses and products, too: ``(0 + x):z`` is ``0 + x:z``, and a
    minus turns it around: ``x - (0 + z)`` is ``x + 1``.
    """
    words = [(sign == "+") == said for sign, part, _ in parts if (said := _said_inside(part)) is not None]
    return words[-1] if words else None


def _said_inside(node: Node) -> bool | None:
    match node:
        case Token():
            return is_number(node, "1") if is_number(node, "0") or is_number(node, "1") else None
        case Group(inner):
            return None if is_bar(node) else last_word_on_intercept(summands(inner))
        case Operation(op="+" | "-"):
            return last_word_on_intercept(summands(node))
        case Operation(op="^", left=base) if base is not None:
            return _said_inside(base)
        case Operation(left=left, right=right):
            said = _said_inside(right)
            return said if said is not None or left is None else _said_inside(left)
    return None


def is_bar(node: Node) -> bool:
    """``(x|g)`` or ``(x||g)``."""
    return isinstance(node, Group) and isinstance(node.inner, Operation) and node.inner.op in ("|", "||")


def find_bar(node: Node | None) -> Operation | None:
    """The first bar anywhere below a node."""
    match node:
        case Operation(op="|" | "||"):
            return node
        case Operation(left=left, right=right):
            return find_bar(left) or find_bar(right)
        case Group(inner):
            return find_bar(inner)
        case Named(value=value):
            return find_bar(value)
        case Call(args=args):
            return next((bar for bar in map(find_bar, args) if bar), None)
    return None


def is_number(node: Node, text: str) -> bool:
    """Whether a node is the number written so."""
    return isinstance(node, Token) and node.kind == "number" and node.text == text
