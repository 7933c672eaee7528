"""The benchmarks run and print their columns; how fast anything is, is not a test's business."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"


def quick(script: str, *options: str) -> list[list[str]]:
    """The cells of the table that a script prints with --quick, header first and the rule left out."""
    command = [sys.executable, str(BENCHMARKS / script), "--quick", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    header, _, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in [header, *rows]]


def test_peers_prints_its_columns() -> None:
    header, row = quick("peers.py", "--no-r")
    assert header == [
        "fitted by", "correlation", "first call s", "seconds", "of it sampling", "min bulk ESS", "ESS per s",
        "times faster", "times ESS per s",
    ]  # fmt: skip
    assert row[:2] == ["hlm, exact", "yes"]
    assert float(row[header.index("min bulk ESS")].replace(",", "")) > 3000  # of 4000; what the design asks
    assert row[-2:] == ["-", "-"]  # Bambi, which the ratios are to, is not fast


def test_growth_prints_its_columns() -> None:
    header, row = quick("growth.py")
    assert header == [
        "rows", "groups", "clean s", "design s", "cross-products s", "sampling s", "total s", "total / smallest", "peak GB",
    ]  # fmt: skip
    assert row[:2] == ["400", "5"]
    assert row[header.index("total / smallest")] == "1"
    parts = [float(row[i]) for i in range(2, 6)]
    assert sum(parts) == pytest.approx(float(row[6]), rel=0.02)  # three figures are printed


def test_slow_models_print_their_columns() -> None:
    header, row, other = quick("slow_models.py")
    assert header == [
        "model", "rows", "explain s", "reml s", "fit s", "print s", "fit / reml", "largest r_hat or Pareto k",
    ]  # fmt: skip
    assert row[:2] == ["three levels", "144"] and other[:2] == ["three large factors", "300"]
    for cells in (row, other):
        assert float(cells[6]) == pytest.approx(
            float(cells[4]) / float(cells[3]), rel=0.02
        )  # three figures are printed


def test_agreement_prints_its_columns() -> None:
    header, row = quick("agreement.py")
    assert header[:3] == ["model", "parameters", "largest difference, MCSE"] and header[-1] == "agree"
    assert float(row[2]) < 5  # the largest of 43 normal numbers, from draws that are few


def test_calibration_prints_its_columns() -> None:
    header, row, columns, _, *sizes = quick("calibration.py")
    assert header == [
        "model", "engine", "data sets", "doubtful", "divergent", "quantities", "smallest p", "of", "its ranks", "calibrated",
    ]  # fmt: skip
    assert row[:6] == ["slopes", "exact", "5", "0", "-", "9"] and len(row[8]) == 10
    assert columns[:4] == ["model", "rows", "partial 50%", "partial 89%"] and columns[-1] == "none / partial width"
    assert [line[1] for line in sizes] == ["1", "2", "4", "8", "16", "32"]
    assert [line[columns.index("none 50%")] == "-" for line in sizes] == [True] + [False] * 5  # one row has no slope
    assert all(line[columns.index("partial, NUTS 50%")] == "-" for line in sizes)


def test_calibration_of_the_quadrature_prints_its_columns() -> None:
    _, row, *others = quick("calibration.py", "--engine", "quadrature")
    assert row[:6] == ["bernoulli", "quadrature", "5", "0", "-", "6"]
    assert [line[1] for line in others[2:6]] == ["1", "2", "4", "8"]
    columns, _, sd = others[6:]
    assert columns == [
        "model", "sd", "integrals", "data sets", "mean rank", "p", "its ranks", "truth below", "inside 90 %", "above",
    ]  # fmt: skip
    assert sd[:4] == ["bernoulli", "1\\|g_sigma", "quadrature", "5"]


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("growth")


def test_growth_reads_its_table_and_says_what_does_not_hold(growth: ModuleType) -> None:
    """Made-up seconds: everything that reads rows grows with the rows, sampling with the groups."""
    found = {
        (rows, groups): {
            "clean": rows / 1e6, "design": rows / 1e6, "cross-products": rows / 1e6, "sampling": groups / 100,
            "total": 3 * rows / 1e6 + groups / 100, "peak": 2.0,
        }
        for rows, groups in {*growth.BY_ROWS, *growth.BY_GROUPS, growth.LARGEST}
    }  # fmt: skip
    printed = growth.report(found)
    assert "times the rows, sampling takes 1 times as long and all that reads the rows 1,000 times" in printed
    assert "with 100 times the groups, 100 and 1 times" in printed
    assert "time: 77 s, wanted at most 15 s: DOES NOT HOLD" in printed
    assert "memory: 2 GB, wanted at most 4 GB: holds" in printed
