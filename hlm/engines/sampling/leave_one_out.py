"""Leave-one-out predictive densities, by Pareto-smoothed importance sampling."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

import numpy as np

from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.pareto_smoothing import log_sum_exp, smooth
from hlm.errors import FitError
from hlm.support.interrupts import checkpoint

_LOST = 0.5 * np.log(1e-12)  # added to a log density: that of an sd a million times as large
_CHUNK_NUMBERS = 20_000_000  # draws x rows worked on at once: 160 MB
_STRIP_NUMBERS = 1_000_000  # of these at once in one thread
_MOST_THREADS = 4  # each makes large copies


def best_of(loos: Mapping[str, PointwiseLoo]) -> str:
    """The strategy of largest elpd; one whose elpd is NaN only if all are."""
    return max(loos, key=lambda pooling: (not np.isnan(loos[pooling].total), loos[pooling].total))


def difference(loo: PointwiseLoo, best: PointwiseLoo) -> dict[str, float]:
    """Difference to the best strategy, unit by unit: what all strategies predict badly cancels.

    FitError: where one leaves out rows and the other groups: the two answer different questions.
    """
    if loo.unit != best.unit:
        raise FitError(
            f"Leaving out each {loo.unit} and leaving out each {best.unit} answer different questions: "
            f"their elpd cannot be compared. Ask for one unit."
        )
    paired = loo.elpd - best.elpd
    return {"elpd_diff": float(paired.sum()), "se_diff": float(np.sqrt(len(paired) * paired.var()))}


def pointwise_loo(log_density: Callable[[slice], np.ndarray], rows: int, draws: int) -> PointwiseLoo:
    """Leave each response out, without refitting.

    log_density: for a slice of rows, their log density given each draw, shape (draws, rows of the slice).
    """
    size = max(1, _CHUNK_NUMBERS // draws)
    stretches = (np.arange(start, min(start + size, rows)) for start in range(0, rows, size))
    pieces = ((units, log_density(slice(units[0], units[-1] + 1))) for units in stretches)
    return from_densities(((units, values, values) for units, values in pieces), rows)


def from_densities(
    pieces: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], units: int, *, unit: str = "observation"
) -> PointwiseLoo:
    """Leave-one-out from densities given each draw of the parameters that are not integrated out.

    pieces: some units at a time: their places, their log densities given the draw and all other units, and those given
        the draw and all units, both of shape (draws, units of the piece). The same array twice if nothing is integrated
        out. NaN where only the unit itself determines its prediction: it counts as much less likely, with an infinite
        Pareto k. Where there is no NaN, those given all units may be at fewer draws.
    units: how many there are.
    unit: their name.
    """
    elpd, lppd, pareto_k = np.empty(units), np.empty(units), np.empty(units)

    def weigh(places: np.ndarray, unknown: np.ndarray, inside: np.ndarray) -> None:
        nothing = np.isnan(unknown)  # no other unit determines its prediction
        without = np.where(nothing, inside + _LOST, unknown) if nothing.any() else unknown
        smoothed = smooth(-without)
        elpd[places] = log_sum_exp(smoothed.log_weights + without)
        lppd[places] = log_sum_exp(inside) - np.log(len(inside))
        pareto_k[places] = np.where(nothing.any(axis=0), np.inf, smoothed.pareto_k)

    _in_threads(weigh, _strips(pieces))
    return PointwiseLoo(elpd, lppd, pareto_k, unit)


def _strips(
    pieces: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The pieces cut into smaller ones, which fit into a processor's cache and keep all threads busy."""
    for places, unknown, inside in pieces:
        width = max(1, _STRIP_NUMBERS // len(unknown))
        for start in range(0, len(places), width):
            some = slice(start, start + width)
            yield places[some], unknown[:, some], inside[:, some]


def _in_threads(work: Callable[..., None], items: Iterable[tuple[np.ndarray, ...]]) -> None:
    """Call ``work`` on every item while the next ones are made; few are kept waiting, since they are large."""
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in items:
            waiting.append(pool.submit(copy_context().run, work, *item))  # the context has numpy's errstate
            if len(waiting) > 2 * threads:
                waiting.popleft().result()
                checkpoint()
        for one in waiting:
            one.result()
    checkpoint()
