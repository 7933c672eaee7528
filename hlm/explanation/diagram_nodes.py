"""The model as a tree for its diagram: the data at the root, above it what they are drawn from, and so on up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hlm.explanation import symbols
from hlm.explanation.math_expression import Expression, Name, Row, Sign, row
from hlm.explanation.predictor import centre_expression, coefficient_sources, linked, offsets, response
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.prior_text import distribution
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, Factor, ModelStructure, column_centre
from hlm.explanation.words_nouns import noun
from hlm.model.names import coefficient
from hlm.model.prior_distributions import prior_shape
from hlm.model.shapes import Shape

_ALONE = 3  # so many parameters of a kind have a curve each; more share one place
Kind = Literal["prior", "group", "predictor", "response", "data"]


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from a node above to parts of the head of the node below, by their places in it."""

    node: Node
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """One box of the diagram."""

    kind: Kind
    head: Row | None = None  # the expression on top; arrows from above end at its parts
    shapes: tuple[Shape, ...] = ()  # the curves, drawn over each other
    bars: tuple[float, ...] = ()  # probabilities, where there is no density
    lines: tuple[Expression, ...] = ()  # more expressions, one a line
    caption: str = ""
    plate: str = ""  # the label of the plate around it; empty for none
    links: tuple[Link, ...] = ()  # what it depends on, from left to right
    ellipses: bool = False  # whether it is a distribution of several correlated coefficients


def model_tree(model: ModelStructure) -> Node:
    """The data node, with everything that it depends on above it."""
    rows = "one row of the data" if model.rows is None else f"the data: {model.rows} rows"
    return Node("data", row(response(model)), caption=rows, links=(Link(_response(model), (0,)),))


def _response(model: ModelStructure) -> Node:
    family, parts = model.family, _Parts()
    parts.add(Name(family.distribution), Sign("("))
    links: list[Link] = []
    for place, name in enumerate(family.arguments):
        if place:
            parts.add(Sign(","))
        if name == "n":
            parts.add(symbols.observed(Name(str(model.formula.response.trials)), model))
        elif name == family.parent:
            slot = parts.add(symbols.observed(symbols.parameter(name), model))
            links.insert(0, Link(_predictor(model), (slot,)))
        else:
            slot = parts.add(symbols.parameter(name))
            links.append(Link(_prior(model.prior(name), model, family.auxiliary[name].caption), (slot,)))
    parts.add(Sign(")"))
    caption = "thresholds between the labels: Bambi's priors" if model.ordinal else ""
    shapes = () if family.curve is None else (family.curve,)
    return Node("response", parts.row, shapes, family.bars, caption=caption, links=tuple(links))


def _predictor(model: ModelStructure) -> Node:
    """The sum; its links are the bars and priors that its coefficients come from."""
    parts = _Parts()
    parts.add(linked(model), Sign("="))
    slots: dict[int | Column, list[int]] = {}
    varies = any(INTERCEPT_COLUMN in bar.columns for bar in model.bars) or INTERCEPT_COLUMN in model.common
    for number, column in enumerate(((INTERCEPT_COLUMN,) if varies else ()) + model.slopes):
        if number:
            parts.add(Sign("+"))
        sources = coefficient_sources(column, model)
        bracketed = len(sources) > 1 and column != INTERCEPT_COLUMN
        parts.add(*([Sign("(")] if bracketed else []))
        for place, bar in enumerate(sources):
            parts.add(*([Sign("+")] if place else []))
            own = symbols.common(column, model) if bar is None else symbols.coefficient(bar, column, model, row_of=True)
            slots.setdefault(column if bar is None else model.bars.index(bar), []).append(parts.add(own))
        parts.add(*([Sign(")")] if bracketed else []))
        if column != INTERCEPT_COLUMN:
            parts.add(Sign("·"), symbols.regressor(column, model))
    for offset in offsets(model):
        parts.add(*([Sign("+")] if len(parts.row.parts) > 2 else []), offset)
    if len(parts.row.parts) == 2:
        parts.add(Sign("0"))
    return Node("predictor", parts.row, links=tuple(_feeders(slots, model)))


def _feeders(slots: dict[int | Column, list[int]], model: ModelStructure) -> Iterator[Link]:
    """The bars, and the priors of the coefficients that do not vary: each alone, or all in one place if many."""
    plain = [key for key in slots if isinstance(key, Column)]
    shared = len(plain) > _ALONE
    for key, places in sorted(slots.items(), key=lambda item: item[1][0]):
        if not isinstance(key, Column):
            yield Link(_bar(model.bars[key], model), tuple(places))
        elif not shared:
            yield Link(_prior(_common_prior(key, model), model, _common_caption(key, model)), tuple(places))
        elif key == plain[0]:
            priors = [_common_prior(column, model) for column in plain]
            yield Link(_list(priors, model, "common coefficients"), tuple(slots[c][0] for c in plain))


