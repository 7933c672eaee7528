"""What `plot_plane`, `plot_shrinkage`, `plot_ranks` and `plot_loo` draw: points, order, limits, words."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import FancyArrowPatch

import hlm
from hlm.compare.rank_groups import rank_groups
from hlm.compare.shrinkage import shrinkage
from hlm.errors import FitError
from hlm.formula.formula import Term
from hlm.plots.group_names import label_points, named, size_axis
from hlm.plots.plot_loo import plot_loo
from hlm.plots.plot_plane import plane_of, plot_plane
from hlm.plots.plot_ranks import plot_ranks
from hlm.plots.plot_shrinkage import plot_shrinkage

SCHOOL = Term(("school",))


def _drawn(ax, label: str) -> np.ndarray:
    """Points of the only line with this label, (points, 2)."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line.get_xydata()


def _texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


# ---------------------------------------------------------------- plane


def test_plane_draws_the_tables_numbers(exam):
    ax = plot_plane(exam)
    table = shrinkage(exam).pivot(index="level", columns="term", values=["none", "partial", "complete"])
    table = table.loc[exam["partial"].resolved.data.levels(SCHOOL)]
    for pooling, label in (("none", "no pooling"), ("partial", "partial pooling")):
        np.testing.assert_allclose(_drawn(ax, label), table[pooling][["Intercept", "pre"]])
    np.testing.assert_allclose(_drawn(ax, "complete pooling")[0], table["complete"][["Intercept", "pre"]].iloc[0])
    assert ax.get_title(loc="left") == "Partial pooling draws 65 of 65 groups of school towards the centre"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("intercept of post", "slope of post on pre")


def test_plane_has_an_arrow_for_every_group_that_moves_and_leaves_48_off_the_scale(exam):
    ax = plot_plane(exam)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    none, partial = _drawn(ax, "no pooling"), _drawn(ax, "partial pooling")
    pixels = np.linalg.norm(ax.transData.transform(none) - ax.transData.transform(partial), axis=1)
    size = ax.lines[-2].get_markersize() * ax.figure.dpi / 72
    # the layout engine may move the axes a little after the arrows were chosen
    assert (pixels > 1.7 * size).sum() <= len(arrows) + 3
    assert (pixels > 1.5 * size).sum() >= len(arrows) - 3
    assert ax.get_ylim()[0] > -1 > _drawn(ax, "no pooling")[:, 1].min()
    assert "48 from (\N{MINUS SIGN}3.26, \N{MINUS SIGN}6.88)" in _texts(ax)
    assert "School 48 goes from (-3.26, -6.88) to" in ax.alt_text


def test_the_ellipses_are_sigmas(exam):
    plane = plane_of(exam, SCHOOL, ("Intercept", "pre"))
    ax = plot_plane(exam)
    precision = np.linalg.inv(plane.covariance)
    for line, share in zip([line for line in ax.lines if len(line.get_xdata()) == 200], (0.5, 0.95), strict=True):
        away = line.get_xydata() - plane.center
        squared = np.einsum("ki,ij,kj->k", away, precision, away)
        np.testing.assert_allclose(1 - np.exp(-squared / 2), share)  # chi-squared with two degrees of freedom
    posterior = exam["partial"].idata["posterior"]
    np.testing.assert_allclose(plane.center, [posterior["Intercept"].mean(), posterior["pre"].mean()])


def test_plane_takes_off_what_a_predictor_of_the_groups_explains():
    fits = hlm.fit_pooling(
        "log_radon ~ floor + log_uranium + (floor|county)", hlm.load_data("radon"), seed=1, progress=False
    )
    ax = plot_plane(fits)
    posterior, data = fits["partial"].idata["posterior"], fits["partial"].resolved.data
    uranium = data.columns.groupby("county", observed=False)["log_uranium"].first()
    table = shrinkage(fits, term="Intercept").set_index("level").loc[data.levels(Term(("county",)))]
    slope = float(posterior["log_uranium"].mean())
    expected = table["partial"] - slope * (uranium - uranium.mean())
    np.testing.assert_allclose(_drawn(ax, "partial pooling")[:, 0], expected, atol=1e-9)
    assert len(_drawn(ax, "complete pooling")) == 1
    assert ax.get_xlabel() == "intercept of log_radon\neach county at the average log_uranium"


