"""The model in equations: hierarchical, and fixed + random, with the priors and the reason why both are one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import indent

from hlm.explanation import symbols
from hlm.explanation.html_pieces import heading, wide
from hlm.explanation.math_expression import Expression, Line, Matrix, Name, Row, Sign, call, joined, row, vector
from hlm.explanation.math_html import math_html_lines
from hlm.explanation.math_latex import latex_lines
from hlm.explanation.math_text import plain, plain_lines
from hlm.explanation.predictor import centre_expression, distribution_argument, linear_predictor, linked, response
from hlm.explanation.prior_text import distribution
from hlm.explanation.structure import ModelStructure

_LINE_WIDTH = 64  # characters of a sum before it goes on in the next line


@dataclass(frozen=True, slots=True)
class Section:
    """A titled block of equations."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Equations:
    """The model's equations; print it for Unicode text, or ask for LaTeX or HTML."""

    sections: tuple[Section, ...]  # the hierarchical form, the fixed + random form, what links them, the priors
    why: str  # why the two forms are the same model; empty without groups

    @property
    def latex(self) -> str:
        """An ``aligned`` environment per section, each after a comment with its title."""
        return "\n\n".join(f"% {s.title}\n\\[\n{latex_lines(s.lines)}\n\\]" for s in self.sections)

    @property
    def html(self) -> str:
        """A table per section, under a heading, for a page."""
        return "\n".join(f"{heading(4, s.title)}\n{wide(math_html_lines(s.lines))}" for s in self.sections)

    @property
    def text(self) -> str:
        """Unicode text for a terminal."""
        blocks = [f"{s.title}\n{indent(plain_lines(s.lines), '    ')}" for s in self.sections]
        return "\n\n".join([*blocks, *([self.why] if self.why else [])])

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        blocks = [f"**{s.title}**\n\n$$\n{latex_lines(s.lines)}\n$$" for s in self.sections]
        return "\n\n".join([*blocks, *([self.why] if self.why else [])])


def equations(model: ModelStructure) -> Equations:
    """Both parametrisations of a model, and its priors."""
    shared, priors = tuple(_response_lines(model)), tuple(_prior_lines(model))
    hierarchical = (*shared, *_predictor(model, hierarchical=True), *_bar_lines(model, hierarchical=True))
    if not model.bars:
        return Equations((Section("The model", hierarchical), Section("Priors", priors)), "")
    random = (*shared, *_predictor(model, hierarchical=False), *_bar_lines(model, hierarchical=False))
    sections = (
        Section("Hierarchical: each group has coefficients of its own", hierarchical),
        Section("Fixed + random: a common part and departures from it", random),
        Section("From one to the other", tuple(_links(model))),
        Section("Covariance of what varies together", tuple(_covariances(model))),
        Section("Priors, the same in both forms", priors),
    )
    return Equations(tuple(section for section in sections if section.lines), _why(model))


def _response_lines(model: ModelStructure) -> Iterator[Line]:
    family, arguments = model.family, [distribution_argument(name, model) for name in model.family.arguments]
    yield Line(response(model), "~", call(family.distribution, *arguments), f"for {_rows_text(model)}")
    if family.has_predictor_per_label:
        parent = symbols.observed(symbols.parameter("p"), model)
        remark = "for every label c but the first, whose predictor is 0"
        yield Line(parent, "=", call("softmax", symbols.eta(model)), remark)
    given_eta = call(f"inv{family.link}", row(symbols.THRESHOLD, "−", symbols.eta(model)))
    if family.name == "cumulative":
        yield Line(call("P", row(response(model), "≤", "c")), "=", given_eta, "thresholds, in rising order")
    if family.name == "sratio":
        yield Line(call("P", row(response(model), "=", "c", "|", "≥", "c")), "=", given_eta, "thresholds")


def _predictor(model: ModelStructure, *, hierarchical: bool) -> Iterator[Line]:
    """The linear predictor, broken into several lines where it is long."""
    pieces: list[list[Expression]] = [[]]
    for term in linear_predictor(model, hierarchical=hierarchical):
        if pieces[-1] and len(plain(joined([*pieces[-1], term], "+"))) > _LINE_WIDTH:
            pieces.append([])
        pieces[-1].append(term)
    yield Line(linked(model), "=", joined(pieces[0], "+") if pieces[0] else Sign("0"))
    yield from (Line(Row(()), "", row("+", joined(piece, "+"))) for piece in pieces[1:])


