"""Small multiples: for a few groups, the lines of no, partial and complete pooling in a panel each."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection

from hlm.compare.compare_slopes import model_of
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import POOLINGS, Pooling
from hlm.plots.glyphs import LOOKS, axes_or_new, complete_line, describe, headline, number
from hlm.plots.group_lines import GroupLines, Scale, group_lines, held, pooled_line
from hlm.plots.group_names import named
from hlm.plots.horizontal_axis import level_ticks
from hlm.plots.line_rows import draw_own_rows, prior_decides

_MOST = 12  # panels
_ACROSS = 4
_GAP = 0.06  # between panels, as a share of the picture
_ROOM = 0.86  # of the height of a row of panels; the rest is for their titles


def draw_panels(
    fits: Fits, factor: Term, x: str, chosen: np.ndarray | None, *, vertical: str, show_data: bool,
    scale: Scale, ax: Axes | None,
) -> Axes:  # fmt: skip
    """A panel for each chosen group, inside the given axes (``ax.child_axes``), in the order of their sizes.

    x: the predictor on the horizontal axis.
    chosen: shape (K,), or None.
    vertical: label of the vertical axis.
    show_data: not on the scale of the linear predictor of other families than the gaussian.
    """
    fitted: list[Pooling] = [pooling for pooling in POOLINGS[1:] if pooling in fits_by_label(fits)]
    lines = {pooling: group_lines(fits, pooling, factor, x, whole=True, scale=scale) for pooling in fitted}
    if chosen is None or not lines or not 0 < chosen.sum() <= _MOST:
        raise FitError(
            f"panels=True draws the lines of no and partial pooling for groups that you name: "
            f"levels=[...], {_MOST} of {factor.name} at most."
        )
    some, model = next(iter(lines.values())), model_of(fits)
    order = sorted(np.flatnonzero(chosen), key=lambda k: some.n[k])
    across = min(len(order), _ACROSS)
    down = -(-len(order) // across)
    ax = axes_or_new(ax, 2.2 * across + 0.8, 2.1 * down + 1.2)
    pooled = pooled_line(fits, factor, x, scale=scale)
    notes: dict[str, None] = {}
    panels = _grid(ax, len(order), across, down)
    for panel, k in zip(panels, order, strict=True):
        notes.update(dict.fromkeys(draw_own_rows(panel, model, factor, int(k), x) if show_data else []))
        if pooled is not None:
            panel.plot(pooled.index, pooled, **complete_line(1.5), zorder=2)
        for pooling, own in lines.items():
            panel.plot(own.x[k], own.y[k], **_line(pooling), zorder=3 if pooling == "none" else 4)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
        panel.set_title(f"{some.levels[k]} ({some.size(int(k))})", fontsize=9, pad=3)
    _share_limits(panels, across)
    for panel in panels:
        level_ticks(panel, some.ticks)
    if "none" in lines:
        notes[prior_decides(model, factor, x)] = None
    ax.set_xlabel("\n".join(filter(None, [x, held(model, x, scale)])), labelpad=16)
    ax.set_ylabel(vertical, labelpad=32)
    black = [] if pooled is None else [complete_line(1.5)]
    headline(ax, _headline(lines, factor, order), note="\n".join(filter(None, notes)), key=[*map(_line, lines), *black])
    describe(ax, _in_words(lines, factor, order, vertical, x), problems=failed_diagnostics(fits).values())
    return ax


def _grid(ax: Axes, panels: int, across: int, down: int) -> list[Axes]:
    """Empty panels, row by row; of the axes around them only the labels are left."""
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    width, height = (1 - _GAP * (across - 1) / 2) / across, 1 / down
    places = [(i % across * (width + _GAP / 2), 1 - (i // across + 1) * height) for i in range(panels)]
    return [ax.inset_axes((left, bottom, width, _ROOM * height)) for left, bottom in places]


def _line(pooling: Pooling) -> dict[str, Any]:
    look = LOOKS[pooling]
    return {"color": look.color, "linewidth": 2, "label": look.label, "linestyle": "--" if pooling == "none" else "-"}


def _share_limits(panels: list[Axes], across: int) -> None:
    """The same limits everywhere: of all rows and lines but no pooling's, which may be steep."""
    kept = [line.get_xydata() for panel in panels for line in panel.lines if line.get_linestyle() != "--"]
    kept += [points.get_offsets() for panel in panels for points in panel.findobj(PathCollection)]
    low, high = (end(np.concatenate(kept), axis=0) for end in (np.min, np.max))
    margin = 0.05 * (high - low)
    for place, panel in enumerate(panels):
        panel.set_xlim(low[0] - margin[0], high[0] + margin[0])
        panel.set_ylim(low[1] - margin[1], high[1] + margin[1])
        panel.tick_params(labelleft=place % across == 0, labelbottom=place >= len(panels) - across)


def _headline(lines: dict[Pooling, GroupLines], factor: Term, order: list[Any]) -> str:
    """What happened to the smallest of the groups whose own rows determine a line."""
    if set(lines) == {"none", "partial"} and lines["none"].straight:
        for k in order:
            alone, together = _slope(lines["none"], k), _slope(lines["partial"], k)
            if np.isfinite(alone):
                who = named(factor, lines["none"].levels[k], start=True)
                return f"{who}: slope {number(alone)} alone, {number(together)} with the others"
    return f"{len(order)} of {len(next(iter(lines.values())).n)} groups of {factor.name}"


def _slope(lines: GroupLines, k: int) -> float:
    return float(np.diff(lines.y[k])[0] / np.diff(lines.x[k])[0])


def _in_words(lines: dict[Pooling, GroupLines], factor: Term, order: list[Any], vertical: str, x: str) -> str:
    some = next(iter(lines.values()))
    sentences = [f"{vertical} against {x}, a panel for each of {len(order)} groups of {factor.name}"]
    if some.straight:
        for k in order:
            slopes = " and ".join(f"{_slope(of, k):.3g} ({LOOKS[pooling].label})" for pooling, of in lines.items())
            sentences.append(f"{named(factor, some.levels[k], start=True)}, {some.n[k]} {some.unit}(s): slope {slopes}")
    return ". ".join(sentences) + "."
