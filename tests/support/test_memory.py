"""What does not fit is refused before it is built; the estimates are held against what was really used."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hlm.engines.exact.memory_check
import hlm.fits.predict
import hlm.support.memory
from hlm.engines.bambi.build import build
from hlm.errors import FitError
from hlm.fits.fit import fit
from hlm.fits.log_likelihood import _bambi_log_density
from hlm.fits.predict import predict
from hlm.fits.results import PoolingFits


def made(groups: int, size: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(groups), size)
    x = rng.normal(size=len(g))
    effects = rng.normal(0, 0.5, (groups, 2))
    y = 1 + effects[g, 0] + (2 + effects[g, 1]) * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g, "h": rng.integers(0, 8, len(g))})


def limited(monkeypatch: pytest.MonkeyPatch, bytes_: float) -> None:
    monkeypatch.setattr(hlm.support.memory, "_free", lambda: bytes_)


def test_the_exact_engine_says_how_many_draws_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(2000)
    limited(monkeypatch, 40e6)
    with pytest.raises(
        FitError, match=r"8,000 rows, 4,002 coefficients, 4,000 draws\) would need about 13\d MB"
    ) as said:
        fit("y ~ x + (x|g)", data, seed=1, progress=False)
    assert "draws of the groups' effects 128 MB" in str(said.value)
    assert "40 MB are free" in str(said.value)
    assert "reml() gives lme4's estimates" in str(said.value)
    fitting = re.search(r"There is memory for draws=(\d+) in 4 chain\(s\)", str(said.value))
    assert fitting is not None
    assert 200 < int(fitting[1]) < 312  # 40 MB of 8-byte numbers are 312 x 4 draws of 4,000 effects, and there is more
    fitted = fit("y ~ x + (x|g)", data, draws=int(fitting[1]), seed=1, progress=False)
    assert fitted.idata["posterior"].sizes["draw"] == int(fitting[1])


def test_a_dense_design_is_refused_before_bambi_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(500)
    monkeypatch.setattr("hlm.engines.bambi.adapter.HlmModel", None)
    limited(monkeypatch, 30e6)  # 2,000 rows x 1,000 columns x 8 bytes are 16 MB, twice
    with pytest.raises(FitError, match=r"2,000 rows, 1,000 coefficients of groups\) would need about 32 MB") as said:
        build("y ~ x + (x|g)", data)
    assert "dummy columns of the groups" in str(said.value)
    assert "the exact engine makes no dummy columns" in str(said.value)
    limited(monkeypatch, 90e6)  # there is room for the design alone, but not for 8,000 draws of 1,000 effects, times 4
    with pytest.raises(FitError, match=r"would need about 288 MB of memory \(draws 256 MB, dummy columns"):
        fit("y ~ x + (x|g)", data, method="bambi", seed=1, progress=False)
    limited(monkeypatch, 60e6)
    with pytest.raises(FitError, match="would need about 64 MB .*fewer groups or rows"):
        fit("y ~ x + (x|g)", data, pooling="none", method="bambi", draws=4, tune=1, chains=1, seed=1, progress=False)


def test_predictions_and_log_likelihoods(monkeypatch: pytest.MonkeyPatch, sleepstudy: PoolingFits) -> None:
    def not_built() -> Any:
        pytest.fail("Bambi's model is built before there is room for its log-likelihood")

    limited(monkeypatch, 10e6)  # 180 rows x 4,000 draws x 8 bytes x (2 + two effects) are 23 MB
    with pytest.raises(FitError, match="Predicting 180 rows from 4,000 draws would need about 23 MB.* fewer rows"):
        predict(sleepstudy["partial"])
    with pytest.raises(FitError, match="The log-likelihood of 180 rows given 4,000 draws would need"):
        _bambi_log_density(sleepstudy["partial"].resolved, sleepstudy["partial"].idata, not_built)
    limited(monkeypatch, 24e6)
    assert len(predict(sleepstudy["partial"])) == 180


def test_free_memory_is_the_machine_s_or_the_container_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    meminfo, limit, used = tmp_path / "meminfo", tmp_path / "max", tmp_path / "current"
    monkeypatch.setattr(hlm.support.memory, "_MEMINFO", meminfo)
    monkeypatch.setattr(hlm.support.memory, "_GROUPS", ((limit, used),))
    meminfo.write_text("MemTotal:  9000 kB\nMemFree: 1 kB\nMemAvailable:    4000 kB\n")
    assert hlm.support.memory._free() == 4000 * 1024  # no such group
    used.write_text("100\n")
    limit.write_text("max\n")
    assert hlm.support.memory._free() == 4000 * 1024
    limit.write_text("600\n")
    assert hlm.support.memory._free() == 500
    limit.unlink()
    meminfo.unlink()
    assert hlm.support.memory._free() > 1e8  # what the machine has, where the kernel does not say what is free
    monkeypatch.delattr("os.sysconf")
    assert hlm.support.memory._free() == float("inf")


def used(work: Callable[[], Any]) -> int:
    """Bytes at the highest point; numpy tells tracemalloc of its arrays."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("formula", ["y ~ x + (x|g)", "y ~ x + (x|g) + (1|h)"])
def test_estimates_of_fits_are_within_a_factor_of_two(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    estimates: list[float] = []
    monkeypatch.setattr(
        hlm.engines.exact.memory_check,
        "check_memory",
        lambda _, numbers, __: estimates.append(8 * sum(numbers.values())),
    )
    data = made(3000 if formula.count("|") == 1 else 1000)
    fit(formula, data.head(40), draws=20, seed=1, progress=False)  # imports and compiles, which is not the fit's
    estimates.clear()
    peak = used(lambda: fit(formula, data, draws=500, seed=1, progress=False))
    assert 0.5 < peak / estimates[0] < 2


def test_estimates_of_predictions_are_within_a_factor_of_two(
    monkeypatch: pytest.MonkeyPatch, sleepstudy: PoolingFits
) -> None:
    estimates: list[float] = []
    monkeypatch.setattr(
        hlm.fits.predict, "check_memory", lambda _, numbers, __: estimates.append(8 * sum(numbers.values()))
    )
    peak = used(lambda: predict(sleepstudy["partial"]))
    assert 0.5 < peak / estimates[0] < 2
