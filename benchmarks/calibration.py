"""Is hlm calibrated? Ranks of the truth among posterior draws, and coverage of intervals by group size.

    .uv/bin/uv run python benchmarks/calibration.py --engine exact --save         # 6 shapes: 20 minutes
    .uv/bin/uv run python benchmarks/calibration.py --engine quadrature --save    # 6 shapes: 20 minutes
    .uv/bin/uv run python benchmarks/calibration.py --engine laplace --save       # the same with one node a group
    .uv/bin/uv run python benchmarks/calibration.py --engine nuts --save --data-sets 300
    .uv/bin/uv run python benchmarks/calibration.py --report                      # the tables, of what was saved
    .uv/bin/uv run python benchmarks/calibration.py --quick                       # a few data sets: does it run?

`--resume` goes on from what is saved, with its seed.

Parameters are drawn from their priors, data from the parameters, and the model is fitted under the same priors. Then
the truth is one more draw from the posterior: its rank among independent draws is uniform (Talts et al. 2018,
arXiv:1804.06788), and a p % interval covers it with probability p, on average over the prior. Among the ranked
quantities is the log likelihood, which knows the data (Modrak et al. 2023, Bayesian Analysis 20:461-488).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from calibration_engines import SAMPLING, fits_family, fitted, surroundings
from calibration_report import coverage_table, ranks_table, sds_table, verdicts
from calibration_shapes import SHAPES
from harness import conditions, say
from simulated import Shape, Truth, from_the_prior, labels, true_totals

PROBABILITIES = (0.5, 0.89)
KEPT = 99  # draws that the truth is ranked among
ROUND = 50  # data sets of a shape before the next shape's turn
QUICK = {"exact": "slopes", "quadrature": "bernoulli", "laplace": "bernoulli", "nuts": "slopes"}  # one shape of each
PACKAGES = ("hlm-pooling", "numpy", "scipy", "bambi", "pymc", "nutpie")
HERE = Path(__file__).parent


def main() -> None:
    """Simulate, fit, rank; print the tables."""
    parser = argparse.ArgumentParser(description="Is hlm calibrated?")
    parser.add_argument("--engine", choices=tuple(SAMPLING), default="exact")
    parser.add_argument("--data-sets", type=int, default=1000, help="of each shape")
    parser.add_argument("--shapes", nargs="+", choices=tuple(SHAPES), default=tuple(SHAPES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--save", action="store_true", help="keep the counts beside this file")
    parser.add_argument("--resume", action="store_true", help="go on from what is saved, and save")
    parser.add_argument("--report", action="store_true", help="print what was saved")
    parser.add_argument("--quick", action="store_true", help="one shape, a few data sets")
    options = parser.parse_args()
    if options.report:
        print(report([json.loads(path.read_text()) for path in sorted(HERE.glob("calibration_*.json"))]))
        return
    names, sets = ((QUICK[options.engine],), 5) if options.quick else (options.shapes, options.data_sets)
    done: dict[str, Any] = {"engine": options.engine, "seed": options.seed, "shapes": {}}
    if options.resume and saved(options.engine).exists():
        done = json.loads(saved(options.engine).read_text())
    print(report([run(done, names, sets, save=options.save or options.resume)]))


def saved(engine: str) -> Path:
    """The file with an engine's counts."""
    return HERE / f"calibration_{engine}.json"


def run(done: dict[str, Any], names: Sequence[str], sets: int, *, save: bool) -> dict[str, Any]:
    """All shapes in rounds of data sets, kept after each, so that a run can be stopped; after those that are done."""
    engine = done["engine"]
    shapes = [SHAPES[name] for name in names if engine == "nuts" or fits_family(engine, SHAPES[name])]
    compiled: dict[str, list[Any]] = {shape.name: [] for shape in shapes}
    for end in range(ROUND, sets + ROUND, ROUND):
        for shape in shapes:
            counted = done["shapes"].get(shape.name, {"data_sets": 0})["data_sets"]
            data_sets = range(counted, min(end, sets))
            if not data_sets:
                continue
            say(f"{shape.name}, {engine}, data sets from {counted} ...")
            with surroundings(engine, compiled[shape.name]):
                counts = calibrate(shape, engine, data_sets, seed=done["seed"])
            done["shapes"][shape.name] = added(done["shapes"].get(shape.name, {}), counts)
            done["conditions"] = conditions(PACKAGES)
            if save:
                saved(engine).write_text(json.dumps(done) + "\n")
    return done


def report(runs: list[dict[str, Any]]) -> str:
    """Conditions, the tables and what they say; Laplace's approximation is shown, but not judged."""
    parts = [f"{run['engine']}: {run['conditions']} Seed {run['seed']}." for run in runs]
    judged = [run for run in runs if run["engine"] != "laplace"]
    if judged:
        parts += [ranks_table(judged), coverage_table(judged), verdicts(judged)]
    if any(run["engine"] in ("quadrature", "laplace") for run in runs):
        parts.append(sds_table(runs))
    return "\n\n".join(parts)


