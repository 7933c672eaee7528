"""How slow are the models that are known to be slow? Seconds, and the ratio of a posterior's to REML's.

    .uv/bin/uv run python benchmarks/slow_models.py            # a quarter of an hour
    .uv/bin/uv run python benchmarks/slow_models.py --quick    # a size that means nothing: does it run?

Three nested levels, split-split plots, three large factors, counts in small groups. Every model has a process of its
own, after a small fit that loads libraries and compiled kernels, and is ended after `--limit` seconds; what it had not
reached by then is a dash.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import CaseFailedError, conditions, markdown, say

if TYPE_CHECKING:
    import pandas as pd

    from hlm import Fit

MODELS = {
    "three levels": ("three_levels", "y ~ time*tx + (time|therapist/subject)", "gaussian"),
    "split-split plots": (
        "plots_in_plots", "y ~ factor(nitro)*manage*gen + (1|rep) + (1|rep:nitro) + (1|rep:nitro:manage)", "gaussian",
    ),
    "three large factors": ("three_factors", "y ~ x + (1|pupil) + (1|teacher) + (1|school)", "gaussian"),
    "counts": ("counts", "y ~ year + height + (1|g)", "poisson"),
}  # fmt: skip
PARTS = ("explain", "reml", "fit", "print")  # a fit with its leave-one-out, which it may compute by itself
LIMIT, QUICK_ROWS = 300, 300
PACKAGES = ("hlm-pooling", "numpy", "numba", "nutpie")


def main() -> None:
    """Measure every model and print the table."""
    parser = argparse.ArgumentParser(description="How slow are the models that are known to be slow?")
    parser.add_argument("--quick", action="store_true", help="three levels, and three small factors: does it run?")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds for each model")
    parser.add_argument("--rows", type=int, default=25_000, help="of the three large factors")
    parser.add_argument("--model", choices=MODELS, help="one model, as lines of JSON")
    options = parser.parse_args()
    if options.model:
        measure(options.model, options.rows)
        return
    rows = QUICK_ROWS if options.quick else options.rows
    names = ["three levels", "three large factors"] if options.quick else list(MODELS)
    table = [row(name, rows, options.limit) for name in names]
    print(f"{conditions(PACKAGES)} At most {options.limit:g} s a model.\n\n{markdown(table)}")


def row(name: str, rows: int, limit: float) -> dict[str, str | float | None]:
    """Seconds and ratios of one model."""
    say(f"{name} ...")
    found = _within([sys.executable, __file__, "--model", name, "--rows", str(rows)], limit)
    seconds = {part: found.get(part) for part in PARTS}
    return {
        "model": name,
        "rows": found.get("rows"),
        **{f"{part} s": value for part, value in seconds.items()},
        "fit / reml": _ratio(seconds["fit"], seconds["reml"]),
        "largest r_hat or Pareto k": found.get("diagnostic"),
    }


def measure(name: str, rows: int) -> None:
    """Print what is known after each part, as a line of JSON."""
    import hlm

    sys.path.append(str(Path(__file__).parent.parent / "tests" / "generated"))
    import refused_designs
    import slow_designs

    data_name, formula, family = MODELS[name]
    make = getattr(slow_designs, data_name, None) or getattr(refused_designs, data_name)
    data = make(rows) if data_name == "three_factors" else make()
    hlm.fit("Reaction ~ Days + (Days|Subject)", hlm.load_data("sleepstudy"), seed=1, progress=False).leave_out()
    found: dict[str, float | None] = {"rows": len(data)}

    def timed(part: str, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = run()
        found[part] = time.perf_counter() - started
        print(json.dumps(found), flush=True)
        return result

    timed("explain", lambda: str(hlm.explain(formula, data, family=family)))
    if family == "gaussian":
        timed("reml", lambda: hlm.reml(formula, data))
    fit = timed("fit", lambda: fitted(formula, data, family))
    diagnostics = fit.diagnostics
    found["diagnostic"] = getattr(diagnostics, "r_hat", None) or getattr(diagnostics, "pareto_k", None)
    timed("print", lambda: str(fit))


def fitted(formula: str, data: pd.DataFrame, family: str) -> Fit:
    """A fit and its leave-one-out."""
    import hlm

    fit = hlm.fit(formula, data, family=family, seed=1, progress=False)
    fit.leave_out()
    return fit


def _within(command: list[str], limit: float) -> dict[str, float]:
    """The last line of JSON that a command prints, within so many seconds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
        if done.returncode:
            raise CaseFailedError((done.stderr.strip() or f"exit status {done.returncode}").splitlines()[-1])
        text = done.stdout
    except subprocess.TimeoutExpired as ended:
        text = (ended.stdout or b"").decode() if isinstance(ended.stdout, bytes | None) else ended.stdout
    lines = text.strip().splitlines()
    return json.loads(lines[-1]) if lines else {}


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or below is None else above / below


if __name__ == "__main__":
    main()
