"""Do the two engines agree? Posterior means and sds by the exact engine and by NUTS, parameter by parameter.

    .uv/bin/uv run python benchmarks/agreement.py            # a minute or more

Five gaussian models in partial pooling, the coefficients of all groups included. For every parameter the difference of
the means in Monte Carlo standard errors of both (ArviZ's for NUTS; sd / sqrt(effective points) for the exact draws),
and the ratio of the sds. With k parameters the largest of k standard normal numbers is about sqrt(2 log k).
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from harness import conditions, markdown, say

if TYPE_CHECKING:
    from hlm import Fit

MODELS = (
    ("exam", "post ~ pre + (pre|school)", 2500),
    ("sleepstudy", "Reaction ~ Days + (Days|Subject)", 2500),
    ("radon", "log_radon ~ floor + (floor|county)", 5000),
    ("pastes", "strength ~ 1 + (1|batch/cask)", 5000),
    ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", 20_000),  # its chains move slowly
)
PACKAGES = ("hlm-pooling", "nutpie", "bambi", "arviz-stats")


def main() -> None:
    """Fit all and print the table."""
    parser = argparse.ArgumentParser(description="Do the two engines agree?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="sleepstudy alone, few draws")
    options = parser.parse_args()
    models = [("sleepstudy", MODELS[1][1], 500)] if options.quick else MODELS
    rows = [compare(*model, seed=options.seed) for model in models]
    print(f"{conditions(PACKAGES)} Seed {options.seed}.\n\n{markdown(rows)}")


def compare(name: str, formula: str, draws: int, *, seed: int) -> dict[str, str | float | None]:
    """One row: the worst disagreement of all parameters of a model."""
    import hlm

    say(f"{name} ...")
    data = hlm.load_data(name)
    exact = hlm.fit(formula, data, method="exact", draws=4000, seed=seed, progress=False)
    nuts = hlm.fit(
        formula, data, method="nuts", draws=draws, tune=2000, seed=seed, progress=False,
        sampler_kwargs={"nuts": {"target_accept": 0.95}},
    )  # fmt: skip
    return {"model": name, **difference(exact, nuts)}


def difference(exact: Fit, nuts: Fit) -> dict[str, str | float | None]:
    """The worst disagreement of all parameters of two fits, the second by NUTS."""
    import arviz_stats
    import numpy as np

    ours, theirs = (one.idata["posterior"].to_dataset() for one in (exact, nuts))
    points = min(exact.diagnostics.ess, ours.sizes["chain"] * ours.sizes["draw"])
    found = []
    for variable in theirs.data_vars:
        one, other = ours[variable], theirs[variable]
        sds = [values.std(("chain", "draw")).to_numpy().ravel() for values in (one, other)]
        varies = sds[1] > 1e-9  # the diagonal of a correlation matrix is 1
        error = np.hypot(
            arviz_stats.mcse(theirs[[variable]], method="mean")[variable].to_numpy().ravel(), sds[0] / np.sqrt(points)
        )
        apart = (one.mean(("chain", "draw")) - other.mean(("chain", "draw"))).to_numpy().ravel()
        ess = arviz_stats.ess(theirs[[variable]])[variable].to_numpy().ravel()
        found.append(np.column_stack([apart[varies] / error[varies], sds[0][varies] / sds[1][varies], ess[varies]]))
    z, ratio, ess = np.concatenate(found).T
    agree = np.abs(z).max() < 4 and np.abs(ratio - 1).max() < 0.05
    return {
        "parameters": len(z), "largest difference, MCSE": float(np.abs(z).max()),
        "smallest sd ratio": float(ratio.min()), "largest sd ratio": float(ratio.max()),
        "min ESS of NUTS": float(ess.min()), "divergences": str(int(nuts.idata["sample_stats"]["diverging"].sum())),
        "agree": "yes" if agree else "NO",
    }  # fmt: skip


if __name__ == "__main__":
    main()
