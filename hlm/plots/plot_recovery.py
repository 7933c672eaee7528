"""`plot_recovery`: the error of the three poolings against group size."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from hlm.errors import FitError, nearest
from hlm.plots.coefficient_axis import first_slope
from hlm.plots.glyphs import LOOKS, axes_or_new, circle, describe, headline
from hlm.support.options import offending


def plot_recovery(table: pd.DataFrame, *, term: str | None = None, ax: Axes | None = None) -> Axes:
    """How far each pooling strategy is from the truth, by group size.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `recovery`.
    term : str, optional
        By default the first slope, else the intercept.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. Bars are two Monte Carlo standard errors to each side.

    Raises
    ------
    FitError
        For an unknown term.

    Examples
    --------
    >>> from hlm import plot_recovery, recovery
    >>> ax = plot_recovery(recovery((6, 60), repeats=2, seed=1))
    >>> ax.get_ylabel()
    'root mean squared error of the slope on x'
    """
    if not (isinstance(table, pd.DataFrame) and {"term", "size", "pooling", "rmse", "se"} <= set(table.columns)):
        raise FitError(f"plot_recovery draws the table that recovery(...) returns, not {offending(table)}.")
    labels = list(dict.fromkeys(table["term"]))
    label = first_slope(labels) if term is None else term
    if not isinstance(label, str) or label not in labels:
        raise FitError(f"There is no term {offending(term)}. {nearest(term, labels)}")
    mine = table[table["term"] == label]
    ax = axes_or_new(ax, 6.5, 4.5)
    for pooling, look in LOOKS.items():
        rows = mine[mine["pooling"] == pooling].sort_values("size")
        style = {**circle(pooling, 7), "linestyle": "-", "linewidth": 1.4, "color": look.color}
        if pooling == "complete":
            style |= {"marker": "none"}
        ax.errorbar(rows["size"], rows["rmse"], yerr=2 * rows["se"], **style)
    sizes = sorted(mine["size"].unique())
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    what = "intercept" if label == "Intercept" else f"slope on {label}"
    ax.set(xlabel="rows in the group", ylabel=f"root mean squared error of the {what}", ylim=(0, None))
    wide = mine.pivot(index="size", columns="pooling", values="rmse").sort_index()
    best = int((wide["partial"] <= wide.drop(columns="partial").min(axis=1)).sum())
    title = f"Partial pooling is closest to the truth at {best} of {len(wide)} group sizes"
    headline(ax, title, key=ax.get_legend_handles_labels()[0])
    sentences = [f"Root mean squared error of the {what} against group size, {wide.index[0]} to {wide.index[-1]} rows"]
    for pooling, look in LOOKS.items():
        sentences.append(f"{look.label.capitalize()}: {wide[pooling].iloc[0]:.3g} to {wide[pooling].iloc[-1]:.3g}")
    describe(ax, ". ".join(sentences) + ".")
    return ax
