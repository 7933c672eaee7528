"""`plot_ranks`: the honest league table, every group's expected rank with its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator

from hlm.compare.rank_groups import rank_groups
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.plots.coefficient_axis import default_term, model_with
from hlm.plots.glyphs import LOOKS, circle, describe, headline, interval_style
from hlm.plots.group_names import name_rows, named, row_axes

_LABELLED = 3  # groups at either end, where there are too many for names


def plot_ranks(
    fits: Fits, *, term: str | None = None, group: str | None = None, prob: float | None = None, ax: Axes | None = None
) -> Axes:
    """Where each group ranks, and how little that may mean.

    Parameters
    ----------
    fits : PoolingFits or Fit
        The ranks are those of partial pooling.
    term : str, optional
        The coefficient to rank by; by default the first slope that varies by the group, else the intercept.
    group : str, optional
        The grouping factor; needed where there are several.
    prob : float, optional
        Probability of the central intervals; 0.89 by default.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure, taller for more groups.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. A row a group, the lowest expected rank in the bottom row, number 0;
        rank 1 is the smallest coefficient. A long interval says that the data do not settle the rank.

    Raises
    ------
    FitError
        Without partial pooling; for an unknown term or factor, or a probability outside (0, 1).

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_ranks
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_ranks(fits)
    >>> ax.get_xlabel()
    'rank by Days: 1 = smallest, 18 = largest'
    """
    missing = "plot_ranks ranks the groups by partial pooling, and that strategy is missing: fit_pooling(...)."
    model = model_with(fits, ("partial",), missing)
    factor = model.group(group)
    wanted = default_term(model, factor) if term is None else term
    table = rank_groups(fits_by_label(fits)["partial"], wanted, group=factor.name, prob=prob)
    label, probability = table[["term", "prob"]].iloc[0]
    table = table.set_index("level").loc[model.data.levels(factor)].sort_values("rank", kind="stable")
    ax, pitch = row_axes(ax, len(table))
    ax.set_xlim(0.5, len(table) + 0.5)
    ax.xaxis.set_major_locator(FixedLocator(_ticks(len(table))))
    _draw(ax, table, pitch)
    if not name_rows(ax, list(table.index), factor.name, pitch, "expected rank"):
        _label_ends(ax, table)
    ax.set_xlabel(f"rank by {label}: 1 = smallest, {len(table)} = largest")
    width, percent = float((table["upper"] - table["lower"]).median()), f"{100 * probability:g} %"
    headline(
        ax,
        f"Half of the {len(table)} ranks are uncertain by {width:.0f} place{'s' * (width != 1)} or more",
        key=[
            circle("partial", 6) | {"label": "expected rank, partial pooling"},
            interval_style(12) | {"label": f"{percent} interval"},
        ],
    )
    ends = [
        f"{named(factor, str(level))} (expected rank {row['rank']:.1f}, {row['lower']:.0f} to {row['upper']:.0f})"
        for level, row in table.iloc[[0, -1]].iterrows()
    ]
    words = (
        f"Ranks of {len(table)} groups of {factor.name} by {label} under partial pooling, from {ends[0]} to {ends[1]}. "
        f"Half of the {percent} intervals span {width:.0f} ranks or more."
    )
    describe(ax, words, problems=failed_diagnostics(fits, ("partial",)).values())
    return ax


def _ticks(count: int) -> list[int]:
    """Ranks to write: the first, the last, and round numbers between."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if count <= 8 * s)
    return [1, *(rank for rank in range(step, count, step) if rank > 1 and count - rank > step / 2), count]


def _draw(ax: Axes, table: pd.DataFrame, pitch: float) -> None:
    """Circles with their intervals; a band and a line where rows are thinner than a circle."""
    rows = np.arange(len(table))
    if pitch < 2:
        lower, upper = (table[end].rolling(51, center=True, min_periods=1).mean() for end in ("lower", "upper"))
        ax.fill_betweenx(rows, lower, upper, color=LOOKS["partial"].color, alpha=0.25, linewidth=0, zorder=2)
        ax.plot(table["rank"], rows, color=LOOKS["partial"].color, linewidth=2.5, zorder=4)
        return
    ax.hlines(rows, table["lower"], table["upper"], **interval_style(pitch), zorder=2)
    ax.plot(table["rank"], rows, **circle("partial", float(np.clip(0.55 * pitch, 1.5, 7))), zorder=4)


def _label_ends(ax: Axes, table: pd.DataFrame) -> None:
    """The names of the first and the last groups, where not all have one."""
    many = len(table)
    for names, place, sign in ((table.index[:_LABELLED], 0, 1), (table.index[-_LABELLED:], many - 1, -1)):
        ax.annotate(
            ", ".join(names), (table["upper" if sign > 0 else "lower"].iloc[place], place), xytext=(8 * sign, 4 * sign),
            textcoords="offset points", ha="left" if sign > 0 else "right", va="bottom" if sign > 0 else "top",
            fontsize=9, zorder=6,
        )  # fmt: skip
