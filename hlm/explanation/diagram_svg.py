"""Pieces of SVG: text whose width is known from a table, mathematics set from it, curves, boxes and arrows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import accumulate, pairwise

from hlm.explanation.math_expression import Call, Expression, Greek, Matrix, Name, Row, Scripted, Sign, joined, visible

_SANS = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif"
_SERIF = "'STIX Two Text', 'Times New Roman', 'Liberation Serif', Times, serif"
_SLACK = 1.02  # another font than the table's may be wider
# Thousandths of the font size for the characters from space to tilde, and others; Helvetica and its metric equals.
_WIDTHS = {"·": 300, "−": 584, "…": 1000, "×": 584, "²": 333, "∑": 713, "≤": 584, "¹": 333, "⁻": 333,
           **dict(zip(map(chr, range(32, 127)), (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
), strict=True))}  # fmt: skip
_GREEK = {"μ": 0.62, "τ": 0.52, "α": 0.64, "β": 0.58, "γ": 0.56, "δ": 0.54, "σ": 0.64, "ρ": 0.58, "Σ": 0.8, "Ω": 0.86}
_SPACED = ("=", "~", "+", "·", "−")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text on its own place, relative to the start of its expression; ``dy`` grows downwards."""

    text: str
    x: float
    dy: float
    size: float
    italic: bool = False

    def moved(self, x: float, dy: float = 0.0) -> Run:
        """The same piece further to the right, and lower."""
        return replace(self, x=x + self.x, dy=self.dy + dy)


@dataclass(frozen=True, slots=True)
class Typeset:
    """An expression as runs; ``width`` is what it takes, ``spots`` where each top-level part begins and ends."""

    runs: tuple[Run, ...]
    width: float
    spots: tuple[tuple[float, float], ...] = ()


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """What a text takes at a size, in pixels; at least as much as it will be drawn with."""
    return sum(map(_width, text)) * size / 1000 * _SLACK * (1.08 if bold else 1)


def typeset(expression: Expression, size: float) -> Typeset:
    """Set an expression on one line from x = 0."""
    match expression:
        case Greek(letter):
            lean = 0.06 * size  # italics begin left of their place
            return Typeset((Run(letter, lean, 0, size * 1.12, True),), lean + _GREEK.get(letter, 0.64) * size)
        case Name(text) | Sign(text):
            return _word(visible(text), size)
        case Scripted(base, below, above):
            core, lower, upper = typeset(base, size), _row(below, 0.72 * size), _row(above, 0.72 * size)
            lowered = [run.moved(core.width, 0.34 * size) for run in lower.runs]
            raised = [run.moved(core.width, -0.52 * size) for run in upper.runs]
            return Typeset((*core.runs, *lowered, *raised), core.width + max(lower.width, upper.width) + 0.06 * size)
        case Call(name, arguments):
            return _row((Name(name), Sign("("), *joined(arguments, ",").parts, Sign(")")), size)
        case Row(parts):
            return _row(parts, size)
        case Matrix(rows):
            return typeset(Call("", tuple(cell for cells in rows for cell in cells)), size)


def expression_svg(setting: Typeset, x: float, y: float) -> str:
    """The runs of an expression whose left end is at x and whose baseline is at y."""
    return "".join(
        f'<text x="{x + run.x:.1f}" y="{y + run.dy:.1f}" font-size="{run.size:.1f}"{_length(run.text, run.size)} '
        f'fill="#111" '
        f'font-family="{_SERIF if run.italic else _SANS}" font-style="{"italic" if run.italic else "normal"}">'
        f"{escape(run.text)}</text>"
        for run in setting.runs
    )


def text_svg(text: str, x: float, y: float, size: float, *, fill: str = "#555", bold: bool = False) -> str:
    """A line of text centred at x with its baseline at y."""
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="middle" fill="{fill}" '
        f'font-family="{_SANS}"{weight}{_length(visible(text), size, bold=bold)}>{escape(visible(text))}</text>'
    )


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Text broken into lines of a width at spaces; a longer word is broken where it must."""
    lines: list[str] = []
    for word in visible(text).split():
        pieces = [""]
        for character in word:
            if pieces[-1] and text_width(pieces[-1] + character, size) > width:
                pieces.append("")
            pieces[-1] += character
        if lines and len(pieces) == 1 and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines += pieces
    return lines


def area(points: Sequence[tuple[float, float]], base: float, fill: str, opacity: float = 0.35) -> str:
    """A curve with the area down to its base filled."""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    closed = f"{points[0][0]:.1f},{base:.1f} {line} {points[-1][0]:.1f},{base:.1f}"
    return (
        f'<polygon points="{closed}" fill="{fill}" fill-opacity="{opacity:g}"/>'
        f'<polyline points="{line}" fill="none" stroke="{fill}" stroke-width="2"/>'
    )


def bars(values: Sequence[float], left: float, base: float, width: float, height: float, fill: str) -> str:
    """Probabilities as bars."""
    step, top = width / len(values), max(values)
    return "".join(
        f'<rect x="{left + (i + 0.15) * step:.1f}" y="{base - v / top * height:.1f}" width="{0.7 * step:.1f}" '
        f'height="{v / top * height:.1f}" fill="{fill}" fill-opacity="0.6"/>'
        for i, v in enumerate(values)
    )


def line_svg(x1: float, y1: float, x2: float, y2: float) -> str:
    """A straight thin line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#777"/>'


def box_svg(left: float, top: float, right: float, bottom: float, style: str) -> str:
    """A rounded rectangle."""
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="8" {style}/>'


def _width(character: str) -> int:
    if character in _WIDTHS:
        return _WIDTHS[character]
    if unicodedata.combining(character):
        return 0
    return 1000 if unicodedata.east_asian_width(character) in "WF" else 660


def _length(text: str, size: float, *, bold: bool = False) -> str:
    """Attributes that make a wider font, where Helvetica and its equals are missing, as wide as the table says."""
    if not text or not set(text) <= set(_WIDTHS):
        return ""
    return f' textLength="{text_width(text, size, bold=bold) / _SLACK:.1f}" lengthAdjust="spacingAndGlyphs"'


def _word(text: str, size: float) -> Typeset:
    mark = text.strip()
    shown, pad = (mark, 0.28 * size) if mark in _SPACED else (text, 0.0)
    after = 0.3 * size if mark == "," else pad
    return Typeset((Run(shown, pad, 0, size),) if mark else (), pad + text_width(shown, size) + after)


def _row(parts: Sequence[Expression], size: float) -> Typeset:
    pieces = [typeset(part, size) for part in parts]
    edges = list(accumulate((piece.width for piece in pieces), initial=0.0))
    runs = [run.moved(at) for piece, at in zip(pieces, edges, strict=False) for run in piece.runs]
    return Typeset(tuple(runs), edges[-1], tuple(pairwise(edges)))
