"""Densities as curves: what a diagram draws of a distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_POINTS = 61


@dataclass(frozen=True, slots=True)
class Shape:
    """A density on a range, unnormalised, and the numbers worth writing under its axis."""

    heights: tuple[float, ...]  # at equal steps from ``low`` to ``high``; the largest is 1
    low: float
    high: float
    marks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Where a density is worth drawing: at ``centre + scale * z`` for ``z`` from ``low`` to ``high``."""

    centre: float
    scale: float
    # low, high: in units of ``z``, as are ``marks``
    low: float
    high: float
    marks: tuple[float, ...] = ()  # the places worth a number under the axis


def curve(log_density: Callable[[np.ndarray], np.ndarray], span: Span) -> Shape:
    """The curve of a density; at a pole it ends at the largest height beside it."""
    places = span.centre + span.scale * np.linspace(span.low, span.high, _POINTS)
    logs = log_density(places)
    heights = np.exp(np.minimum(logs - logs[np.isfinite(logs)].max(), 0.0))
    low, high, *marks = (float(span.centre + span.scale * z) for z in (span.low, span.high, *span.marks))
    return Shape(tuple(heights.tolist()), low, high, tuple(marks))
