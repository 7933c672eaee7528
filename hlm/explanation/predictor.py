"""The parts of the equations that the diagram shares: the response, its distribution, and the linear predictor."""

from __future__ import annotations

from hlm.explanation import symbols
from hlm.explanation.math_expression import Expression, Name, Sign, call, joined, row
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, Factor, ModelStructure


def response(model: ModelStructure) -> Expression:
    """The response of one row."""
    return symbols.observed(Name(model.response), model)


def distribution_argument(name: str, model: ModelStructure) -> Expression:
    """An argument of the family's distribution: the trials, what the formula describes, or the family's own."""
    if name == "n":
        return symbols.observed(Name(str(model.formula.response.trials)), model)
    parameter = symbols.parameter(name)
    return symbols.observed(parameter, model) if name == model.family.parent else parameter


def linked(model: ModelStructure) -> Expression:
    """The left side of the predictor: the parent parameter under its link."""
    if model.family.has_predictor_per_label or model.family.has_thresholds:
        return symbols.eta(model)
    parent = symbols.observed(symbols.parameter(model.family.parent), model)
    match model.family.link:
        case "identity":
            return parent
        case "inverse":
            return row("1", "/", parent)
        case "inverse_squared":
            return row("1", "/", parent, "²")
        case link:
            return call(link, parent)


def linear_predictor(model: ModelStructure, *, hierarchical: bool) -> tuple[Expression, ...]:
    """The summands, what varies first; offsets have no coefficient."""
    summands: list[Expression] = []
    for column in model.columns:
        if hierarchical:
            parts = [part for _, part in coefficient_parts(column, model)]
        else:
            parts = [symbols.common(column, model)] if column in model.common else []
            parts += [symbols.departure(bar, column, model, row_of=True) for bar, _ in model.carriers(column)]
        whole: Expression = joined(parts, "+")
        if len(parts) > 1 and len(model.columns) > 1:
            whole = row("(", whole, ")")
        summands.append(whole if column == INTERCEPT_COLUMN else row(whole, "·", symbols.regressor(column, model)))
    return (*summands, *offsets(model))


def offsets(model: ModelStructure) -> tuple[Expression, ...]:
    """What is added without a coefficient."""
    return tuple(symbols.observed(Name(variable), model) for variable in model.formula.offsets)


def coefficient_parts(column: Column, model: ModelStructure) -> list[tuple[Bar | None, Expression]]:
    """What adds up to a column's coefficient in the hierarchical form, each part with its bar; None if it is common."""
    carriers = model.carriers(column)
    carried = any(not symbols.is_departure(bar, column, model) for bar, _ in carriers)
    shared = [(None, symbols.common(column, model))] if column in model.common and not carried else []
    own = [(bar, symbols.coefficient(bar, column, model, row_of=True)) for bar, inner in carriers if not inner]
    return [*shared, *own]


def centre_expression(bar: Bar, column: Column, model: ModelStructure) -> Expression:
    """What a column's coefficients vary around."""
    centre = bar.centre(column)
    if isinstance(centre, Factor):
        return symbols.outer(bar, column, centre, model)
    return Sign("0") if centre is None else symbols.centre(column, model)
