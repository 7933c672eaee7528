"""A file is whole or as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from hlm.data.files import write_text
from hlm.explanation.diagram import Diagram


def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "new.txt"
    before = os.umask(0o027)
    try:
        assert write_text(path, "β") == path
    finally:
        os.umask(before)
    assert path.read_bytes() == "β".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    write_text(path, "two")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("two", 0o604)


def test_what_cannot_be_written_whole_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "model.svg"
    Diagram("<svg>old</svg>").save(path)
    with pytest.raises(UnicodeEncodeError):
        Diagram("<svg>" + "new" * 10_000 + "\ud800").save(path)  # encoded in pieces: the first are written before it
    assert path.read_text() == "<svg>old</svg>"
    assert [p.name for p in tmp_path.iterdir()] == ["model.svg"]
