"""The table of lme4's syntax in the user's own names."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from hlm.errors import FormulaError
from hlm.explanation.cheatsheet import cheatsheet
from hlm.explanation.explain import explain
from hlm.explanation.parameter_counts import parameter_counts

SVG = "{http://www.w3.org/2000/svg}"


def test_parameters_are_those_that_explain_counts() -> None:
    for row in cheatsheet("post", "pre", "school").rows:
        count = row.parameters.split(":")[0]
        if count.isdigit():
            assert int(count) == sum(parameter_counts(explain(row.formula).model).values()), row.formula


def lines(picture: str) -> list[tuple[float, float, str]]:
    """Start, end and colour of each line of a picture."""
    found = ElementTree.fromstring(picture).iter(f"{SVG}line")
    return [(float(e.attrib["y1"]), float(e.attrib["y2"]), e.attrib["stroke"]) for e in found]


def test_pictures_show_what_the_words_say() -> None:
    pictures = {row.lines.split(",")[0]: lines(row.picture) for row in cheatsheet("post", "pre", "school").rows}
    groups = {name: [line for line in drawn if line[2] != "#111"] for name, drawn in pictures.items()}
    assert groups["one line"] == [] and len(pictures["one line"]) == 1
    assert len({round(a - b, 3) for a, b, _ in groups["parallel"]}) == 1
    assert all(a == b for a, b, _ in groups["flat and parallel"])
    assert len({a for a, _, _ in groups["through one point"]}) == 1
    fan = sorted(groups["crossing or fanning out"])
    assert [a - b for a, b, _ in fan] == sorted((a - b for a, b, _ in fan), reverse=True)  # higher starts rise more
    mixed = sorted(groups["crossing"])
    assert [b for _, b, _ in mixed] != sorted(b for _, b, _ in mixed)
    assert all(0 <= y <= 84 for drawn in pictures.values() for a, b, _ in drawn for y in (a, b))  # within the axes


def test_own_names_everywhere() -> None:
    sheet = cheatsheet("exam score", "x<y", "school")
    assert sheet.rows[3].formula == "`exam score` ~ `x<y` + (1|school)"
    html = sheet._repr_html_()
    assert "x&lt;y" in html and "x<y" not in html
    assert "lines: through one point, where x<y is 0" in str(sheet)
    assert list(sheet.to_frame()["formula"]) == [row.formula for row in sheet.rows]
    assert not re.search(r"[{}]", str(sheet))


@pytest.mark.parametrize("names", [("y", "y", "g"), ("y", "", "g"), ("y", "x", "x")])
def test_three_different_names(names: tuple[str, str, str]) -> None:
    with pytest.raises(FormulaError, match="three different column names"):
        cheatsheet(*names)
