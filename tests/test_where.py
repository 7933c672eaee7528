"""docs/where.md: twenty-five changes, each with a file that there is."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "where.md").read_text(encoding="utf-8")


def test_every_file_is_there() -> None:
    paths = re.findall(r"`(hlm/[\w/]+\.py)`", PAGE)
    assert len(paths) >= 25
    assert [path for path in paths if not (ROOT / path).is_file()] == []


def test_there_are_twenty_five_changes_in_as_many_files() -> None:
    rows = re.findall(r"^\| .* \| `(hlm/\S+\.py)` \|", PAGE.partition("What a `Model`")[0], re.MULTILINE)
    assert len(rows) == len(set(rows)) == 25
