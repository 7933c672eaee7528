"""The exam model by hlm and by its peers, in one run on one machine.

    .uv/bin/uv run python benchmarks/peers.py            # some minutes; R's packages too where Rscript has them
    .uv/bin/uv run python benchmarks/peers.py --no-r     # Python only
    .uv/bin/uv run python benchmarks/peers.py --quick    # only what is fast: does it run?

Every peer fits ``post ~ pre + (pre|school)`` with 4 chains of 1000 draws (after 1000 for tuning) in a process of its
own. What the columns mean, and what is fair and unfair about them, stands in README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import CaseFailedError, conditions, holds, markdown, run_case, say

FORMULA = "post ~ pre + (pre|school)"
DRAWS, TUNE, CHAINS, SEED = 1000, 1000, 4, 1
WARM_FITS = 5
NUTS_FITS = 5  # the minimum of 136 effective sizes differs by a third from seed to seed: medians on both sides
VARIABLES = ("Intercept", "pre", "sigma", "1|school_sigma", "pre|school_sigma", "1|school", "pre|school")
TIMES_FASTER, TIMES_ESS, POOLING_SECONDS, CLI_SECONDS = 100, 500, 2.5, 5  # what the design asks
PACKAGES = ("hlm-pooling", "bambi", "pymc", "pytensor", "nutpie", "numba", "numpy")
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Peer:
    """One row of the table: who fits, whether with the correlation of intercept and slope, and how it is called."""

    name: str
    correlation: str
    command: tuple[str, ...]
    fast: bool = False


def main() -> None:
    """Measure every peer and print the table."""
    parser = argparse.ArgumentParser(description="The exam model by hlm and by its peers.")
    rscript = shutil.which("Rscript")
    parser.add_argument(
        "--r", action=argparse.BooleanOptionalAction, default=rscript is not None, help="R's packages too"
    )
    parser.add_argument("--quick", action="store_true", help="only what is fast: does it run?")
    parser.add_argument("--case", choices=CASES, help="one case, as a line of JSON")
    options = parser.parse_args()
    if options.case:
        print(json.dumps(CASES[options.case]()))
        return
    if options.r and rscript is None:
        parser.error("--r needs Rscript on the path.")
    found: dict[Peer, dict[str, float]] = {}
    notes = []
    for peer in [*python_peers(), *(r_peers(rscript) if options.r and rscript else [])]:
        if options.quick and not peer.fast:
            continue
        say(f"{peer.name} ...")
        try:
            found[peer] = run_case(peer.command)
        except CaseFailedError as problem:
            notes.append(f"- {peer.name} did not run: {problem}")
    print("\n".join([conditions(PACKAGES), "", table(found), "", *notes, *verdict(found)]))
    if not options.quick:
        print("\n".join(by_itself()))


def python_peers() -> list[Peer]:
    """The peers of this Python."""

    def case(name: str) -> tuple[str, ...]:
        return (sys.executable, __file__, "--case", name)

    return [
        Peer("hlm, exact", "yes", case("hlm"), fast=True),
        Peer("Bambi, PyMC's NUTS (its default)", "no", case("bambi")),
        Peer("Bambi, nutpie", "no", case("bambi-nutpie")),
        Peer("hlm.build, nutpie", "yes", case("build-nutpie")),
    ]


def r_peers(rscript: str) -> list[Peer]:
    """Those of R's packages that this R has."""
    arguments = [str(HERE.parent / "hlm" / "data" / "sets" / "exam.csv"), *map(str, (DRAWS, TUNE, CHAINS, SEED))]
    names = {"lme4": "lme4 (point estimate)", "brms": "brms", "rstanarm": "rstanarm"}
    peers = []
    for package, name in names.items():
        probe = f'cat(requireNamespace("{package}", quietly = TRUE))'
        done = subprocess.run([rscript, "-e", probe], capture_output=True, text=True)
        if done.stdout.strip() == "TRUE":
            command = (rscript, str(HERE / "peers.R"), package, *arguments)
            peers.append(Peer(name, "yes", command, fast=package == "lme4"))
        else:
            say(f"{package}: not installed in this R, left out.")
    return peers


def fit_hlm() -> dict[str, float]:
    """The first fit of a process, then the median of warm ones."""
    import hlm

    exam = hlm.load_data("exam")
    times, ess = [], []
    for seed in range(SEED, SEED + 1 + WARM_FITS):
        started = time.perf_counter()
        fit = hlm.fit(FORMULA, exam, method="exact", draws=DRAWS, chains=CHAINS, tune=TUNE, seed=seed, progress=False)
        times.append(time.perf_counter() - started)
        # the draws stand in random order, so that ArviZ cannot see repeated ones: the weights' own number bounds it
        ess.append(min(smallest_ess(fit.idata), fit.diagnostics.ess))
    return {"first": times[0], "seconds": statistics.median(times[1:]), "ess": statistics.median(ess)}


