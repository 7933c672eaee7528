"""The functions of a formula as numpy code: what `hlm.data.transforms` computes, written out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import accumulate

from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.function_calls import arguments, canonical, shown
from hlm.formula.syntax_tree import COMPARISONS, Call, Group, Node, Operation
from hlm.formula.tokens import Token

_OPERATORS = {"^": "**", "%%": "%", "%/%": "//"}


def numpy_code(node: Node, names: Mapping[str, str]) -> str:
    """An expression of columns; ``names``: column to Python name."""
    match node:
        case Token() as token:
            if token.kind == "string":
                return json.dumps(token.text[1:-1], ensure_ascii=False)
            return token.text if token.kind == "number" else names[token.text]
        case Group(inner):
            return numpy_code(inner, names)
        case Operation(op, None, right):
            return f"{op}{_piece(right, names)}"
        case Operation("%in%", left, Call(args=labels)) if left is not None:
            return f"np.isin({numpy_code(left, names)}, [{', '.join(numpy_code(value, names) for value in labels)}])"
        case Operation(op, left, right) if left is not None:
            return f"{_piece(left, names)} {_OPERATORS.get(op, op)} {_piece(right, names)}"
        case Call(name="scale" | "center"):
            return _standardised(node, names)
        case Call(name="dummy", args=(of, level)):
            return f"({_piece(of, names)} == {numpy_code(level, names)}).astype(float)"
        case Call(name="pmin" | "pmax" as name, args=args):
            least = "minimum" if name == "pmin" else "maximum"
            return reduce(lambda a, b: f"np.{least}({a}, {b})", [_number(argument, names) for argument in args])
        case Call(name="mean_by" | "ave", args=(of, *by)):
            groups = ", ".join(json.dumps(group.text) for group in by if isinstance(group, Token))
            values = f"rows.assign(value={_number(of, names)}).groupby([{groups}], observed=True)"
            return f'{values}["value"].transform("mean").to_numpy()'
        case Call(name, args) if name not in FUNCTIONS:  # the caller's own
            return f"{name}({', '.join(numpy_code(a, names) for a in args)})"
        case Call(name, args) if name == "I" or FUNCTIONS[name].kind == "factor":
            return numpy_code(args[0], names)
        case Call(name, args):
            return f"np.{name}({_number(args[0], names)})"
    raise AssertionError(node)  # the parser lets nothing else pass


def basis_code(name: str, call: Call, names: Mapping[str, str]) -> Iterator[str]:
    """``poly(x, 2)`` as a matrix under a name; R's columns have sum of squares 1 and rise at the right end."""
    given, remark = options(call), f"  # {shown(canonical(call))}"
    x, powers = _piece(call.args[0], names), int(given.get("degree", "1")) + 1
    if given.get("raw") == "TRUE":
        yield f"{name} = np.vander({x}, {powers}, increasing=True)[:, 1:]{remark}"
        return
    yield f"q, r = np.linalg.qr(np.vander({x} - {x}.mean(), {powers}, increasing=True))"
    yield f"{name} = (q * np.sign(np.diag(r)))[:, 1:]{remark}"


def options(call: Call) -> dict[str, str]:
    """The arguments after the first, by name."""
    return {name: canonical(value) for name, value in arguments(call).items()}


def centred_and_scaled(call: Call) -> tuple[bool, bool]:
    """Of ``scale()`` and ``center()``: whether the mean is taken off, and whether the rest is divided by its spread."""
    given = {name: text == "TRUE" for name, text in options(call).items()}
    return given.get("center", True), given.get("scale", call.name == "scale")


def is_truth(node: Node) -> bool:
    """Whether an expression is a comparison."""
    inner = _inside(node)
    return isinstance(inner, Operation) and inner.op in (*COMPARISONS, "%in%")


def _standardised(node: Call, names: Mapping[str, str]) -> str:
    (centred, scaled), x = centred_and_scaled(node), _piece(node.args[0], names)
    if centred and scaled:
        return f"({x} - {x}.mean()) / {x}.std(ddof=1)"
    if scaled:
        return f"{x} / np.sqrt(({x} ** 2).sum() / (len({x}) - 1))"
    return f"{x} - {x}.mean()" if centred else x


def _piece(node: Node, names: Mapping[str, str]) -> str:
    """A number inside a larger expression: in brackets unless it is a single name or call."""
    text = _number(node, names)
    depths = list(accumulate((character == "(") - (character == ")") for character in text))
    closed = text.startswith(("np.", "(")) and text.endswith(")") and 0 not in depths[text.index("(") : -1]
    return text if closed or isinstance(_inside(node), Token) else f"({text})"


def _number(node: Node, names: Mapping[str, str]) -> str:
    """As `numpy_code`, a comparison as 0 and 1."""
    text = numpy_code(node, names)
    return f"({text}).astype(float)" if is_truth(node) else text


def _inside(node: Node) -> Node:
    """Without parentheses and I()."""
    while isinstance(node, Group) or (isinstance(node, Call) and node.name == "I"):
        node = node.inner if isinstance(node, Group) else node.args[0]
    return node
