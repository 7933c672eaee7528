"""Fits at the same time give the numbers that they give one after the other, in threads and in other processes."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from hlm.data.packaged_sets import load_data
from hlm.fits.fit import fit
from hlm.fits.results import PoolingFits
from hlm.support.random_streams import stream

SLEEP = "Reaction ~ Days + (Days|Subject)"
EXACT: list[tuple[str, str, dict[str, Any]]] = [
    ("sleepstudy", SLEEP, {"seed": 1}),
    ("sleepstudy", SLEEP, {"seed": 2}),
    ("sleepstudy", SLEEP, {"seed": 1, "pooling": "none"}),
    ("exam", "post ~ pre + (pre|school)", {"seed": 3}),
    ("exam", "post ~ pre + (1|school)", {"seed": 4, "pooling": "complete"}),
    ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", {"seed": 5}),
    ("pastes", "strength ~ 1 + (1|batch/cask)", {"seed": 6}),
    ("radon", "log_radon ~ floor + (floor|county)", {"seed": 7}),
]
SHORT = {"method": "nuts", "draws": 20, "tune": 50, "chains": 2, "pooling": "complete"}
SAMPLED: list[tuple[str, str, dict[str, Any]]] = [
    ("sleepstudy", SLEEP, {"seed": 1, **SHORT}),
    ("cbpp", "p(incidence, size) ~ period + (1|herd)", {"seed": 2, "family": "binomial", **SHORT}),
]
ELSEWHERE = """
import sys, tempfile
sys.path.insert(0, {here!r})
def refuse(*_, **__):
    raise OSError("read-only")
tempfile.TemporaryFile = refuse  # numba asks by it whether it may keep what it compiles
from test_parallel import EXACT, digest, fitted
print(digest(fitted(EXACT[0])))
"""


def fitted(job: tuple[str, str, dict[str, Any]]) -> xr.Dataset:
    data, formula, options = job
    return fit(formula, load_data(data), progress=False, **options).idata["posterior"].to_dataset()


def digest(posterior: xr.Dataset) -> str:
    found = hashlib.sha256()
    for name in sorted(posterior.data_vars):
        found.update(str(name).encode() + np.ascontiguousarray(posterior[name].to_numpy()).tobytes())
    return found.hexdigest()


@pytest.mark.parametrize("jobs", [EXACT, SAMPLED], ids=["exact", "nuts"])
def test_threads_do_not_change_a_digit(jobs: list[tuple[str, str, dict[str, Any]]]) -> None:
    np.random.seed(11)
    before = np.random.get_state()[1].copy()
    alone = [digest(fitted(job)) for job in jobs]
    assert len(set(alone)) == len(jobs)
    with ThreadPoolExecutor(len(jobs)) as pool:
        assert [digest(p) for p in pool.map(fitted, jobs)] == alone
    assert (np.random.get_state()[1] == before).all()


def test_nor_do_another_process_one_thread_other_hashes_or_a_read_only_folder(tmp_path: Path) -> None:
    alone = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "7"}
    program = ELSEWHERE.format(here=str(Path(__file__).parent))
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | alone,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == digest(fitted(EXACT[0]))


def test_arms_and_purposes_have_streams_of_their_own(exam: PoolingFits) -> None:
    sigma = np.array([fit.idata["posterior"]["sigma"].to_numpy().ravel() for fit in exam.values()])
    correlations = np.corrcoef(sigma)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 0.07  # four sds of a correlation of 4,000 independent pairs; it was 0.99
    purposes = "complete pooling", "none pooling", "partial pooling", "prediction", "replicated data", "pooling path"
    first = {tuple(stream(1, purpose).standard_normal(3)) for purpose in purposes}
    simulated = tuple(np.random.default_rng(1).standard_normal(3))  # what `simulate` takes
    assert len(first | {simulated}) == len(purposes) + 1
    assert first == {tuple(stream(1, purpose).standard_normal(3)) for purpose in purposes}
