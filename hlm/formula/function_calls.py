"""Function calls inside a formula: which are allowed, and the one text that each of them is known by.

``scale(x)`` is one variable of a term, under its canonical text, which R would print too. The text is also how the
call is found again: reading it gives the tree that `hlm.data.transforms` walks over. No numbers here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hlm.errors import FormulaError
from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.syntax_tree import COMPARISONS, Call, Group, Named, Node, Operation, read_tree
from hlm.formula.tokens import Token

# xarray's DataTree refuses variables with a slash in their names, and Bambi names variables after columns: inside a
# call, '/' is kept as the division slash, and written '/' again where a formula is printed.
DIVIDED = "\N{DIVISION SLASH}"
PLAIN_NAME = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*\Z")
ARITHMETIC = ("+", "-", "*", "/", "^", "%%", "%/%", *COMPARISONS)
_CALL = re.compile(r"([^\W\d][\w.]*)\(.*\)\Z", re.DOTALL)
_TIGHT = ("/", "^", "%%", "%/%")  # printed without spaces, as R does


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a formula, for errors that show their place, and the caller's own functions by name."""

    text: str
    functions: tuple[str, ...] = ()

    def error(self, message: str, node: Node, instead: str | None = None) -> FormulaError:
        """An error about a node; ``instead`` is what to write in its place."""
        whole = None if instead is None else f"{self.text[: node.start]}{instead}{self.text[node.stop :]}"
        return FormulaError(message, self.text, node.start, node.stop, whole)

    def at_operator(self, message: str, node: Operation) -> FormulaError:
        """The error whose place is the operator alone."""
        return FormulaError(message, self.text, node.place, node.place + len(node.op))

    def of(self, node: Node) -> str:
        """The text that a node was read from."""
        return self.text[node.start : node.stop]


def is_call(variable: str, functions: Collection[str] = ()) -> bool:
    """Whether a variable of a term is computed (``log(x)``) and not a column of the data."""
    match = _CALL.match(variable)
    return match is not None and (match[1] in FUNCTIONS or match[1] in functions)


def is_basis(variable: str) -> bool:
    """Whether a variable stands for several columns: ``poly(x, 2)``."""
    return is_call(variable) and FUNCTIONS[variable[: variable.index("(")]].kind == "basis"


def shown(variable: str) -> str:
    """A computed variable as it is written in a formula."""
    return variable.replace(DIVIDED, "/")


def kept(name: str) -> str:
    """A name that somebody typed with '/', as it stands among the names of parameters."""
    return name.replace("/", DIVIDED)


def read_call(variable: str) -> Call:
    """The tree of a computed variable."""
    node = read_tree(shown(variable))
    assert isinstance(node, Call)
    return node


def source_columns(variable: str, functions: Collection[str] = ()) -> tuple[str, ...]:
    """The columns of the data that a variable is made of, in the order written."""
    if not is_call(variable, functions):
        return (variable,)
    return tuple(dict.fromkeys(names_inside(read_call(variable))))


def canonical(node: Node) -> str:
    """The one text of an expression: R's spacing, numbers as written."""
    match node:
        case Token() as token if token.kind == "string":
            return quoted_label(token.text[1:-1])
        case Token() as token:
            return token.text if token.kind == "number" or PLAIN_NAME.match(token.text) else f"`{token.text}`"
        case Group(inner):
            return f"({canonical(inner)})"
        case Named(name, value):
            return f"{name} = {canonical(value)}"
        case Call(name, args):
            return f"{name}({', '.join(map(canonical, args))})"
        case Operation(op, None, right):
            return f"{op}{canonical(right)}"
        case Operation(op, left, right):
            assert left is not None
            between = op.replace("/", DIVIDED) if op in _TIGHT else f" {op} "
            return f"{canonical(left)}{between}{canonical(right)}"


def arguments(node: Call) -> dict[str, Node]:
    """The options of a call by their names, positions resolved: of ``poly(x, 2)`` the degree."""
    names = iter(FUNCTIONS[node.name].options)
    return dict((a.name, a.value) if isinstance(a, Named) else (next(names, ""), a) for a in node.args[1:])


def quoted_label(text: str) -> str:
    """A text as R writes it; inside a call '/' is kept as the division slash."""
    mark = "'" if '"' in text else '"'
    return f"{mark}{kept(text)}{mark}"


def label_columns(node: Node) -> set[str]:
    """The columns whose labels an expression needs: beside a text, in ``dummy``, as the groups of ``mean_by``."""
    match node:
        case Group(inner):
            return label_columns(inner)
        case Operation("%in%", Token() as column):
            return {column.text}
        case Operation("==" | "!=", Token() as left, Token() as right) if "string" in (left.kind, right.kind):
            return {right.text if left.kind == "string" else left.text}
        case Operation(left=left, right=right):
            return (set() if left is None else label_columns(left)) | label_columns(right)
        case Call(name="dummy", args=(Token() as column, *_)):
            return {column.text}
        case Call(name="mean_by" | "ave", args=(of, *groups)):
            return label_columns(of) | {group.text for group in groups if isinstance(group, Token)}
        case Call(args=args):
            return set().union(*map(label_columns, args))
    return set()


def names_inside(node: Node) -> Iterator[str]:
    """The columns below a node; options such as ``raw = TRUE`` have no columns."""
    match node:
        case Token() as token if token.kind == "name":
            yield token.text
        case Group(inner):
            yield from names_inside(inner)
        case Operation(op, left, right):
            if left is not None:
                yield from names_inside(left)
            if op != "%in%":  # right of it stand labels
                yield from names_inside(right)
        case Call(name, args):
            for argument in args if name not in FUNCTIONS or FUNCTIONS[name].many else args[:1]:
                yield from names_inside(argument)
