"""Shared by all tests: models that take seconds to fit are fitted once and kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("MPLBACKEND", "Agg")

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from hlm.data.packaged_sets import load_data
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.results import Fit, PoolingFits

# the same examples every time; `pytest --hypothesis-profile=search` looks for new ones
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.register_profile("search", max_examples=5000, deadline=None, database=None)
settings.load_profile("repeatable")

REFERENCE = Path(__file__).parent / "reference"
EXAM = "post ~ pre + (pre|school)"


@pytest.fixture(scope="session")
def lme4() -> Callable[[str, str], dict[str, Any]]:
    """What lme4 says of a data set and a formula (tests/reference/lme4.json)."""
    rows = json.loads((REFERENCE / "lme4.json").read_text())
    return lambda name, formula: next(r for r in rows if (r["name"], r["formula"]) == (name, formula))


@pytest.fixture(scope="session")
def exam_nuts() -> PoolingFits:
    return fit_pooling(EXAM, load_data("exam"), method="nuts", seed=1, progress=False)


@pytest.fixture(scope="session")
def exam() -> PoolingFits:
    return fit_pooling(EXAM, load_data("exam"), seed=1, progress=False)


@pytest.fixture(scope="session")
def exam_double_bar() -> Fit:
    return fit("post ~ pre + (pre||school)", load_data("exam"), method="nuts", seed=1, progress=False)


@pytest.fixture(scope="session")
def sleepstudy() -> PoolingFits:
    return fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)


@pytest.fixture(scope="session")
def pastes() -> PoolingFits:
    return fit_pooling("strength ~ 1 + (1|batch/cask)", load_data("pastes"), seed=1, progress=False)


@pytest.fixture(scope="session")
def penicillin() -> PoolingFits:
    return fit_pooling("diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"), seed=1, progress=False)


@pytest.fixture(scope="session")
def radon() -> PoolingFits:
    return fit_pooling("log_radon ~ floor + (floor|county)", load_data("radon"), seed=1, progress=False)


@pytest.fixture(scope="session")
def cbpp() -> PoolingFits:
    formula = "p(incidence, size) ~ period + (1|herd)"
    return fit_pooling(formula, load_data("cbpp"), family="binomial", seed=1, progress=False)


@pytest.fixture(scope="session")
def counts() -> pd.DataFrame:
    """Simulated responses of the discrete families, 12 groups of 15, intercept 0.5 and slope 0.8 on the link scale."""
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(12), 15)
    x = rng.normal(size=len(g))
    eta = 0.5 + 0.8 * x + rng.normal(0, 1, 12)[g]
    mean = np.exp(eta)
    return pd.DataFrame(
        {
            "x": x, "g": g, "hit": rng.binomial(1, 1 / (1 + np.exp(-eta))), "count": rng.poisson(mean),
            "over": rng.negative_binomial(3, 3 / (3 + mean)),
        }
    )  # fmt: skip


@pytest.fixture(scope="session")
def lines_about() -> Callable[[float], pd.DataFrame]:
    """Lines of 8 groups of 12 rows whose slopes vary with sd 0.5, x around a mean with sd 1."""

    def lines(mean: float) -> pd.DataFrame:
        rng = np.random.default_rng(1)
        g, z = np.repeat(np.arange(8), 12), rng.normal(size=96)
        y = 2 + 0.8 * z + rng.normal(size=8)[g] + 0.5 * rng.normal(size=8)[g] * z + 0.5 * rng.normal(size=96)
        return pd.DataFrame({"y": y, "x": z + mean, "g": g})

    return lines