def test_the_planes_covariance_is_the_posteriors_in_the_order_asked_for(exam):
    posterior = exam["partial"].idata["posterior"]
    one, pre = posterior["1|school_sigma"], posterior["pre|school_sigma"]
    both = posterior["school_corr"].isel(school_effect=0, school_effect_bis=1) * one * pre
    expected = [[(one**2).mean(), both.mean()], [both.mean(), (pre**2).mean()]]
    np.testing.assert_allclose(plane_of(exam, SCHOOL, ("Intercept", "pre")).covariance, expected, rtol=1e-9)
    turned = plane_of(exam, SCHOOL, ("pre", "Intercept")).covariance
    np.testing.assert_allclose(turned, np.array(expected)[::-1, ::-1], rtol=1e-9)


def test_plane_needs_two_coefficients(exam, penicillin):
    with pytest.raises(FitError, match=r"several grouping factors \(plate, sample\): name one"):
        plot_plane(penicillin)
    with pytest.raises(FitError, match="Only Intercept varies by plate: a plane needs two coefficients"):
        plot_plane(penicillin, group="plate")
    with pytest.raises(FitError, match="There is no term 'prre' that varies by school. Did you mean 'pre'?"):
        plot_plane(exam, terms=("Intercept", "prre"))
    with pytest.raises(FitError, match="terms has .pre. more than once"):
        plot_plane(exam, terms=("pre", "pre"))
    with pytest.raises(FitError, match="the strategy 'none' is missing"):
        plot_plane({"partial": exam["partial"]})


# ---------------------------------------------------------------- shrinkage


def test_shrinkage_draws_share_against_size(exam):
    ax = plot_shrinkage(exam)
    points = _drawn(ax, "partial pooling")
    data = exam["partial"].resolved.data
    np.testing.assert_array_equal(points[:, 0], np.bincount(data.codes(SCHOOL)))
    assert points[data.levels(SCHOOL).index("48"), 1] == pytest.approx(0.88, abs=0.01)  # STATISTICS.md 8
    assert ax.get_title(loc="left") == "The others decide 88 % of school 48, 31 % of the average school"
    assert ax.get_xscale() == "log"
    assert ax.get_xlabel() == "rows of each school: 2 to 198 (logarithmic scale)"
    start = "48: pre \N{MINUS SIGN}6.88 \N{RIGHTWARDS ARROW} 0.5"  # 0.549 or 0.55, as the draws fall
    assert any(text.startswith(start) for text in _texts(ax))
    np.testing.assert_array_equal(_drawn(ax, "complete pooling")[:, 1], [1, 1])


def test_equal_groups_stand_in_their_order(sleepstudy):
    ax = plot_shrinkage(sleepstudy)
    np.testing.assert_array_equal(_drawn(ax, "partial pooling")[:, 0], np.arange(18))
    assert ax.get_xlabel() == "Subject (10 rows each)"
    assert ax.get_title(loc="left") == "The others decide 19 % of every Subject: all know equally much"
    assert _texts(ax) == []


# ---------------------------------------------------------------- ranks


def test_groups_of_one_rank_stand_in_their_order(sleepstudy, monkeypatch):
    tied = lambda *arguments, **options: rank_groups(*arguments, **options).assign(rank=9.5)  # noqa: E731
    monkeypatch.setattr("hlm.plots.plot_ranks.rank_groups", tied)
    ax = plot_ranks(sleepstudy)
    assert [label.get_text() for label in ax.get_yticklabels()] == sleepstudy["partial"].resolved.data.levels(
        Term(("Subject",))
    )


def test_ranks_are_in_order_with_their_intervals(exam):
    ax = plot_ranks(exam)
    points = ax.lines[0].get_xydata()
    assert (np.diff(points[:, 0]) >= 0).all()
    np.testing.assert_array_equal(points[:, 1], np.arange(65))
    assert points[:, 0].mean() == pytest.approx(33, rel=1e-12)  # (K + 1) / 2
    assert ax.get_xticks().tolist() == [1, 10, 20, 30, 40, 50, 65]  # ranks that exist
    ends = np.array(ax.collections[0].get_segments())
    assert (ends[:, 0, 0] <= ends[:, 1, 0]).all()
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "53"
    width = np.median(ends[:, 1, 0] - ends[:, 0, 0])
    assert ax.get_title(loc="left") == f"Half of the 65 ranks are uncertain by {width:.0f} places or more"
    with pytest.raises(FitError, match="that strategy is missing"):
        plot_ranks(exam["none"])


