"""`cheatsheet`: lme4's syntax for one predictor and one group in the user's own names, with pictures of the lines.

A second table has what may stand in a term: functions, contrasts, single labels. Their words are those of `explain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from hlm.errors import FormulaError
from hlm.explanation.diagram_svg import text_width, wrapped
from hlm.explanation.explain import explain
from hlm.explanation.html_pieces import column, heading, picture, styled, table, wide
from hlm.explanation.math_expression import visible
from hlm.explanation.words import Sentence
from hlm.formula.formula import quote
from hlm.formula.parser import parse
from hlm.support.options import offending

if TYPE_CHECKING:
    import pandas as pd

_WIDTH, _HEIGHT = 132.0, 84.0
_GROUPS = (-1.5, -0.9, -0.3, 0.3, 0.9, 1.5)
_UNRELATED = (0.9, -1.2, 1.4, -0.5, -1.5, 0.8)  # slopes that do not go with the intercepts


@dataclass(frozen=True, slots=True)
class CheatRow:
    """One way to write a model."""

    formula: str
    meaning: str
    parameters: str  # how many, and which; K is the number of groups
    lines: str  # what the groups' lines look like, in words
    picture: str  # the same as a small SVG: a thin line per group, a thick line that all share


@dataclass(frozen=True, slots=True)
class Cheatsheet:
    """A table of formulas, and one of terms; prints as text, in Jupyter as HTML with pictures."""

    rows: tuple[CheatRow, ...]
    terms: tuple[Sentence, ...]  # what may stand in a term, and what it means
    title: str  # of the terms: which letters are no names of the user's

    def to_frame(self) -> pd.DataFrame:
        """Columns ``formula, meaning, parameters, lines``."""
        import pandas as pd

        return pd.DataFrame(list(self.rows)).drop(columns="picture")

    def __repr__(self) -> str:
        rows = [
            f"{visible(row.formula)}\n    {row.meaning}\n    lines: {row.lines}\n    {row.parameters}\n"
            for row in self.rows
        ]
        width = max(len(term.about) for term in self.terms)
        terms = [f"    {term.about:<{width}}  {term.text}" for term in self.terms]
        return "\n".join([*rows, self.title, *terms]) + "\n"

    def _repr_html_(self) -> str:
        rows = [
            (
                f"<div><code>{escape(visible(r.formula))}</code></div>{picture(r.picture, r.lines, shrinks=False)}",
                f"{column(r.meaning)}<div>Parameters: {escape(r.parameters)}</div>",
            )
            for r in self.rows
        ]
        terms = [(f"<code>{escape(term.about)}</code>", column(term.text)) for term in self.terms]
        formulas = wide(table(("formula, and the lines that it makes", "meaning"), rows))
        return styled(f"{formulas}{heading(4, escape(self.title))}{wide(table(('term', 'meaning'), terms))}")


def cheatsheet(response: str, x: str, group: str) -> Cheatsheet:
    """What lme4's formulas mean for one predictor and one grouping factor, in names of one's own.

    Parameters
    ----------
    response, x, group : str
        Names of columns, for example ``"post", "pre", "school"``.

    Returns
    -------
    Cheatsheet
        ``.rows`` with ``formula``, ``meaning``, ``parameters`` (of a gaussian model), ``lines``, ``picture``, and
        ``.terms`` with ``about`` and ``text``: functions, contrasts, other spellings. Prints as text, in Jupyter as
        tables with pictures.

    Raises
    ------
    FormulaError
        If the three names are not three different column names.

    Examples
    --------
    >>> from hlm import cheatsheet
    >>> sheet = cheatsheet("post", "pre", "school")
    >>> for row in sheet.rows[3:6]:
    ...     print(f"{row.formula:32} {row.lines}")
    post ~ pre + (1|school)          parallel
    post ~ pre + (0 + pre|school)    through one point, where pre is 0
    post ~ pre + (pre||school)       crossing, in no order
    """
    names = (response, x, group)
    if not all(isinstance(name, str) and name.strip() for name in names) or len(set(names)) < 3:
        given = ", ".join(map(offending, names))
        raise FormulaError(f"Give three different column names, as in cheatsheet('y', 'x', 'g'), not {given}.")
    written, shown = (dict(zip("yxg", map(change, names), strict=True)) for change in (quote, visible))
    rows = []
    for kind in _KINDS:
        formula, lines = kind.formula.format(**written), kind.lines.format(**shown)
        formula = str(parse(formula)) if kind.line is not None else formula
        meaning, picture = kind.meaning.format(**shown), _picture(kind, lines, shown["x"])
        rows.append(CheatRow(formula, meaning, kind.parameters, lines, picture))
    f, z = [letter for letter in "fzhkm" if letter not in names][:2]
    title = f"In a term ({f} is a column of labels such as a, b, c; {z} another one of numbers)"
    return Cheatsheet(tuple(rows), tuple(_terms(written | {"f": f, "z": z})), title)


def _terms(names: Mapping[str, str]) -> Iterator[Sentence]:
    """What may stand in a term. The words about functions are those that `explain` has for them."""
    for written, meaning in _SPELLINGS:
        yield Sentence(visible(written.format(**names)), visible(f"{meaning.format(**names)}."))
    computed = " + ".join(_COMPUTED).format(**names)
    for sentence in explain("{y} ~ {computed} + (1|{g})".format(**names, computed=computed)).words.functions:
        yield Sentence(sentence.about, sentence.text.removeprefix(f"{sentence.about} is "))


@dataclass(frozen=True, slots=True)
class _Kind:
    """A row before the names are known: ``{y}``, ``{x}``, ``{g}`` stand for them."""

    formula: str
    meaning: str
    parameters: str
    lines: str
    common: bool
    line: Callable[[int], tuple[float, float]] | None  # a group's intercept and slope, less the common ones


_KINDS = (
    _Kind("{y} ~ {x}", "Complete pooling: one line for everybody; {g} is ignored.",
          "3: intercept, slope, residual sd", "one line", True, None),
    _Kind("{y} ~ 0 + {g} + {g}:{x}", "No pooling: every {g} has its own line, from its own rows alone.",
          "2 K + 1 with K groups: K intercepts, K slopes, residual sd", "own lines, nothing shared", False,
          lambda k: (1.15 * _GROUPS[k], 1.7 * _UNRELATED[k])),
    _Kind("{y} ~ 1 + (1|{g})", "Every {g} has its own level, drawn towards the common level; {x} plays no part.",
          "3: mean, sd of the levels, residual sd", "flat and parallel", True, lambda k: (_GROUPS[k], 0.0)),
    _Kind("{y} ~ {x} + (1|{g})", "Every {g} has its own intercept; all share one slope for {x}.",
          "4: intercept, slope, sd of the intercepts, residual sd", "parallel", True, lambda k: (_GROUPS[k], 0.0)),
    _Kind("{y} ~ {x} + (0 + {x}|{g})", "Every {g} has its own slope for {x}; all share one intercept.",
          "4: intercept, slope, sd of the slopes, residual sd", "through one point, where {x} is 0", True,
          lambda k: (0.0, 1.4 * _GROUPS[k])),
    _Kind("{y} ~ {x} + ({x}||{g})", "Own intercept and own slope; one tells nothing about the other.",
          "5: intercept, slope, their two sds, residual sd", "crossing, in no order", True,
          lambda k: (_GROUPS[k], 1.5 * _UNRELATED[k])),
    _Kind("{y} ~ {x} + ({x}|{g})", "Own intercept and own slope, which may go together: a correlation is estimated.",
          "6: intercept, slope, their two sds, their correlation, residual sd",
          "crossing or fanning out, as the correlation says", True, lambda k: (0.9 * _GROUPS[k], _GROUPS[k])),
    _Kind("{y} ~ 1 + ({x}|{g})", "Own slopes that vary around 0: on average {x} has no effect. Rarely meant.",
          "5: intercept, two sds, their correlation, residual sd", "fanning out around a flat line", True,
          lambda k: (0.6 * _GROUPS[k], 1.2 * _GROUPS[k])),
    _Kind("{y} ~ {x} + mean_by({x}, {g}) + (1|{g})",
          "Parallel lines again; the mean of {x} in a {g} has an effect of its own, beside that of {x} within a {g}.",
          "5: intercept, two slopes, sd of the intercepts, residual sd", "parallel", True, lambda k: (_GROUPS[k], 0.0)),
)  # fmt: skip


_SPELLINGS = (
    ("{x}*{f}", "{x} + {f} + {x}:{f}: each level of {f} has a slope for {x} of its own"),
    ("({x} + {f})^2", "the same: all terms, and all products of two; ({x} + {f})**2 is another spelling"),
    ("(1|{f}/{g})", "(1|{f}) + (1|{f}:{g}): {g} lies within {f}, and its labels begin anew in each {f}"),
    ("(1|{f}) + (1|{g})", "crossed: a label of {g} is the same in every {f}"),
    ("(1|interaction({f}, {g}))", "(1|{f}:{g}), the cells of {f} and {g}"),
    ("us({x}|{g})", "({x}|{g}), as glmmTMB writes it"),
    ("diag({x}|{g})", "({x}||{g}), as glmmTMB writes it"),
    ("splines::ns({x}, df = 3)", "ns({x}, df = 3): prefixes of R's packages are read"),
    ("as.factor({f})", "factor({f}); so is C({f})"),
    ("ave({x}, {g})", "mean_by({x}, {g}), as R writes it"),
    ("cbind(k, n - k) ~ {x}", "left of ~: k successes out of n, in the family binomial; p(k, n) is the same"),
)  # fmt: skip
_COMPUTED = (
    "I({x}^2)", "I({x} > 3)", 'I({f} == "a")', 'I({f} %in% c("a", "b"))', 'dummy({f}, "a")', "factor({f})",
    'C({f}, Treatment("b"))', "C({f}, Sum)", "C({f}, Helmert)", "C({f}, Poly)",
    "mean_by({x}, {g})", "center({x})", "scale({x})", "log({x})", "log2({x})", "log10({x})",
    "log1p({x})", "exp({x})", "expm1({x})", "sqrt({x})", "abs({x})", "sin({x})", "cos({x})", "pmin({x}, {z})",
    "pmax({x}, 0)", "poly({x}, 2)", "bs({x}, df = 5)", "ns({x}, df = 3)", "offset(log({x}))",
)  # fmt: skip


def _picture(kind: _Kind, lines: str, x: str) -> str:
    """Six groups' lines, and the common line over them; the intercept is at the left, where x is 0."""
    rise = 20.0 if "{x}" in kind.formula.split("(")[0] else 0.0
    departures = [(*kind.line(k), "#D55E00", 1.2) for k in range(6)] if kind.line is not None else []
    departures += [(0.0, 0.0, "#111", 2.6)] if kind.common else []
    drawn = ""
    for intercept, slope, colour, width in departures:
        start = 0.62 * _HEIGHT - 9 * intercept
        ends = f'x1="8" y1="{start:.1f}" x2="{_WIDTH - 6:g}" y2="{start - rise - 12 * slope:.1f}"'
        drawn += f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'
    name = wrapped(x, 10, _WIDTH - 20)
    label = name[0] if len(name) == 1 and text_width(x, 10) < _WIDTH - 20 else "x"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT + 14:g}" width="{_WIDTH:g}" '
        f'height="{_HEIGHT + 14:g}" role="img"><title>{escape(lines)}</title>'
        f'<rect width="{_WIDTH:g}" height="{_HEIGHT + 14:g}" fill="#fff"/>'
        f'<path d="M 8,4 V {_HEIGHT - 4:g} H {_WIDTH - 4:g}" fill="none" stroke="#888"/>{drawn}'
        f'<text x="{_WIDTH / 2:g}" y="{_HEIGHT + 9:g}" font-size="10" text-anchor="middle" fill="#555" '
        f'font-family="Helvetica, Arial, sans-serif">{escape(label)}</text></svg>'
    )