def _bar(bar: Bar, model: ModelStructure) -> Node:
    """A distribution of the groups' coefficients, with the priors of its means, sds and correlation above it."""
    parts = _Parts()
    several = len(bar.columns) > 1
    parts.add(Name("MVNormal" if several else "Normal"), Sign("("))
    means = []
    for place, column in enumerate(bar.columns):
        parts.add(*([Sign(",")] if place else []))
        means.append(parts.add(centre_expression(bar, column, model)))
    links = list(_mean_links(bar, means, model))
    sds = [parts.add(Sign(","), symbols.spread(bar, column, model)) for column in bar.columns]
    priors = [model.prior(bar.sd_name(column), column) for column in bar.columns]
    captions = [f"how much the {noun(column)} differs by {bar.factor.name}" for column in bar.columns]
    links += _links(priors, sds, captions, model, f"how much they differ by {bar.factor.name}")
    if bar.correlation is not None:
        slot = parts.add(Sign(","), symbols.correlation(bar, model))
        links.append(Link(_prior(model.prior(bar.correlation), model, "their correlation", len(bar.columns)), (slot,)))
    parts.add(Sign(")"))
    factor = bar.factor
    plate = f"{factor.name}: {factor.letter} = 1, …, {factor.size_text}"
    caption = (
        f"{' and '.join(map(noun, bar.columns)) if len(bar.columns) < 4 else 'coefficients'} of each {factor.name}"
    )
    normal = prior_shape("Normal", {})
    shapes = () if several or normal is None else (Shape(normal.heights, 0, 0),)
    return Node("group", parts.row, shapes, caption=caption, plate=plate, links=tuple(links), ellipses=several)


def _mean_links(bar: Bar, slots: list[int], model: ModelStructure) -> Iterator[Link]:
    """What the means come from: a coarser bar, or priors; nothing where the mean is 0."""
    coarse = [(c, s) for c, s in zip(bar.columns, slots, strict=True) if isinstance(column_centre(bar, c), Factor)]
    for other in model.bars:
        inner = tuple(s for c, s in coarse if column_centre(bar, c) == other.factor and c in other.columns)
        if inner:
            yield Link(_bar(other, model), inner)
    common = [(c, s) for c, s in zip(bar.columns, slots, strict=True) if isinstance(column_centre(bar, c), Column)]
    priors = [_common_prior(column, model) for column, _ in common]
    captions = [_common_caption(column, model) for column, _ in common]
    yield from _links(priors, [slot for _, slot in common], captions, model, "common coefficients")


def _links(
    priors: list[ParameterPrior], slots: list[int], captions: list[str], model: ModelStructure, together: str
) -> Iterator[Link]:
    if len(priors) > _ALONE:
        yield Link(_list(priors, model, together), tuple(slots))
        return
    for prior, slot, caption in zip(priors, slots, captions, strict=True):
        yield Link(_prior(prior, model, caption), (slot,))


def _prior(prior: ParameterPrior, model: ModelStructure, caption: str, size: int = 2) -> Node:
    shape = prior_shape(prior.distribution, prior.numbers, size=size)
    if shape is not None and any(q.value is None for _, q in prior.args):
        shape = Shape(shape.heights, shape.low, shape.high)  # no axis numbers without numbers
    return Node("prior", row(distribution(prior, model)), () if shape is None else (shape,), caption=caption)


def _list(priors: list[ParameterPrior], model: ModelStructure, caption: str) -> Node:
    """Several priors in one place: their curves on one axis, a line each below."""
    shapes = [prior_shape(p.distribution, p.numbers) for p in priors]
    known = [Shape(s.heights, s.low, s.high) for s in shapes if s is not None]
    lines = tuple(row(symbols.symbol(p, model), "~", distribution(p, model)) for p in priors)
    return Node("prior", None, tuple(known), lines=lines, caption=caption)


def _common_prior(column: Column, model: ModelStructure) -> ParameterPrior:
    return model.prior(coefficient(column.term), column)


def _common_caption(column: Column, model: ModelStructure) -> str:
    varies = "common " if any(column in bar.columns for bar in model.bars) else ""
    average = ", at average predictors" if column == INTERCEPT_COLUMN and model.centred else ""
    return f"{varies}{noun(column)}{average}"


class _Parts:
    """An expression in the making, whose parts know their places."""

    def __init__(self) -> None:
        self._parts: list[Expression] = []

    def add(self, *parts: Expression) -> int:
        """Append; returns the place of the last part."""
        self._parts += parts
        return len(self._parts) - 1

    @property
    def row(self) -> Row:
        return Row(tuple(self._parts))
