"""Which calls a formula may make: what each function's arguments must be, and what to write instead of others."""

from __future__ import annotations

from collections.abc import Collection

from hlm.errors import FormulaError
from hlm.formula.allowed_functions import BESIDE_THE_RESPONSE, FUNCTIONS, REFUSED, Function
from hlm.formula.contrasts import contrast_choice, label_text
from hlm.formula.function_calls import (
    ARITHMETIC,
    DIVIDED,
    PLAIN_NAME,
    Source,
    arguments,
    canonical,
    names_inside,
    quoted_label,
)
from hlm.formula.syntax_tree import COMPARISONS, Call, Group, Named, Node, Operation
from hlm.formula.tokens import Token
from hlm.support.options import offending


def own_names(functions: Collection[str]) -> tuple[str, ...]:
    """The names of the caller's own functions, checked."""
    if isinstance(functions, str | bytes) or not isinstance(functions, Collection):
        raise FormulaError(f"functions is a list of names such as ['twice'], not {offending(functions)}.")
    for name in functions:
        if not isinstance(name, str):
            raise FormulaError(f"functions is a list of names such as ['twice']; {offending(name)} is none.")
        if name in FUNCTIONS or not PLAIN_NAME.match(name):
            why = "is a function of formulas already" if name in FUNCTIONS else "is not a plain name"
            raise FormulaError(f"functions: {name!r} {why}; give yours another name.")
    return tuple(functions)


def check_call(node: Call, source: Source) -> Function:
    """Raise a `FormulaError` for what a formula may not call; returns what is called."""
    function = _checked(node, source)
    if not any(True for _ in names_inside(node)):
        raise source.error(f"{source.of(node)} holds no column of the data.", node)
    return function


def _checked(node: Call, source: Source) -> Function:
    """What is called; arguments may be constant here, as in ``I(x/sqrt(2))``."""
    if node.name in source.functions:
        function = Function("the caller's own", many=True)
    elif node.name in REFUSED or node.name in BESIDE_THE_RESPONSE:
        raise source.error(_refused(node, source), node)
    elif node.name not in FUNCTIONS:
        spaced = source.text[node.start + len(node.name)].isspace()  # perhaps a column's name, Score (points)
        quoted = f" Is it the name of a column? Then write `{source.of(node)}`, in back-quotes." if spaced else ""
        raise source.error(
            f"{node.name}() is not a function of formulas.{quoted} There are {', '.join(FUNCTIONS)}. Compute "
            f"{source.of(node)} as a new column of the data and use its name, or, in Python, pass "
            f"functions={{{node.name!r}: ...}}.",
            node,
        )
    else:
        function = FUNCTIONS[node.name]
    columns, options = (node.args, ()) if function.many else (node.args[:1], node.args[1:])
    if not columns or isinstance(columns[0], Named):
        usage = _usage(function) if function.usage else f"{node.name}() needs a column first, as in {node.name}(x)."
        raise source.error(usage, node)
    if function.usage:
        _check_usage(node, function, source)
    else:
        _check_options(node, function, options, source)
    for argument in columns:
        _check_arithmetic(argument, source)
    return function


def _refused(node: Call, source: Source) -> str:
    """What to write instead of a function of brms, mgcv or glmmTMB."""
    if node.name == "cs" and "|" in source.of(node):
        return "cs() around a bar is glmmTMB's compound symmetry. Write (1|g), which has this covariance."
    if node.name in REFUSED:
        return f"{node.name}() is {REFUSED[node.name]}."
    meaning = BESIDE_THE_RESPONSE[node.name][0]
    if node.name == "weights":
        column = source.of(node.args[0]) if node.args else "w"
        return f"weights() is no term: leave it out, and give the column's name apart, weights={column!r}."
    return (
        f"{node.name}() is {meaning}, and stands left of '~' there, after a bar. Here the response alone stands left, "
        f"as in y ~ x + (x|g); k successes out of n trials are p(k, n) or cbind(k, n - k)."
    )


def _usage(function: Function) -> str:
    return function.usage if function.usage.startswith("Write") else f"Write {function.usage}."


def _check_usage(node: Call, function: Function, source: Source) -> None:
    """The arguments after the first of ``C``, ``dummy`` and ``mean_by``."""
    match node.name:
        case "C":
            try:
                contrast_choice(node)
            except ValueError as problem:
                raise source.error(str(problem), node) from None
        case "dummy":
            of = node.args[0]
            is_column = isinstance(of, Token) and of.kind == "name"
            if len(node.args) != 2 or not is_column or label_text(node.args[1]) is None:
                raise source.error(_usage(function), node)
        case _:
            groups = node.args[1:]
            if not groups or not all(isinstance(group, Token) and group.kind == "name" for group in groups):
                raise source.error(_usage(function), node)


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
            if DIVIDED in token.text:
                raise source.error(
                    f"A column with {DIVIDED!r} in its name cannot stand in a function: rename it.", node
                )
        case Group(inner):
            _check_arithmetic(inner, source)
        case Operation("==" | "!=", left, right) if left is not None and _is_string(left) != _is_string(right):
            column, text = (left, right) if _is_string(right) else (right, left)
            if not (isinstance(column, Token) and column.kind == "name") or DIVIDED in source.of(text):
                message = f"A text is compared with a column, as in I(f == {quoted_label('a')})."
                raise source.error(message, node)
        case Operation("%in%", left, Call("c", labels)) if labels and all(label_text(v) is not None for v in labels):
            if not (isinstance(left, Token) and left.kind == "name"):
                raise source.error('Before %in% stands a column, as in I(f %in% c("a", "b")).', node)
        case Operation(op, left, right) if op in COMPARISONS and (_is_string(right) or _is_string(left)):
            raise source.error('A text is compared by == or !=, as in I(f == "a"), or I(f %in% c("a", "b")).', node)
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


def _is_string(node: Node | None) -> bool:
    return isinstance(node, Token) and node.kind == "string"
