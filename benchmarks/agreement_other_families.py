"""Do the quadrature engine and Bambi's NUTS agree? Posterior means and sds of models of other families.

    .uv/bin/uv run python benchmarks/agreement_other_families.py --save   # half an hour; --report prints what was saved

As in agreement.py: for every parameter, the coefficients of all groups included, the difference of the means in Monte
Carlo standard errors of both, and the ratio of the sds. Each model is saved as soon as it is done, and those that are
saved are not fitted again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agreement import PACKAGES, difference
from harness import conditions, markdown, say

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
SAVED = HERE / "agreement_other_families.json"
REFERENCE = HERE.parent / "tests" / "reference"


@dataclass(frozen=True, slots=True)
class Case:
    """A model and how it is fitted."""

    name: str
    formula: str
    family: str
    data: Callable[[], pd.DataFrame]
    link: str | None = None
    pooling: str = "partial"
    draws: int = 5000  # of NUTS, in each of 4 chains


def packaged(name: str) -> Callable[[], pd.DataFrame]:
    """A data set of hlm's."""

    def load() -> pd.DataFrame:
        import hlm

        return hlm.load_data(name)

    return load


def stored(path: str) -> Callable[[], pd.DataFrame]:
    """A data set of the tests' references."""

    def load() -> pd.DataFrame:
        import pandas as pd

        return pd.read_csv(REFERENCE / path)

    return load


def counts() -> pd.DataFrame:
    """Counts in 118 small groups that differ much, on which NUTS lost a chain from its random start."""
    sys.path.insert(0, str(HERE.parent / "tests" / "generated"))
    from slow_designs import counts as made

    return made()


CASES = (
    Case("cbpp", "p(incidence, size) ~ period + (1|herd)", "binomial", packaged("cbpp")),
    Case("counts in 118 groups", "y ~ year + height + (1|g)", "poisson", counts),
    Case("0 and 1, groups of 1 to 4, sd 3", "y ~ x + (1|g)", "bernoulli", stored("glmm/small.csv")),
    Case("0 and 1, q = 2", "y ~ x + (x|g)", "bernoulli", stored("glmm/slopes.csv")),
    Case("counts, q = 3", "y ~ x + z + (x + z|g)", "poisson", stored("glmm/three.csv")),
    Case("overdispersed counts", "y ~ x + f + (1|g)", "negativebinomial", stored("glmm/extra.csv")),
    Case("gamma, q = 2", "y ~ x + z + f + (x|g)", "gamma", stored("glmm/positive.csv"), link="log"),
    Case("counts over hours", "y ~ x + offset(log(hours)) + (1|g)", "poisson", stored("glmm/exposed.csv")),
    Case("a group for each count", "y ~ x + z + (1|g)", "poisson", stored("glmm/own.csv"), draws=20_000),
    Case("probit, uncorrelated", "y ~ x + z + (x||g)", "bernoulli", stored("glmm/slopes.csv"), link="probit"),
    Case("cloglog", "y ~ x * z + (1|g)", "bernoulli", stored("glmm/cloglog.csv"), link="cloglog"),
    Case("rare events", "y ~ x + (1|g)", "bernoulli", stored("glmm/rare.csv")),
    Case("trials, no pooling", "p(k, n) ~ x + (x|g)", "binomial", stored("glmm/trials.csv"), pooling="none"),
    Case("trials, complete pooling", "p(k, n) ~ x + (x|g)", "binomial", stored("glmm/trials.csv"), pooling="complete"),
    Case("epil", "y ~ lbase*trt + lage + V4 + (1|subject)", "poisson", stored("documented_models/data/epil.csv.gz")),
)  # fmt: skip


def main() -> None:
    """Fit what is not saved, and print the table."""
    parser = argparse.ArgumentParser(description="Do the quadrature engine and Bambi's NUTS agree?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="a part of a model's name")
    parser.add_argument("--quick", action="store_true", help="cbpp alone, few draws")
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--report", action="store_true", help="what was saved, nothing is fitted")
    options = parser.parse_args()
    if options.quick:
        print(markdown([compare(CASES[0], draws=500, seed=options.seed)]))
        return
    saved = json.loads(SAVED.read_text()) if SAVED.exists() and (options.save or options.report) else {}
    for case in () if options.report else CASES:
        if case.name not in saved and (options.only is None or options.only in case.name):
            row = compare(case, draws=case.draws, seed=options.seed)
            saved[case.name] = {"row": row, "conditions": conditions(PACKAGES), "seed": options.seed}
            if options.save:
                SAVED.write_text(json.dumps(saved, indent=1) + "\n")
    rows = [saved[case.name]["row"] for case in CASES if case.name in saved]
    said = {f"{entry['conditions']} Seed {entry['seed']}." for entry in saved.values()}
    print("\n".join(sorted(said)) + f"\n\n{markdown(rows)}")


def compare(case: Case, *, draws: int, seed: int) -> dict[str, str | float | None]:
    """One row: the worst disagreement of all parameters of a model."""
    import hlm

    say(f"{case.name} ...")
    options = {"pooling": case.pooling, "family": case.family, "link": case.link, "seed": seed, "progress": False}
    data = case.data()
    ours = hlm.fit(case.formula, data, draws=5000, **options)
    assert ours.engine == "quadrature", ours.engine
    theirs = hlm.fit(
        case.formula, data, method="bambi", draws=draws, tune=2000, **options,
        sampler_kwargs={"nuts": {"target_accept": 0.95}},
    )  # fmt: skip
    return {"model": case.name, "rows": len(data), **difference(ours, theirs)}


if __name__ == "__main__":
    main()
