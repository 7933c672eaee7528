"""The model as a tree for its diagram: the data at the root, above it what they are drawn from, and so on up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hlm.explanation import predictor, symbols
from hlm.explanation.math_expression import Expression, Name, Row, Sign, joined, row
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.prior_text import distribution
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, ModelStructure
from hlm.explanation.words_nouns import noun
from hlm.model.prior_distributions import prior_shape
from hlm.model.shapes import Shape

_MOST_CURVES = 3  # parameters of a kind that have a curve each; more share one place
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
    ellipses: bool = False  # whether it is a distribution of several correlated coefficients
    lines: tuple[Expression, ...] = ()  # more expressions, one a line
    caption: str = ""
    plate: str = ""  # the label of the plate around it; empty for none
    links: tuple[Link, ...] = ()  # what it depends on, from left to right

    @property
    def has_curve(self) -> bool:
        """Whether a curve, bars or ellipses are drawn."""
        return bool(self.shapes or self.bars or self.ellipses)

    @property
    def has_ticks(self) -> bool:
        """Whether numbers stand below the curve."""
        return len(self.shapes) == 1 and bool(self.shapes[0].marks)

    @property
    def has_border(self) -> bool:
        """Whether a box is drawn around the head."""
        return self.kind in ("predictor", "data")


def model_tree(model: ModelStructure) -> Node:
    """The data node, with everything that it depends on above it."""
    rows = "one row of the data" if model.rows is None else f"the data: {model.rows} rows"
    return Node("data", row(predictor.response(model)), caption=rows, links=(Link(_response(model), (0,)),))


def _response(model: ModelStructure) -> Node:
    family, links = model.family, list[Link]()
    for place, name in enumerate(family.arguments):
        if name == family.parent:
            links.insert(0, Link(_predictor(model), (2 + 2 * place,)))
        elif name != "n":
            links.append(Link(_prior(model.prior(name), model, family.auxiliary[name].caption), (2 + 2 * place,)))
    head = _call(family.distribution, [predictor.distribution_argument(name, model) for name in family.arguments])
    caption = "thresholds between the labels: Bambi's priors" if family.has_thresholds else ""
    shapes = () if family.curve is None else (family.curve,)
    return Node("response", head, shapes, family.bars, caption=caption, links=tuple(links))


def _predictor(model: ModelStructure) -> Node:
    """The sum; its links are the bars and priors that its coefficients come from."""
    parts: list[Expression] = [predictor.linked(model)]
    slots: dict[int | Column, list[int]] = {}
    for column in model.columns:
        sources = predictor.coefficient_parts(column, model)
        bracketed = len(sources) > 1 and column != INTERCEPT_COLUMN
        parts += [Sign("+"), Sign("(")] if bracketed else [Sign("+")]
        for place, (bar, part) in enumerate(sources):
            parts += [Sign("+"), part] if place else [part]
            slots.setdefault(column if bar is None else model.bars.index(bar), []).append(len(parts) - 1)
        parts += [Sign(")")] if bracketed else []
        parts += [Sign("·"), symbols.regressor(column, model)] if column != INTERCEPT_COLUMN else []
    parts += [part for offset in predictor.offsets(model) for part in (Sign("+"), offset)]
    head = row(parts[0], "=", *(parts[2:] or [Sign("0")]))  # the sign before the first summand is the relation
    return Node("predictor", head, links=tuple(_feeders(slots, model)))


def _feeders(slots: dict[int | Column, list[int]], model: ModelStructure) -> Iterator[Link]:
    """The bars, and the priors of the coefficients that do not vary: each alone, or all in one place if many."""
    plain = [key for key in slots if isinstance(key, Column)]
    for key, places in sorted(slots.items(), key=lambda item: item[1][0]):
        if not isinstance(key, Column):
            yield Link(_bar(model.bars[key], model), tuple(places))
        elif len(plain) <= _MOST_CURVES or key == plain[0]:
            here = [key] if len(plain) <= _MOST_CURVES else plain
            yield from _common_links(here, [slots[column][0] for column in here], model)


def _bar(bar: Bar, model: ModelStructure) -> Node:
    """A distribution of the groups' coefficients, with the priors of its means, sds and correlation above it."""
    factor, width, several = bar.factor, len(bar.columns), len(bar.columns) > 1
    arguments = [predictor.centre_expression(bar, column, model) for column in bar.columns]
    arguments += [symbols.spread(bar, column, model) for column in bar.columns]
    slots = [2 + 2 * place for place in range(2 * width + 1)]
    captions = [f"how much the {noun(column)} differs by {factor.name}" for column in bar.columns]
    together = f"how much they differ by {factor.name}"
    links = list(_mean_links(bar, slots[:width], model))
    links += _links(model.sd_priors(bar), slots[width:-1], captions, model, together)
    if bar.correlation is not None:
        arguments.append(symbols.correlation(bar, model))
        links.append(Link(_prior(model.prior(bar.correlation), model, "their correlation", width), (slots[-1],)))
    plate = f"{factor.name}: {factor.letter} = 1, …, {factor.size_text}"
    what = " and ".join(map(noun, bar.columns)) if width < 4 else "coefficients"
    caption = f"{what} of each {factor.name}"
    normal = prior_shape("Normal", {})
    shapes = () if several or normal is None else (Shape(normal.heights, 0, 0),)
    head = _call("MVNormal" if several else "Normal", arguments)
    return Node("group", head, shapes, ellipses=several, caption=caption, plate=plate, links=tuple(links))


