"""What JupyterLab shows of an output whose notebook its reader has not run, in its light and its dark theme.

`Sanitiser` keeps what JupyterLab 4 keeps (packages/apputils/src/sanitizer.ts; tried with that program itself): elements
and attributes by lists, styles by a pattern for each property. Everything that hlm shows must come through whole.
"""

from __future__ import annotations

import re
from base64 import b64decode
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.explanation.cheatsheet import cheatsheet
from hlm.explanation.explain import explain
from hlm.fits.results import PoolingFits
from hlm.linting.lint import lint

TAGS = {
    "b", "br", "code", "dd", "details", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "li", "mark", "ol", "p", "pre", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th",
    "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"img": {"alt", "height", "src", "width"}, "details": {"open"}, "td": {"colspan"}, "th": {"colspan"}}
EVERYWHERE = {"class", "id", "lang", "style", "title"}
LENGTH = r"(0|[0-9.]+(px|em|rem|%))"
STYLES = {
    "border-bottom": rf"({LENGTH}|solid|rgba\([\d, .]+\)|\s)+",
    "border-collapse": "collapse|separate",
    "border-radius": LENGTH,
    "border-style": "solid",
    "border-width": rf"({LENGTH}\s*)+",
    "display": "inline-table|table-row|table-cell",
    "font-family": "Times, serif",
    "font-size": LENGTH,
    "font-weight": "600",
    "height": "auto",
    "line-height": r"[0-9.]+",
    "margin": rf"({LENGTH}\s*)+",
    "margin-top": LENGTH,
    "max-width": rf"{LENGTH}|none",
    "min-width": LENGTH,
    "overflow-x": "auto",
    "padding": rf"({LENGTH}\s*)+",
    "text-align": "left|right|center",
    "vertical-align": "top|middle",
    "white-space": "nowrap|pre",
}


class Sanitiser(HTMLParser):
    """Collects what would be lost, the pictures, and the cells without an alignment of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[str] = []
        self.pictures: list[str] = []
        self.bare_cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in TAGS:
            self.lost.append(f"<{tag}>")
        self.lost += [f"{tag} {name}" for name in given if name not in EVERYWHERE | ATTRIBUTES.get(tag, set())]
        styles = dict(part.strip().split(":", 1) for part in given.get("style", "").split(";") if part.strip())
        self.lost += [f"{k}:{v}" for k, v in styles.items() if not re.fullmatch(STYLES.get(k, "-"), v.strip())]
        if tag == "img":
            self.pictures.append(given["src"])
            assert given["alt"]
        if tag in ("td", "th"):  # JupyterLab's own rule sets them to the right
            self.bare_cells += "text-align" not in styles


def shown(html: str) -> Sanitiser:
    found = Sanitiser()
    found.feed(html)
    found.close()
    return found


@pytest.fixture(scope="module")
def sleep() -> pd.DataFrame:
    return load_data("sleepstudy").assign(f=list("uvw") * 60)


@pytest.fixture(
    params=[
        ("Reaction ~ Days + (Days|Subject)", {}),
        ("Reaction ~ Days*f + I(Days^2) + (Days + f|Subject) + (1|f:Subject)", {}),
        ("Reaction ~ poly(Days, 2) + offset(Days) + (Days||Subject)", {"family": "t"}),
    ],
    ids=["line", "many", "t"],
)
def explanation(request: pytest.FixtureRequest, sleep: pd.DataFrame) -> Any:
    formula, options = request.param
    return explain(formula, sleep, **options)


def test_explain_is_shown_whole(explanation: Any) -> None:
    whole = shown(explanation._repr_html_())
    assert whole.lost == []
    assert whole.bare_cells == 0
    assert len(whole.pictures) == 1
    for part in (explanation.words, explanation.priors, explanation.diagram):
        assert shown(part._repr_html_()).lost == []


def test_the_diagram_is_a_picture_with_words(explanation: Any) -> None:
    (source,) = shown(explanation.diagram._repr_html_()).pictures
    head, data = source.split(",", 1)
    assert head == "data:image/svg+xml;base64"
    assert b64decode(data).decode() == explanation.diagram.svg
    ElementTree.fromstring(explanation.diagram.svg)
    assert not hasattr(explanation.diagram, "_repr_svg_")  # an untrusted output of this kind shows its repr
    assert "Reaction" in explanation.diagram.words


def test_equations_stand_in_the_page_as_text(explanation: Any) -> None:
    text = re.sub(r"<[^>]*>", "", explanation.equations.html).replace("&#160;", " ")
    assert "Normal(μi, σ)" in text or "StudentT(ν, μ" in text or "Normal(μki, σ)" in text
    for line in explanation.equations.sections[-1].lines:
        assert line.remark in text


def test_cheatsheet_is_shown_whole_with_its_pictures() -> None:
    sheet = cheatsheet("post", "my <x>", "school")
    whole = shown(sheet._repr_html_())
    assert whole.lost == []
    assert whole.bare_cells == 0
    assert [b64decode(source.split(",")[1]).decode() for source in whole.pictures] == [r.picture for r in sheet.rows]


def test_no_colour_of_text_or_paper_is_set(explanation: Any) -> None:
    """In a dark theme a colour of one's own meets a background of the theme, or the other way round."""
    for html in (explanation._repr_html_(), cheatsheet("y", "x", "g")._repr_html_()):
        assert not re.search(r"[\";\s](color|background[a-z-]*)\s*:", re.sub(r"<img[^>]*>", "", html))


def test_findings_and_tables_of_fits_are_shown_whole(sleepstudy: PoolingFits) -> None:
    assert shown(lint("Reaction ~ Days | Subject", load_data("sleepstudy"))._repr_html_()).lost == []
    assert shown(sleepstudy._repr_html_()).lost == []