def calibrate(shape: Shape, engine: str, data_sets: Sequence[int], *, seed: int = 1) -> dict[str, Any]:
    """Counts of the ranks of every quantity, and of intervals that cover, over some data sets.

    Returns
    -------
    dict
        ``data_sets``, ``doubtful`` (fits whose diagnostics are not ok; NUTS: with fewer effective draws of some
        parameter than are ranked), ``divergent`` (fits with a divergence), ``ranks`` (by quantity, counts of the
        ranks 0 to 99), ``coverage`` (by pooling and size: ``sets``, how many each interval ``covers``, and the
        ``log_width`` of ``widths`` 89 % intervals, relative to partial pooling's). All of it adds up.
    """
    import hlm

    found: dict[str, Any] = {}
    silent: set[str] | None = None
    for i in data_sets:
        rng = np.random.default_rng([seed, list(SHAPES).index(shape.name), i])
        frame, truth = from_the_prior(shape, rng)
        fits = fitted(shape, frame, engine, int(rng.integers(2**31)))
        if silent is None:
            silent = undetermined(shape, fits)
        totals = hlm.coefficients(fits, group=shape.factor).sel(term=shape.term)
        ranks = {
            name: (np.arange(KEPT + 1) == (draws[:KEPT] < value).sum()).astype(int).tolist()
            for name, (draws, value) in quantities(shape, fits["partial"], totals, truth, frame).items()
        }
        coverage = covered(shape, totals, truth, frame, silent)
        one = {"data_sets": 1, **trust(fits["partial"]), "ranks": ranks, "coverage": coverage}
        found = added(found, one)
    return found


def added(one: Any, other: Any) -> Any:
    """The sum of two nests of counts; what only one of them has counts as it is."""
    if isinstance(one, dict):
        return {**one, **{key: added(one[key], value) if key in one else value for key, value in other.items()}}
    if isinstance(one, list):
        return [added(a, b) for a, b in zip(one, other, strict=True)]
    return one + other


def trust(fit: Any) -> dict[str, int]:
    """Whether this fit's diagnostics leave a doubt, and whether NUTS diverged."""
    if fit.method == "exact":
        return {"doubtful": int(not fit.diagnostics.ok)}
    return {"doubtful": int(not fit.diagnostics.ess > KEPT), "divergent": int(fit.diagnostics.divergences > 0)}


def quantities(shape: Shape, fit: Any, totals: Any, truth: Truth, frame: Any) -> dict[str, tuple[np.ndarray, float]]:
    """Thinned draws and the truth of each: parameters, correlations, a small and a large group's total, the fit."""
    from hlm.fits.log_likelihood import log_density_of

    posterior = fit.idata["posterior"]
    found = {}
    for name, value in truth.values.items():
        variable, _, place = name.removesuffix("]").partition("[")
        draws = posterior[variable].transpose("chain", "draw", ...)
        if place:
            i, j = map(int, place.split(","))
            draws = draws[:, :, i, j]
        found[name] = (draws.to_numpy().ravel(), value)
    true = true_totals(shape, frame, truth, pooling="partial")
    sizes = first_of_each_size(labels(frame, shape.factor))
    for size in (min(sizes), max(sizes)):
        own = totals.sel({"pooling": "partial", shape.factor: sizes[size]}).transpose("chain", "draw")
        found[f"{shape.term}, group of {size}"] = (own.to_numpy().ravel(), float(true[sizes[size]]))
    density = log_density_of(fit.resolved, fit.idata, fit.parts, lambda: fit.model)
    found["log likelihood"] = (density(slice(None)).sum(axis=1), truth.log_likelihood)
    return {name: (thinned(draws), value) for name, (draws, value) in found.items()}


def thinned(draws: np.ndarray) -> np.ndarray:
    """About 100 of the draws, evenly spaced: of NUTS' 2000 every 20th, which hardly know of each other."""
    return draws[:: len(draws) // (KEPT + 1)]


def undetermined(shape: Shape, fits: Any) -> set[str]:
    """The groups whose own rows cannot determine the coefficient: no pooling has a prior of them, but no estimate."""
    import hlm

    if "none" not in fits:
        return set()
    table = hlm.compare_slopes(fits["none"], term=shape.term, group=shape.factor)
    return set(table["level"][table["estimate"].isna()])


def covered(shape: Shape, totals: Any, truth: Truth, frame: Any, silent: set[str]) -> dict[str, dict[str, Any]]:
    """By pooling and size, one interval each: whether it covers, and the 89 % interval's width over partial pooling's.

    One group of each size a data set, so that the intervals counted are independent.
    """
    tails = sorted({tail for p in PROBABILITIES for tail in ((1 - p) / 2, (1 + p) / 2)})
    limits = totals.quantile(tails, dim=("chain", "draw"))
    found = {}
    for pooling in totals["pooling"].values.tolist():
        true = true_totals(shape, frame, truth, pooling=pooling)
        for size, level in first_of_each_size(labels(frame, shape.factor)).items():
            if pooling == "none" and level in silent:
                continue
            of_level = limits.sel({shape.factor: level})
            lowest, low, high, highest = of_level.sel(pooling=pooling).to_numpy()
            partial = of_level.sel(pooling="partial").to_numpy()
            covers = [int(low < true[level] < high), int(lowest < true[level] < highest)]
            width = float(np.log((highest - lowest) / (partial[3] - partial[0])))
            found[f"{pooling} {size}"] = {"sets": 1, "covers": covers, "widths": 1, "log_width": width}
    return found


def first_of_each_size(of_row: np.ndarray) -> dict[int, str]:
    """A level of each size."""
    levels, counts = np.unique(of_row, return_counts=True)
    return {int(n): str(levels[list(counts).index(n)]) for n in sorted(set(counts.tolist()))}


if __name__ == "__main__":
    main()