def test_thousands_of_groups_are_a_band(fits_of, simulate):
    ax = plot_ranks(fits_of(simulate(3000, 3)))
    assert ax.get_ylabel() == "3000 groups of g, in the order of expected rank"
    assert len(ax.collections) == 1
    assert [len(text.split(", ")) for text in _texts(ax)] == [3, 3]


# ---------------------------------------------------------------- leave-one-out


def test_loo_of_rows(exam):
    ax = plot_loo(exam)
    difference = exam["partial"].leave_out().elpd - exam["none"].leave_out().elpd
    better, worse = _drawn(ax, "partial pooling predicts better"), _drawn(ax, "no pooling predicts better")
    np.testing.assert_array_equal(better[:, 1], difference[difference >= 0])
    np.testing.assert_array_equal(worse[:, 0], np.flatnonzero(difference < 0))
    se = np.sqrt(4059 * difference.var())
    title = f"Partial pooling predicts new rows better than no pooling, by {difference.sum():.3g} (se {se:.3g})"
    assert ax.get_title(loc="left").replace("\n", " ") == title


def test_loo_of_rows_added_up_by_group(exam):
    ax = plot_loo(exam, group="school")
    difference = exam["partial"].leave_out().elpd - exam["none"].leave_out().elpd
    codes = exam["partial"].resolved.data.codes(SCHOOL)
    drawn = np.concatenate([line.get_ydata() for line in ax.lines if "better" in str(line.get_label())])
    np.testing.assert_allclose(np.sort(drawn), np.sort([difference[codes == k].sum() for k in range(65)]), atol=1e-9)
    assert "school 48" in _texts(ax)


def test_loo_of_whole_groups_marks_bad_ones(sleepstudy):
    ax = plot_loo(sleepstudy, unit="Subject")
    subject = Term(("Subject",))
    loos = [sleepstudy[pooling].leave_out(subject) for pooling in ("partial", "complete")]
    bad = (loos[0].pareto_k > 0.7) | (loos[1].pareto_k > 0.7)
    assert bad.any()
    difference = loos[0].elpd - loos[1].elpd
    np.testing.assert_array_equal(_drawn(ax, "Pareto k > 0.7")[:, 1], difference[bad])
    assert ax.get_ylabel() == "elpd of a new Subject: partial minus complete pooling"


def test_loo_says_when_it_cannot_tell(sleepstudy):
    # 3.7 nats with a standard error of 2.9: less than 4, the limit
    assert (
        plot_loo(sleepstudy).get_title(loc="left").startswith("Cannot tell for new rows: partial pooling ahead by 3.")
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unit": "student"}, r"unit is 'observation' or a grouping factor \(school\), not 'student'."),
        ({"poolings": ("partial", "partial")}, "poolings has .partial. more than once"),
        ({"poolings": ("partial", "nine")}, "The pooling 'nine' was not fitted"),
        ({"unit": "school", "poolings": ("partial", "none")}, "No pooling cannot predict a new school"),
        ({"group": "class"}, "There is no grouping factor 'class'"),
    ],
)
def test_loo_of_what_there_is_not(exam, options, message):
    with pytest.raises(FitError, match=message):
        plot_loo(exam, **options)


# ---------------------------------------------------------------- names and sizes


def test_names_do_not_cover_each_other_and_are_left_out_where_there_is_no_room():
    ax = plt.figure(figsize=(4, 4)).add_subplot()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    points = np.full((20, 2), 0.5)
    label_points(ax, points, [f"a long name {k}" for k in range(20)], among=points[:1])
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 1 <= len(boxes) <= 8  # the places around a point
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_group_in_a_sentence():
    assert (named(SCHOOL, "48"), named(SCHOOL, "48", start=True)) == ("school 48", "School 48")


def test_round_ticks_of_sizes():
    ax = plt.figure().add_subplot()
    size_axis(ax, np.array([2, 30, 198]), ["a", "b", "c"], "g")
    assert ax.get_xticks().tolist() == [2, 5, 10, 20, 50, 100]
    size_axis(ax, np.array([1, 3, 4]), ["a", "b", "c"], "g")
    assert ax.get_xticks().tolist() == [1, 2, 3, 4]
