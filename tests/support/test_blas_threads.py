"""BLAS has one thread inside, and its own number again afterwards; the public functions that factorise are inside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hlm.compare.shrinkage import shrinkage
from hlm.engines.exact.left_out import several_factors
from hlm.engines.reml.reml import reml
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.plan import plan
from hlm.linting.lint import lint
from hlm.support.blas_threads import one_blas_thread


def threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two() -> Iterator[None]:
    with threadpool_limits(2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this BLAS cannot have two threads")
        yield


def test_one_inside_and_two_afterwards() -> None:
    with one_blas_thread():
        assert threads() == {1}
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


def test_an_error_gives_the_threads_back() -> None:
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0  # noqa: B018
    assert threads() == {2}


def test_callers_in_several_threads_leave_the_number_as_it_was() -> None:
    """Of two that overlap, the first leaves first."""
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            entered.set()
            leave.wait(10)

    second = threading.Thread(target=other)
    with one_blas_thread():
        second.start()
        assert entered.wait(10)
        assert threads() == {1}
    leave.set()
    second.join()
    assert threads() == {2}
    with one_blas_thread():
        assert threads() == {1}


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    a, b, x = rng.integers(0, 8, 120), rng.integers(0, 5, 120), rng.normal(size=120)
    return pd.DataFrame({"a": a, "b": b, "x": x, "z": x + rng.normal(size=120), "y": x + a + rng.normal(size=120)})


FORMULA = "y ~ x + z + (x|a) + (1|b)"


@pytest.mark.parametrize(
    ("call", "factorisation"),
    [
        (lambda d: plan(FORMULA, d), "qr"),
        (lambda d: reml(FORMULA, d), "cholesky"),
        (lambda d: fit(FORMULA, d, seed=1, draws=50, chains=2, progress=False), "cholesky"),
        (lambda d: fit_pooling("y ~ x + (x|a)", d, seed=1, draws=50, chains=2, progress=False), "eigh"),
        (lambda d: lint("y ~ x + z + (1|a)", d), "qr"),
    ],
)
def test_factorisations_have_one_thread(
    call: Callable[[pd.DataFrame], Any], factorisation: str, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[int]] = []
    original = getattr(np.linalg, factorisation)

    def spy(*arguments: Any, **options: Any) -> Any:
        seen.append(threads())
        return original(*arguments, **options)

    monkeypatch.setattr(np.linalg, factorisation, spy)
    call(frame)
    assert seen
    assert all(one == {1} for one in seen)
    assert threads() == {2}


def test_leave_one_out_and_shrinkage_have_one_thread(frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = fit_pooling(FORMULA, frame, seed=1, draws=50, chains=2, progress=False)
    seen: list[set[int]] = []
    lower_roots = several_factors.lower_roots
    monkeypatch.setattr(several_factors, "lower_roots", lambda m: seen.append(threads()) or lower_roots(m))
    fits["partial"].leave_out("a")
    pinv = np.linalg.pinv
    monkeypatch.setattr(np.linalg, "pinv", lambda *a, **k: seen.append(threads()) or pinv(*a, **k))
    before = len(seen)
    shrinkage(fits, group="a", why=True)
    assert 0 < before < len(seen)
    assert all(one == {1} for one in seen)
