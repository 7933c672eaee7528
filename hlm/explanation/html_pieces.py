"""Pieces of HTML that a notebook shows as they are, also one that its reader has not run, in a light or a dark theme.

JupyterLab takes `svg`, `math` and `style` elements out of such outputs and has rules of its own for tables. What stays
are pictures as images and the styles of single elements. Colours are the theme's own: none is set, but for lines.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape

_ABOVE = re.compile(r"([αβγδτρΩμ])\^\(([^)]*)\)")
_BELOW = re.compile("([μτ]|</sup>)_([αβ][₀-₉]*)")
_SIZES = {2: "1.35em", 3: "1.15em", 4: "1em"}


def styled(fragment: str) -> str:
    """A fragment in its frame."""
    return f'<div style="max-width:76rem;line-height:1.5;text-align:left">{fragment}</div>'


def heading(level: int, content: str) -> str:
    """A heading, its content being HTML."""
    return f'<h{level} style="font-size:{_SIZES[level]};margin:1.1rem 0 0.4rem 0;font-weight:600">{content}</h{level}>'


def wide(content: str) -> str:
    """Content that may be wider than the page: it moves alone."""
    return f'<div style="overflow-x:auto">{content}</div>'


def program(text: str) -> str:
    """Text as it is typed."""
    return f'<pre style="overflow-x:auto;white-space:pre"><code>{escape(text)}</code></pre>'


def cell_style(align: str = "left", vertical: str = "top", *, line: bool = False) -> str:
    """The style of a cell of a table."""
    below = ";border-bottom:1px solid rgba(128, 128, 128, 0.5)" if line else ""
    return f"text-align:{align};vertical-align:{vertical};padding:0.2rem 0.9rem 0.2rem 0{below}"


def column(text: str) -> str:
    """A text that keeps some width in a narrow table."""
    return f'<div style="min-width:11rem">{escape(text)}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML; without a head where that is empty."""
    style = cell_style(line=bool(head))

    def row(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag} style="{style}">{cell}</{tag}>' for cell in cells)}</tr>"

    top = f"<thead>{row(head, 'th')}</thead>" if head else ""
    body = "".join(row(cells, "td") for cells in rows)
    return f'<table style="border-collapse:collapse;margin:0">{top}<tbody>{body}</tbody></table>'


def picture(svg: str, words: str, *, shrinks: bool = True) -> str:
    """An SVG element as an image, with what it shows in words; as wide as the page at most, if it shrinks."""
    data, width = b64encode(svg.encode()).decode(), "100%" if shrinks else "none"
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(words)}" style="max-width:{width};height:auto">'


def lettered(text: str) -> str:
    """A sentence, what belongs to its Greek letters set high and low."""
    return _BELOW.sub(r"\1<sub>\2</sub>", _ABOVE.sub(r"\1<sup>\2</sup>", escape(text)))
