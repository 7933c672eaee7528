"""What `plot_data` draws."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba_array

from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError
from hlm.plots.glyphs import GROUP_COLORS
from hlm.plots.plot_data import plot_data


def _title(ax) -> str:
    return ax.get_title(loc="left")


def _names(ax) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def _luminance(colors: np.ndarray) -> np.ndarray:
    return colors[:, :3] @ [0.2126, 0.7152, 0.0722]


def test_exam_is_a_point_a_student_from_dark_to_bright_schools():
    exam = load_data("exam")
    ax = plot_data("post ~ pre + (pre|school)", exam)
    (points,) = ax.collections
    np.testing.assert_array_equal(points.get_offsets(), exam[["pre", "post"]])
    assert _title(ax) == "post against pre: 4059 rows in 65 groups of school"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pre", "post")
    assert ax.get_legend() is None
    assert [t.get_text() for t in ax.texts] == ["colours: school by mean post, dark = lowest, bright = highest"]
    first_rows = exam.groupby("school", observed=True).head(1)
    means = exam.groupby("school", observed=True)["post"].mean()
    bright = pd.Series(_luminance(points.get_facecolors())[first_rows.index], index=first_rows["school"])
    assert bright.sort_values().index.tolist() == means.sort_values().index.tolist()
    assert ax.alt_text == (
        "Scatter plot of post (-3.67 to 3.67) against pre (-2.93 to 3.02): 4059 rows in 65 groups of school, coloured "
        "by group. Mean post by group goes from -1.05 (school 59) to 1 (school 53)."
    )


def test_what_was_left_out_stands_between_the_axes_and_the_headline():
    exam = load_data("exam")
    exam.loc[::50, "pre"] = np.nan
    ax = plot_data("post ~ pre + (pre|school)", exam)
    (note,) = ax.texts
    assert note.get_text().split("\n") == [
        "82 of 4059 rows left out for missing values: pre (82).",
        "colours: school by mean post, dark = lowest, bright = highest",
    ]
    _one_under_the_other(ax)


@pytest.mark.parametrize(
    ("name", "formula", "gaps", "options"),
    [
        ("cbpp", "p(incidence, size) ~ week + (1|herd)", ("week", "incidence"), {"family": "binomial"}),
        ("sleepstudy", "Reaction ~ Days + (Days|Subject)", ("Days",), {}),
        ("pastes", "strength ~ 1 + order + (1|batch/cask)", ("order", "strength"), {"group": "batch"}),
    ],
)
def test_a_note_of_any_length_stands_under_the_headline(name, formula, gaps, options):
    frame = load_data(name)
    frame = frame.assign(week=np.arange(len(frame)) % 7 + 1.0, order=np.arange(len(frame)) % 9 + 1.0)
    for place, column in enumerate(gaps):
        frame[column] = frame[column].astype(float)
        frame.loc[place::9, column] = np.nan
    ax = plot_data(formula, frame, **options)
    assert "rows left out for missing values" in ax.texts[0].get_text()
    _one_under_the_other(ax)


def _one_under_the_other(ax):
    ax.figure.draw_without_rendering()
    renderer = ax.figure.canvas.get_renderer()
    (note,) = ax.texts
    boxes = [ax.get_window_extent(), note.get_window_extent(renderer), ax._left_title.get_window_extent(renderer)]
    assert boxes[0].y1 < boxes[1].y0 < boxes[1].y1 < boxes[2].y0


def test_few_groups_are_named_each_with_the_colour_of_its_points(simulate):
    frame = simulate(3)
    ax = plot_data("y ~ x + (x|g)", frame)
    assert _names(ax) == ["1", "2", "3"]
    assert ax.get_legend().get_title().get_text() == "g"
    keys = [handle.get_color() for handle in ax.get_legend().get_lines()]
    np.testing.assert_array_equal(to_rgba_array(keys), to_rgba_array(GROUP_COLORS[:3]))
    faces = ax.collections[0].get_facecolors()[:, :3]
    np.testing.assert_allclose(faces, to_rgba_array(GROUP_COLORS[:3])[frame["g"] - 1][:, :3])


def test_how_many_groups_are_named_can_be_set(simulate):
    assert _names(plot_data("y ~ x + (x|g)", simulate(12), max_legend=12)) == [str(k) for k in range(1, 13)]
    assert plot_data("y ~ x + (x|g)", simulate(3), max_legend=2).get_legend() is None


def test_smaller_points_where_there_are_more(simulate):
    few, many = (plot_data("y ~ x + (x|g)", simulate(12, n)).collections[0].get_sizes()[0] for n in (5, 800))
    assert (few, many) == (28, 3)


def test_a_predictor_with_two_values_spreads_the_groups_in_the_order_of_their_means():
    radon = load_data("radon")
    ax = plot_data("log_radon ~ floor + (floor|county)", radon)
    x = np.asarray(ax.collections[0].get_offsets()[:, 0])
    np.testing.assert_array_equal(np.round(x), radon["floor"])
    assert np.abs(x - radon["floor"]).max() == pytest.approx(0.3)
    means = radon.groupby("county", observed=True)["log_radon"].mean().rank()
    places = (x - radon["floor"]).groupby(radon["county"], observed=True).mean()
    assert places.corr(means, method="spearman") == pytest.approx(1)
    assert ax.get_xlabel() == "floor (points with the same floor side by side)"
    assert ax.get_xticks().tolist() == [0, 1]


def test_the_predictor_that_varies_comes_first_and_any_numeric_column_can_be_named(simulate):
    frame = simulate(3).assign(z=np.arange(60), later=np.arange(60) % 7)
    assert plot_data("y ~ z + x + (x|g)", frame).get_xlabel() == "x"
    assert plot_data("y ~ z + x + (1|g)", frame).get_xlabel() == "z"
    assert plot_data("y ~ z + x + (x|g)", frame, x="z").get_xlabel() == "z"
    ax = plot_data("y ~ 1 + (1|g)", frame, x="later")
    np.testing.assert_array_equal(ax.collections[0].get_offsets()[:, 0], frame["later"])


def test_rows_left_out_are_counted(simulate):
    frame = simulate(12)
    frame.loc[[3, 5], "x"] = np.nan
    ax = plot_data("y ~ x + (x|g)", frame)
    assert len(ax.collections[0].get_offsets()) == 238
    assert ax.texts[0].get_text().splitlines()[0] == "2 of 240 rows left out for missing values: x (2)."


def test_counts_are_shown_as_shares_of_their_trials():
    cbpp = load_data("cbpp").assign(time=lambda d: d["period"].astype(float))
    ax = plot_data("p(incidence, size) ~ time + (1|herd)", cbpp, family="binomial")
    assert ax.get_ylabel() == "incidence / size"
    np.testing.assert_allclose(ax.collections[0].get_offsets()[:, 1], cbpp["incidence"] / cbpp["size"])


def test_one_of_several_factors(simulate):
    frame = simulate(12).assign(h=np.arange(240) % 4)
    with pytest.raises(FitError, match="several grouping factors \\(g, h\\)"):
        plot_data("y ~ x + (x|g) + (1|h)", frame)
    ax = plot_data("y ~ x + (x|g) + (1|h)", frame, group="h")
    assert _title(ax) == "y against x: 240 rows in 4 groups of h"


def test_draws_where_it_is_told_and_changes_nothing_else(simulate):
    frame = simulate(3)
    before, style = frame.copy(), dict(mpl.rcParams)
    ax = plt.figure().add_subplot()
    assert plot_data("y ~ x + (x|g)", frame, ax=ax) is ax
    assert plt.get_fignums() == [ax.figure.number]
    assert dict(mpl.rcParams) == style
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("formula", "x", "message"),
    [
        ("y ~ 1 + (1|g)", None, "The formula y ~ 1 \\+ \\(1\\|g\\) has no predictor to draw y against. Name a column"),
        ("y ~ x + (x|g)", "X", "The data have no column 'X'. Did you mean 'x'?"),
        ("y ~ x + (x|g)", "g", "'g' is a grouping factor. There is: x."),
        ("y ~ 1 + (1|g)", "g", "'g' is not a predictor that can be drawn against, and there is none. Name a column"),
    ],
)
def test_nothing_to_draw_against(simulate, formula, x, message):
    frame = simulate(3).assign(c=list("ab") * 30)
    with pytest.raises(DataError, match=message):
        plot_data(formula, frame, x=x)


def test_a_response_of_labels_has_no_points(simulate):
    frame = simulate(3).assign(y=["low", "mid", "high"] * 20)
    with pytest.raises(DataError, match="The response 'y' holds labels \\(high, low, mid\\)"):
        plot_data("y ~ x + (x|g)", frame, family="cumulative")
