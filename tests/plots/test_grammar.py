"""One glyph means one thing, and everybody can tell the colours apart."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.transforms import Bbox

from hlm.formula.pooling_formulas import POOLINGS
from hlm.plots.glyphs import (
    GROUP_COLORS,
    LOOKS,
    axes_or_new,
    circle,
    describe,
    extremes,
    group_colors,
    headline,
    number,
)

# Machado, Oliveira & Fernandes (2009), IEEE TVCG 15(6), severity 1.0; the identity is the usual vision.
VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def _linear(color: object) -> np.ndarray:
    srgb = np.array(to_rgb(color))  # type: ignore[arg-type]
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _lab(color: object, vision: str) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as somebody sees it."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = to_xyz @ np.clip(VISION[vision] @ _linear(color), 0, 1) / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _nearest_pair(colors: list[str], vision: str) -> float:
    return min(float(np.linalg.norm(_lab(a, vision) - _lab(b, vision))) for a, b in combinations(colors, 2))


def test_every_strategy_has_its_look():
    assert tuple(LOOKS) == POOLINGS
    assert [look.label for look in LOOKS.values()] == ["complete pooling", "no pooling", "partial pooling"]
    assert LOOKS["complete"].color == "#000000"


def test_no_pooling_is_an_open_circle_and_partial_pooling_a_filled_one():
    none, partial = circle("none", 6), circle("partial", 6)
    assert none["marker"] == partial["marker"] == "o"
    assert none["markerfacecolor"] == "#FFFFFF" != none["markeredgecolor"]
    assert partial["markerfacecolor"] == partial["markeredgecolor"]


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_told_apart(vision):
    # 2.3 is the smallest difference that can be seen side by side; small marks far apart need many times that.
    assert _nearest_pair([look.color for look in LOOKS.values()], vision) > 40
    assert _nearest_pair(list(GROUP_COLORS[:4]), vision) > 35
    assert _nearest_pair(list(GROUP_COLORS), vision) > 15
    assert not set(GROUP_COLORS) & {look.color for look in LOOKS.values()}


def test_few_groups_have_colours_without_an_order():
    assert [to_hex(c).upper() for c in group_colors(np.array([3.0, 1.0, 2.0]))] == list(GROUP_COLORS[:3])
    assert len({tuple(c) for c in group_colors(np.arange(9.0))}) == 9


def test_many_groups_get_brighter_with_the_numbers_they_are_ordered_by():
    order_by = np.random.default_rng(0).normal(size=50)
    colors = group_colors(order_by)
    luminance = np.array([_linear(c[:3]) @ [0.2126, 0.7152, 0.0722] for c in colors])
    assert (np.diff(luminance[np.argsort(order_by)]) > 0).all()
    assert luminance.max() < 0.6  # on white, which is 1


def test_fewer_distinct_colours_on_request():
    np.testing.assert_array_equal(group_colors(np.arange(5.0), distinct=4), group_colors(np.arange(5.0), distinct=0))


def test_numbers_have_three_digits_and_a_true_minus():
    assert [number(v) for v in (-7.3615, 0.5, 1234.5)] == ["\N{MINUS SIGN}7.36", "0.5", "1.23e+03"]


def test_extremes_name_their_groups_and_pass_over_what_is_missing():
    values = pd.Series([2.0, np.nan, -1.0, 3.5], index=["a", "b", "c", "d"])
    assert extremes(values, "school") == "-1 (school c) to 3.5 (school d)"


def test_new_axes_are_laid_out_so_that_nothing_is_cut_off():
    ax = axes_or_new(None, 7, 5)
    assert type(ax.figure.get_layout_engine()).__name__ == "ConstrainedLayoutEngine"
    assert ax.figure.get_size_inches().tolist() == [7, 5]


def test_the_description_is_on_the_axes():
    ax = plt.figure().add_subplot()
    describe(ax, "A picture.")
    assert ax.alt_text == "A picture."


def _boxes(ax: Axes) -> list[Bbox]:
    """What stands above the axes, from below: key, notes, headline."""
    ax.figure.draw_without_rendering()
    renderer = ax.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    key, above = ax.get_legend(), [ax.title, *ax.texts, ax._left_title]  # type: ignore[attr-defined]
    boxes = [key.get_window_extent(renderer)] if key is not None else []
    return boxes + [text.get_window_extent(renderer) for text in above if text.get_text()]


KEY = [circle(pooling, 6) for pooling in POOLINGS]
LONG = "the mean reaction time in the psychomotor vigilance task against the days of sleep deprivation "


@pytest.mark.parametrize(
    ("lines", "key", "title", "across", "dpi"),
    [
        (1, [], "short", 1, 100), (2, KEY, "short", 1, 50), (4, KEY * 3, LONG * 3, 1, 100), (0, KEY, LONG, 3, 72),
        (1, [], LONG * 2, 3, 72), (2, KEY * 3, "unbroken" * 40, 3, 100),
    ],
)  # fmt: skip
def test_headline_note_and_key_stand_one_above_the_other(lines, key, title, across, dpi):
    figure, axes = plt.subplots(1, across, figsize=(4 * across + 3, 6), dpi=dpi, layout="constrained", squeeze=False)
    note = "\n".join(["12 of 180 rows left out for missing values: y (12)."] * lines)
    for ax in axes[0]:
        ax.plot([0, 1000], [0, 1])
        headline(ax, title, note=note, key=key)
        describe(ax, "A picture.")
    for place, ax in enumerate(axes[0]):
        boxes = _boxes(ax)
        assert len(boxes) == 1 + (lines > 0) + (len(key) > 0)
        edge = figure.bbox.x1 if place == across - 1 else axes[0, place + 1].get_window_extent().x0
        for below, above in pairwise([ax.get_window_extent(), *boxes]):
            assert below.y1 <= above.y0
            assert above.x1 <= edge
            assert above.y1 <= figure.bbox.y1
    plt.close(figure)


def test_long_labels_of_axes_are_broken_and_short_ones_are_not():
    ax = axes_or_new(None, 7, 5)
    ax.set(xlabel=LONG, ylabel="post")
    describe(ax, "A picture.", problems=["2 divergences"])
    assert ax.get_xlabel().replace("\n", " ").split() == [*LONG.split(), "2", "divergences."]
    assert len(ax.get_xlabel().split("\n")) == 3
    assert ax.get_ylabel() == "post"
    ax.figure.draw_without_rendering()
    box = ax.xaxis.label.get_window_extent(ax.figure.canvas.get_renderer())
    assert box.x0 >= 0
    assert box.x1 <= ax.figure.bbox.x1
