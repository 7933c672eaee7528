"""docs/lint.md: a section for every code, whose wrong example triggers it and whose right one does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from hlm.formula.parser import parse
from hlm.linting.codes import CODES, THRESHOLDS
from hlm.linting.findings import Findings
from hlm.linting.lint import lint

PAGE = (Path(__file__).parent.parent.parent / "docs" / "lint.md").read_text()
_PARTS = re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)
SECTIONS = dict(zip(_PARTS[1::2], _PARTS[2::2], strict=True))


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the first lines of the page define: frames, and lint itself."""
    space: dict[str, Any] = {}
    exec(PAGE.partition("```python\n")[2].partition("```")[0], space)
    return space


def example(code: str, which: str) -> str:
    found = re.search(rf"^# {which}\n(lint\(.*\))$", SECTIONS[code], flags=re.MULTILINE)
    assert found is not None
    return found.group(1)


def test_every_code_has_its_section_and_no_other_has() -> None:
    assert list(SECTIONS) == list(CODES)


def test_the_page_names_each_severity_and_threshold() -> None:
    for code, severity in CODES.items():
        assert SECTIONS[code].strip().startswith(f"**{severity}.** "), code
    for name, threshold in THRESHOLDS.items():
        assert f"| {name} | {threshold.value:g} | {threshold.reason} |" in PAGE, name


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_triggers_the_code(code: str, names: dict[str, Any]) -> None:
    found: Findings = eval(example(code, "wrong"), names)
    assert code in found.codes
    assert {f.severity for f in found if f.code == code} == {CODES[code]}
    assert all(len(f.message) > 20 for f in found)


@pytest.mark.parametrize("code", CODES)
def test_the_right_example_does_not_and_is_no_worse_than_a_note(code: str, names: dict[str, Any]) -> None:
    found: Findings = eval(example(code, "right"), names)
    assert code not in found.codes
    assert [f.code for f in found if f.severity != "note"] == []


@pytest.mark.parametrize("code", CODES)
def test_what_to_write_instead_can_be_read_and_mends_it(code: str, names: dict[str, Any]) -> None:
    """For every finding of the wrong example that proposes a formula, not only for the section's own code."""

    def again(formula: str, data: Any = None, family: str = "gaussian") -> Findings:
        return lint(corrected, data, family=family)

    for finding in eval(example(code, "wrong"), names):
        if finding.instead is not None:
            corrected = finding.instead
            assert str(parse(corrected))
            found: Findings = eval(example(code, "wrong"), names | {"lint": again})
            assert finding.code not in found.codes and not found.errors
