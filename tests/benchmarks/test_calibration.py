"""The calibration benchmark notices what is wrong, and its test of uniformity has the size that it says."""

from __future__ import annotations

import importlib
import itertools
import json
from collections.abc import Callable
from math import factorial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.theta.standard_deviations import Scale, log_normal_density

BENCHMARKS = Path(__file__).parent.parent.parent / "benchmarks"
DATA_SETS = 40


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def calibration(module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    found = module("calibration")
    monkeypatch.setitem(found.SAMPLING["exact"], "poolings", ("partial",))
    return found


def verdict(calibration: ModuleType, name: str, engine: str = "exact") -> tuple[str, str]:
    """The quantity whose ranks are least uniform, and the verdict on all of them."""
    run = {"engine": engine, "seed": 1, "conditions": "Measured.", "shapes": {}}
    with calibration.surroundings(engine, []):
        run["shapes"][name] = calibration.calibrate(calibration.SHAPES[name], engine, range(DATA_SETS))
    lines = calibration.report([run]).splitlines()
    header, row = ([cell.strip() for cell in lines[i].strip("| ").split(" | ")] for i in (2, 4))
    (ranks,) = [line for line in lines if line.startswith("- Ranks")]
    return row[header.index("of")], ranks.rpartition(": ")[2]


@pytest.mark.parametrize(("shape", "engine"), [("intercepts", "exact"), ("negative binomial", "quadrature")])
def test_a_right_engine_is_called_calibrated(calibration: ModuleType, shape: str, engine: str) -> None:
    assert verdict(calibration, shape, engine)[1] == "holds"  # seeds fixed; one right engine in a hundred fails


def test_a_wrong_jacobian_is_noticed(calibration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The density of the value in place of the coordinate's: a factor of 1 / Phi(-u) is missing."""
    monkeypatch.setattr(
        Scale, "log_density", lambda self, u: self.log_density_of(self.value(u)) + log_normal_density(u)
    )
    assert verdict(calibration, "intercepts") == ("1\\|g_sigma", "DOES NOT HOLD")


def test_a_residual_sd_ten_per_cent_too_large_is_noticed(
    calibration: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = calibration.fitted

    def fitted(*arguments: object) -> object:
        fits = right(*arguments)
        fits["partial"].idata["posterior"]["sigma"] *= 1.1
        return fits

    monkeypatch.setattr(calibration, "fitted", fitted)
    assert verdict(calibration, "intercepts") == ("sigma", "DOES NOT HOLD")


def test_a_part_of_the_density_that_is_left_out_is_noticed(
    calibration: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The factor of the negative binomial density that has nothing but its own parameter."""
    monkeypatch.setattr(GroupedRows, "own_constants", lambda self, phi: np.zeros(len(phi)))
    assert verdict(calibration, "negative binomial", "quadrature") == ("alpha", "DOES NOT HOLD")


def test_laplace_alone_has_one_node_and_a_smaller_sd_between_groups(
    calibration: ModuleType, module: Callable[[str], ModuleType]
) -> None:
    """One data set of 0 and 1 in small groups; what is patched for it is as before afterwards."""
    shape = calibration.SHAPES["bernoulli"]
    frame, _ = module("simulated").from_the_prior(shape, np.random.default_rng(2))
    sds, nodes = [], []
    for engine in ("quadrature", "laplace", "quadrature"):
        with calibration.surroundings(engine, []):
            fit = calibration.fitted(shape, frame, engine, 1)["partial"]
        sds.append(float(fit.idata["posterior"]["1|g_sigma"].mean()))
        nodes.append(fit.diagnostics.nodes)
    assert nodes[1] == (1, 1) and nodes[0] == nodes[2] and nodes[0][1] > 5
    assert sds[0] == sds[2]
    sd = float(fit.idata["posterior"]["1|g_sigma"].std())
    assert sds[1] < sds[0] - 4 * sd * np.sqrt(2 / fit.diagnostics.ess)  # four standard errors of the difference


def test_a_run_that_was_stopped_goes_on(calibration: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five data sets in two parts are those of one run."""
    monkeypatch.setattr(calibration, "ROUND", 2)
    in_one, in_two = ({"engine": "exact", "seed": 3, "shapes": {}} for _ in range(2))
    calibration.run(in_one, ["intercepts"], 5, save=False)
    calibration.run(in_two, ["intercepts"], 3, save=False)
    assert in_two["shapes"]["intercepts"]["data_sets"] == 3
    calibration.run(in_two, ["intercepts"], 5, save=False)
    assert in_one["shapes"] == in_two["shapes"]


def test_nuts_is_compiled_once_and_given_other_responses(
    calibration: ModuleType, module: Callable[[str], ModuleType]
) -> None:
    """The second fit, whose responses were put into the first one's compiled model, against the exact engine."""
    shape = calibration.SHAPES["intercepts"]
    frames = [module("simulated").from_the_prior(shape, np.random.default_rng(seed))[0] for seed in (1, 2)]
    with calibration.surroundings("nuts", []):
        first, second = (calibration.fitted(shape, frame, "nuts", 1)["partial"] for frame in frames)
    exact = calibration.fitted(shape, frames[1], "exact", 1)["partial"]
    means = [fit.idata["posterior"].to_dataset().mean(("chain", "draw")) for fit in (first, second, exact)]
    for name in ("Intercept", "x", "sigma", "1|g_sigma"):
        sd = float(exact.idata["posterior"][name].std())
        # four standard errors of 150 effective draws or more: the least of eight seeds was 300
        assert abs(float(means[1][name] - means[2][name])) < 4 * sd / np.sqrt(150), name
    sigma = [float(mean["sigma"]) for mean in means]
    assert abs(sigma[0] - sigma[1]) > 4 * float(exact.idata["posterior"]["sigma"].std())  # other data


@pytest.mark.parametrize("counts", [(1, 9), (4, 6), (0, 10)])
def test_two_ranks_are_a_sign_test(counts: tuple[int, int], module: Callable[[str], ModuleType]) -> None:
    expected = min(1.0, 2 * stats.binom.cdf(min(counts), 10, 0.5))
    found = module("uniformity").uniform_p(np.array(counts))
    assert found == pytest.approx(expected, rel=1e-9)  # rounding of 10 steps


def test_the_p_value_is_that_of_all_possible_counts(module: Callable[[str], ModuleType]) -> None:
    """All ways to put 5 ranks into 4 cells, with their probabilities: no recursion."""
    uniform_p = module("uniformity").uniform_p
    n, cells = 5, 4
    ways = [np.array(way) for way in itertools.product(range(n + 1), repeat=cells) if sum(way) == n]
    chance = np.array([factorial(n) / np.prod([factorial(k) for k in way]) / cells**n for way in ways])
    z = np.arange(1, cells) / cells
    below = [way.cumsum()[:-1] for way in ways]
    least = np.array([np.minimum(stats.binom.cdf(s, n, z), stats.binom.sf(s - 1, n, z)).min() for s in below])
    for way, statistic in zip(ways, least, strict=True):
        expected = chance[least <= statistic + 1e-12].sum()  # ties, whatever their last digits
        assert uniform_p(way) == pytest.approx(min(expected, 1.0), abs=1e-9), way  # rounding


def test_correlations_by_rejection_are_lkj(module: Callable[[str], ModuleType]) -> None:
    """Under LKJ(eta) a correlation of q effects is 2 Beta(a, a) - 1, a = eta + q / 2 - 1: variance 1 / (2 a + 1)."""
    shape = module("calibration_shapes").SHAPES["cross-level"]
    rng = np.random.default_rng(1)
    simulated = module("simulated")
    found = np.array(
        [
            [simulated.from_the_prior(shape, rng)[1].values[f"g_corr[{i},{j}]"] for i, j in ((1, 0), (2, 0), (2, 1))]
            for _ in range(100)
        ]
    )
    difference = (found**2).mean() - 0.25
    assert abs(difference) < 4 * np.sqrt(
        1 / 16 / 300
    )  # four standard errors: r^2 has sd 1 / 4 where r is 2 Beta(1.5, 1.5) - 1


def test_what_is_saved_is_what_the_readme_shows(module: Callable[[str], ModuleType]) -> None:
    """The README's tables are printed from the counts beside it."""
    runs = [json.loads(path.read_text()) for path in sorted(BENCHMARKS.glob("calibration_*.json"))]
    assert [run["engine"] for run in runs] == ["exact", "laplace", "nuts", "quadrature"]
    assert module("calibration").report(runs) in (BENCHMARKS / "README.md").read_text()
