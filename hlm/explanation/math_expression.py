"""A formula of mathematics as a small tree, from which LaTeX, MathML and Unicode text are all printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlm.formula.function_calls import shown


@dataclass(frozen=True, slots=True)
class Greek:
    """One letter of mathematics, printed in italics."""

    letter: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the user's, or a word: printed in roman type and escaped."""

    text: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A number, operator or bracket, printed as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Scripted:
    """A base with something below and above its right side."""

    base: Expression
    below: tuple[Expression, ...] = ()
    above: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A function or distribution with its arguments."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Things side by side."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in round brackets; one column makes a vector."""

    rows: tuple[tuple[Expression, ...], ...]


type Expression = Greek | Name | Sign | Scripted | Call | Row | Matrix


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block of equations: left side, relation, right side, and a remark in words."""

    left: Expression  # empty where the line goes on from the one before
    relation: str
    right: Expression
    remark: str = ""


def row(*parts: Expression | str) -> Row:
    """Things side by side; a text is a sign."""
    return Row(tuple(Sign(p) if isinstance(p, str) else p for p in parts))


def joined(parts: Sequence[Expression], separator: str) -> Row:
    """Parts with a sign between them."""
    pairs = [piece for part in parts for piece in (Sign(separator), part)]
    return Row(tuple(pairs[1:]))


def vector(parts: Sequence[Expression]) -> Expression:
    """A column vector; a single part stays what it is."""
    return parts[0] if len(parts) == 1 else Matrix(tuple((part,) for part in parts))


def call(name: str, *arguments: Expression | str) -> Call:
    """A function of arguments; a text is a sign."""
    return Call(name, tuple(Sign(a) if isinstance(a, str) else a for a in arguments))


def visible(name: str) -> str:
    """A name on one line, as it is written: control characters become spaces."""
    return "".join(c if c.isprintable() else " " for c in shown(name))
