"""`plot_path`: every group's coefficient from complete to no pooling, and where the posterior puts the sd."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection
from matplotlib.patches import Patch, Rectangle

from hlm.compare.pooling_path import PoolingPath, path_of
from hlm.errors import FitError, nearest
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.function_calls import kept
from hlm.formula.pooling_formulas import POOLINGS
from hlm.model.resolve import resolve
from hlm.plots.coefficient_axis import first_slope, usual
from hlm.plots.glyphs import (
    LOOKS,
    axes_or_new,
    circle,
    complete_line,
    describe,
    group_colors,
    group_key,
    headline,
    number,
)
from hlm.support.options import offending

_MOST_LINES = 200  # with more groups, bands of them
_MOST_NAMED = 9
_BANDS = (0.99, 0.9, 0.5)  # shares of the groups
_BAND = "#8C8C8C"
_MULTIPLES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, np.inf)  # of the estimate, that have ticks
_FAR = 4.0  # multiples up to which every line is inside the picture
_OUTLYING = 1.5  # ranges of the middle half, at no pooling, beyond which a group is off the scale
_FLOOR = 0.22  # of the height: the density's strip
_SAME = 1e-6  # of the picture's height
_SEED = 0


def plot_path(
    path: PoolingPath | Fits, *, term: str | None = None, group: str | None = None, ax: Axes | None = None
) -> Axes:
    """Each group's coefficient as a line from complete pooling (left) to no pooling (right).

    Parameters
    ----------
    path : PoolingPath or PoolingFits
        Of fits, the path on which all sds of the factor move together.
    term : str, optional
        The coefficient to show; by default the one whose sd moves, else the first slope, else the intercept.
    group : str, optional
        The grouping factor, where fits have several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. The horizontal axis is s / (s + estimate), which shows 0 and
        infinity; the estimate is in the middle. Below the lines stands the posterior density per unit of that axis, so
        that areas are probabilities. Filled circles: estimates given the estimated sd. Colours are group sizes, up to
        nine groups are named; more than 200 groups are bands. Groups far out at infinity leave the picture there.

    Raises
    ------
    FitError
        For an unknown term, fits that have no path (see `pooling_path`), or fits without partial pooling.

    Examples
    --------
    >>> from hlm import load_data, plot_path, pooling_path
    >>> ax = plot_path(pooling_path("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1))
    >>> ax.get_ylabel()
    'Days: coefficient of Reaction'
    """
    path = path if isinstance(path, PoolingPath) else _path_of_fits(path, group)
    label = _shown(path, term)
    values = path.estimates.sel(term=label).transpose("sd", path.group).to_numpy()
    at = _axis(path, path.estimates["sd"].to_numpy())
    limits = _limits(path, values)
    ax = axes_or_new(ax, 7.5, 5.2)
    _draw_density(ax, path, at, *limits)
    if _starts_as_one(values):
        ax.axhline(values[0, 0], **complete_line(1.4), zorder=1.5)
    colors = group_colors(path.n, distinct=_MOST_NAMED)
    if values.shape[1] <= _MOST_LINES:
        width = float(np.clip(60 / values.shape[1], 0.8, 2.0))
        lines = [np.column_stack([at, column]) for column in values.T]
        drawn: list[Collection] = [LineCollection(lines, colors=colors, linewidths=width, alpha=0.8, zorder=2)]
        ax.add_collection(drawn[0], autolim=False)
        _draw_circles(ax, at, values, limits)
    else:
        ends = [np.nanquantile(values, [(1 - share) / 2, (1 + share) / 2], axis=1) for share in _BANDS]
        drawn = [ax.fill_between(at, *both, color=_BAND, alpha=0.3, linewidth=0, zorder=2) for both in ends]
    for one in drawn:
        one.set_clip_path(Rectangle((0, limits[0]), 1, limits[1] - limits[0], transform=ax.transData))
    _draw_off_scale(ax, values[-1], limits, size=6.0 if values.shape[1] <= _MOST_LINES else 3.0)
    _frame(ax, path, label, *limits)
    headline(ax, _headline(path, values), key=_key(path))
    if values.shape[1] <= _MOST_NAMED:
        group_key(ax, path.group, [str(g) for g in path.estimates[path.group].to_numpy()], colors)
    describe(ax, _in_words(path, label, values), problems=[path.note] if path.note else [])
    return ax


def _path_of_fits(fits: Fits, group: str | None) -> PoolingPath:
    if not isinstance(fits, Mapping) or "partial" not in fits or not fits_by_label(fits):
        raise FitError("plot_path takes a path, pooling_path(...), or fits with partial pooling, fit_pooling(...).")
    model = fits["partial"].resolved
    if "none" in fits:
        none = fits["none"].resolved
    else:
        family = model.family
        none = resolve(
            model.written, model.data, poolings=POOLINGS, family=family.name, link=family.link,
            priors=model.given_priors,
        )["none"]  # fmt: skip
    return path_of(model, none, group=group, seed=_SEED)


def _shown(path: PoolingPath, term: str | None) -> str:
    labels = [str(label) for label in path.estimates["term"].to_numpy()]
    if term is None:
        effects = [effect.removesuffix(f"|{path.group}") for effect in path.moving]
        moved = ["Intercept" if effect == "1" else effect for effect in effects]
        return first_slope([label for label in labels if label in moved] or labels)
    wanted = kept(term) if isinstance(term, str) else ""
    wanted = "Intercept" if wanted in ("1", "(Intercept)") else wanted
    if wanted not in labels:
        raise FitError(f"There is no term {offending(term)}. {nearest(term, labels)}")
    return wanted


def _axis(path: PoolingPath, sd: np.ndarray) -> np.ndarray:
    """Sds to places: s / (s + estimate), 1 at infinity."""
    return np.asarray(1.0 / (1.0 + np.divide(path.unit, sd, out=np.full(len(sd), np.inf), where=sd > 0)))


def _limits(path: PoolingPath, values: np.ndarray) -> tuple[float, float]:
    """Heights between which the lines are drawn: all up to a few times the estimate, at no pooling the usual ones."""
    inside = values[path.estimates["sd"].to_numpy() <= _FAR * path.unit]
    inside = np.concatenate([inside.ravel(), values[-1][usual(values[-1], far=_OUTLYING)]])
    bottom, top = float(inside.min()), float(inside.max())
    margin = 0.04 * (top - bottom)
    return bottom - margin, top + margin


def _draw_density(ax: Axes, path: PoolingPath, at: np.ndarray, bottom: float, top: float) -> None:
    """In a strip below the lines, per unit of the axis."""
    sd = path.density["sd"].to_numpy()
    finite = np.isfinite(sd)
    density = np.zeros(len(at))
    density[finite] = path.density.to_numpy()[finite] * (sd[finite] + path.unit) ** 2 / path.unit
    floor = bottom - _FLOOR * (top - bottom) / (1 - _FLOOR)
    height = 0.85 * (bottom - floor)
    ax.fill_between(at, floor, floor + height * density / density.max(), **_density_style(), zorder=1)
    ax.set_ylim(floor, top)


def _draw_circles(ax: Axes, at: np.ndarray, values: np.ndarray, limits: tuple[float, float]) -> None:
    """Filled at the estimate, open at infinity."""
    middle, last = int(np.abs(at - 0.5).argmin()), values[-1]
    ax.plot(np.full(len(last), at[middle]), values[middle], **circle("partial", 5), zorder=4)
    inside = last[(last >= limits[0]) & (last <= limits[1])]
    ax.plot(np.ones(len(inside)), inside, **circle("none", 5), clip_on=False, zorder=4)


def _draw_off_scale(ax: Axes, last: np.ndarray, limits: tuple[float, float], *, size: float) -> None:
    """Triangles at the edge, for groups that are beyond it at infinity."""
    for off, edge, marker in ((last < limits[0], limits[0], "v"), (last > limits[1], limits[1], "^")):
        if off.any():
            style = circle("none", size) | {"marker": marker, "label": "off the scale"}
            ax.plot([1.0], [edge], **style, clip_on=False, zorder=5)
            ends = "  ".join(number(value) for value in sorted(last[off])[:3]) if off.sum() <= 3 else f"{off.sum()} off"
            ax.annotate(ends, (1.0, edge), xytext=(7, 0), textcoords="offset points", va="center", fontsize=8,
                        color=LOOKS["none"].color)  # fmt: skip


def _frame(ax: Axes, path: PoolingPath, label: str, bottom: float, top: float) -> None:
    """Ticks at multiples of the estimate; vertical ticks beside the lines only."""
    ax.set_xlim(0, 1)
    multiples = np.array(_MULTIPLES) * path.unit
    ax.set_xticks(_axis(path, multiples), ["∞" if np.isinf(sd) else number(sd) for sd in multiples])
    if len(path.estimated) == 1:
        what = f"sd of {path.moving[0]}, in the middle its posterior mean"
    else:
        sds = zip(path.moving, path.estimated.values(), strict=True)
        what = f"group-level sds over their estimates ({', '.join(f'{effect} {sd:.3g}' for effect, sd in sds)})"
    notes = [what, f"0: {path.at_0}; ∞: {path.at_infinity}"]
    if _MOST_NAMED < len(path.n) <= _MOST_LINES and len(set(path.n.tolist())) > 1:
        notes.append(f"colours: rows in the {path.group}, dark = few, bright = many")
    ax.set_xlabel("\n".join(notes))
    ax.set_yticks([tick for tick in ax.get_yticks() if bottom <= tick <= top])
    ax.set_ylabel(f"{'intercept' if label == 'Intercept' else f'{label}: coefficient'} of {path.response}")


def _headline(path: PoolingPath, values: np.ndarray) -> str:
    what = "the sd" if len(path.estimated) == 1 else "the sds"
    if not _starts_as_one(values):
        return f"{values.shape[1]} groups from pooled to own: where the data put {what}"
    return f"Between one line and {values.shape[1]}: where the data put {what}"


def _starts_as_one(values: np.ndarray) -> bool:
    return bool(np.ptp(values[0]) <= _SAME * (np.nanmax(values) - np.nanmin(values)))


def _interval(path: PoolingPath) -> tuple[float, float]:
    """The middle 89 % of the density."""
    finite = np.isfinite(path.density["sd"].to_numpy())
    sd, density = path.density["sd"].to_numpy()[finite], path.density.to_numpy()[finite]
    steps = np.diff(sd) * (density[1:] + density[:-1]) / 2
    share = np.concatenate([[0.0], np.cumsum(steps)])
    low, high = np.interp([0.055, 0.945], share / share[-1], sd)
    return float(low), float(high)


def _key(path: PoolingPath) -> list[Artist | dict[str, Any]]:
    low, high = _interval(path)
    # not the strategies: other effects stay partially pooled
    of = "" if path.at_0 == LOOKS["complete"].label else " of it"
    complete = complete_line(1.4) | {"label": LOOKS["complete"].label + of}
    marks = [circle("partial", 5), circle("none", 5) | {"label": LOOKS["none"].label + of}]
    bands = [Patch(color=_BAND, alpha=0.6, label="50, 90, 99 % of groups")]
    density = Patch(**_density_style(), label=f"posterior: {number(low)} to {number(high)}")
    return [complete, *(marks if len(path.n) <= _MOST_LINES else bands), density]


def _density_style() -> dict[str, Any]:
    return {"facecolor": LOOKS["partial"].color, "alpha": 0.25, "linewidth": 0}


def _in_words(path: PoolingPath, label: str, values: np.ndarray) -> str:
    low, high = _interval(path)
    last = values[-1][np.isfinite(values[-1])]
    ends = f"from {last.min():.3g} to {last.max():.3g}" if len(last) else "where no group's own rows determine any"
    return (
        f"The {label} of {path.response} in {values.shape[1]} groups of {path.group}, as lines over "
        f"{' and '.join(path.estimated)} from 0 to infinity. At 0 ({path.at_0}) they go from {values[0].min():.3g} to "
        f"{values[0].max():.3g}, at infinity ({path.at_infinity}) {ends}. "
        f"The middle 89 % of the posterior are {low:.3g} to {high:.3g}."
    )
