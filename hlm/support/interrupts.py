"""Ctrl-C: it ends what is running within about a second, keeps no partial result, and says what it ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_pressed = threading.Event()  # signals belong to the whole process, and so does this


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with what it has interrupted; a KeyboardInterrupt, so that notebooks and scripts stop as usual."""


@contextmanager
def interruptible(doing: Callable[[], str]) -> Iterator[None]:
    """Inside the block, Ctrl-C ends what is being done, even where a library catches it, and says what that was.

    nutpie and PyMC catch KeyboardInterrupt and return the draws so far as if they were complete (PyMC goes on with the
    next chain); llvmlite loses it while it compiles. They pass any other exception on and clean up, so the signal
    raises another one meanwhile. Where that one is lost too, `checkpoint` or the end of the block raises it again.

    doing: what is being done at that moment, as in ``"fitting partial pooling (3 of 3)"``.
    Interrupted: on Ctrl-C.

    Examples
    --------
    >>> try:
    ...     with interruptible(lambda: "counting (2 of 3)"):
    ...         raise KeyboardInterrupt
    ... except KeyboardInterrupt as stop:
    ...     print(stop)
    Interrupted while counting (2 of 3), after 0 s. Nothing was kept.
    """
    started = time.perf_counter()
    try:
        with _signal_raises_stop():
            yield
    except (KeyboardInterrupt, _Stop):
        seconds = time.perf_counter() - started
        raise Interrupted(f"Interrupted while {doing()}, after {seconds:.0f} s. Nothing was kept.") from None


def checkpoint() -> None:
    """Raise Ctrl-C here, if it was pressed and lost; for loops over compiled code."""
    if _pressed.is_set() and threading.current_thread() is threading.main_thread():
        raise _Stop


@contextmanager
def _signal_raises_stop() -> Iterator[None]:
    """In the outermost such block of the main thread, SIGINT raises `_Stop` in place of KeyboardInterrupt."""
    before, owner = signal.getsignal(signal.SIGINT), os.getpid()
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or not callable(before) or getattr(before, "raises_stop", False):
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        try:
            before(number, frame)
        except KeyboardInterrupt:
            if os.getpid() != owner:  # a worker process of PyMC, which ends in its own way
                raise
            _pressed.set()
            raise _Stop from None

    handle.raises_stop = True  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, handle)
    try:
        yield
        checkpoint()
    except BaseException:
        checkpoint()  # a library may have replaced it by another exception
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        _pressed.clear()


class _Stop(BaseException):
    """Ctrl-C as an exception that no library catches."""
