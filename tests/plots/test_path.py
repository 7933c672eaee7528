"""`plot_path`, by what it draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection, PolyCollection

from hlm.compare.pooling_path import PoolingPath, pooling_path
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.fit import fit, fit_pooling
from hlm.model.priors import Prior
from hlm.plots.glyphs import LOOKS
from hlm.plots.plot_path import plot_path

SLEEP = "Reaction ~ Days + (Days|Subject)"


@pytest.fixture(scope="module")
def path() -> PoolingPath:
    return pooling_path(SLEEP, load_data("sleepstudy"), seed=1)


@pytest.fixture(scope="module")
def exam_path() -> PoolingPath:
    return pooling_path("post ~ pre + (pre|school)", load_data("exam"), seed=1)


def _lines(ax) -> LineCollection:
    return next(c for c in ax.collections if isinstance(c, LineCollection))


def _circles(ax, pooling: str):
    return next(line for line in ax.lines if line.get_label() == LOOKS[pooling].label)


def test_a_line_for_each_group_from_0_to_infinity(path):
    ax = plot_path(path)
    days = path.estimates.sel(term="Days").to_numpy()
    sd = path.estimates["sd"].to_numpy()[:-1]
    segments = _lines(ax).get_segments()
    assert len(segments) == 18
    for k, line in enumerate(segments):
        np.testing.assert_allclose(line[:, 0], [*(sd / (1 + sd)), 1])
        np.testing.assert_array_equal(line[:, 1], days[:, k])


def test_filled_circles_in_the_middle_open_ones_at_infinity_and_the_black_line(path):
    ax = plot_path(path)
    days = path.estimates.sel(term="Days")
    partial, none, black = (_circles(ax, pooling) for pooling in ("partial", "none", "complete"))
    np.testing.assert_allclose(partial.get_xdata(), np.full(18, 0.5))
    np.testing.assert_array_equal(partial.get_ydata(), days.sel(sd=1.0))
    np.testing.assert_array_equal(none.get_xdata(), np.ones(18))
    np.testing.assert_array_equal(none.get_ydata(), days.isel(sd=-1))
    assert set(black.get_ydata()) == {float(days.isel(sd=0)[0])}
    assert (partial.get_markerfacecolor(), none.get_markerfacecolor()) == (LOOKS["partial"].color, "#FFFFFF")


def test_the_density_is_per_unit_of_the_axis_below_the_lines(path):
    ax = plot_path(path)
    polygon = next(c for c in ax.collections if isinstance(c, PolyCollection)).get_paths()[0].vertices
    floor = ax.get_ylim()[0]
    top = polygon[polygon[:, 1] > floor]
    sd, density = path.density["sd"].to_numpy()[:-1], path.density.to_numpy()[:-1]
    expected = np.interp(top[:, 0], sd / (1 + sd), density * (1 + sd) ** 2)
    assert (top[:, 1] - floor) / np.ptp(polygon[:, 1]) == pytest.approx(
        expected / (density * (1 + sd) ** 2).max(), abs=1e-9
    )
    lowest = min(line[:, 1].min() for line in _lines(ax).get_segments())
    assert polygon[:, 1].max() < lowest
    assert min(ax.get_yticks()) > polygon[:, 1].max()


def test_ticks_labels_and_words(path):
    ax = plot_path(path)
    np.testing.assert_allclose(ax.get_xticks(), [0, 0.2, 1 / 3, 0.5, 2 / 3, 0.8, 1])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "0.25", "0.5", "1", "2", "4", "∞"]
    first, second = ax.get_xlabel().splitlines()  # all groups have 10 rows: no colours to explain
    assert first.startswith("group-level sds over their estimates (1|Subject 2")
    assert second == "0: complete pooling; ∞: no pooling"
    assert ax.get_title(loc="left") == "Between one line and 18: where the data put the sds"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names[:3] == ["complete pooling", "partial pooling", "no pooling"] and names[3].startswith("posterior: 0.")
    assert ax.alt_text.startswith("The Days of Reaction in 18 groups of Subject, as lines over 1|Subject_sigma and")


def test_one_sd_has_its_own_numbers_on_the_axis():
    path = pooling_path(SLEEP, load_data("sleepstudy"), term="Days", seed=1)
    ax = plot_path(path)
    assert ax.get_xticklabels()[3].get_text() == f"{path.unit:.3g}"
    assert ax.get_xlabel().splitlines() == [
        "sd of Days|Subject, in the middle its posterior mean",
        "0: without Days|Subject; ∞: Days|Subject not pooled, all else partially",
    ]
    assert ax.get_title(loc="left") == "Between one line and 18: where the data put the sd"
    names = [text.get_text() for text in ax.get_legend().get_texts()]  # not the complete and none strategies
    assert (names[0], names[2]) == ("complete pooling of it", "no pooling of it")
    ax.figure.canvas.draw()
    assert ax.get_legend().get_window_extent().x1 <= ax.figure.bbox.x1
    assert plot_path(path, term="Intercept").get_ylabel() == "intercept of Reaction"


def test_an_effect_with_several_columns_and_groups_that_differ_at_0():
    rng = np.random.default_rng(1)
    g, h = np.repeat(np.arange(12), 12), np.arange(144) // 4
    frame = pd.DataFrame(
        {"g": g, "h": h, "c": np.tile(["a", "b"], 72), "y": rng.normal(size=12)[g] + rng.normal(size=144)}
    )
    ax = plot_path(pooling_path("y ~ c + (c|g)", frame, term="c", seed=1))
    assert ax.get_ylabel() == "c[b]: coefficient of y"
    assert ax.get_xlabel().splitlines()[0].startswith("sd of c[b]|g")
    nested = plot_path(pooling_path("y ~ 1 + (1|g/h)", frame, group="g:h", seed=1))
    assert nested.get_title(loc="left") == "36 groups from pooled to own: where the data put the sd"
    assert [line.get_label() for line in nested.lines[:2]] == ["partial pooling", "no pooling"]


def test_a_group_far_out_is_off_the_scale_with_its_number(exam_path):
    ax = plot_path(exam_path)
    (triangle,) = (line for line in ax.lines if line.get_label() == "off the scale")
    assert (triangle.get_marker(), triangle.get_markerfacecolor()) == ("v", "#FFFFFF")
    last = exam_path.estimates.sel(term="pre").isel(sd=-1)
    assert "\N{MINUS SIGN}6.8" in ax.texts[-1].get_text() or "\N{MINUS SIGN}6.9" in ax.texts[-1].get_text()
    assert len(_circles(ax, "none").get_xdata()) == 64
    assert triangle.get_ydata()[0] > float(last.min())
    assert ax.get_ylim()[0] > -1
    assert ax.get_xlabel().splitlines()[2] == "colours: rows in the school, dark = few, bright = many"


def test_fits_give_the_path_of_all_sds(sleepstudy, path):
    ax = plot_path(sleepstudy)
    found = np.array([line[50, 1] for line in _lines(ax).get_segments()])
    expected = path.estimates.sel(term="Days").isel(sd=50)
    np.testing.assert_allclose(found, expected, atol=0.5)  # the estimated sds come from other draws, places too


@pytest.mark.parametrize("priors", [{"sigma": Prior("HalfNormal", sigma=3)}, "bambi"])
def test_a_missing_no_pooling_has_the_priors_that_were_given(priors):
    fits = fit_pooling(SLEEP, load_data("sleepstudy"), priors=priors, seed=1, draws=100, progress=False)
    both, alone, default = (
        _lines(plot_path(some)).get_segments()
        for some in (fits, {"partial": fits["partial"]}, {"partial": fits["partial"], "none": fit_none()})
    )
    np.testing.assert_array_equal(alone, both)
    assert priors == "bambi" or np.abs(np.array(default) - both)[:, -1, 1].max() > 1e-6  # sigma = 3 is far off


def fit_none():
    return fit(SLEEP, load_data("sleepstudy"), pooling="none", seed=1, draws=100, progress=False)


def test_nine_groups_are_named_and_many_are_bands():
    data = load_data("sleepstudy")
    few = data[data["Subject"].astype(int) < 333]
    ax = plot_path(pooling_path(SLEEP, few, seed=1))
    assert [t.get_text() for t in ax.get_legend().get_texts()] == sorted(few["Subject"].astype(str).unique())
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(300), 4)
    many = {"g": g, "y": rng.normal(0, 1, 300)[g] + rng.normal(size=1200)}
    path = pooling_path("y ~ 1 + (1|g)", pd.DataFrame(many), seed=1)
    ax = plot_path(path)
    assert not any(isinstance(c, LineCollection) for c in ax.collections)
    bands = [c for c in ax.collections if isinstance(c, PolyCollection)]
    assert len(bands) == 4  # the density and three
    values = path.estimates.sel(term="Intercept").isel(sd=-1)
    inner = bands[3].get_paths()[0].vertices
    assert inner[:, 1].max() == pytest.approx(float(np.quantile(values, 0.75)), rel=1e-3)
    assert "50, 90, 99 % of groups" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_title_key_and_axes_do_not_touch(exam_path):
    ax = plot_path(exam_path)
    ax.figure.canvas.draw()
    key, inside, title = ax.get_legend().get_window_extent(), ax.get_window_extent(), ax._left_title.get_window_extent()
    assert inside.y1 <= key.y0 and key.y1 <= title.y0
    assert max(key.x1, title.x1, ax.xaxis.label.get_window_extent().x1) <= ax.figure.bbox.x1


def test_own_axes_and_what_there_is_not(path, sleepstudy):
    ax = plt.figure().add_subplot()
    assert plot_path(path, ax=ax) is ax
    with pytest.raises(FitError, match="There is no term 'days'. Did you mean 'Days'?"):
        plot_path(path, term="days")
    with pytest.raises(FitError, match="takes a path, pooling_path"):
        plot_path(sleepstudy["complete"])
