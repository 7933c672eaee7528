"""The rows behind `plot_lines`: points, and squares for the rows with a similar predictor."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from hlm.formula.formula import Term
from hlm.model.model import Model
from hlm.plots.binned_response import binned, bins_label, bins_note, bins_style, draw_bins, has_bins
from hlm.plots.glyphs import QUIET, group_colors
from hlm.plots.horizontal_axis import positions
from hlm.plots.observed_response import moved_apart, observed, weighted_means, without_finite_estimate
from hlm.plots.plot_data import areas_of, draw_points

_CHOSEN_AREA = 14.0  # square points
_PALE, _POINT = "#DEDEDE", "#777777"
_FEW_ROWS = 10  # of a panel, too few for proportions


def line_colors(model: Model, factor: Term, chosen: np.ndarray | None) -> np.ndarray:
    """A colour for each group, shape (K, 4): as in `plot_data`, or grey beside the chosen ones.

    Of a response of labels, the order is that of their codes.
    """
    if model.family.has_linear_predictor:
        means = weighted_means(observed(model.written, model.data, model.family), model.data, factor)
    else:
        of_rows, codes = model.data.columns[model.written.response.variable].cat.codes, model.data.codes(factor)
        means = np.bincount(codes, of_rows.to_numpy(np.float64)) / np.bincount(codes)
    if chosen is None:
        return group_colors(means)
    colors = np.tile(to_rgba(QUIET), (len(means), 1))
    colors[chosen] = group_colors(means[chosen])
    return colors


def draw_rows(
    ax: Axes, model: Model, factor: Term, x: str, colors: np.ndarray, named: np.ndarray
) -> tuple[list[str], list[dict[str, Any]]]:
    """The rows: pale behind the lines, in colour above them for named groups, the smallest group on top.

    result: sentences that must stand in the picture, and the styles of what is new in its key.
    """
    codes, (values, _) = model.data.codes(factor), positions(model.data, x)
    response = observed(model.written, model.data, model.family)
    (heights, moved), (areas, sized) = moved_apart(response, model.family), areas_of(response)
    if not named.all():
        rest = ~named[codes]
        pale = np.tile(to_rgba(_PALE), (rest.sum(), 1))
        draw_points(ax, values[rest], heights[rest], pale, area=None if areas is None else areas[rest])
    if named.any():
        largest_first = np.argsort(-np.bincount(codes)[codes], kind="stable")
        rows = largest_first[named[codes[largest_first]]]
        area = None if named.all() else _CHOSEN_AREA
        draw_points(
            ax, values[rows], heights[rows], colors[codes[rows]], area=area if areas is None else areas[rows], layer=2.5
        )
    if not has_bins(model.family):
        return [note for note in (sized, moved) if note], []
    bins = binned(values, response, model.family)
    draw_bins(ax, bins)
    notes = [note for note in (sized, moved, bins_note(model.family)) if note]
    return notes, [bins_style(bins_label(response, model.family, bins, x, values))]


def draw_own_rows(panel: Axes, model: Model, factor: Term, k: int, x: str) -> list[str]:
    """The rows of one group; of 0 and 1 also their proportions. The sentences that must stand in the picture."""
    rows, (values, _) = model.data.codes(factor) == k, positions(model.data, x)
    response = observed(model.written, model.data, model.family)
    (heights, moved), (areas, sized) = moved_apart(response, model.family), areas_of(response)
    area = (25 if rows.sum() < 20 else 9) if areas is None else areas[rows]
    panel.scatter(values[rows], heights[rows], s=area, color=_POINT, linewidths=0, zorder=5)
    notes = [note for note in (sized, moved) if note]
    if model.family.support != "binary" or rows.sum() < _FEW_ROWS:
        return notes
    draw_bins(panel, binned(values[rows], response.of(rows), model.family), size=4.5)
    return [*notes, bins_note(model.family)]


def prior_decides(model: Model, factor: Term, x: str) -> str:
    """A sentence on the groups whose own rows have no finite estimate; empty where there are none."""
    if not model.family.has_linear_predictor:
        return ""
    values, ticks = positions(model.data, x)
    own = any(x in effect.variables for effect in model.written.effects_of(factor))
    codes, counts = model.data.codes(factor), model.family.support == "count"
    cells = codes * len(ticks) + values.astype(np.int64) if own and ticks else codes
    response = observed(model.written, model.data, model.family)
    flat = without_finite_estimate(response, model.family, cells, values if own and not ticks else None)
    found = f"{len(np.unique(codes[flat[cells]]))} of {len(model.data.levels(factor))} groups of {factor.name}"
    if not flat.any():
        return ""
    why = "only zeros" if counts else "only failures, or only successes"
    cut = f" at some {x}" if own and ticks else f" (or those on either side of some {x})" if own and not counts else ""
    return f"{found} have {why}{cut}: alone, their curves rest on the prior"
