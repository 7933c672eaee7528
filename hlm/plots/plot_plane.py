"""`plot_plane`: every group's intercept and slope together, from no pooling to partial pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from hlm.compare.compare_slopes import model_of, varying_terms
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import Fits
from hlm.formula.formula import Term
from hlm.plots.coefficient_axis import coefficient_label, model_with, usual
from hlm.plots.glyphs import LOOKS, axes_or_new, circle, describe, dots, headline, number
from hlm.plots.group_lines import within_predictors
from hlm.plots.group_names import label_points, named
from hlm.plots.plane_points import Plane, plane_of
from hlm.support.options import check_list

_MANY = 300  # groups: beyond it dots without arrows
_LABELLED = 4
_SHARES = (0.5, 0.95)  # of groups inside the ellipses
_ELLIPSE = "#4D4D4D"
_ARROW = "#8A8A8A"


def plot_plane(
    fits: Fits, *, terms: Sequence[str] | None = None, group: str | None = None, ax: Axes | None = None
) -> Axes:
    """Each group as a point of the intercept-slope plane, with an arrow from no pooling to partial pooling.

    Parameters
    ----------
    fits : PoolingFits
        With the strategies ``"none"`` and ``"partial"``; ``"complete"`` adds the black cross.
    terms : pair of str, optional
        Horizontal and vertical coefficient, ``("Intercept", "pre")``; needed where more than two vary by the group.
    group : str, optional
        The grouping factor; needed where there are several.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default in a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        With a description in words, ``alt_text``. The ellipses hold 50 % and 95 % of the groups that partial pooling
        expects (posterior mean of Sigma); what a predictor of the groups explains is taken off. Open circles far from
        all others are beyond the edge, where their arrows start. With more than 300 groups there are dots instead of
        arrows. A group whose own rows cannot determine both coefficients has only a filled circle. With correlated
        effects an arrow need not point to the centre: an uncertain slope follows a well-known intercept.

    Raises
    ------
    FitError
        For a missing strategy, an unknown term or factor, or other than two coefficients that vary and no names.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, plot_plane
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> ax = plot_plane(fits)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('intercept of Reaction', 'slope of Reaction on Days')
    """
    model = model_of(fits)
    factor = model.group(group)
    pair = _check_terms(fits, factor, terms)
    plane = plane_of(fits, factor, pair)
    ax = axes_or_new(ax, 7, 6)
    _set_limits(ax, plane)
    _draw_ellipses(ax, plane)
    if len(plane.levels) > _MANY:  # two clouds, as pixels, since thousands of vector points would choke a browser
        glyph = dots
        ax.plot(*plane.none.T, **dots("none", 2.2), alpha=0.35, rasterized=True, zorder=0.8)
        ax.plot(*plane.partial.T, **dots("partial", 2.2), alpha=0.3, rasterized=True, zorder=3)
    else:
        glyph = circle
        _draw_arrows(ax, plane)
    ax.plot(*plane.complete[:, None], **_cross(13), zorder=6)
    _label_far(ax, plane)
    outside = [name for name in model.written.predictors if name not in within_predictors(model)]
    note = f"\neach {factor.name} at the average {', '.join(outside)}" if outside else ""
    ax.set(xlabel=coefficient_label(model, pair[0]) + note, ylabel=coefficient_label(model, pair[1]))
    shares = " and ".join(f"{100 * share:.0f} %" for share in _SHARES)
    ellipses = {"color": _ELLIPSE, "linewidth": 0.8, "label": f"{shares} of new groups"}
    cross = [_cross(9)] if np.isfinite(plane.complete).any() else []
    headline(ax, _headline(plane, factor), key=[glyph("none", 6), glyph("partial", 6), *cross, ellipses])
    describe(ax, _in_words(plane, factor, pair), problems=failed_diagnostics(fits).values())
    return ax


def _check_terms(fits: Fits, factor: Term, terms: Sequence[str] | None) -> tuple[str, str]:
    missing = "plot_plane draws arrows from no to partial pooling, and the strategy {} is missing."
    varying = varying_terms(model_with(fits, ("none", "partial"), missing), factor, None)
    wanted = varying if terms is None else check_list("terms", terms, "('Intercept', 'x')")
    if len(varying) < 2:
        raise FitError(f"Only {varying[0]} varies by {factor.name}: a plane needs two coefficients. Try plot_slopes.")
    if terms is None and len(varying) > 2:
        raise FitError(
            f"{len(varying)} coefficients vary by {factor.name} ({', '.join(varying)}): name two, "
            f"terms=({varying[0]!r}, {varying[1]!r})."
        )
    for term in wanted:
        if term not in varying:
            raise FitError(f"There is no term {term!r} that varies by {factor.name}. {nearest(term, varying)}")
    if len(set(wanted)) != 2:
        raise FitError(f"A plane has two different coefficients, not terms={wanted!r}.")
    return wanted[0], wanted[1]


def _set_limits(ax: Axes, plane: Plane) -> None:
    """Everything is inside but open circles that are far from all others."""
    spread = np.sqrt(np.diag(plane.covariance) * -2 * np.log(1 - _SHARES[-1]))
    ends = plane.center + spread * np.array([[-1.0], [1.0]])
    ranges = []
    for axis, none in enumerate(plane.none.T):
        shown = np.concatenate([none[usual(none)], plane.partial[:, axis], plane.complete[[axis]], ends[:, axis]])
        low, high = np.nanmin(shown), np.nanmax(shown)
        ranges.append((low - 0.05 * (high - low), high + 0.05 * (high - low)))
    ax.set(xlim=ranges[0], ylim=ranges[1])


def _draw_ellipses(ax: Axes, plane: Plane) -> None:
    values, vectors = np.linalg.eigh(plane.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    angle = np.linspace(0, 2 * np.pi, 200)
    for share, alpha in zip(_SHARES, (0.13, 0.07), strict=True):
        radius = np.sqrt(-2 * np.log(1 - share))
        x, y = plane.center[:, None] + radius * root @ [np.cos(angle), np.sin(angle)]
        ax.fill(x, y, color=_ELLIPSE, alpha=alpha, linewidth=0, zorder=0.5)
        ax.plot(x, y, color=_ELLIPSE, linewidth=0.8, zorder=0.6)


def _draw_arrows(ax: Axes, plane: Plane) -> None:
    """From the open to the filled circle, where there are both and they are apart."""
    size = float(np.clip(45 / np.sqrt(len(plane.levels)), 4, 7))
    ends = [ax.transData.transform(points) * 72 / ax.figure.dpi for points in (plane.none, plane.partial)]
    apart = np.linalg.norm(ends[0] - ends[1], axis=1) > 1.6 * size  # False where an end is NaN
    for k in np.flatnonzero(apart):
        arrow = FancyArrowPatch(
            plane.none[k], plane.partial[k], arrowstyle="-|>,head_width=2,head_length=4", color=_ARROW, linewidth=0.8,
            shrinkA=size / 2, shrinkB=size / 2, mutation_scale=1, zorder=2,
        )  # fmt: skip
        ax.add_patch(arrow)
    ax.plot(*plane.none.T, **circle("none", size), zorder=3)
    ax.plot(*plane.partial.T, **circle("partial", size), zorder=4)


def _cross(size: float) -> dict[str, Any]:
    look = LOOKS["complete"]
    return {
        "marker": "P", "linestyle": "none", "markersize": size, "markerfacecolor": look.color,
        "markeredgecolor": "white", "markeredgewidth": 1, "label": look.label,
    }  # fmt: skip


def _label_far(ax: Axes, plane: Plane) -> None:
    """The groups that were moved furthest, named where they started, or at the edge if that is beyond it."""
    steps = np.linalg.norm((plane.none - plane.partial) / np.sqrt(np.diag(plane.covariance)), axis=1)
    order = np.argsort(-np.nan_to_num(steps), kind="stable")[:_LABELLED]
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    starts, texts = [], []
    for k in order[np.isfinite(steps[order])]:
        start, text = plane.none[k], plane.levels[k]
        if not ((start >= low) & (start <= high)).all():
            text += f" from ({number(start[0])}, {number(start[1])})"
            start = _at_edge(plane.partial[k], start, low, high)
        starts.append(start)
        texts.append(text)
    if starts:
        among = np.concatenate([plane.none[np.isfinite(plane.none).all(axis=1)], plane.partial])
        label_points(ax, np.array(starts), texts, among=among)


def _at_edge(inside: np.ndarray, outside: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where the way from a point inside to one outside crosses the frame."""
    step = outside - inside
    distance = np.where(step > 0, high - inside, low - inside)
    shares = np.divide(distance, step, out=np.ones(2), where=step != 0)
    return np.asarray(inside + np.clip(shares, 0, 1).min() * step)


