"""The table of lme4's syntax in the user's own names."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from hlm.errors import FormulaError
from hlm.explanation.cheatsheet import cheatsheet
from hlm.explanation.explain import explain
from hlm.explanation.parameter_counts import parameter_counts
from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.parser import parse

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


def test_every_function_of_formulas_has_its_row_and_is_read() -> None:
    terms = cheatsheet("post", "pre", "school").terms
    assert {name for term in terms for name in re.findall(r"([\w.]+)\(", term.about)} >= set(FUNCTIONS)
    for term in terms:
        read = parse(term.about if "~" in term.about else f"post ~ {term.about}")
        assert read.common or read.blocks
        assert term.text and term.text[-1] not in ":;"


def test_terms_mean_what_the_sheet_says() -> None:
    terms = {term.about: term.text for term in cheatsheet("post", "pre", "school").terms}
    same = {"pre*f": "pre + f + pre:f", "(pre + f)^2": "pre*f", "(pre + f)**2": "pre*f"}
    same |= {"us(pre|school)": "(pre|school)", "diag(pre|school)": "(pre||school)"}
    same |= {"(1|f/school)": "(1|f) + (1|f:school)", "(1|interaction(f, school))": "(1|f:school)"}
    same |= {"splines::ns(pre, df = 3)": "ns(pre, df = 3)"}
    for one, other in same.items():
        assert parse(f"post ~ {one}").expanded_blocks() == parse(f"post ~ {other}").expanded_blocks(), one
        assert parse(f"post ~ {one}").common == parse(f"post ~ {other}").common, one
        assert one == "(pre + f)**2" or other in terms[one] or "the same" in terms[one]
    assert terms['C(f, Treatment("b"))'] == "f as labels: each column is one level against b."


@pytest.mark.parametrize("names", [("f", "z", "h"), ("my y", "f", "a (b)")])
def test_letters_of_the_sheet_are_no_names_of_the_user(names: tuple[str, str, str]) -> None:
    sheet = cheatsheet(*names)
    label, number = re.findall(r"\((\w) is.*; (\w) another", sheet.title)[0]
    assert not {label, number} & set(names) and label != number
    assert f"C({label}, Sum)" in [term.about for term in sheet.terms]
