"""What `plot_slopes` draws, row by row."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex

from hlm.compare.compare_slopes import compare_slopes
from hlm.errors import FitError
from hlm.plots.glyphs import LOOKS
from hlm.plots.plot_slopes import plot_slopes

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def frame(simulate) -> pd.DataFrame:
    return simulate(12)


@pytest.fixture(scope="module")
def fits(fits_of, frame):
    return fits_of(frame)


@pytest.fixture(scope="module")
def far(fits_of, simulate):
    """Fits where group 5 has two rows and a slope of -40, group 8 two rows and one of 30."""
    frame = simulate(12)
    for g, slope in ((5, -40.0), (8, 30.0)):
        rows = frame.index[frame["g"] == g]
        frame = frame.drop(rows[2:])
        frame.loc[rows[:2], ["x", "y"]] = [[0.0, 0.0], [0.05, 0.05 * slope]]
    return fits_of(frame.reset_index(drop=True), keep=0.01)


def _slopes(frame: pd.DataFrame) -> pd.Series:
    """A second route to the slopes, in their order."""
    return pd.Series({str(g): np.polyfit(d["x"], d["y"], 1)[0] for g, d in frame.groupby("g")}).sort_values()


def _circles(ax, label: str):
    return next(line for line in ax.lines if line.get_label() == label)


def _segments(ax, color: str) -> np.ndarray:
    found = [c for c in ax.collections if isinstance(c, LineCollection) and to_hex(c.get_colors()[0]) == color.lower()]
    return np.array(found[0].get_segments()) if found else np.empty((0, 2, 2))


def _labels(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


# ---------------------------------------------------------------- the circles and the line


def test_rows_in_the_order_of_the_slopes_open_and_filled_circles_and_the_black_line(fits, frame):
    own, common = _slopes(frame), np.polyfit(frame["x"], frame["y"], 1)[0]
    ax = plot_slopes(fits)
    none, partial, black = (_circles(ax, LOOKS[pooling].label) for pooling in ("none", "partial", "complete"))
    assert _labels(ax) == own.index.tolist()
    np.testing.assert_array_equal(none.get_ydata(), np.arange(12))
    np.testing.assert_allclose(none.get_xdata(), own, atol=1e-12)
    np.testing.assert_array_equal(partial.get_ydata(), np.arange(12))
    np.testing.assert_allclose(partial.get_xdata(), common + 0.5 * (own - common), atol=1e-12)
    np.testing.assert_allclose(black.get_xdata(), [common, common], atol=1e-12)
    assert (none.get_marker(), partial.get_marker(), black.get_color()) == ("o", "o", "#000000")
    assert (none.get_markerfacecolor(), partial.get_markerfacecolor()) == ("#FFFFFF", LOOKS["partial"].color)


def test_a_segment_from_the_open_to_the_filled_circle(fits):
    ax = plot_slopes(fits)
    none, partial = _circles(ax, "no pooling").get_xdata(), _circles(ax, "partial pooling").get_xdata()
    ends = _segments(ax, "#9A9A9A")
    np.testing.assert_array_equal(ends[:, :, 0], np.column_stack([none, partial]))
    np.testing.assert_array_equal(ends[:, :, 1], np.column_stack([np.arange(12)] * 2))


def test_labels_and_words(fits, frame):
    ax = plot_slopes(fits)
    own = _slopes(frame)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("slope of y on x", "g")
    assert ax.get_title(loc="left") == "Partial pooling moves 12 of 12 slopes towards the black line"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["no pooling", "partial pooling", "complete pooling"]
    assert ax.alt_text.startswith(
        f"Dot plot of the slope of y on x, a row for each of 12 groups of g. No pooling goes from {own.iloc[0]:.3g} "
        f"(g {own.index[0]}) to {own.iloc[-1]:.3g} (g {own.index[-1]}). Partial pooling goes from"
    )
    assert ax.alt_text.endswith(f"Complete pooling is {np.polyfit(frame['x'], frame['y'], 1)[0]:.3g}.")


def test_the_title_counts_the_groups_that_moved_closer(fits_of, frame):
    away = fits_of(frame, keep=1.5)
    assert plot_slopes(away).get_title(loc="left") == "Partial pooling moves 0 of 12 slopes towards the black line"


def test_the_intercepts(fits, frame):
    ax = plot_slopes(fits, term="Intercept")
    own = np.sort([np.polyfit(d["x"], d["y"], 1)[1] for _, d in frame.groupby("g")])
    np.testing.assert_allclose(_circles(ax, "no pooling").get_xdata(), own, atol=1e-12)
    assert ax.get_xlabel() == "intercept of y"
    assert "12 intercepts" in ax.get_title(loc="left")


def test_intervals_on_request(fits):
    ax = plot_slopes(fits, interval=0.5)
    table = compare_slopes(fits, term="x", prob=0.5).query("pooling == 'partial'").set_index("level").loc[_labels(ax)]
    ends = _segments(ax, LOOKS["partial"].color)[:, :, 0]
    np.testing.assert_array_equal(ends, table[["lower", "upper"]])
    assert "50 % interval" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert ax.get_xlim()[0] < ends.min() < ends.max() < ax.get_xlim()[1]
    assert len(_segments(plot_slopes(fits), LOOKS["partial"].color)) == 0


# ---------------------------------------------------------------- off the scale


def test_what_is_far_out_is_a_triangle_with_its_number_at_the_edge(far):
    ax = plot_slopes(far)
    left, right = ax.get_xlim()
    assert -2 < left < right < 4  # the other slopes are within 0 and 2
    low, high = (line for line in ax.lines if line.get_label() == "off the scale")
    assert (low.get_marker(), low.get_ydata().tolist()) == ("<", [0])
    assert (high.get_marker(), high.get_ydata().tolist()) == (">", [11])
    assert left < low.get_xdata()[0] < high.get_xdata()[0] < right
    assert low.get_markerfacecolor() == "#FFFFFF"  # still no pooling: open
    assert [(t.get_text(), t.xy[1]) for t in ax.texts] == [(f"{MINUS}40", 0), ("30", 11)]
    assert len(_circles(ax, "no pooling").get_xdata()) == 10
    assert len(_circles(ax, "partial pooling").get_xdata()) == 12
    assert _segments(ax, "#9A9A9A")[0, 0, 0] == low.get_xdata()[0]
    assert ax.alt_text.endswith("Off the scale: g 5, 8.")


def test_partial_pooling_is_never_off_the_scale(fits_of, simulate):
    frame = simulate(12, 30)
    frame.loc[frame["g"] == 5, "y"] -= 40 * frame["x"]
    ax = plot_slopes(fits_of(frame, keep=0.9))
    partial = _circles(ax, "partial pooling").get_xdata()
    assert partial.min() < -30
    assert ax.get_xlim()[0] < partial.min()
    assert "off the scale" not in [line.get_label() for line in ax.lines]


def test_a_little_further_out_than_the_rest_is_simply_shown(fits):
    ax = plot_slopes(fits)
    none = _circles(ax, "no pooling").get_xdata()
    assert ax.get_xlim()[0] < none.min() < none.max() < ax.get_xlim()[1]
    assert list(ax.texts) == []


# ---------------------------------------------------------------- what a group cannot tell


def test_a_group_without_a_slope_of_its_own_has_a_filled_circle_only(fits_of, simulate):
    frame = simulate(12)
    frame.loc[frame["g"] == 9, "x"] = 0.25
    ax = plot_slopes(fits_of(frame))
    row = _labels(ax).index("9")
    assert np.isnan(_circles(ax, "no pooling").get_xdata()[row])
    partial = _circles(ax, "partial pooling").get_xdata()
    assert np.isfinite(partial).all()
    assert row not in _segments(ax, "#9A9A9A")[:, 0, 1]
    none = _circles(ax, "no pooling").get_xdata()
    assert none[row - 1] <= partial[row] <= none[row + 1]
    assert ax.get_title(loc="left").startswith("Partial pooling moves 11 of 11")
    assert ax.get_xlabel().splitlines()[1] == "1 of 12 groups of g have no open circle: their rows cannot determine it"


def test_no_group_has_a_slope_of_its_own(fits_of, simulate):
    frame = simulate(12)
    frame["x"] = 1.0 + frame["g"] % 2
    ax = plot_slopes(fits_of(frame))
    assert np.isnan(_circles(ax, "no pooling").get_xdata()).all()
    assert ax.get_title(loc="left") == "12 slopes: no pooling and partial pooling"


# ---------------------------------------------------------------- sizes


def test_sixty_five_names_are_readable_and_do_not_overlap(fits_of, simulate):
    ax = plot_slopes(fits_of(simulate(65)))
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert len(boxes) == 65
    assert ax.get_yticklabels()[0].get_fontsize() > 7
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))


def test_thousands_of_groups_have_no_names_and_small_circles(fits_of, simulate):
    few, many = plot_slopes(fits_of(simulate(12))), plot_slopes(fits_of(simulate(2000, 4), keep=0.01))
    assert _labels(many) == []
    assert many.get_ylabel() == "2000 groups of g, in the order of no pooling"
    assert _circles(few, "no pooling").get_markersize() == 7
    assert _circles(many, "no pooling").get_markersize() == 1.5
    assert len(_circles(many, "partial pooling").get_xdata()) == 2000
    assert list(many.texts) == []
    off = sum(len(line.get_xdata()) for line in many.lines if line.get_label() == "off the scale")
    assert off > 0
    assert many.get_xlabel().splitlines()[1].startswith(f"{off} off the scale; no pooling goes from {MINUS}")
    assert many.figure.get_size_inches()[1] < 8


def test_on_small_axes_names_that_would_overlap_are_left_out(fits_of, simulate):
    ax = plt.figure(figsize=(4, 3)).add_subplot()
    assert plot_slopes(fits_of(simulate(65)), ax=ax) is ax
    assert _labels(ax) == []
    assert plt.get_fignums() == [ax.figure.number]


@pytest.mark.parametrize("groups", [3, 65])
def test_title_key_and_rows_do_not_touch(fits_of, simulate, groups):
    ax = plot_slopes(fits_of(simulate(groups)), interval=0.89)
    ax.figure.canvas.draw()
    key, frame_of_axes = ax.get_legend().get_window_extent(), ax.get_window_extent()
    title = ax._left_title.get_window_extent()  # matplotlib has no public way to the left title
    assert frame_of_axes.y1 <= key.y0
    assert key.y1 <= title.y0
    assert key.x1 <= ax.figure.bbox.x1


# ---------------------------------------------------------------- other predictors, families, strategies


def test_complete_pooling_that_differs_between_groups_is_drawn_row_by_row(fits_of, frame):
    u = np.linspace(-1, 3, 12)
    more = frame.assign(u=u[frame["g"] - 1])
    ax = plot_slopes(fits_of(more, "y ~ x + u + (x|g)", also={"u": 0.4}), term="Intercept")
    common = np.polyfit(more["x"], more["y"], 1)[1]
    black = _segments(ax, "#000000")
    order = np.array(_labels(ax), dtype=int) - 1
    np.testing.assert_allclose(black[:, :, 0], np.column_stack([common + 0.4 * u[order]] * 2))
    np.testing.assert_array_equal(black[:, :, 1], np.arange(12)[:, None] + [-0.5, 0.5])


def test_other_families_name_their_scale(fits_of, frame):
    won = frame.assign(y=(frame["y"] > 0).astype(int))
    assert plot_slopes(fits_of(won, family="bernoulli")).get_xlabel() == "slope of y on x (logit scale)"


def test_without_complete_pooling_there_is_no_black_line(fits_of, frame):
    ax = plot_slopes(fits_of(frame, poolings=("none", "partial")))
    assert [line.get_label() for line in ax.lines] == ["no pooling", "partial pooling"]
    assert ax.get_title(loc="left") == "12 slopes: no pooling and partial pooling"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"term": "X"}, "There is no term 'X'. Did you mean 'x'?"),
        ({"group": "h"}, "There is no grouping factor 'h'. There is: g."),
        ({"interval": 89}, "a probability between 0 and 1, such as 0.89, not 89"),
    ],
)
def test_what_there_is_not(fits, options, message):
    with pytest.raises(FitError, match=message):
        plot_slopes(fits, **options)


def test_a_missing_strategy_is_named(fits_of, fits, frame):
    with pytest.raises(FitError, match="'none' is missing, fit_pooling"):
        plot_slopes(fits_of(frame, poolings=("complete", "partial")))
    with pytest.raises(FitError, match="'none' is missing"):
        plot_slopes(fits["partial"])
