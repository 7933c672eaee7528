"""docs/references.md is what tests/reference/make_page.py writes: every stored number, with ours beside it."""

from __future__ import annotations

import re
from decimal import Decimal

import make_page  # tests/reference
import pytest

PAGE = make_page.PAGE.read_text()
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[-+]\d+)?(?![\w.])")


def assert_stands_there(lines: list[str]) -> None:
    """The same text; numbers to one and a half units of their last digit, which machines may round differently."""
    written = "\n".join(lines).splitlines()
    known = PAGE.splitlines()
    start = next(i for i, line in enumerate(known) if NUMBER.sub("#", line) == NUMBER.sub("#", written[0]))
    for old, new in zip(known[start : start + len(written)], written, strict=True):
        assert NUMBER.sub("#", old) == NUMBER.sub("#", new)
        for one, other in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
            unit = 10.0 ** max(Decimal(text).as_tuple().exponent for text in (one, other))
            assert float(one) == pytest.approx(float(other), abs=1.5 * unit if one != other else 0), (old, new)


def test_lme4s_numbers_and_ours_stand_there() -> None:
    assert_stands_there(list(make_page.lme4_part()))


def test_the_books_numbers_and_ours_stand_there() -> None:
    """The multilevel ones to the digit; the two pooled strategies are draws, whose numbers test_gelman_hill.py checks."""
    part = list(make_page.book_part())
    assert_stands_there([line for line in part if line.startswith("| M")])


def test_brms_numbers_stand_there_and_ours_are_within_4_errors() -> None:
    """Ours are draws: another machine may draw others, so that only their distance is asked for."""
    part = PAGE[PAGE.index("## brms") : PAGE.index("## lme4")]
    sections = dict(re.findall(r"^### (\w+):.*?\n(.*?)(?=^### |\Z)", part, flags=re.MULTILINE | re.DOTALL))
    stored = make_page.brms_cases.STORED["models"]
    assert list(sections) == list(stored)
    for name, text in sections.items():
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in text.splitlines()
            if line.startswith("| `")
        ]
        assert len(rows) == len(stored[name]["posterior"])
        for (parameter, mean, _, sd, _, errors), row in zip(rows, stored[name]["posterior"], strict=True):
            assert parameter == f"`{row['variable']}`"
            assert [mean, sd] == [make_page.shown(row["mean"]), make_page.shown(row["sd"])]
            assert float(errors) < 4
