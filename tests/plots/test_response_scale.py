"""Pictures of probabilities, rates and means: the curves against `predict`, the squares against other formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, PathCollection
from scipy import stats

import hlm
from hlm.errors import DataError
from hlm.model.resolve import resolve
from hlm.plots.binned_response import binned, exact_poisson, wilson
from hlm.plots.line_rows import prior_decides
from hlm.plots.observed_response import Observed

CBPP = "p(incidence, size) ~ period + (1|herd)"


def _fit(formula: str, frame: pd.DataFrame, family: str, **options):
    return hlm.fit_pooling(formula, frame, family=family, seed=1, progress=False, **options)


@pytest.fixture(scope="module")
def cbpp():
    return _fit(CBPP, hlm.load_data("cbpp"), "binomial")


def _simulated(seed: int = 1) -> pd.DataFrame:
    """Twelve groups of 25 rows: ``y`` 0 or 1, ``k`` a count in proportion to ``n``, ``t`` a positive time."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(12), 25)
    x = rng.normal(1, 1, len(g))
    eta = rng.normal(-0.5, 0.7, 12)[g] + 0.8 * x
    n = rng.uniform(1, 30, len(g))
    y = rng.binomial(1, 1 / (1 + np.exp(-eta)))
    frame = pd.DataFrame({"y": y, "k": rng.poisson(n * np.exp(eta - 1)), "n": n, "x": x, "g": g + 1})
    return frame.assign(t=rng.gamma(3, np.exp(eta) / 3))


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return _simulated()


def _lines(ax) -> list[np.ndarray]:
    thin = [c for c in ax.collections if isinstance(c, LineCollection) and c.get_zorder() == 2]
    return thin[0].get_segments()


def _black(ax):
    return next(line for line in ax.lines if line.get_label() == "complete pooling")


def _squares(ax):
    return next(line for line in ax.lines if line.get_marker() == "s")


def _notes(ax) -> str:
    return "\n".join(text.get_text() for text in ax.texts)


def _expected(fit, rows: pd.DataFrame) -> np.ndarray:
    return hlm.predict(fit, rows)["estimate"].to_numpy()


# ---------------------------------------------------------------- curves are what predict says


