"""The command line: status 0 with a table, status 2 with a message and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hlm.cli import main


def test_data_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    assert "exam        4059 rows, school (65)" in capsys.readouterr().out
    assert main(["data", "pastes"]) == 0
    assert "pastes: 60 rows" in capsys.readouterr().out


def test_compare_prints_the_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 7 + (i // 7) * 2 + (i * 37 % 11) / 5},{i % 7},{'abcdefgh'[i // 7]}" for i in range(56))
    path = tmp_path / "small.csv"
    path.write_text(f"y,x,g\n{rows}\n")
    assert main(["compare", "y ~ x + (1|g)", str(path), "--seed", "1", "--quiet"]) == 0
    printed = capsys.readouterr()
    assert "partial   y ~ x + (1|g)" in printed.out
    assert "best first" in printed.out
    assert printed.err == ""


def test_explain_prints_every_view(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "p(incidence, size) ~ period + (1|herd)", "cbpp", "--family", "binomial"]) == 0
    printed = capsys.readouterr().out
    for text in ("changes the log-odds of incidence by β₁", "k = 1, …, 15", "Normal(0, 1.5)", "glmer(", "pm.Binomial("):
        assert text in printed, text
    assert main(["explain", "post ~ pre + (pre|school)"]) == 0
    assert "k = 1, …, K" in capsys.readouterr().out


def test_explain_on_a_terminal_without_greek() -> None:
    code = "from hlm.cli import main; main(['explain', 'post ~ pre + (pre|school)'])"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert b"post? ~ Normal(" in done.stdout.replace(b"??", b"?")


BAD = [
    (["explain", "y ~ x | g"], "must stand inside parentheses"),
    (["explain", "post ~ pre + (pre|scool)", "exam"], "Did you mean 'school'"),
    (["explain", "y ~ x + (x|g)", "--family", "normal"], "no family 'normal'"),
    (["compare", "y ~ x | g", "exam"], "must stand inside parentheses"),
    (["compare", "post ~ pre", "exam"], "nothing to pool"),
    (["compare", "post ~ pre + (pre|scool)", "exam"], "Did you mean 'school'"),
    (["compare", "post ~ pre + (pre|school)", "exma"], "Did you mean 'exam'"),
    (["compare", "post ~ pre + (pre|school)", "nowhere.csv"], "no file 'nowhere.csv'"),
    (["compare", "post ~ pre + (pre|school)", "exam.xlsx"], "not a .csv or .parquet"),
    (["compare", "post ~ pre + (pre|school)", "exam", "--family", "normal"], "no family 'normal'"),
    (["compare", "post ~ pre + (pre|school)", "exam", "--seed", "-3"], "seed is a whole number"),
    (["compare", "post ~ pre + (pre|school)", "exam", "--seed", "one"], "seed"),
    (["compare", "post ~ pre + (pre|school)", "exam", "--method", "magic"], "magic"),
    (["compare", "post ~ pre + (pre|school)"], "DATA"),
    (["data", "exma"], "Did you mean 'exam'"),
    (["compair"], "compair"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_input_exits_2_without_a_traceback(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err + printed.out


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "cannot be read as CSV"), (b"y,x\n1,2\n1,2,3,4\n", "cannot be read"), (b"\xff\xfe\x00y", "cannot be read")],
)
def test_broken_files(content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    assert main(["compare", "y ~ x + (1|g)", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    """`hlm --help` must answer at once: Bambi takes five seconds to import, pandas half a second."""
    code = "import sys; from hlm.cli import main; main(['--help']); print([m for m in ('bambi', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "compare" in done.stdout
