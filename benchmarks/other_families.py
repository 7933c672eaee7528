"""Other families: the compiled engine against Bambi's sampler in the same run. `python benchmarks/other_families.py`.

Bambi's first call, which compiles, is left out of its time; ours is the first call of a process, with whatever it
compiles or reads from its cache.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from harness import conditions, markdown, say

from hlm.engines.engine_list import BY_METHOD
from hlm.engines.interface import Engine, Options
from hlm.formula.pooling_formulas import Pooling
from hlm.model.resolve import resolve


@dataclass(frozen=True)
class Case:
    """A model, and the method that is compared with Bambi's."""

    name: str
    formula: str
    family: str
    data: Callable[[], pd.DataFrame]
    method: str
    pooling: Pooling = "partial"


def item_responses() -> pd.DataFrame:
    """300 persons answer 25 items each: 7,500 rows, crossed."""
    r = np.random.default_rng(1)
    person, item = np.repeat(np.arange(300), 25), np.tile(np.arange(25), 300)
    anger, male = r.normal(size=300)[person], (r.random(300) < 0.3)[person].astype(int)
    eta = 0.2 + 0.3 * anger + 0.3 * male + 1.3 * r.normal(size=300)[person] + 0.9 * r.normal(size=25)[item]
    y = (r.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame({"person": person.astype(str), "item": item.astype(str), "anger": anger, "male": male, "y": y})


CASES = (
    Case("item responses", "y ~ anger + male + (1|person) + (1|item)", "bernoulli", item_responses, "nuts"),
)  # fmt: skip


def measure(engine: Engine, case: Case, *, warm: bool) -> tuple[float, float, str]:
    """Seconds of a fit with default options, its smallest bulk effective sample size, and its diagnostics."""
    import arviz_stats

    model = resolve(case.formula, case.data(), poolings=(case.pooling,), family=case.family)[case.pooling]
    options = Options(seed=1)
    if warm:
        engine.sample(model, replace(options, draws=10, tune=10, chains=1))
    started = time.perf_counter()
    drawn = engine.sample(model, options)
    seconds = time.perf_counter() - started
    posterior = drawn.idata["posterior"].to_dataset()
    posterior = posterior.drop_vars([name for name in posterior if str(name).endswith("_corr")])  # 1 on the diagonal
    ess = arviz_stats.ess(posterior, method="bulk")
    return seconds, min(float(ess[name].min()) for name in ess.data_vars), drawn.diagnostics.sentence


def main() -> None:
    """Measure every case and print a table."""
    rows: list[dict[str, str | float | None]] = []
    for case in CASES:
        found = {}
        for method, warm in ((case.method, False), ("bambi", True)):
            engine = BY_METHOD[method][0]  # type: ignore[index]
            say(f"{case.name}: {engine.name}")
            found[method] = measure(engine, case, warm=warm)
            say(found[method][2])
        (ours, our_ess, _), (theirs, their_ess, _) = found[case.method], found["bambi"]
        rows.append(
            {
                "case": case.name, "method": case.method, "seconds": ours, "Bambi's": theirs,
                "times faster": theirs / ours,
                "smallest bulk ESS": our_ess, "Bambi's ESS": their_ess,
                "times ESS a second": our_ess / ours / (their_ess / theirs),
            }
        )  # fmt: skip
    print(markdown(rows))
    print(conditions(("bambi", "nutpie", "numba")))


if __name__ == "__main__":
    main()
