"""Expressions as plain HTML, which every notebook and browser shows in the colours of its own theme."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hlm.explanation.html_pieces import cell_style
from hlm.explanation.math_expression import Call, Expression, Greek, Line, Matrix, Name, Row, Scripted, Sign, visible

_SERIF = "font-family:Times, serif;font-size:1.12em"
_SCRIPT = "font-size:0.75em;line-height:1"
_MATRIX = (  # its brackets are the sides of a rounded box: they grow with it
    "display:inline-table;vertical-align:middle;border-collapse:separate;border-style:solid;border-width:0 1.5px;"
    "border-radius:0.7em"
)
_RELATIONS, _OPERATORS = ("=", "~", "∈"), ("+", "−", "·")


def math_html(expression: Expression) -> str:
    """One expression as HTML on one line."""
    match expression:
        case Greek(letter):
            tag = "span" if letter in "ΣΩ" else "i"
            return f'<{tag} style="{_SERIF}">{escape(letter)}</{tag}>'
        case Name(text):
            return escape(visible(text)).replace(" ", "&#160;")
        case Sign(text):
            return _sign(text)
        case Scripted(base, below, above):
            sub = f'<sub style="{_SCRIPT}">{"".join(map(math_html, below))}</sub>' if below else ""
            sup = f'<sup style="{_SCRIPT}">{"".join(map(math_html, above))}</sup>' if above else ""
            return f"{math_html(base)}{sub}{sup}"
        case Call(name, arguments):
            return f"{math_html(Name(name))}({', '.join(map(math_html, arguments))})"
        case Row(parts):
            return "".join(map(math_html, parts))
        case Matrix(rows):
            return f'<span style="{_MATRIX}">{"".join(map(_matrix_row, rows))}</span>'


def math_html_lines(lines: Sequence[Line]) -> str:
    """Lines aligned at their relations, a row of a table each, with their remarks."""
    rows = []
    for line in lines:
        relation = escape(line.relation) if line.relation in _RELATIONS else ""
        remark = f"<small>{escape(visible(line.remark))}</small>" if line.remark else ""
        cells = (("right", math_html(line.left)), ("center", relation), ("left", math_html(line.right)))
        shown = "".join(f'<td style="{_cell(side)};white-space:nowrap">{content}</td>' for side, content in cells)
        rows.append(f'<tr>{shown}<td style="{_cell("left")}">{remark}</td></tr>')
    return f'<table style="border-collapse:collapse;margin:0"><tbody>{"".join(rows)}</tbody></table>'


def _matrix_row(cells: Sequence[Expression]) -> str:
    style = "display:table-cell;padding:0 0.4em;text-align:center"
    shown = "".join(f'<span style="{style}">{math_html(cell)}</span>' for cell in cells)
    return f'<span style="display:table-row">{shown}</span>'


def _cell(side: str) -> str:
    return cell_style(align=side, vertical="middle")


def _sign(text: str) -> str:
    mark = text.strip()
    if mark in (*_RELATIONS, *_OPERATORS):
        return f" {escape(mark)} "
    if mark == ",":
        return ", "
    return f"<i>{escape(mark)}</i>" if len(mark) == 1 and mark.isalpha() else escape(mark)
