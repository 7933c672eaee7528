"""Tokens to a tree: which operator binds what. No statistics yet, only the grammar.

Binding, loosest first (as in R): ``~``, ``| ||``, ``< > <= >= == !=``, ``+ -``, ``* /``, ``%in% %% %/%``, ``:``,
a sign, and ``^``, which alone is read from the right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hlm.errors import FormulaError
from hlm.formula.tokens import Token, tokenize

COMPARISONS = ("<", ">", "<=", ">=", "==", "!=")
_BINDING = {
    "~": 1, "|": 2, "||": 2, **dict.fromkeys(COMPARISONS, 3), "+": 4, "-": 4, "*": 5, "/": 5,
    "%in%": 6, "%%": 6, "%/%": 6, ":": 7, "^": 9,
}  # fmt: skip
_SIGN = 8
_MAX_DEPTH = 100
STRUCTURES = {"us": "|", "diag": "||"}  # glmmTMB's names of bars with a covariance matrix, and with variances alone


@dataclass(frozen=True, slots=True)
class Call:
    """A function and its arguments, as in ``p(k, n)``."""

    name: str
    args: tuple[Node, ...]
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Named:
    """An argument with its name, as in ``bs(x, df = 5)``."""

    name: str
    value: Node
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Group:
    """Something in parentheses."""

    inner: Node
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Operation:
    """``left op right``; ``left`` is None where the operator stands first, as in ``-1``."""

    op: str
    left: Node | None
    right: Node
    start: int
    stop: int
    place: int


type Node = Token | Call | Named | Group | Operation  # a token is a name, a number or a string


def read_tree(formula: str) -> Node:
    """Read a whole formula into its tree, or say where it stops making sense."""
    reader = _Reader(formula, tokenize(formula))
    node, token = reader.expression(0), reader.peek()
    if token.kind != "end":
        raise reader.error("This ')' was never opened." if token.text == ")" else reader.stray(token), token)
    return node


@dataclass(slots=True)
class _Reader:
    """Precedence climbing over the tokens; the only state is the position reached."""

    formula: str
    tokens: tuple[Token, ...]
    position: int = 0
    depth: int = 0
    calls: int = 0

    def expression(self, binding: int) -> Node:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.error(f"The formula is nested more than {_MAX_DEPTH} levels deep.", self.peek())
        left, length = self.operand(), 0
        while (power := _BINDING.get(self.peek().operator, 0)) > binding:
            operator = self.next()
            length += self.calls > 0 or operator.text not in ("+", "-")  # sums of terms may be long
            if length > _MAX_DEPTH:
                raise self.error(f"More than {_MAX_DEPTH} operators follow each other here.", operator)
            right = self.expression(power - 1 if operator.text == "^" else power)
            left = Operation(operator.text, left, right, left.start, right.stop, operator.start)
        self.depth -= 1
        return left

    def operand(self) -> Node:
        token = self.next()
        if token.operator in ("+", "-", "~"):
            right = self.expression(_BINDING["~"] if token.text == "~" else _SIGN)
            return Operation(token.text, None, right, token.start, right.stop, token.start)
        if token.operator == "(":
            inner = self.expression(0)
            return Group(inner, token.start, self.expect_close(token).stop)
        if token.kind == "name" and self.peek().operator == "(":
            return self.call(token)
        if token.kind in ("name", "number", "string"):
            return token
        if token.text == ":" and self.tokens[max(self.position - 2, 0)].text == ":":
            raise self.error(
                "'::' of this package is not read: write the function's name alone, as in ns(x, 3).", token
            )
        raise self.error(
            f"A name is missing before {token.text!r}." if token.text else "The formula ends where a name is expected.",
            token,
        )

    def call(self, name: Token) -> Call | Group:
        opening = self.next()
        self.calls += 1
        args: list[Node] = []
        while self.peek().text != ")":
            args.append(self.argument())
            if self.peek().text != ",":
                break
            self.next()
        self.calls -= 1
        if name.text in STRUCTURES and len(args) == 1 and isinstance(args[0], Operation) and args[0].op == "|":
            return Group(replace(args[0], op=STRUCTURES[name.text]), name.start, self.expect_close(opening).stop)
        return Call(name.text, tuple(args), name.start, self.expect_close(opening).stop)

    def argument(self) -> Node:
        value = self.expression(0)
        if self.peek().text != "=" or not (isinstance(value, Token) and value.kind == "name"):
            return value
        self.next()
        right = self.expression(0)
        return Named(value.text, right, value.start, right.stop)

    def expect_close(self, opening: Token) -> Token:
        if self.peek().text == ")":
            return self.next()
        if self.peek().kind == "end":
            raise self.error("This '(' is never closed.", opening)
        raise self.error(self.stray(self.peek()), self.peek())

    def stray(self, token: Token) -> str:
        return f"{token.text!r} does not follow here: an operator such as + or : is missing before it."

    def peek(self) -> Token:
        return self.tokens[self.position]

    def next(self) -> Token:
        token = self.tokens[self.position]
        self.position = min(self.position + 1, len(self.tokens) - 1)
        return token

    def error(self, message: str, token: Token) -> FormulaError:
        return FormulaError(message, self.formula, token.start, max(token.stop, token.start + 1))
