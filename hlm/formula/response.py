"""The left side of a formula: one column, a computed one, or successes out of trials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from hlm.errors import FitError, FormulaError
from hlm.formula.allowed_functions import BESIDE_THE_RESPONSE
from hlm.formula.check_calls import check_call
from hlm.formula.formula import Formula, Response, quote
from hlm.formula.function_calls import ARITHMETIC, DIVIDED, PLAIN_NAME, Source, canonical, is_call, shown
from hlm.formula.syntax_tree import Call, Group, Node, Operation
from hlm.formula.term_algebra import summands
from hlm.formula.tokens import Token
from hlm.support.options import offending

_PROPORTION = ("p", "prop", "proportion")  # Bambi's three names for k successes out of n
Support = Literal["real", "binary", "count", "trials", "positive", "nonnegative", "unit", "labels", "ordered"]
WeightsMeaning = Literal["precisions", "trials"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResponseKind:
    """What a formula and its data need to know of a family: all that `hlm.model.families` has more is numbers."""

    support: Support  # what values the response may have
    weights: WeightsMeaning | None  # what a column of weights means; None where it means nothing


NUMBERS = ResponseKind(support="real", weights="precisions")  # the gaussian family's


def read_response(node: Node, source: Source) -> Response:
    """The response, or a `FormulaError` that says what to write."""
    while isinstance(node, Group):
        node = node.inner
    if isinstance(node, Token) and node.kind == "name" and node.text != ".":
        return Response(column(node, source))
    if isinstance(node, Operation) and node.op == "/" and node.left is not None:
        return _ratio(node, source)
    if isinstance(node, Call) and node.name in _PROPORTION:
        names = [column(a, source) for a in node.args if isinstance(a, Token) and a.kind == "name"]
        if len(names) == len(node.args) == 2:
            return Response(names[0], names[1])
        raise source.error("Write p(k, n): the column of successes, then the column of trials.", node)
    if isinstance(node, Call) and node.name == "cbind":
        return _counts(node, source)
    if isinstance(node, Call):
        if check_call(node, source).kind != "number":
            raise source.error(f"{node.name}() cannot be a response: numbers can, such as log(y).", node)
        return Response(canonical(node))
    is_arithmetic = isinstance(node, Operation) and node.op in ARITHMETIC
    arithmetic = f" For arithmetic write I({source.of(node)})." if is_arithmetic else ""
    raise source.error(
        f"The response must be one column, a function of columns such as log(y), or p(k, n).{arithmetic}", node
    )


def check_beside(left: Node, right: Node, source: Source) -> None:
    """Raise a `FormulaError` for what brms has left of ``~`` after a bar: ``y | se(s)``."""
    if not (isinstance(left, Operation) and left.op in ("|", "||") and left.left is not None):
        return
    y, terms = source.of(left.left).strip(), source.of(right)
    for call in (part for _, part, _ in summands(left.right)):
        if isinstance(call, Call) and call.name in BESIDE_THE_RESPONSE:
            x, first = source.of(call.args[0]) if call.args else "", ""
            if x and not (isinstance(call.args[0], Token) and call.args[0].kind == "name"):  # trials(10), se(sqrt(v))
                x, first = call.name, f" First make {x} a column of the data, named {call.name}."
            meaning, formula, *rest = (text.format(y=y, x=x, right=terms) for text in BESIDE_THE_RESPONSE[call.name])
            advice = f"{meaning}. {f'Write {formula}' if formula else ''}{''.join(rest)}.{first}"
            message = f"{call.name}() left of '~' is {advice}"
            raise FormulaError(message, source.text, call.start, call.stop, None if first else formula or None)
    raise source.at_operator(f"A bar does not stand left of '~': there the response stands alone, {y} ~ {terms}.", left)


def with_weights(formula: Formula, weights: str | None, family: ResponseKind) -> Formula:
    """The formula with ``weights`` as the trials of its response; unchanged where they are precisions, or None."""
    if weights is not None and not isinstance(weights, str):
        raise FitError(
            f"weights is the name of a column, such as 'n', not {offending(weights)}: values are added to the data "
            f"first, data.assign(n=...)."
        )
    if weights is None or family.weights == "precisions":
        return formula
    if family.weights != "trials":
        raise FitError(
            f"weights={weights!r}: only the binomial family reads weights, as the number of trials of a proportion, "
            f"k/n ~ x with weights='n', and the gaussian, as precisions. Leave weights out."
        )
    if formula.response.trials is not None:
        raise FitError(f"weights={weights!r}: the response {formula.response} says the number of trials already.")
    return replace(formula, response=as_counts(formula.response, weights))


def as_counts(response: Response, weights: str) -> Response:
    """Successes out of trials: ``k/n`` with weights ``n`` is ``p(k, n)``, ``q`` is ``p(I(q * n), n)``."""
    successes = response.variable.removeprefix("I(").removesuffix(f"{DIVIDED}{weights})")
    if response.variable != f"I({successes}{DIVIDED}{weights})":
        for name in (response.variable, weights):
            if not (PLAIN_NAME.match(name) or is_call(name)):
                raise FormulaError(f"Beside weights= the column {name!r} needs a plain name: rename it in the data.")
        successes = f"I({response.variable} * {weights})"
    return Response(successes, weights, str(response))


def column(node: Token, source: Source) -> str:
    """The name of a column; one that looks like a call is an error, since its text would mean the call."""
    name = node.text
    if is_call(name):
        raise source.error(f"{shown(name)} in back-quotes reads as the function: rename this column.", node)
    return name


def _counts(node: Call, source: Source) -> Response:
    """``cbind(k, f)``: the trials are ``k + f``; of ``cbind(k, n - k)`` they are ``n``."""
    if len(node.args) != 2:
        raise source.error("Write cbind(k, n - k): the successes, then the failures.", node)
    successes, failures = node.args
    both = Operation("+", successes, failures, node.start, node.stop, node.start)  # to be checked as arithmetic
    check_call(Call("I", (both,), node.start, node.stop), source)
    k, f = canonical(successes), canonical(failures)
    variable = successes.text if isinstance(successes, Token) else f"I({k})"
    first = f"({k})" if isinstance(successes, Operation) and successes.op not in "+-*/^" else k
    trials = f"I({first} + {f})" if isinstance(failures, Token) else f"I({first} + ({f}))"
    if isinstance(failures, Operation) and failures.op == "-" and canonical(failures.right) == k:
        whole = failures.left
        if isinstance(whole, Token) and whole.kind == "name":
            trials = whole.text
    return Response(variable, trials, f"cbind({shown(k)}, {shown(f)})")


def _ratio(node: Operation, source: Source) -> Response:
    """``k/n`` for itself, or, with ``weights="n"`` and a binomial family, for successes out of trials."""
    if not all(isinstance(side, Token) and side.kind == "name" for side in (node.left, node.right)):
        raise source.error(f"For arithmetic write I({source.of(node)}).", node)
    call = Call("I", (node,), node.start, node.stop)
    check_call(call, source)
    sides = (side.text for side in (node.left, node.right) if isinstance(side, Token))
    return Response(canonical(call), None, "/".join(map(quote, sides)))