def fit_bambi(method: str) -> dict[str, float]:
    """Bambi by itself: it reads ``(pre|school)`` as independent effects."""
    import bambi

    import hlm

    exam = hlm.load_data("exam")[["post", "pre", "school"]]
    return sampled(lambda: bambi.Model(FORMULA, exam), method)


def fit_built() -> dict[str, float]:
    """The model that hlm builds, with the correlation."""
    import bambi  # noqa: F401  # its import, of seconds, is nobody's fit

    import hlm

    exam = hlm.load_data("exam")
    return sampled(lambda: hlm.build(FORMULA, exam), "nutpie")


def sampled(build: Callable[[], Any], method: str) -> dict[str, float]:
    """Medians of seconds of building, compiling and sampling, of sampling alone (the sampler's report), and of ESS."""
    seconds, sampling, ess = [], [], []
    for seed in range(SEED, SEED + NUTS_FITS):
        started = time.perf_counter()
        idata = build().fit(
            draws=DRAWS, tune=TUNE, chains=CHAINS, inference_method=method, random_seed=seed, progressbar=False
        )
        seconds.append(time.perf_counter() - started)
        sampling.append(idata["posterior"].attrs["sampling_time"])
        ess.append(smallest_ess(idata))
    return {name: statistics.median(v) for name, v in (("seconds", seconds), ("sampling", sampling), ("ess", ess))}


def smallest_ess(idata: Any) -> float:
    """The smallest bulk effective sample size of all that the model estimates (Vehtari et al. 2021)."""
    import arviz_stats

    posterior = idata["posterior"].to_dataset()
    free = posterior[list(VARIABLES)]
    if "school_corr" in posterior:
        free["cor"] = posterior["school_corr"].sel(school_effect="Intercept", school_effect_bis="pre", drop=True)
    return min(float(values.min()) for values in arviz_stats.ess(free, method="bulk").data_vars.values())


def pooling_and_loo() -> dict[str, float]:
    """Three strategies and their leave-one-out comparison, warm."""
    import hlm

    exam = hlm.load_data("exam")
    times = []
    for seed in (SEED, SEED + 1, SEED + 2):
        started = time.perf_counter()
        hlm.compare_loo(hlm.fit_pooling(FORMULA, exam, seed=seed, progress=False))
        times.append(time.perf_counter() - started)
    return {"first": times[0], "seconds": min(times[1:])}


def table(found: dict[Peer, dict[str, float]]) -> str:
    """One row per peer; the last two columns against Bambi's default."""
    default = next((one for peer, one in found.items() if "default" in peer.name), None)
    rows = []
    for peer, one in found.items():
        rate = one["ess"] / one["seconds"] if "ess" in one else None
        rows.append(
            {
                "fitted by": peer.name, "correlation": peer.correlation, "first call s": one.get("first"),
                "seconds": one["seconds"], "of it sampling": one.get("sampling"), "min bulk ESS": one.get("ess"),
                "ESS per s": rate, "times faster": default and default["seconds"] / one["seconds"],
                "times ESS per s": default and rate and rate / (default["ess"] / default["seconds"]),
            }
        )  # fmt: skip
    return markdown(rows)


def verdict(found: dict[Peer, dict[str, float]]) -> list[str]:
    """Whether hlm is as far ahead of Bambi's default as the design asks."""
    by_name = {peer.name.partition(" (")[0]: one for peer, one in found.items()}
    ours, theirs = by_name.get("hlm, exact"), by_name.get("Bambi, PyMC's NUTS")
    if ours is None or theirs is None:
        return []
    faster = theirs["seconds"] / ours["seconds"]
    return [
        holds("Times faster than Bambi's default", faster, TIMES_FASTER, at_least=True),
        holds("Times its ESS per second", faster * ours["ess"] / theirs["ess"], TIMES_ESS, at_least=True),
        f"- (In a new process, where libraries and kernels must be loaded: {theirs['seconds'] / ours['first']:.0f} "
        f"times faster. Against sampling alone: {theirs['sampling'] / ours['seconds']:.0f} times.)",
    ]


def by_itself() -> list[str]:
    """What a reader waits for: three strategies with their comparison, and the command line from a cold process."""
    say("fit_pooling and compare_loo ...")
    warm = run_case([sys.executable, __file__, "--case", "pooling"])["seconds"]
    command = [sys.executable, "-m", "hlm", "compare", FORMULA, "exam", "--seed", "1", "--quiet"]
    say("hlm compare ...")
    times = []
    for _ in range(2):  # the first may have to compile kernels
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return [
        holds("fit_pooling and compare_loo, warm", warm, POOLING_SECONDS, unit=" s"),
        holds("hlm compare from a cold process", times[1], CLI_SECONDS, unit=" s"),
    ]


CASES: dict[str, Callable[[], dict[str, float]]] = {
    "hlm": fit_hlm,
    "bambi": lambda: fit_bambi("pymc"),
    "bambi-nutpie": lambda: fit_bambi("nutpie"),
    "build-nutpie": fit_built,
    "pooling": pooling_and_loo,
}


if __name__ == "__main__":
    main()
