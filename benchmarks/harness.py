"""What both benchmarks need: a case in a process of its own, a table, and what it was measured on.

Imports nothing heavy: a child process starts with its parent's peak memory in its books.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import version

_BLANK = "-"


class CaseFailedError(RuntimeError):
    """A case that did not run; the message is the last line that it wrote."""


def run_case(command: Sequence[str]) -> dict[str, float]:
    """Run a command in a process of its own; it prints its numbers as one line of JSON, the last line."""
    done = subprocess.run(list(command), capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()
        raise CaseFailedError(said[-1])
    numbers: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return numbers


def say(text: str) -> None:
    """What is being measured, on standard error, so that standard output can be pasted."""
    print(text, file=sys.stderr, flush=True)


def markdown(rows: Sequence[Mapping[str, str | float | None]]) -> str:
    """Rows as a Markdown table, text left and numbers (three figures) right; None is a dash."""
    columns = list(rows[0])
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(column), *(len(line[i]) for line in cells)) for i, column in enumerate(columns)]
    text = [any(isinstance(row[column], str) for row in rows) for column in columns]
    rule = [f"{'-' * (width - 1)}{'-' if left else ':'}" for width, left in zip(widths, text, strict=True)]

    def line(values: Sequence[str]) -> str:
        padded = [v.ljust(w) if left else v.rjust(w) for v, w, left in zip(values, widths, text, strict=True)]
        return f"| {' | '.join(padded)} |"

    return "\n".join([line(columns), line(rule), *map(line, cells)])


def conditions(packages: Sequence[str]) -> str:
    """Date, machine and versions, in one sentence."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return f"Measured {date.today()} on {machine}, Python {platform.python_version()}; {versions}."


def holds(what: str, measured: float, aim: float, *, at_least: bool = False, unit: str = "") -> str:
    """One line that says whether an aim is reached."""
    verdict = "holds" if (measured >= aim if at_least else measured <= aim) else "DOES NOT HOLD"
    side = "at least" if at_least else "at most"
    return f"- {what}: {figures(measured)}{unit}, wanted {side} {figures(aim)}{unit}: {verdict}"


def figures(value: float) -> str:
    """Three figures, or all of a large or whole number."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _cell(value: str | float | None) -> str:
    if value is None:
        return _BLANK
    return value.replace("|", "\\|") if isinstance(value, str) else figures(value)
