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


def test_plan_names_engines_and_fits_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "Reaction ~ Days + (Days|Subject)", "sleepstudy"]) == 0
    assert "no pooling: Reaction ~ 0 + Subject + Subject:Days\n  engine: exact" in capsys.readouterr().out
    assert (
        main(["plan", "incidence/size ~ period + (1|herd)", "cbpp", "--family", "binomial", "--weights", "size"]) == 0
    )
    assert "engine: quadrature" in capsys.readouterr().out
    assert main(["plan", "Reaction ~ Day + (Days|Subject)", "sleepstudy"]) == 2
    assert "Did you mean 'Days'?" in capsys.readouterr().err


def test_help_of_every_command_describes_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("compare", "plan", "lint", "explain"):
        assert main([command, "--help"]) == 0
        assert "packaged name (see hlm data)" in capsys.readouterr().out, command


def test_lint_prints_findings_and_exits_by_severity(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "post ~ pre | school"]) == 2
    assert "write: post ~ pre + (pre|school)" in capsys.readouterr().out
    assert main(["lint", "post ~ 1 + (pre|school)", "exam"]) == 0
    assert "warning: slope-without-common-effect" in capsys.readouterr().out
    assert main(["lint", "p(incidence, size) ~ period + (1|herd)", "cbpp", "--family", "binomial"]) == 0
    assert ": 1 note." in capsys.readouterr().out
    assert main(["lint", "post ~ pre + (1|scool)", "exam"]) == 2
    assert "write: post ~ pre + (1|school)" in capsys.readouterr().out
    assert main(["lint", "post ~ pre + (1|school)", "exam"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "Nothing to say about post ~ pre + (1|school).\n"
    assert printed.err == ""


def test_compare_reads_functions_and_weights(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows = "\n".join(f"{i % 7 + (i // 7) * 2 + (i * 37 % 11) / 5},{i % 7},{i // 7}" for i in range(56))
    path = tmp_path / "small.csv"
    path.write_text(f"y,x,g\n{rows}\n")
    text = "log1p(y) ~ poly(x, 2) + (scale(x)|factor(g))"
    assert main(["compare", text, str(path), "--seed", "1", "--quiet"]) == 0
    printed = capsys.readouterr().out
    assert "partial   log1p(y) ~ poly(x, 2) + (scale(x)|factor(g))" in printed
    assert "cor Intercept, scale(x) | factor(g)" in printed
    assert main(["compare", "y ~ x + (x|g)", str(path), "--weights", "x", "--family", "poisson"]) == 2
    assert "only the binomial family reads weights, as the number of trials" in capsys.readouterr().err


def test_explain_prints_every_view(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "p(incidence, size) ~ period + (1|herd)", "cbpp", "--family", "binomial"]) == 0
    printed = capsys.readouterr().out
    for text in ("changes the log-odds of incidence by β₁", "k = 1, …, 15", "Normal(0, 2.5)", "glmer(", "pm.Binomial("):
        assert text in printed, text
    assert main(["explain", "post ~ pre + (pre|school)"]) == 0
    assert "k = 1, …, K" in capsys.readouterr().out


def test_cheatsheet_in_one_s_own_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cheatsheet", "post", "pre", "school"]) == 0
    printed = capsys.readouterr().out
    assert "post ~ pre + (pre||school)\n    Own intercept and own slope; one tells nothing about the other." in printed
    assert main(["cheatsheet", "post", "post", "school"]) == 2
    assert "three different column names" in capsys.readouterr().err


def test_weights_of_a_proportion(capsys: pytest.CaptureFixture[str]) -> None:
    share = ["incidence/size ~ period + (1|herd)", "cbpp", "--family", "binomial", "--weights", "size"]
    assert main(["explain", *share]) == 0
    assert "pm.Binomial(" in capsys.readouterr().out
    assert main(["lint", *share]) == 0
    assert ": 1 note." in capsys.readouterr().out
    assert main(["lint", *share[:4]]) == 2
    assert "write: cbind(incidence, size - incidence) ~ period + (1|herd)" in capsys.readouterr().out


def test_explain_on_a_terminal_without_greek() -> None:
    code = "from hlm.cli import main; main(['explain', 'post ~ pre + (pre|school)'])"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment)
    assert b"post? ~ Normal(" in done.stdout.replace(b"??", b"?")


BAD = [
    (["lint", "post ~ pre", "exma"], "Did you mean 'exam'"),
    (["lint", "post ~ pre", "--family", "normal"], "no family 'normal'"),
    (["lint", ""], "The formula is empty"),
    (["compare", "post ~ __import__('os').system('id') + (1|school)", "exam"], "does not follow here"),
    (["compare", "post ~ open(pre) + (1|school)", "exam"], "open() is not a function of formulas"),
    (["compare", "post ~ s(pre) + (1|school)", "exam"], "Write a curve with a fixed number of pieces"),
    (["compare", "post ~ log(pre) + (1|school)", "exam"], "log(pre) is nan in row"),
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


def test_lint_of_a_formula_loads_no_frame_library() -> None:
    code = "import sys; from hlm.cli import main; main(['lint', 'y ~ x + (1|g)']); print([m for m in ('bambi', 'pymc', 'pandas', 'formulae') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_loads_nothing_heavy() -> None:
    """`hlm --help` must answer at once: Bambi takes five seconds to import, pandas half a second."""
    code = "import sys; from hlm.cli import main; main(['--help']); print([m for m in ('bambi', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "compare" in done.stdout


def test_the_exact_engine_needs_neither_pymc_nor_bambi() -> None:
    """Which take six seconds to import: the whole of `hlm compare` is meant to take less."""
    code = (
        "import sys; from hlm.cli import main; "
        "status = main(['compare', 'Reaction ~ Days + (Days|Subject)', 'sleepstudy', '--seed', '1', '--quiet']); "
        "print(status, [m for m in ('bambi', 'pymc', 'pytensor', 'nutpie', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
    assert done.stdout.count("joint draws of the exact posterior") == 3