def _headline(plane: Plane, factor: Term) -> str:
    none, partial = plane.distances
    both = np.isfinite(none)
    if not both.any():
        return f"Partial pooling places {len(partial)} groups of {factor.name}; none can be placed alone"
    closer = int((partial[both] < none[both]).sum())
    return f"Partial pooling draws {closer} of {both.sum()} groups of {factor.name} towards the centre"


def _in_words(plane: Plane, factor: Term, pair: tuple[str, str]) -> str:
    none, partial = plane.distances
    far = int(np.nanargmax(none)) if np.isfinite(none).any() else int(partial.argmax())
    x, y = pair
    correlation = plane.covariance[0, 1] / np.sqrt(plane.covariance[0, 0] * plane.covariance[1, 1])
    sds = np.sqrt(np.diag(plane.covariance))
    return (
        f"Plane of {x} (horizontal) and {y} (vertical) of {len(plane.levels)} groups of {factor.name}. Partial pooling "
        f"is centred at {plane.center[0]:.3g} and {plane.center[1]:.3g}, with sds {sds[0]:.3g} and {sds[1]:.3g} and "
        f"correlation {correlation:.2g}. {named(factor, plane.levels[far], start=True)} goes from "
        f"({plane.none[far, 0]:.3g}, {plane.none[far, 1]:.3g}) to "
        f"({plane.partial[far, 0]:.3g}, {plane.partial[far, 1]:.3g})."
    )