def _bar_lines(model: ModelStructure, *, hierarchical: bool) -> Iterator[Line]:
    """The distribution of the groups' coefficients around their centres, or of their departures around 0."""
    letter = symbols.coefficient if hierarchical else symbols.departure
    for bar in model.bars:
        left = vector([letter(bar, column, model) for column in bar.columns])
        centres = [centre_expression(bar, column, model) if hierarchical else Sign("0") for column in bar.columns]
        if len(centres) == 1:
            right = call("Normal", centres[0], symbols.spread(bar, bar.columns[0], model))
        else:
            right = call("MVNormal", vector(centres), symbols.matrix("Σ", bar, model))
        factor = bar.factor
        yield Line(left, "~", right, f"for each {factor.name}, {factor.letter} = 1, …, {factor.size_text}")


def _links(model: ModelStructure) -> Iterator[Line]:
    """Each own coefficient as centre plus departure; a common coefficient under both its names."""
    for bar in model.bars:
        for column in bar.columns:
            if bar.centre(column) is not None:
                own, centre = symbols.coefficient(bar, column, model), centre_expression(bar, column, model)
                yield Line(own, "=", row(centre, "+", symbols.departure(bar, column, model)))
    for column in model.common:
        if model.varies(column):
            yield Line(symbols.centre(column, model), "=", symbols.common(column, model))


def _covariances(model: ModelStructure) -> Iterator[Line]:
    for bar in model.bars:
        if bar.correlation is None:
            continue
        scale = call("diag", *(symbols.spread(bar, column, model) for column in bar.columns))
        omega = symbols.matrix("Ω", bar, model)
        yield Line(symbols.matrix("Σ", bar, model), "=", row(scale, "·", omega, "·", scale))
        if len(bar.columns) == 2:
            rho = symbols.correlation(bar, model)
            yield Line(omega, "=", Matrix(((Sign("1"), rho), (rho, Sign("1")))), "their correlation")


def _prior_lines(model: ModelStructure) -> Iterator[Line]:
    for prior in model.priors:
        left, remark = symbols.symbol(prior, model), prior.label
        if prior.role == "correlation" and prior.bar is not None:
            left = symbols.matrix("Ω", model.bars[prior.bar], model)
        elif prior.role == "intercept" and model.centred:
            left, remark = joined([left, *_averages(model)], "+"), f"{prior.label} of the average row"
        if prior.bar is not None and model.model.is_orthogonalised(model.bars[prior.bar].block):
            remark += f", at the mean of {' and '.join(c.label for c in model.bars[prior.bar].held)}"
        yield Line(left, "~", distribution(prior, model), remark)
    if model.family.has_thresholds:
        yield Line(symbols.THRESHOLD, "~", call("Normal", "…", "…"), "threshold: Bambi's default")


def _averages(model: ModelStructure) -> list[Expression]:
    """The slopes times the means of their columns, which the intercept's prior includes."""
    if len(model.centred) > 2:
        return [row("∑", Name(" slope"), "·", call("mean", Name("predictor")))]
    return [row(symbols.centre(c, model), "·", symbols.average(c)) for c in model.centred]


def _rows_text(model: ModelStructure) -> str:
    if len(model.factors) == 1:
        factor = model.factors[0]
        rows = "" if model.rows is None else f" ({model.rows} rows in all)"
        return f"row i of {factor.name} {factor.letter}{rows}"
    return f"row i = 1, …, {'N' if model.rows is None else model.rows}"


def _why(model: ModelStructure) -> str:
    first = next(iter(_links(model)), None)
    example = "" if first is None else f": {plain(first.left)} = {plain(first.right)}"
    return (
        f"Why these are the same model: a normal variable with mean m is m plus a normal one with mean 0{example}. "
        "Putting this into the first form gives the second. The parameters, their priors and every prediction are "
        "the same; only the names of the pieces differ."
    )
