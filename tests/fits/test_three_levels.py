"""A trial of therapists, subjects and times: its fit, its print and its leave-one-out take seconds on busy cores too."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from hlm.engines.reml.reml import reml
from hlm.fits.fit import fit

FORMULA = "y ~ time*tx + (time|therapist/subject)"


@pytest.fixture(scope="module")
def three_levels() -> pd.DataFrame:
    """8 therapists with 6 subjects each, 3 times: 144 rows, 116 coefficients."""
    r = np.random.default_rng(3)
    rows = [(t, f"{t}_{s}", s % 2, k) for t in range(8) for s in range(6) for k in range(3)]
    d = pd.DataFrame(rows, columns=["therapist", "subject", "tx", "time"])
    u, v = r.normal(size=(8, 4)), r.normal(size=(48, 2))
    c, t = d["subject"].astype("category").cat.codes.to_numpy(), d["therapist"].to_numpy()
    slope = 1 + 0.5 * u[t, 1] + 0.5 * v[c, 1] + (0.5 + 0.4 * u[t, 3]) * d["tx"]
    return d.assign(
        y=10 + u[t, 0] + v[c, 0] + slope * d["time"] + (0.7 * u[t, 2] - 1) * d["tx"] + 0.7 * r.normal(size=144)
    )


def test_reml_is_lme4s(three_levels: pd.DataFrame) -> None:
    assert abs(reml(FORMULA, three_levels).loglik + 235.6099) < 1e-3  # lme4 1.1-31


def test_printing_computes_nothing_and_leave_one_out_is_a_matter_of_seconds(three_levels: pd.DataFrame) -> None:
    """With several BLAS threads beside other work it was 51 s; processor time, which a busy machine does not change."""
    started = time.process_time()
    trial = fit(FORMULA, three_levels, seed=1, progress=False)
    trial.leave_out()
    assert time.process_time() - started < 40  # some 5 s, and 20 of compiling where nothing is compiled yet
    started = time.process_time()
    assert "elpd" in str(trial)
    assert time.process_time() - started < 1
