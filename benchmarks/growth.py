"""How the time of a fit grows with rows and with groups.

    .uv/bin/uv run python benchmarks/growth.py            # about a minute and a half, 1.5 GB
    .uv/bin/uv run python benchmarks/growth.py --quick    # seconds, a size that means nothing: does it run?

Fits ``y ~ x + (x|g)`` to simulated lines, one per group, with the exact engine. Every case runs in a process of its
own, after a small fit that loads libraries and compiled kernels, so that the seconds are the data's and the peak
of memory is the case's (libraries and the frame itself included). The seconds are those of one `hlm.fit`, split by a
stopwatch around the functions that it goes through; the package knows nothing of it.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from harness import conditions, figures, holds, markdown, run_case, say

if TYPE_CHECKING:
    import pandas as pd

FORMULA = "y ~ x + (x|g)"
BY_ROWS = ((4_000, 65), (40_000, 65), (400_000, 65), (4_000_000, 65))
BY_GROUPS = ((400_000, 65), (400_000, 650), (400_000, 6_500))
LARGEST = (4_000_000, 6_500)
QUICK = ((400, 5),)
MOST_SECONDS, MOST_GB = 15, 4  # what the design asks of the largest case
PACKAGES = ("hlm-pooling", "numpy", "numba", "pandas", "formulae")


def main() -> None:
    """Measure every case and print the table."""
    parser = argparse.ArgumentParser(description="How the time of a fit grows with rows and with groups.")
    parser.add_argument("--quick", action="store_true", help="one tiny case: does it run?")
    parser.add_argument("--case", nargs=2, type=int, metavar=("ROWS", "GROUPS"), help="one case, as a line of JSON")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(*options.case)))
        return
    cases = QUICK if options.quick else tuple(dict.fromkeys([*BY_ROWS, *BY_GROUPS, LARGEST]))
    found = {}
    for rows, groups in cases:
        say(f"{rows:,} rows, {groups:,} groups ...")
        found[rows, groups] = run_case([sys.executable, __file__, "--case", str(rows), str(groups)])
    print(report(found))


def measure(rows: int, groups: int) -> dict[str, float]:
    """Seconds of each part of one fit, and the peak of memory in GB."""
    import hlm
    from hlm.engines.exact import engine
    from hlm.model import resolve

    hlm.fit("Reaction ~ Days + (Days|Subject)", hlm.load_data("sleepstudy"), seed=1, progress=False)
    frame = simulate(rows, groups)
    parts = [(resolve, "formula_and_data"), (engine, "_sample"), (engine, "gaussian_model"), (engine, "summed")]
    with stopwatch(parts) as seconds:
        started = time.perf_counter()
        hlm.fit(FORMULA, frame, method="exact", seed=1, progress=False)
        total = time.perf_counter() - started
    sampling = seconds["_sample"] - seconds["gaussian_model"] - seconds["summed"]
    return {
        "clean": seconds["formula_and_data"],
        "design": total - seconds["formula_and_data"] - seconds["summed"] - sampling,
        "cross-products": seconds["summed"],
        "sampling": sampling,
        "total": total,
        "peak": peak_gb(),
    }


def simulate(rows: int, groups: int) -> pd.DataFrame:
    """A line per group, slopes and intercepts correlated 0.5; the groups' labels are text, no two neighbours alike."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    lines = rng.standard_normal((groups, 2)) @ np.array([[0.3, 0.06], [0.0, 0.1]]) + [0.0, 0.5]
    codes = np.arange(rows) % groups
    x = rng.standard_normal(rows)
    y = lines[codes, 0] + lines[codes, 1] * x + 0.75 * rng.standard_normal(rows)
    labels = pd.Series([f"group {k}" for k in range(groups)], dtype="str")
    return pd.DataFrame({"y": y, "x": x, "g": labels.take(codes).reset_index(drop=True)})


@contextmanager
def stopwatch(functions: list[tuple[ModuleType, str]]) -> Iterator[Counter[str]]:
    """Seconds spent in each function of a module while inside, by the function's name."""
    seconds: Counter[str] = Counter()

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments, **options)
            seconds[name] += time.perf_counter() - started
            return result

        return call

    with ExitStack() as patches:
        for module, name in functions:
            patches.enter_context(patch.object(module, name, timed(name, getattr(module, name))))
        yield seconds


def peak_gb() -> float:
    """Most memory that this process has had, in 10^9 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, KiB on Linux
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def report(found: dict[tuple[int, int], dict[str, float]]) -> str:
    """The table, what it shows, and whether the largest case keeps to the design's limits."""
    smallest = found[min(found)]["total"]
    rows = [
        {
            "rows": rows, "groups": groups, "clean s": one["clean"], "design s": one["design"],
            "cross-products s": one["cross-products"], "sampling s": one["sampling"], "total s": one["total"],
            "total / smallest": one["total"] / smallest, "peak GB": one["peak"],
        }
        for (rows, groups), one in found.items()
    ]  # fmt: skip
    lines = [conditions(PACKAGES), "", markdown(rows), "", reading(found)]
    if LARGEST in found:
        largest = found[LARGEST]
        lines += [
            "",
            holds("4 million rows in 6,500 groups, time", largest["total"], MOST_SECONDS, unit=" s"),
            holds("4 million rows in 6,500 groups, memory", largest["peak"], MOST_GB, unit=" GB"),
        ]
    return "\n".join(lines)


def reading(found: dict[tuple[int, int], dict[str, float]]) -> str:
    """One sentence: how the reading of rows and the sampling grow."""

    def growth(cases: tuple[tuple[int, int], ...]) -> tuple[float, float]:
        first, last = found[cases[0]], found[cases[-1]]
        of_rows = [one["total"] - one["sampling"] for one in (first, last)]
        return last["sampling"] / first["sampling"], of_rows[1] / of_rows[0]

    if LARGEST not in found:
        return "Too small to show anything."
    by_rows, by_groups = ([figures(times) for times in growth(cases)] for cases in (BY_ROWS, BY_GROUPS))
    return (
        f"With 1,000 times the rows, sampling takes {by_rows[0]} times as long and all that reads the rows "
        f"{by_rows[1]} times; with 100 times the groups, {by_groups[0]} and {by_groups[1]} times."
    )


if __name__ == "__main__":
    main()
