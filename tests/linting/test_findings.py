"""How findings show themselves: carets under the place, escaped HTML, the gravest first."""

from __future__ import annotations

from hlm.linting.findings import Finding, Findings, sorted_findings
from hlm.linting.lint import lint

NOTE = Finding("correlated-slopes", "note", (8, 13), "(x|g)", "Together.", "y ~ x + (x||g)")
LATE = Finding("few-groups", "warning", (8, 13), "(x|g)", "Few.")
EARLY = Finding("constant-column", "warning", (4, 5), "x", "Constant.")
NOWHERE = Finding("missing-values", "warning", None, "", "Gone.")


def test_the_gravest_first_then_from_left_to_right_each_once() -> None:
    assert sorted_findings([NOTE, NOWHERE, LATE, EARLY, NOTE]) == (EARLY, LATE, NOWHERE, NOTE)


def test_text_marks_the_place() -> None:
    found = Findings("y ~ x + (x|g)", (EARLY, NOTE), with_data=True)
    assert str(found) == (
        "y ~ x + (x|g): 1 warning, 1 note.\n\n"
        "warning: constant-column\n    y ~ x + (x|g)\n        ^\n  Constant.\n\n"
        "note: correlated-slopes\n    y ~ x + (x|g)\n            ^^^^^\n  Together.\n  or: y ~ x + (x||g)"
    )
    assert repr(found) == str(found)
    assert str(NOTE) == "note correlated-slopes: Together. or: y ~ x + (x||g)"


def test_a_formula_of_several_lines_is_shown_in_one_with_its_carets_below() -> None:
    lines = str(lint("y ~ x\n\t+ z | g")).splitlines()
    assert lines[3] == "    y ~ x  + z | g"
    assert lines[4].index("^") == lines[3].index("|")


def test_a_sequence_with_codes_and_errors() -> None:
    found = Findings("y ~ x + (x|g)", (EARLY, LATE, NOTE))
    assert (len(found), found[0], found[1:], list(found)) == (3, EARLY, (LATE, NOTE), [EARLY, LATE, NOTE])
    assert found.codes == ("constant-column", "few-groups", "correlated-slopes")
    assert found.errors == ()
    assert LATE in found and NOWHERE not in found
    assert not lint("y ~ x + (1|g)")


def test_nothing_to_say_in_words() -> None:
    assert str(Findings("y ~ x + (1|g)", (), with_data=True)) == "Nothing to say about y ~ x + (1|g)."
    assert "with the data more can be checked" in str(lint("y ~ x + (1|g)"))


def test_html_is_escaped_everywhere() -> None:
    name = "<script>alert(1)</script>"
    page = lint(f"y ~ `{name}` + (0 + `{name}b`|g)")._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<mark>(0 + `&lt;script&gt;alert(1)&lt;/script&gt;b`|g)</mark>" in page
    assert "or: <code>" in page and "write: <code>" in page
