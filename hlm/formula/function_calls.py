"""Function calls inside a formula: which are allowed, and the one text that each of them is known by.

``scale(x)`` is one variable of a term, under its canonical text, which R would print too. The text is also how the
call is found again: reading it gives the tree that `hlm.data.transforms` walks over. No numbers here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from hlm.errors import FormulaError
from hlm.formula.allowed_functions import FUNCTIONS, REFUSED, Function
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

    def error(self, message: str, node: Node) -> FormulaError:
        return FormulaError(message, self.text, node.start, node.stop)

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
    return tuple(dict.fromkeys(_names(read_call(variable))))


def canonical(node: Node) -> str:
    """The one text of an expression: R's spacing, numbers as written."""
    match node:
        case Token() as token:
            return token.text
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


def check_call(node: Call, source: Source) -> Function:
    """Raise a `FormulaError` for what a formula may not call; returns what is called."""
    function = _checked(node, source)
    if not any(True for _ in _names(node)):
        raise source.error(f"{source.of(node)} holds no column of the data.", node)
    return function


def arguments(node: Call) -> dict[str, Node]:
    """The options of a call by their names, positions resolved: of ``poly(x, 2)`` the degree."""
    names = iter(FUNCTIONS[node.name].options)
    return dict((a.name, a.value) if isinstance(a, Named) else (next(names, ""), a) for a in node.args[1:])


def _checked(node: Call, source: Source) -> Function:
    """What is called; arguments may be constant here, as in ``I(x/sqrt(2))``."""
    if node.name in source.functions:
        function = Function("the caller's own", many=True)
    elif node.name in REFUSED:
        raise source.error(f"{node.name}() is {REFUSED[node.name]}.", node)
    elif node.name not in FUNCTIONS:
        raise source.error(
            f"{node.name}() is not a function of formulas. There are {', '.join(FUNCTIONS)}. Compute "
            f"{source.of(node)} as a new column of the data and use its name, or, in Python, pass "
            f"functions={{{node.name!r}: ...}}.",
            node,
        )
    else:
        function = FUNCTIONS[node.name]
    columns, options = (node.args, ()) if function.many else (node.args[:1], node.args[1:])
    if not columns or isinstance(columns[0], Named):
        raise source.error(f"{node.name}() needs a column first, as in {node.name}(x).", node)
    _check_options(node, function, options, source)
    for argument in columns:
        _check_arithmetic(argument, source)
    return function


def _check_options(node: Call, function: Function, options: tuple[Node, ...], source: Source) -> None:
    """Options are single numbers or TRUE and FALSE, each once."""
    positions = [isinstance(option, Named) for option in options]
    known = [f", {o} = {'TRUE' if limits is None else 2}" for o, limits in function.options.items()]
    usage = f"Write {node.name}(x{''.join(known)}){', or less of it' if known else ''}."
    given = arguments(node) if options else {}
    if len(options) > len(known) or positions != sorted(positions) or len(given) < len(options):
        raise source.error(usage, node)
    for name, value in given.items():
        if name not in function.options:
            raise source.error(usage, node)
        limits, text = function.options[name], canonical(value)
        if limits is None and text not in ("TRUE", "FALSE"):
            raise source.error(f"{name} is TRUE or FALSE. {usage}", value)
        if limits is not None and not (text.isascii() and text.isdecimal() and len(text) < 4):
            raise source.error(f"{name} is a whole number. {usage}", value)
        if limits is not None and not limits[0] <= int(text) <= limits[1]:
            raise source.error(f"{name} must be between {limits[0]} and {limits[1]}.", value)


def _check_arithmetic(node: Node, source: Source) -> None:
    """Columns, numbers, operators, and functions that give a number."""
    match node:
        case Token() as token if token.kind == "number":
            return
        case Token() as token if token.kind == "name" and token.text not in (".", "TRUE", "FALSE"):
            if not PLAIN_NAME.match(token.text):
                raise source.error("Inside a function a column needs a plain name: rename it in the data.", node)
        case Group(inner):
            _check_arithmetic(inner, source)
        case Operation(op, left, right) if op in ARITHMETIC:
            if left is not None:
                _check_arithmetic(left, source)
            _check_arithmetic(right, source)
        case Call():
            if _checked(node, source).kind != "number":
                raise source.error(f"{node.name}() cannot stand inside another function.", node)
        case Operation(op):
            raise source.error(f"{op!r} has no meaning inside a function: there it is arithmetic, + - * / ^.", node)
        case _:
            raise source.error(f"{source.of(node)} has no meaning inside a function: columns and numbers do.", node)


def _names(node: Node) -> Iterator[str]:
    """The columns below a node; options such as ``raw = TRUE`` have no columns."""
    match node:
        case Token() as token if token.kind == "name":
            yield token.text
        case Group(inner):
            yield from _names(inner)
        case Operation(left=left, right=right):
            if left is not None:
                yield from _names(left)
            yield from _names(right)
        case Call(name, args):
            for argument in args if name not in FUNCTIONS or FUNCTIONS[name].many else args[:1]:
                yield from _names(argument)
