"""`plot_shrinkage`: how much of each group the other groups decide, against the size of the group."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from hlm.compare.compare_slopes import model_of
from hlm.compare.shrinkage import shrinkage
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits
from hlm.formula.formula import Term
from hlm.plots.coefficient_axis import default_term
from hlm.plots.glyphs import LOOKS, axes_or_new, circle, complete_line, describe, headline, number
from hlm.plots.group_names import label_points, named, size_axis
from hlm.plots.observed_response import sizes_of

_MANY = 300  # groups: beyond it circles are small dots, beside bands of quantiles
_LABELLED = 4
_EQUAL = 0.005  # shares that differ by less are printed as the same number
_BANDS = 12  # sizes of groups are cut into so many parts


def plot_shrinkage(fits: Fits, *, term: str | None = None, group: str | None = None, ax: Axes | None = None) -> Axes:
    """The shrinkage table as a picture: small groups are moved far, large ones hardly.

    Parameters
    ----------
    fits : PoolingFits
        With the strategies ``"none"`` and ``"partial"``.
    term : str, optional
        The coefficient whose movement is written beside the labelled groups, ``"pre"`` or ``"Intercept"``; by default
        the first slope that varies by the group, else the intercept.
    group : str, optional
        The grouping factor; needed where there are several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. A filled circle a group: horizontally its number of rows, or of
        trials where the response is successes out of trials, on a logarithmic scale; vertically how much of its
        coefficients the other groups decide, from nothing (0 %, no pooling, where the open circles would be) to all
        (100 %, the black line): ``tr(B) / q`` of its pooling matrix, for all its varying coefficients together (Gelman
        & Hill 2007, eq. 12.1, for several coefficients). Beside the most and the least pooled groups stand one
        coefficient's estimates by no and by partial pooling.

    Raises
    ------
    FitError
        For a missing strategy, an unknown term or factor, or several factors and no name.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_shrinkage
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_shrinkage(fits)
    >>> ax.get_xlabel()
    'Subject (10 rows each)'
    """
    model = model_of(fits)
    factor = model.group(group)
    label = default_term(model, factor) if term is None else term
    table = shrinkage(fits, term=label, group=factor.name).set_index("level")
    ax = axes_or_new(ax, 7, 5)
    ax.set(ylim=(-0.04, 1.06), ylabel="share that the other groups decide")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    sizes, unit = sizes_of(model.written, model.data, factor)
    table["size"] = pd.Series(sizes, index=model.data.levels(factor))
    at = size_axis(ax, table["size"].to_numpy(), list(table.index), factor.name, unit)
    no_movement: dict[str, Any] = {"color": LOOKS["none"].color, "linewidth": 1.8}
    ax.axhline(0, **no_movement, zorder=1.5)
    ax.axhline(1, **complete_line(1.8), zorder=1.5)
    if len(table) > _MANY:
        _draw_bands(ax, table)
        ax.plot(at, table["pooled"], **circle("partial", 3), alpha=0.25, rasterized=True, zorder=3)
    else:
        size = float(np.clip(60 / np.sqrt(len(table)), 5, 8))
        ax.plot(at, table["pooled"], **circle("partial", size), zorder=3)
    _label_extremes(ax, at, table, label)
    key = [no_movement | {"label": LOOKS["none"].label}, circle("partial", 6), complete_line(1.8)]
    headline(ax, _headline(table["pooled"], factor), key=key)
    describe(ax, _in_words(table, factor, label, unit), problems=failed_diagnostics(fits).values())
    return ax


def _draw_bands(ax: Axes, table: pd.DataFrame) -> None:
    """Of many groups: between which shares the middle half and nine tenths of groups of one size lie."""
    cut = table.groupby(pd.qcut(table["size"], _BANDS, duplicates="drop"), observed=True)
    for low, high, alpha in ((0.05, 0.95, 0.2), (0.25, 0.75, 0.35)):
        ends = cut["pooled"].quantile(low), cut["pooled"].quantile(high)
        ax.fill_between(cut["size"].median(), *ends, color=LOOKS["partial"].color, alpha=alpha, linewidth=0, zorder=2)


def _label_extremes(ax: Axes, at: np.ndarray, table: pd.DataFrame, label: str) -> None:
    """The most moved groups and the least moved one, with the estimates that no and partial pooling give."""
    share = table["pooled"].to_numpy()
    order = np.argsort(-share, kind="stable")
    chosen = list(dict.fromkeys([*order[: _LABELLED - 1], order[-1]])) if share.max() > share.min() + _EQUAL else []
    texts = [f"{level}: {label} {_journey(row)}" for level, row in table.iloc[chosen].iterrows()]
    points = np.column_stack([at, share])
    label_points(ax, points[chosen], texts, among=points, level_lines=(0, 1))


def _journey(row: pd.Series[float]) -> str:
    """From where to where a group was moved."""
    start = "unknown" if np.isnan(row["none"]) else number(row["none"])
    return f"{start} \N{RIGHTWARDS ARROW} {number(row['partial'])}"


def _headline(pooled: pd.Series[float], factor: Term) -> str:
    share = 100 * pooled
    if share.max() - share.min() < 100 * _EQUAL:
        return f"The others decide {share.mean():.0f} % of every {factor.name}: all know equally much"
    most = named(factor, str(share.idxmax()))
    return f"The others decide {share.max():.0f} % of {most}, {share.mean():.0f} % of the average {factor.name}"


def _in_words(table: pd.DataFrame, factor: Term, label: str, unit: str) -> str:
    share = table["pooled"]
    ends = [
        f"{named(factor, str(level))} with {row['size']:.0f} {unit}(s): {100 * row['pooled']:.0f} %, its {label} "
        f"{_journey(row)}"
        for level, row in table.loc[list(dict.fromkeys([share.idxmax(), share.idxmin()]))].iterrows()
    ]
    return (
        f"How much the other groups decide, against the number of {unit}s, for {len(table)} groups of {factor.name}; "
        f"on average {100 * share.mean():.0f} %. From {'; to '.join(ends)}."
    )
