"""What `plot_lines` draws: its lines against numpy's polyfit and other routes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba, to_rgba_array

from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError
from hlm.fits.fit import fit_pooling
from hlm.formula.formula import Term
from hlm.plots.glyphs import GROUP_COLORS, QUIET, group_colors
from hlm.plots.group_lines import group_lines, pooled_line
from hlm.plots.plot_lines import plot_lines

G = Term(("g",))


@pytest.fixture(scope="module")
def frame(simulate) -> pd.DataFrame:
    return simulate(12)


@pytest.fixture(scope="module")
def fits(fits_of, frame):
    return fits_of(frame)


def _polyfit(frame: pd.DataFrame) -> pd.DataFrame:
    """A second route to the lines: columns ``slope, intercept, low, high`` by group."""
    rows = {
        str(g): [*np.polyfit(part["x"], part["y"], 1), part["x"].min(), part["x"].max()]
        for g, part in frame.groupby("g")
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["slope", "intercept", "low", "high"])


def _thin(ax) -> LineCollection:
    return next(c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() == 2)


def _thick(ax) -> LineCollection:
    return next(c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() in (3, 5))


def _points(ax) -> list[PathCollection]:
    return [c for c in ax.collections if isinstance(c, PathCollection)]


def _ends(lines: pd.DataFrame) -> np.ndarray:
    """Segments of a polyfit table, shape (K, 2, 2)."""
    low = np.column_stack([lines["low"], lines["intercept"] + lines["slope"] * lines["low"]])
    high = np.column_stack([lines["high"], lines["intercept"] + lines["slope"] * lines["high"]])
    return np.stack([low, high], axis=1)


# ---------------------------------------------------------------- the lines of the lecture


def test_least_squares_lines_over_each_groups_own_range(fits, frame):
    ax = plot_lines(fits)
    # lsqr stops at a relative 1e-14 of the residual; the lines are of size 1
    np.testing.assert_allclose(_thin(ax).get_segments(), _ends(_polyfit(frame)), atol=1e-9)
    assert ax.get_title(loc="left") == "Every g for itself: 12 least-squares lines"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_the_black_line_is_complete_pooling_over_the_whole_range(fits, frame):
    slope, intercept = np.polyfit(frame["x"], frame["y"], 1)
    (black,) = plot_lines(fits).lines
    ends = np.array([frame["x"].min(), frame["x"].max()])
    np.testing.assert_allclose(black.get_xdata(), ends)
    np.testing.assert_allclose(black.get_ydata(), intercept + slope * ends, rtol=0, atol=1e-12)
    assert (black.get_color(), black.get_label()) == ("#000000", "complete pooling")
    assert black.get_linewidth() > 2 * _thin(plot_lines(fits)).get_linewidths()[0]


@pytest.mark.parametrize(("pooling", "keep"), [("none", 1.0), ("partial", 0.5)])
def test_posterior_mean_lines_of_a_strategy(fits, frame, pooling, keep):
    slope, intercept = np.polyfit(frame["x"], frame["y"], 1)
    expected = _polyfit(frame)
    expected["slope"] = slope + keep * (expected["slope"] - slope)
    expected["intercept"] = intercept + keep * (expected["intercept"] - intercept)
    ax = plot_lines(fits, pooling=pooling)
    np.testing.assert_allclose(_thin(ax).get_segments(), _ends(expected), atol=1e-12)


@pytest.mark.parametrize(
    ("pooling", "title", "key"),
    [
        ("least_squares", "Every g for itself: 12 least-squares lines", "one g, least squares"),
        ("none", "No pooling: 12 lines, every g for itself", "one g, no pooling"),
        ("partial", "Partial pooling: 12 lines, every g learns from the others", "one g, partial pooling"),
    ],
)
def test_the_title_and_the_key_say_which_lines(fits, pooling, title, key):
    ax = plot_lines(fits, pooling=pooling)
    assert ax.get_title(loc="left") == title
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [key, "complete pooling"]


def test_a_group_has_the_colour_it_has_in_plot_data(fits, frame):
    colors = group_colors(frame.groupby("g")["y"].mean().to_numpy())
    np.testing.assert_allclose(_thin(plot_lines(fits)).get_colors()[:, :3], colors[:, :3])


def test_the_rows_are_pale_points_behind_and_can_be_left_out(fits, frame):
    (points,) = _points(plot_lines(fits))
    np.testing.assert_array_equal(points.get_offsets(), frame[["x", "y"]])
    assert points.get_zorder() < 2
    assert len(np.unique(points.get_facecolors(), axis=0)) == 1
    assert _points(plot_lines(fits, show_data=False)) == []


def test_in_words(fits, frame):
    lines = _polyfit(frame)["slope"]
    assert plot_lines(fits).alt_text == (
        f"Every g for itself: 12 least-squares lines. y against x. The slopes go from {lines.min():.3g} "
        f"(g {lines.idxmin()}) to {lines.max():.3g} (g {lines.idxmax()}). The black line of complete pooling has slope "
        f"{np.polyfit(frame['x'], frame['y'], 1)[0]:.3g}."
    )


# ---------------------------------------------------------------- groups by name


def test_chosen_groups_are_in_colour_and_the_others_grey(fits, frame):
    ax = plot_lines(fits, levels=[7, "3"])
    np.testing.assert_allclose(_thick(ax).get_segments(), _ends(_polyfit(frame).loc[["3", "7"]]), atol=1e-9)
    np.testing.assert_array_equal(_thick(ax).get_colors(), to_rgba_array(GROUP_COLORS[:2]))
    assert len(_thin(ax).get_segments()) == 10
    np.testing.assert_allclose(np.unique(_thin(ax).get_colors()[:, :3], axis=0), [to_rgba(QUIET)[:3]])
    assert _thick(ax).get_zorder() > ax.lines[0].get_zorder() > _thin(ax).get_zorder()
    pale, chosen = _points(ax)
    np.testing.assert_array_equal(chosen.get_offsets(), frame.loc[frame["g"].isin([3, 7]), ["x", "y"]])
    assert len(pale.get_offsets()) == 200


def test_the_key_names_chosen_groups_with_their_size(fits):
    ax = plot_lines(fits, levels=["3", "7"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["3 (n = 20)", "7 (n = 20)"]
    assert ax.get_legend().get_title().get_text() == "g"
    above = [a for a in ax.artists if hasattr(a, "get_texts")]
    assert [text.get_text() for text in above[0].get_texts()] == ["one g, least squares", "complete pooling"]


def test_few_groups_are_all_named(fits_of, simulate):
    ax = plot_lines(fits_of(simulate(3)))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1 (n = 20)", "2 (n = 20)", "3 (n = 20)"]
    assert len(_thick(ax).get_segments()) == 3


# ---------------------------------------------------------------- what a group cannot tell


def test_a_group_whose_rows_cannot_determine_a_line_has_none_except_in_partial_pooling(fits_of, simulate):
    frame = simulate(12)
    frame = frame[(frame["g"] != 4) | ~frame["g"].duplicated()].reset_index(drop=True)  # one row of group 4
    frame.loc[frame["g"] == 9, "x"] = 0.25
    fits = fits_of(frame)
    for pooling in ("least_squares", "none"):
        lines = group_lines(fits, pooling, G, "x")
        assert np.array(lines.levels)[~lines.known].tolist() == ["4", "9"]
        ax = plot_lines(fits, pooling=pooling)
        assert len(_thin(ax).get_segments()) == 10
        assert ax.get_xlabel() == "x\n2 of 12 groups of g without a line: their rows cannot determine it"
    assert len(_thin(plot_lines(fits, pooling="partial")).get_segments()) == 12
    ax = plot_lines(fits, levels=["4"])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["4 (n = 1, no line)"]


# ---------------------------------------------------------------- other predictors


def test_other_predictors_are_at_their_mean_or_first_level(fits_of, frame):
    rng = np.random.default_rng(2)
    more = frame.assign(z=rng.normal(2, 1, 240), c=rng.choice(["p", "q"], 240))
    more["y"] = more["y"] + 0.7 * more["z"] - 2.0 * (more["c"] == "q")
    fits = fits_of(more, "y ~ x + z + c + (x|g)", also={"z": 0.7, "c": -2.0})
    dummies = pd.get_dummies(more["g"], dtype=float)
    q = (more["c"] == "q").astype(float)
    design = np.column_stack([dummies, dummies.mul(more["x"], axis=0), more["z"], q])
    found = np.linalg.lstsq(design, more["y"])[0]  # a second route: all dummies, dense
    expected = pd.DataFrame({"intercept": found[:12] + found[24] * more["z"].mean(), "slope": found[12:24]})
    ranges = more.groupby("g")["x"].agg(low="min", high="max").reset_index()
    ax = plot_lines(fits)
    np.testing.assert_allclose(_thin(ax).get_segments(), _ends(expected.join(ranges)), atol=1e-8)
    assert ax.get_xlabel() == f"x\nlines at z = {more['z'].mean():.3g} (its mean), c = p"
    slope, intercept = np.polyfit(more["x"], more["y"], 1)  # the fixture's complete strategy
    at = intercept + 0.7 * more["z"].mean()
    np.testing.assert_allclose(pooled_line(fits, G, "x"), at + slope * pooled_line(fits, G, "x").index)


def test_the_black_line_averages_over_predictors_of_the_groups(fits_of, frame):
    more = frame.assign(u=np.linspace(-1, 3, 12)[frame["g"] - 1])
    fits = fits_of(more, "y ~ x + u + (x|g)", also={"u": 0.4})
    slope, intercept = np.polyfit(more["x"], more["y"], 1)
    black = pooled_line(fits, G, "x")
    np.testing.assert_allclose(black, intercept + 0.4 * more["u"].mean() + slope * black.index)
    assert plot_lines(fits).get_xlabel() == "x\nblack line averaged over u"
    with pytest.raises(DataError, match=r"'u' is not a predictor that can be drawn against\. There is: x."):
        plot_lines(fits, x="u")


def test_another_predictor_on_the_horizontal_axis(fits_of, frame):
    more = frame.assign(z=np.random.default_rng(2).normal(2, 1, 240))
    fits = fits_of(more, "y ~ x + z + (x|g)", also={"z": 0.7})
    lines = group_lines(fits, "partial", G, "z")
    np.testing.assert_allclose(np.diff(lines.y) / np.diff(lines.x), 0.7)
    ax = plot_lines(fits, pooling="partial", x="z")
    assert ax.get_xlabel() == f"z\nlines at x = {more['x'].mean():.3g} (its mean)"


# ---------------------------------------------------------------- other families, fewer strategies


def test_the_scale_of_the_linear_predictor_has_straight_lines_without_points(fits_of, frame):
    won = frame.assign(y=(frame["y"] > 0).astype(int))
    ax = plot_lines(fits_of(won, family="bernoulli"), scale="link")
    assert ax.get_title(loc="left") == "No pooling: 12 lines, every g for itself"
    assert ax.get_ylabel() == "linear predictor of y: logit(p)"
    assert _points(ax) == []
    np.testing.assert_allclose(_thin(ax).get_segments(), _ends(_polyfit(won)), atol=1e-12)  # the fixture's numbers
    with pytest.raises(FitError, match="The bernoulli family has no least-squares lines: draw pooling='none'"):
        plot_lines(fits_of(won, family="bernoulli"), pooling="least_squares")


def test_a_link_that_gives_impossible_means_leaves_groups_without_a_curve(fits_of, frame):
    times = frame.assign(y=np.exp(frame["y"] - 2) + 0.5)
    times.loc[times["g"] == 5, "y"] = 0.05 + 0.1 * (times["x"] - times["x"].min())[times["g"] == 5]
    times.loc[times["g"] == 5, "y"] = times["y"] - times["y"][times["g"] == 5].min() + 1e-3
    fits = fits_of(times, family="gamma", keep=1.0)  # the inverse link; draws are 0.1 above and below these lines
    lines = group_lines(fits, "none", G, "x", scale="response")
    own = _polyfit(times)
    ends = own["intercept"].to_numpy()[:, None] + own["slope"].to_numpy()[:, None] * lines.x
    low = ends - 0.1 * np.abs(1 + lines.x)  # both coefficients move together
    np.testing.assert_array_equal(lines.known, (low > 0).all(axis=1))
    assert not lines.known[4]
    assert "or the inverse link gives impossible ones" in plot_lines(fits).get_xlabel().replace("\n", " ")


def test_without_complete_pooling_there_is_no_black_line(fits_of, frame):
    ax = plot_lines(fits_of(frame, poolings=("none", "partial")))
    assert list(ax.lines) == []
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one g, least squares"]


def test_one_fit_will_do(fits, frame):
    ax = plot_lines(fits["partial"], pooling="partial")
    np.testing.assert_allclose(
        _thin(ax).get_segments(), _thin(plot_lines(fits, pooling="partial")).get_segments(), atol=1e-12
    )


def test_draws_where_it_is_told(fits):
    ax = plt.figure().add_subplot()
    assert plot_lines(fits, ax=ax) is ax
    assert plt.get_fignums() == [ax.figure.number]


def test_two_thousand_groups_are_thin_lines(fits_of, simulate):
    fits = fits_of(simulate(2000, 4))
    assert _thin(plot_lines(fits)).get_linewidths().tolist() == [0.3]


# ---------------------------------------------------------------- bad arguments


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "nine"}, "no group lines for pooling='nine'. Did you mean 'none'?"),
        ({"levels": ["13"]}, "There is no g '13'. Did you mean"),
        ({"group": "h"}, "There is no grouping factor 'h'. There is: g."),
        ({"scale": "logit"}, "scale is one of 'response', 'link', not 'logit'."),
    ],
)
def test_what_there_is_not(fits, options, message):
    with pytest.raises(FitError, match=message):
        plot_lines(fits, **options)


def test_a_strategy_that_was_not_fitted(fits_of, frame):
    fits = fits_of(frame, poolings=("complete", "partial"))
    with pytest.raises(FitError, match=r"The strategy 'none' was not fitted: .* There are: complete, partial."):
        plot_lines(fits, pooling="none")


def test_no_such_predictor(fits):
    with pytest.raises(DataError, match=r"'X' is not a predictor that can be drawn against\. Did you mean 'x'\?"):
        plot_lines(fits, x="X")


# ---------------------------------------------------------------- curves


@pytest.mark.parametrize(
    ("formula", "columns"),
    [
        ("Reaction ~ Days + I(Days^2) + (Days + I(Days^2)|Subject)", lambda d: [d, d**2]),
        ("Reaction ~ log1p(Days) + (log1p(Days)|Subject)", lambda d: [np.log1p(d)]),
        ("Reaction ~ poly(Days, 2) + (poly(Days, 2)|Subject)", lambda d: [d, d**2]),
    ],
)
def test_computed_columns_are_curves_against_what_they_are_computed_from(formula, columns):
    data = load_data("sleepstudy")
    fits = fit_pooling(formula, data, poolings=("complete", "none"), draws=200, chains=2, seed=1, progress=False)
    lines = group_lines(fits, "least_squares", Term(("Subject",)), "Days")
    assert lines.x.shape == (18, 60)
    assert not lines.straight
    for k, level in enumerate(lines.levels):
        mine = data[data["Subject"].astype(str) == level]
        days = mine["Days"].to_numpy(dtype=float)
        design = np.column_stack([np.ones_like(days), *columns(days)])
        found = np.linalg.lstsq(design, mine["Reaction"].to_numpy())[0]
        expected = np.column_stack([np.ones(60), *columns(lines.x[k])]) @ found
        np.testing.assert_allclose(lines.y[k], expected, atol=1e-5)  # of 250 ms; lsqr stops at a relative 1e-14
    ax = plot_lines(fits)
    assert ax.get_xlabel() == "Days"
    assert ax.get_title(loc="left") == "Every Subject for itself: 18 least-squares curves"
    assert len(ax.lines[0].get_xdata()) == 60


# ---------------------------------------------------------------- complete pooling, panels


def test_complete_pooling_is_the_black_line_alone(fits):
    ax = plot_lines(fits, pooling="complete")
    assert [c for c in ax.collections if isinstance(c, LineCollection)] == []
    assert len(ax.lines) == 1
    assert ax.get_title(loc="left") == "Complete pooling: one line for every g"


def test_a_panel_for_each_chosen_group_with_three_lines(fits, frame):
    ax = plot_lines(fits, levels=["7", "3", "11"], panels=True)
    assert [panel.get_title() for panel in ax.child_axes] == ["3 (n = 20)", "7 (n = 20)", "11 (n = 20)"]
    own, (slope, intercept) = _polyfit(frame), np.polyfit(frame["x"], frame["y"], 1)
    ends = np.array([frame["x"].min(), frame["x"].max()])
    lines = {line.get_label(): line for line in ax.child_axes[1].lines}
    alone = own.loc["7", "intercept"] + own.loc["7", "slope"] * ends
    everybody = intercept + slope * ends
    np.testing.assert_allclose(lines["no pooling"].get_xydata(), np.column_stack([ends, alone]), atol=1e-12)
    np.testing.assert_allclose(lines["partial pooling"].get_ydata(), (alone + everybody) / 2)
    np.testing.assert_allclose(lines["complete pooling"].get_ydata(), everybody)
    assert len({panel.get_ylim() for panel in ax.child_axes}) == 1
    first, pooled = own.loc["3", "slope"], (own.loc["3", "slope"] + slope) / 2
    assert ax.get_title(loc="left") == f"G 3: slope {first:.3g} alone, {pooled:.3g} with the others"
    with pytest.raises(FitError, match=r"for groups that you name: levels=\[...\], 12 of g at most"):
        plot_lines(fits, panels=True)
