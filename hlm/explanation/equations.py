"""The model in equations: hierarchical, and fixed + random, with the priors and the reason why both are one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hlm.explanation import symbols
from hlm.explanation.math_expression import (
    EMPTY,
    Expression,
    Greek,
    Line,
    Matrix,
    Name,
    Scripted,
    Sign,
    call,
    joined,
    row,
    vector,
)
from hlm.explanation.math_latex import latex_lines
from hlm.explanation.math_mathml import mathml_lines
from hlm.explanation.math_text import plain, plain_lines
from hlm.explanation.predictor import (
    centre_expression,
    linear_predictor,
    linked,
    offsets,
    response,
    response_distribution,
)
from hlm.explanation.prior_text import distribution
from hlm.explanation.regressors import INTERCEPT_COLUMN
from hlm.explanation.structure import Bar, Factor, ModelStructure, column_centre

_LINE_WIDTH = 64  # characters of a sum before it goes on in the next line


@dataclass(frozen=True, slots=True)
class Section:
    """A titled block of equations."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Equations:
    """The model's equations; print it for Unicode text, or ask for LaTeX or MathML.

    Attributes
    ----------
    sections : tuple of Section
        The hierarchical form, the fixed + random form, what links them, the priors.
    why : str
        Why the two forms are the same model; empty without groups.
    """

    sections: tuple[Section, ...]
    why: str

    @property
    def latex(self) -> str:
        """An ``aligned`` environment per section, each after a comment with its title."""
        return "\n\n".join(f"% {s.title}\n\\[\n{latex_lines(s.lines)}\n\\]" for s in self.sections)

    @property
    def mathml(self) -> str:
        """One ``math`` element per section, under a heading."""
        return "\n".join(f"<h4>{s.title}</h4>\n{mathml_lines(s.lines, s.title)}" for s in self.sections)

    @property
    def text(self) -> str:
        """Unicode text for a terminal."""
        blocks = [f"{s.title}\n{_indented(plain_lines(s.lines))}" for s in self.sections]
        return "\n\n".join([*blocks, *([self.why] if self.why else [])])

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def _repr_markdown_(self) -> str:
        blocks = [f"**{s.title}**\n\n$$\n{latex_lines(s.lines)}\n$$" for s in self.sections]
        return "\n\n".join([*blocks, *([self.why] if self.why else [])])


def equations(model: ModelStructure) -> Equations:
    """Both parametrisations of a model, and its priors."""
    priors = Section("Priors, the same in both forms", tuple(_prior_lines(model)))
    if not model.bars:
        lines = (*_response_lines(model), *_predictor(model, hierarchical=True))
        return Equations((Section("The model", lines), Section("Priors", priors.lines)), "")
    hierarchical = (*_response_lines(model), *_predictor(model, hierarchical=True), *_hierarchical_bars(model))
    random = (*_response_lines(model), *_predictor(model, hierarchical=False), *_departure_bars(model))
    links = tuple(_links(model))
    sections = [
        Section("Hierarchical: each group has coefficients of its own", hierarchical),
        Section("Fixed + random: a common part and departures from it", random),
        *([Section("From one to the other", links)] if links else []),
        *([Section("Covariance of what varies together", tuple(_covariances(model)))] if _correlated(model) else []),
        priors,
    ]
    return Equations(tuple(sections), _why(model))


def _response_lines(model: ModelStructure) -> Iterator[Line]:
    yield Line(response(model), "~", response_distribution(model), f"for {_rows_text(model)}")
    parent, eta = symbols.observed(symbols.parameter("p"), model), symbols.observed(Greek("η"), model)
    if model.family.has_predictor_per_label:
        remark = "for every label c but the first, whose predictor is 0"
        yield Line(parent, "=", call("softmax", eta), remark)
    if model.family.name == "cumulative":
        below = call("P", row(response(model), "≤", "c"))
        yield Line(below, "=", call("invlogit", row(_threshold(), "−", eta)), "thresholds, in rising order")
    if model.family.name == "sratio":
        stopping = call("P", row(response(model), "=", "c", "|", "≥", "c"))
        yield Line(stopping, "=", call("invlogit", row(_threshold(), "−", eta)), "thresholds")


