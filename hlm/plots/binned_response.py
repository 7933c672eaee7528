"""Proportions, rates and means of rows with a similar predictor, with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy.special import gammaincinv, ndtri

from hlm.model.families import Family
from hlm.plots.observed_response import Observed
from hlm.support.options import DEFAULT_PROB

_FEW_VALUES = 10  # of the predictor: with so many at most, each has its own bin
_COLOR = "#444444"
_ROWS, _MOST = 25, 10  # rows of a bin at least; bins at most


def has_bins(family: Family) -> bool:
    """Whether single responses say little: 0 and 1, successes out of trials, counts."""
    return family.support in ("binary", "trials", "count")


def binned(x: np.ndarray, response: Observed, family: Family) -> pd.DataFrame:
    """Rows with a similar ``x`` together: columns ``x, y, lower, upper, rows``.

    ``y`` is all successes over all trials, or all counts over the whole exposure; ``lower`` and ``upper`` are an
    interval of 89 % that takes the rows as independent; see `bins_note`.
    """
    values = np.unique(x)
    if len(values) <= _FEW_VALUES:
        codes = np.searchsorted(values, x)
    else:
        codes = pd.qcut(x, int(np.clip(len(x) // _ROWS, 2, _MOST)), labels=False, duplicates="drop")
    rows = np.bincount(codes)
    totals, sizes = np.bincount(codes, response.totals), np.bincount(codes, response.size)
    mean = totals / sizes
    z = float(ndtri((1 + DEFAULT_PROB) / 2))
    if family.is_binomial:
        lower, upper = wilson(totals, sizes, z)
    elif family.name == "poisson":
        lower, upper = (ends / sizes for ends in exact_poisson(totals, DEFAULT_PROB))
    else:
        squares = np.bincount(codes, (response.totals - mean[codes] * response.size) ** 2)
        with np.errstate(divide="ignore", invalid="ignore"):  # of one row nothing is known
            error = np.sqrt(squares * rows / (rows - 1)) / sizes
        lower, upper = np.maximum(mean - z * error, 0), mean + z * error
        upper = np.minimum(upper, 1) if family.has_trials else upper
    found = {"x": np.bincount(codes, x) / rows, "y": mean, "lower": lower, "upper": upper, "rows": rows}
    return pd.DataFrame(found)[rows > 0]


def wilson(successes: np.ndarray, trials: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """The score interval of a proportion (Wilson 1927): finite and inside [0, 1] for 0 of n too."""
    share = successes / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def exact_poisson(counts: np.ndarray, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """The exact interval of a Poisson mean (Garwood 1936)."""
    tail = (1 - prob) / 2
    lower = np.where(counts > 0, gammaincinv(np.maximum(counts, 1), tail), 0.0)
    return lower, np.asarray(gammaincinv(counts + 1, 1 - tail))


def draw_bins(ax: Axes, bins: pd.DataFrame, *, size: float = 7.0, layer: float = 6) -> None:
    """A square for each bin, with its interval; white rims, so that they stand out from a cloud of points."""
    lines = ax.vlines(bins["x"], bins["lower"], bins["upper"], color=_COLOR, linewidth=1.4, zorder=layer)
    lines.set_path_effects([withStroke(linewidth=3.4, foreground="white")])
    ax.plot(bins["x"], bins["y"], **bins_style("", size), zorder=layer)


def bins_style(label: str, size: float = 7.0) -> dict[str, Any]:
    """The squares' style, which the key has too."""
    return {
        "marker": "s", "linestyle": "none", "markersize": size, "color": _COLOR, "markeredgecolor": "white",
        "markeredgewidth": 0.8, "label": label,
    }  # fmt: skip


def bins_label(response: Observed, family: Family, bins: pd.DataFrame, x: str, values: np.ndarray) -> str:
    """The squares in the key; ``values`` are the numbers of ``x``."""
    what = "proportion" if family.support != "count" else "mean" if response.per is None else "rate"
    where = f"at each {x}" if len(bins) == len(np.unique(values)) else f"in {len(bins)} parts of {x}"
    return f"{what} of all rows, {where}"


def bins_note(family: Family) -> str:
    """What must be known to read the squares."""
    percent, z = f"{100 * DEFAULT_PROB:g} %", ndtri((1 + DEFAULT_PROB) / 2)
    kind = f"{percent} Wilson" if family.is_binomial else f"{percent} exact Poisson"
    if not family.is_binomial and family.name != "poisson":
        kind = f"{percent} (\N{PLUS-MINUS SIGN} {z:.1f} standard errors)"
    return f"intervals of squares: {kind}, as if all rows were independent"