def _mean_links(bar: Bar, slots: list[int], model: ModelStructure) -> Iterator[Link]:
    """What the means come from: a coarser bar, or priors; nothing where the mean is 0."""
    means = list(zip(bar.columns, slots, bar.centres, strict=True))
    for other in model.bars:
        inner = tuple(s for c, s, centre in means if centre == other.factor and c in other.columns)
        if inner:
            yield Link(_bar(other, model), inner)
    common = [(c, s) for c, s, centre in means if isinstance(centre, Column)]
    yield from _common_links([column for column, _ in common], [slot for _, slot in common], model)


def _common_links(columns: list[Column], slots: list[int], model: ModelStructure) -> Iterator[Link]:
    """The priors of common coefficients."""
    captions = []
    for column in columns:
        average = ", at average predictors" if column == INTERCEPT_COLUMN and model.centred else ""
        captions.append(f"{'common ' if model.varies(column) else ''}{noun(column)}{average}")
    priors = [model.coefficient_prior(column) for column in columns]
    yield from _links(priors, slots, captions, model, "common coefficients")


def _links(
    priors: list[ParameterPrior], slots: list[int], captions: list[str], model: ModelStructure, together: str
) -> Iterator[Link]:
    """Each prior alone; if there are many, all in one place, with their curves on one axis and a line each below."""
    if len(priors) <= _MOST_CURVES:
        for prior, slot, caption in zip(priors, slots, captions, strict=True):
            yield Link(_prior(prior, model, caption), (slot,))
        return
    shapes = [prior_shape(prior.distribution, prior.numbers) for prior in priors]
    known = tuple(Shape(s.heights, s.low, s.high) for s in shapes if s is not None)
    lines = tuple(row(symbols.symbol(prior, model), "~", distribution(prior, model)) for prior in priors)
    yield Link(Node("prior", None, known, lines=lines, caption=together), tuple(slots))


def _prior(prior: ParameterPrior, model: ModelStructure, caption: str, size: int = 2) -> Node:
    shape = prior_shape(prior.distribution, prior.numbers, size=size)
    if shape is not None and any(q.value is None for _, q in prior.args):
        shape = Shape(shape.heights, shape.low, shape.high)  # no axis numbers without numbers
    return Node("prior", row(distribution(prior, model)), () if shape is None else (shape,), caption=caption)


def _call(name: str, arguments: list[Expression]) -> Row:
    """A distribution; the place of its first argument is 2, that of the next 4."""
    return row(Name(name), "(", *joined(arguments, ",").parts, ")")
