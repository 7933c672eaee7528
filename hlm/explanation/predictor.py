"""The parts of the equations that the diagram shares: the response, its distribution, and the linear predictor."""

from __future__ import annotations

from hlm.explanation import symbols
from hlm.explanation.math_expression import Expression, Greek, Name, Sign, call, joined, row
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, Factor, ModelStructure, column_centre


def response(model: ModelStructure) -> Expression:
    """The response of one row."""
    return symbols.observed(Name(model.response), model)


def response_distribution(model: ModelStructure) -> Expression:
    """The family's distribution with its parameters."""
    arguments: list[Expression] = []
    for name in model.family.arguments:
        if name == "n":
            arguments.append(symbols.observed(Name(str(model.formula.response.trials)), model))
        elif name == model.family.parent:
            arguments.append(symbols.observed(symbols.parameter(name), model))
        else:
            arguments.append(symbols.parameter(name))
    return call(model.family.distribution, *arguments)


def linked(model: ModelStructure) -> Expression:
    """The left side of the predictor: the parent parameter under its link."""
    parent = symbols.observed(symbols.parameter(model.family.parent), model)
    if model.family.has_predictor_per_label:
        return symbols.observed(Greek("η"), model)
    match model.family.link:
        case "identity":
            return parent
        case "inverse":
            return row("1", "/", parent)
        case "inverse_squared":
            return row("1", "/", parent, "²")
        case link:
            return call(link, parent) if not model.ordinal else symbols.observed(Greek("η"), model)


def linear_predictor(model: ModelStructure, *, hierarchical: bool) -> tuple[tuple[Expression, Column], ...]:
    """The summands as pairs of a coefficient and its column, what varies first."""
    varies = any(INTERCEPT_COLUMN in bar.columns for bar in model.bars)
    first = (INTERCEPT_COLUMN,) if varies or INTERCEPT_COLUMN in model.common else ()
    summands: list[tuple[Expression, Column]] = []
    for column in (*first, *model.slopes):
        parts = coefficient_parts(column, model, hierarchical=hierarchical)
        bracketed = len(parts) > 1 and len(first) + len(model.slopes) > 1
        whole = joined(parts, "+")
        summands.append((row("(", whole, ")") if bracketed else whole, column))
    return tuple(summands)


def offsets(model: ModelStructure) -> tuple[Expression, ...]:
    """What is added without a coefficient."""
    return tuple(symbols.observed(Name(variable), model) for variable in model.formula.offsets)


def coefficient_parts(column: Column, model: ModelStructure, *, hierarchical: bool) -> list[Expression]:
    """What is added up to a column's coefficient in one row."""
    carriers = model.carriers(column)
    if not hierarchical:
        shared = [symbols.common(column, model)] if column in model.common else []
        return [*shared, *(symbols.departure(bar, column, model, row_of=True) for bar, _ in carriers)]
    return [
        symbols.common(column, model) if bar is None else symbols.coefficient(bar, column, model, row_of=True)
        for bar in coefficient_sources(column, model)
    ]


def coefficient_sources(column: Column, model: ModelStructure) -> list[Bar | None]:
    """Where the parts of a column's coefficient in the hierarchical form come from; None is the common coefficient."""
    carriers = model.carriers(column)
    own: list[Bar | None] = [bar for bar, inside in carriers if not inside]
    carried = any(not symbols.is_departure(bar, column, model) for bar, _ in carriers)
    return [None, *own] if column in model.common and not carried else own


def centre_expression(bar: Bar, column: Column, model: ModelStructure) -> Expression:
    """What a column's coefficients vary around."""
    centre = column_centre(bar, column)
    if isinstance(centre, Factor):
        return symbols.outer(bar, column, centre, model)
    return Sign("0") if centre is None else symbols.centre(column, model)
