"""Ctrl-C ends what is running, keeps nothing, and says what it ended."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np
import pytest

from hlm.cli import main
from hlm.compare.compare_loo import compare_loo
from hlm.compare.pooling_path import pooling_path
from hlm.compare.recovery import recovery
from hlm.data.packaged_sets import load_data
from hlm.engines.exact import engine
from hlm.engines.exact.likelihood import marginal
from hlm.engines.exact.sums.one_factor import CrossProducts
from hlm.engines.interface import Draws, Options
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.results import PoolingFits
from hlm.model.model import Model
from hlm.support.interrupts import Interrupted, checkpoint, interruptible

SLEEP = "Reaction ~ Days + (Days|Subject)"


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def swallowing() -> str:
    try:
        press()
    except KeyboardInterrupt:
        return "half"
    return "whole"


def losing() -> str:
    try:
        press()
    except BaseException:
        return "half"
    return "whole"


def translating() -> str:
    try:
        press()
    except BaseException as stop:
        raise RuntimeError("the sampler stopped") from stop
    return "whole"


@pytest.mark.parametrize("body", [press, swallowing, losing, translating])
def test_no_library_can_keep_ctrl_c_for_itself(body: Callable[[], object]) -> None:
    kept: list[object] = []
    counting = interruptible(lambda: "counting (2 of 3)")
    with pytest.raises(KeyboardInterrupt, match=r"^Interrupted while counting \(2 of 3\), after 0 s."), counting:
        kept.append(body())
    assert kept == (["half"] if body is losing else [])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_was_lost_is_raised_at_the_next_checkpoint_and_only_once() -> None:
    rounds = []

    @interruptible(lambda: "a loop")
    def loop() -> None:
        for number in range(3):
            rounds.append((number, losing()))
            checkpoint()

    with pytest.raises(Interrupted):
        loop()
    assert rounds == [(0, "half")]
    with interruptible(lambda: "the next loop"):
        checkpoint()
    checkpoint()


def test_the_outermost_says_what_was_called() -> None:
    inner = interruptible(lambda: "one strategy")
    with pytest.raises(Interrupted, match="while all strategies"), interruptible(lambda: "all strategies"), inner:
        press()


def test_other_errors_and_other_handlers_are_left_alone() -> None:
    with pytest.raises(RuntimeError, match="^its own$"), interruptible(lambda: "anything"):
        raise RuntimeError("its own")
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGINT, hear)
    try:
        with interruptible(lambda: "anything"):
            press()
        assert heard == [signal.SIGINT]
        assert signal.getsignal(signal.SIGINT) is hear
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with interruptible(lambda: "anything"):
            press()
    finally:
        signal.signal(signal.SIGINT, before)


def test_signals_are_the_main_thread_s() -> None:
    seen: list[Any] = []

    def work() -> None:
        with interruptible(lambda: "anything"):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.parametrize("method", ["nuts", "bambi"])
def test_half_a_chain_of_nutpie_is_no_fit(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import nutpie

    sampler = sys.modules[nutpie.sample.__module__]._BackgroundSampler
    wait = sampler.wait

    def press_and_wait(self: Any, **options: Any) -> Any:
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        return wait(self, **options)

    monkeypatch.setattr(sampler, "wait", press_and_wait)
    running = threading.active_count()
    with pytest.raises(KeyboardInterrupt, match=r"^Interrupted while fitting complete pooling, after \d+ s"):
        fit(
            SLEEP, load_data("sleepstudy"), pooling="complete", method=method, draws=500_000, chains=1, seed=1,
            progress=False,
        )  # fmt: skip
    assert threading.active_count() <= running + 1  # the timer's own thread may be ending still


def test_pooling_says_which_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    run = engine._sample

    def second(model: Model, options: Options) -> Draws:
        if model.pooling == "none":
            press()
        return run(model, options)

    monkeypatch.setattr(engine, "_sample", second)
    with pytest.raises(Interrupted, match="Interrupted while fitting no pooling, strategy 2 of 3, after"):
        fit_pooling(SLEEP, load_data("sleepstudy"), seed=1, progress=False)


def test_comparisons_say_how_far(monkeypatch: pytest.MonkeyPatch, sleepstudy: PoolingFits) -> None:
    monkeypatch.setattr(marginal, "sweep", lambda *_: press())
    nothing_kept = {label: replace(one) for label, one in sleepstudy.items()}  # a fit keeps what was left out before
    with pytest.raises(Interrupted, match="Interrupted while leaving out each Subject, strategy 1 of 3"):
        compare_loo(nothing_kept, unit="Subject")
    with pytest.raises(Interrupted, match="Interrupted while following the pooling path, after"):
        pooling_path(SLEEP, load_data("sleepstudy"), seed=1)
    with pytest.raises(Interrupted, match="Interrupted while recovering data set 1 of 3, after"):
        recovery((6,), repeats=3, groups_per_size=2, seed=1)


def test_command_line_ends_with_130_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "_sample", lambda *_: press())
    assert main(["compare", SLEEP, "sleepstudy", "--quiet"]) == 130
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "hlm: Interrupted while fitting complete pooling, strategy 1 of 3, after 0 s. Nothing was kept.\n"
    )


def test_kernels_are_cut_where_ctrl_c_would_have_to_wait() -> None:
    groups, thetas = 1_000_000, 4000
    sums = CrossProducts(
        np.broadcast_to(10, groups), np.broadcast_to(0.0, (groups, 2, 2)), np.zeros(2), np.zeros(2),
        np.broadcast_to(0.0, (groups, 2, 3)), np.broadcast_to(0.0, (groups, 3, 3)),
    )  # fmt: skip
    edges, _ = marginal._cut(sums, thetas)
    assert (edges[0], edges[-1]) == (0, thetas)
    assert (np.diff(edges) * sums.operations).max() < 2 * marginal._BLOCK  # about a second


def test_cuts_do_not_change_a_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    for formula, data in ((SLEEP, "sleepstudy"), ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin")):
        whole = fit(formula, load_data(data), draws=200, seed=1, progress=False).idata["posterior"].to_dataset()
        with monkeypatch.context() as patch:
            patch.setattr(marginal, "_BLOCK", 1e5)
            cut = fit(formula, load_data(data), draws=200, seed=1, progress=False).idata["posterior"].to_dataset()
        assert whole.identical(cut), formula