def _predictor(model: ModelStructure, *, hierarchical: bool) -> Iterator[Line]:
    """The linear predictor, broken into several lines where it is long."""
    pieces: list[list[Expression]] = [[]]
    terms = [
        coefficient if column == INTERCEPT_COLUMN else row(coefficient, "·", symbols.regressor(column, model))
        for coefficient, column in linear_predictor(model, hierarchical=hierarchical)
    ]
    for term in (*terms, *offsets(model)):
        if pieces[-1] and len(plain(joined([*pieces[-1], term], "+"))) > _LINE_WIDTH:
            pieces.append([])
        pieces[-1].append(term)
    for number, piece in enumerate(pieces):
        body: Expression = joined(piece, "+") if piece else Sign("0")
        yield Line(linked(model), "=", body) if number == 0 else Line(EMPTY, "", row("+", body))


def _hierarchical_bars(model: ModelStructure) -> Iterator[Line]:
    for bar in model.bars:
        left = vector([symbols.coefficient(bar, column, model) for column in bar.columns])
        centres = [centre_expression(bar, column, model) for column in bar.columns]
        yield Line(left, "~", _normal(bar, centres, model), group_text(bar.factor))


def _departure_bars(model: ModelStructure) -> Iterator[Line]:
    for bar in model.bars:
        left = vector([symbols.departure(bar, column, model) for column in bar.columns])
        yield Line(left, "~", _normal(bar, [Sign("0")] * len(bar.columns), model), group_text(bar.factor))


def group_text(factor: Factor) -> str:
    """The range of a factor's index, in words."""
    return f"for each {factor.name}, {factor.letter} = 1, …, {factor.size_text}"


def _normal(bar: Bar, centres: list[Expression], model: ModelStructure) -> Expression:
    if len(centres) == 1:
        return call("Normal", centres[0], symbols.spread(bar, bar.columns[0], model))
    return call("MVNormal", vector(centres), symbols.covariance(bar, model))


def _links(model: ModelStructure) -> Iterator[Line]:
    """Each own coefficient as centre plus departure; a common coefficient under both its names."""
    for bar in model.bars:
        for column in bar.columns:
            if symbols.is_departure(bar, column, model) or column_centre(bar, column) is None:
                continue
            own = symbols.coefficient(bar, column, model)
            centre = centre_expression(bar, column, model)
            yield Line(own, "=", row(centre, "+", symbols.departure(bar, column, model)))
    for column in model.common:
        if any(column in bar.columns for bar in model.bars):
            yield Line(symbols.centre(column, model), "=", symbols.common(column, model))


def _correlated(model: ModelStructure) -> bool:
    return any(bar.correlation is not None for bar in model.bars)


def _covariances(model: ModelStructure) -> Iterator[Line]:
    for bar in model.bars:
        if bar.correlation is None:
            continue
        scale = call("diag", *(symbols.spread(bar, column, model) for column in bar.columns))
        omega = symbols.correlations(bar, model)
        yield Line(symbols.covariance(bar, model), "=", row(scale, "·", omega, "·", scale))
        if len(bar.columns) == 2:
            rho = symbols.correlation(bar, model)
            yield Line(omega, "=", Matrix(((Sign("1"), rho), (rho, Sign("1")))), "their correlation")


def _prior_lines(model: ModelStructure) -> Iterator[Line]:
    for prior in model.priors:
        left = symbols.symbol(prior, model)
        remark = prior.label
        if prior.role == "correlation" and prior.bar is not None:
            left = symbols.correlations(model.bars[prior.bar], model)
        elif prior.role == "intercept" and model.centred:
            left = joined([left, *_averages(model)], "+")
            remark = f"{prior.label} of the average row"
        yield Line(left, "~", distribution(prior, model), remark)
    if model.ordinal:
        yield Line(_threshold(), "~", call("Normal", Sign("…"), Sign("…")), "threshold: Bambi's default")


def _averages(model: ModelStructure) -> list[Expression]:
    """The slopes times the means of their columns, which the intercept's prior includes."""
    if len(model.centred) > 2:
        several = row("∑", Name(" slope"), "·", call("mean", Name("predictor")))
        return [several]
    return [row(symbols.centre(c, model), "·", symbols.average(c)) for c in model.centred]


def _threshold() -> Expression:
    return Scripted(Greek("θ"), (Sign("c"),))


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


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
