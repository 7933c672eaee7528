"""A trial of therapists, subjects and times: its fit, its print and its leave-one-out take seconds on busy cores too."""

from __future__ import annotations

import time

from slow_designs import three_levels

from hlm.engines.reml.reml import reml
from hlm.fits.fit import fit

FORMULA = "y ~ time*tx + (time|therapist/subject)"


def test_reml_is_lme4s() -> None:
    assert abs(reml(FORMULA, three_levels()).loglik + 235.6099) < 1e-3  # lme4 1.1-31


def test_printing_computes_nothing_and_leave_one_out_is_a_matter_of_seconds() -> None:
    """With several BLAS threads beside other work it was 51 s; processor time, which a busy machine does not change."""
    started = time.process_time()
    trial = fit(FORMULA, three_levels(), seed=1, progress=False)
    trial.leave_out()
    assert time.process_time() - started < 40  # some 5 s, and 20 of compiling where nothing is compiled yet
    started = time.process_time()
    assert "elpd" in str(trial)
    assert time.process_time() - started < 1