@pytest.mark.parametrize(
    ("formula", "family", "link", "label"),
    [
        ("y ~ x + (x|g)", "bernoulli", None, "probability of y"),
        ("y ~ x + (1|g)", "bernoulli", "probit", "probability of y"),
        ("y ~ x + (1|g)", "bernoulli", "cloglog", "probability of y"),
        ("k ~ x + (1|g)", "negativebinomial", None, "expected k"),
        ("t ~ x + (1|g)", "gamma", "log", "expected t"),
    ],
)
def test_curves_are_posterior_means_of_the_expected_response(frame, formula, family, link, label):
    fits = _fit(formula, frame, family, link=link, draws=500, chains=2)
    for pooling in ("none", "partial"):
        ax = hlm.plot_lines(fits, pooling=pooling)
        assert ax.get_ylabel() == label
        for k in (0, 7):
            x, y = _lines(ax)[k].T
            own = frame.loc[frame["g"] == k + 1, "x"]
            assert (len(x), x[0], x[-1]) == (60, own.min(), own.max())
            expected = _expected(fits[pooling], pd.DataFrame({"x": x, "g": str(k + 1)}))
            np.testing.assert_allclose(y, expected, rtol=1e-9)
    x, y = _black(ax).get_data()
    np.testing.assert_allclose(y, _expected(fits["complete"], pd.DataFrame({"x": x, "g": "1"})), rtol=1e-9)
    (points,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    most = 0.05 if family == "bernoulli" else 0
    response = frame[formula[0]].to_numpy()
    np.testing.assert_allclose(points.get_offsets()[:, 1], response, atol=most + 1e-12)
    assert (f"up or down by up to {most:g}" in _notes(ax)) == bool(most)


def test_an_offset_makes_rates_of_one_unit_of_exposure(frame):
    fits = _fit("k ~ x + offset(log(n)) + (1|g)", frame, "poisson", draws=500, chains=2)
    ax = hlm.plot_lines(fits, pooling="partial")
    x, y = _lines(ax)[3].T
    np.testing.assert_allclose(y, _expected(fits["partial"], pd.DataFrame({"x": x, "g": "4", "n": 1.0})), rtol=1e-9)
    (points,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(points.get_offsets()[:, 1], frame["k"] / frame["n"])
    areas = points.get_sizes()
    np.testing.assert_allclose(areas / areas.max(), np.maximum(frame["n"] / frame["n"].max(), 1 / areas.max()))
    assert ax.get_ylabel() == "rate of k per n"
    assert "rates: curves at n = 1, responses divided by it" in ax.get_xlabel().replace("\n", " ")
    data = hlm.plot_data("k ~ x + offset(log(n)) + (1|g)", frame, family="poisson")
    assert data.get_ylabel() == "k / n"
    np.testing.assert_allclose(data.collections[0].get_offsets()[:, 1], frame["k"] / frame["n"])


def test_an_offset_beside_another_link_is_at_its_mean(frame):
    fits = _fit("y ~ x + offset(log(n)) + (1|g)", frame, "bernoulli", draws=500, chains=2)
    ax = hlm.plot_lines(fits, pooling="partial")
    x, y = _lines(ax)[3].T
    at = np.log(frame["n"]).mean()
    rows = pd.DataFrame({"x": x, "g": "4", "n": np.exp(at)})
    np.testing.assert_allclose(y, _expected(fits["partial"], rows), rtol=1e-9)
    assert f"lines at an offset of {at:.3g} (its mean)" in ax.get_xlabel().replace("\n", " ")


def test_gaussian_points_are_less_the_offset_as_the_lines_are(frame):
    more = frame.assign(o=100 + frame["x"] * 3, r=lambda d: 100 + d["x"] * 4 + d["t"])
    ax = hlm.plot_lines(_fit("r ~ x + offset(o) + (1|g)", more, "gaussian", draws=200, chains=2))
    (points,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(points.get_offsets()[:, 1], more["r"] - more["o"])
    assert ax.get_ylabel() == "r \N{MINUS SIGN} o"


def test_the_black_curve_averages_expected_responses_over_predictors_of_the_groups(frame):
    more = frame.assign(u=np.linspace(-1, 2, 12)[frame["g"] - 1])
    more = more.drop(more.index[more["g"] == 3][:20])  # groups of different sizes
    fits = _fit("y ~ x + u + (1|g)", more, "bernoulli", draws=500, chains=2)
    x, y = _black(hlm.plot_lines(fits)).get_data()
    of_groups = more.groupby("g")["u"].agg(["first", "size"])
    each = [_expected(fits["complete"], pd.DataFrame({"x": x, "u": u, "g": "1"})) for u in of_groups["first"]]
    np.testing.assert_allclose(y, np.average(each, axis=0, weights=of_groups["size"]), rtol=1e-6)


def test_families_whose_mean_is_another_parameter(frame):
    with_zeros = frame.assign(k=np.where(np.arange(len(frame)) % 3 == 0, 0, frame["k"].clip(upper=40)))
    fits = _fit(
        "k ~ x + (1|g)", with_zeros, "zero_inflated_poisson", draws=100, tune=200, chains=2, poolings=("complete",)
    )
    ax = hlm.plot_lines(fits)
    x, y = _black(ax).get_data()
    np.testing.assert_allclose(y, _expected(fits["complete"], pd.DataFrame({"x": x, "g": "1"})), rtol=1e-9)
    assert ax.get_title(loc="left") == "Complete pooling: one curve for every g"


# ---------------------------------------------------------------- cbpp: a factor, and trials


def test_a_factor_has_a_point_at_each_level(cbpp):
    ax = hlm.plot_lines(cbpp, pooling="partial")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "2", "3", "4"]
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("probability of incidence", "period")
    x, y = _lines(ax)[0].T
    np.testing.assert_array_equal(x, range(4))
    rows = pd.DataFrame({"period": ["1", "2", "3", "4"], "herd": "1"})
    np.testing.assert_allclose(y, _expected(cbpp["partial"], rows), rtol=1e-9)
    np.testing.assert_allclose(_black(ax).get_ydata(), _expected(cbpp["complete"], rows), rtol=1e-9)
    x, _ = _lines(ax)[7].T  # herd 8 was seen in period 1 alone
    assert hlm.load_data("cbpp").query("herd == '8'")["period"].tolist() == ["1"]
    np.testing.assert_array_equal(x, 0)


def test_panels_have_all_levels_and_three_lines(cbpp):
    ax = hlm.plot_lines(cbpp, levels=["8", "1"], panels=True)
    panel = ax.child_axes[0]
    assert panel.get_title() == "8 (34 trials)"
    rows = pd.DataFrame({"period": ["1", "2", "3", "4"], "herd": "8"})
    drawn = {line.get_label(): line.get_ydata() for line in panel.lines}
    for pooling, label in (("none", "no pooling"), ("partial", "partial pooling"), ("complete", "complete pooling")):
        np.testing.assert_allclose(drawn[label], _expected(cbpp[pooling], rows), rtol=1e-9)


def test_proportions_have_the_size_of_their_trials(cbpp):
    data = hlm.load_data("cbpp")
    ax = hlm.plot_data(CBPP, data, family="binomial")
    points = ax.collections[0]
    np.testing.assert_allclose(points.get_offsets()[:, 1], data["incidence"] / data["size"])
    np.testing.assert_allclose(np.round(points.get_offsets()[:, 0]), data["period"].astype(int) - 1)
    np.testing.assert_allclose(points.get_sizes() / points.get_sizes().max(), data["size"] / 34)
    assert "size of a point: trials, 2 to 34" in _notes(ax)
    both = data.groupby("period", observed=True)[["incidence", "size"]].sum()
    np.testing.assert_allclose(_squares(ax).get_ydata(), both["incidence"] / both["size"])
    (intervals,) = [c for c in ax.collections if isinstance(c, LineCollection)]
    for (k, n), segment in zip(both.to_numpy(), intervals.get_segments(), strict=True):
        exact = stats.binomtest(int(k), int(n)).proportion_ci(0.89, method="wilson")
        np.testing.assert_allclose(segment[:, 1], [exact.low, exact.high], rtol=1e-9)
    assert "89 % Wilson" in _notes(ax)
    (key,) = ax.get_legend().get_texts()
    assert key.get_text() == "proportion of all rows, at each period"


def test_shrinkage_and_loo_stand_against_trials(cbpp):
    data = hlm.load_data("cbpp")
    trials = (
        data.groupby("herd", observed=True)["size"]
        .sum()
        .loc[cbpp["partial"].resolved.data.levels(hlm.parse(CBPP).groups[0])]
    )
    ax = hlm.plot_shrinkage(cbpp)
    drawn = next(line for line in ax.lines if line.get_label() == "partial pooling" and len(line.get_xdata()) == 15)
    np.testing.assert_array_equal(drawn.get_xdata(), trials)
    low, high = trials.min(), trials.max()
    assert ax.get_xlabel() == f"trials of each herd: {low} to {high} (logarithmic scale)"
    assert f"From herd 9 with {trials['9']} trial(s)" in ax.alt_text
    loo = hlm.plot_loo(cbpp, unit="herd")
    assert loo.get_xlabel() == ax.get_xlabel()
    assert sorted(x for line in loo.lines[1:] for x in line.get_xdata()) == sorted(trials)


def test_every_picture_draws_cbpp_or_says_what_to_draw(cbpp):
    for plot in (hlm.plot_slopes, hlm.plot_ranks, hlm.plot_shrinkage, hlm.plot_loo, hlm.plot_lines):
        assert plot(cbpp).alt_text
    assert hlm.plot_slopes(cbpp).get_xlabel() == "intercept of incidence / size (logit scale)"
    with pytest.raises(hlm.FitError, match="a plane needs two coefficients. Try plot_slopes."):
        hlm.plot_plane(cbpp)


# ---------------------------------------------------------------- what no pooling cannot know, nothing to draw


def test_groups_without_a_finite_estimate_are_counted(frame):
    some = frame.copy()
    some.loc[some["g"] == 2, "y"] = 0
    some.loc[some["g"] == 5, "y"] = 1
    some.loc[some["g"] == 9, "y"] = (some["x"] > 1).astype(int)[some["g"] == 9]
    shared = _fit("y ~ x + (1|g)", some, "bernoulli", draws=200, chains=2)
    assert "2 of 12 groups of g have only failures, or only successes: alone," in _notes(
        hlm.plot_lines(shared)
    ).replace("\n", " ")
    own = _fit("y ~ x + (x|g)", some, "bernoulli", draws=200, chains=2)
    text = _notes(hlm.plot_lines(own)).replace("\n", " ")
    assert "3 of 12 groups of g have only failures, or only successes (or those on either side of some x)" in text
    assert "of 12 groups" not in _notes(hlm.plot_lines(own, pooling="partial"))


def test_levels_of_one_response_alone_are_counted_where_their_effects_are_the_groups_own(frame):
    some = frame.assign(f=np.resize(list("pqr"), len(frame)))
    some.loc[(some["g"] == 2) & (some["f"] == "q"), "y"] = 1
    some.loc[some["g"] == 4, "y"] = 0
    cells = some.groupby(["g", "f"])["y"].mean().unstack()
    one_sided = int(cells.isin([0, 1]).any(axis=1).sum())
    model = resolve("y ~ f + (f|g)", some, family="bernoulli", poolings=("partial",))["partial"]
    text = prior_decides(model, model.group(None), "f")
    assert text.startswith(f"{one_sided} of 12 groups of g have only failures, or only successes at some f: alone")


def test_counts_of_zero_alone_are_counted(frame):
    some = frame.assign(k=frame["k"].where(frame["g"] != 6, 0))
    model = resolve("k ~ x + (1|g)", some, family="poisson", poolings=("complete",))["complete"]
    assert prior_decides(model, model.group(None), "x").startswith("1 of 12 groups of g have only zeros: alone")


def test_labels_of_a_response_are_named(frame):
    some = frame.assign(won=np.where(frame["y"] == 1, "yes", "no"))
    assert hlm.plot_data("won ~ x + (1|g)", some, family="bernoulli").get_ylabel() == "won (1 = yes)"
    fits = _fit("won ~ x + (1|g)", some, "bernoulli", poolings=("complete",), draws=100, chains=2)
    assert hlm.plot_lines(fits).get_ylabel() == "probability of won = yes"


def test_a_proportion_with_weights_as_trials_is_named_as_it_is_written(frame):
    some = frame.assign(m=np.resize([5, 10, 20], len(frame)), s=lambda d: np.minimum(d["k"], d["m"]) / d["m"])
    fits = _fit("s ~ x + (1|g)", some, "binomial", weights="m", poolings=("partial",), draws=200, chains=2)
    ax = hlm.plot_lines(fits)
    assert ax.get_ylabel() == "expected s"
    (points,) = [c for c in ax.collections if isinstance(c, PathCollection)]
    np.testing.assert_allclose(points.get_offsets()[:, 1], some["s"])


def test_a_group_of_one_row_is_a_point_in_partial_pooling(frame):
    some = frame.drop(frame.index[frame["g"] == 12][1:])
    fits = _fit("y ~ x + (x|g)", some, "bernoulli", draws=200, chains=2)
    ax = hlm.plot_lines(fits, pooling="none")
    assert len(_lines(ax)) == 11
    assert "1 of 12 groups of g without a line: their rows cannot determine it" in ax.get_xlabel().replace("\n", " ")
    last = _lines(hlm.plot_lines(fits, pooling="partial"))[11]
    assert np.ptp(last[:, 0]) == 0
    row = some[some["g"] == 12].assign(g="12")[["x", "g"]]
    np.testing.assert_allclose(last[:, 1], _expected(fits["partial"], row)[0], rtol=1e-9)


def test_without_a_predictor_another_picture_is_named(frame):
    fits = _fit("y ~ 1 + (1|g)", frame, "bernoulli", draws=200, chains=2)
    with pytest.raises(
        DataError, match=r"no predictor to draw y against. plot_slopes\(fits\) and plot_shrinkage\(fits\)"
    ):
        hlm.plot_lines(fits)
    assert hlm.plot_slopes(fits).alt_text and hlm.plot_shrinkage(fits).alt_text


# ---------------------------------------------------------------- squares


def test_squares_are_all_successes_over_all_trials_of_ten_parts(frame):
    ax = hlm.plot_data("y ~ x + (1|g)", frame, family="bernoulli")
    part = pd.qcut(frame["x"], 10, labels=False)
    np.testing.assert_allclose(_squares(ax).get_xdata(), frame["x"].groupby(part).mean())
    np.testing.assert_allclose(_squares(ax).get_ydata(), frame["y"].groupby(part).mean())


def test_wilson_and_exact_poisson_intervals_are_scipys():
    k, n = np.array([0.0, 1, 7, 12]), np.array([12.0, 30, 9, 12])
    low, high = wilson(k, n, float(stats.norm.ppf(0.945)))
    for i in range(4):
        ci = stats.binomtest(int(k[i]), int(n[i])).proportion_ci(0.89, method="wilson")
        np.testing.assert_allclose([low[i], high[i]], [ci.low, ci.high], rtol=1e-9, atol=1e-12)
    low, high = exact_poisson(k, 0.89)  # the ends make the observed count, or a more extreme one, have 5.5 %
    np.testing.assert_allclose(stats.poisson.cdf(k, high), 0.055)
    np.testing.assert_allclose(stats.poisson.sf(k[1:] - 1, low[1:]), 0.055)
    assert low[0] == 0


def test_standard_errors_of_rates_where_counts_are_more_spread_out():
    rng = np.random.default_rng(3)
    size = rng.uniform(1, 5, 40)
    rates = rng.poisson(2 * size) / size
    family = hlm.model.families.get_family("negativebinomial")
    bins = binned(np.zeros(40), Observed(rates, size, "k / n", "n"), family)
    mean = (rates * size).sum() / size.sum()
    # the delta method for a ratio of two means: var(k - mean n) / n / mean(n)^2
    error = np.sqrt(np.var(rates * size - mean * size, ddof=1) / 40) / size.mean()
    half = stats.norm.ppf(0.945) * error
    np.testing.assert_allclose(bins[["y", "lower", "upper"]].iloc[0], [mean, mean - half, mean + half])
