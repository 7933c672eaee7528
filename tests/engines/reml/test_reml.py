"""`reml` without lme4: closed forms, identities, names, messages, and what it shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.engines.reml.reml import reml
from hlm.errors import DataError, FitError, FormulaError
from hlm.formula.parser import parse
from hlm.model.design_columns import columns


@pytest.fixture(scope="module")
def groups() -> pd.DataFrame:
    """10 groups of 6, intercepts and slopes with sds 1 and 0.5, a factor of two levels."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(10), 6)
    x, c = rng.normal(size=60), rng.choice(["a", "b"], size=60)
    y = 1 + rng.normal(size=10)[g] + (0.5 + 0.5 * rng.normal(size=10)[g]) * x + 0.6 * rng.normal(size=60)
    return pd.DataFrame({"y": y, "x": x, "c": c, "g": [f"g{k}" for k in g]})


def sd(found, effect: str) -> float:
    table = found.varcorr
    return float(table.loc[table["effect2"].isna() & (table["effect1"] == effect), "sdcor"].iloc[0])


def test_balanced_groups_have_a_closed_form(groups):
    """Analysis of variance: sigma^2 is the mean square within, tau^2 the rest of the mean square between over n."""
    table = groups.groupby("g")["y"].agg(["mean", "var"])
    within, between = table["var"].mean(), 6 * table["mean"].var()
    found = reml("y ~ 1 + (1|g)", groups)
    # differences of 5e-4 leave an error of their square, 2.5e-7, in the place of the minimum
    assert found.sigma == pytest.approx(np.sqrt(within), rel=1e-6)
    assert sd(found, "Intercept") == pytest.approx(np.sqrt((between - within) / 6), rel=1e-6)
    assert found.fixef["Intercept"] == pytest.approx(groups["y"].mean(), rel=1e-12)  # weighs all groups alike
    assert found.fixef_se["Intercept"] == pytest.approx(np.sqrt(between / 60), rel=1e-6)
    shrunk = (1 - within / between) * (table["mean"] - groups["y"].mean())
    assert found.ranef["g"]["Intercept"].to_numpy() == pytest.approx(shrunk.to_numpy(), rel=1e-5, abs=1e-9)
    assert found.scaled_residuals.index.tolist() == ["Min", "1Q", "Median", "3Q", "Max"]
    left = (groups["y"] - groups["g"].map(shrunk) - groups["y"].mean()) / np.sqrt(within)
    assert found.scaled_residuals.to_numpy() == pytest.approx(np.quantile(left, [0, 0.25, 0.5, 0.75, 1]), rel=1e-5)


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("formula", ["y ~ x + c + (x|g)", "y ~ x + (x||g)", "y ~ 0 + x + (c||g)", "y ~ x + (0 + c|g)"])
def test_log_likelihood_is_that_of_the_dense_covariance(groups, formula, restricted):
    """The definition, with V = Z Sigma Z' + sigma^2 I written out at the estimates that are shown."""
    found, read = reml(formula, groups, reml=restricted), parse(formula)
    data = clean(read, groups)
    x = columns(read.common, data).matrix
    codes, table = data.codes(read.groups[0]), found.varcorr.set_index(["effect1", "effect2"])["sdcor"]
    v = found.sigma**2 * np.eye(len(codes))
    for block in read.expanded_blocks():
        design = columns(block.effects, data)
        sds = np.array([sd(found, label) for label in design.labels])
        omega = np.eye(len(sds))
        for i, second in enumerate(design.labels):
            for j, first in enumerate(design.labels[:i]):
                omega[i, j] = omega[j, i] = np.nan_to_num(table[(first, second)])
        v += (design.matrix @ (sds[:, None] * omega * sds) @ design.matrix.T) * (codes[:, None] == codes)
    solved = np.linalg.solve(v, np.column_stack([x, groups["y"]]))
    information, beta = x.T @ solved[:, :-1], np.linalg.solve(x.T @ solved[:, :-1], x.T @ solved[:, -1])
    outside = groups["y"].to_numpy() - x @ beta
    dense = np.linalg.slogdet(v)[1] + outside @ np.linalg.solve(v, outside)
    dense += (60 - x.shape[1] if restricted else 60) * np.log(2 * np.pi)
    dense += np.linalg.slogdet(information)[1] if restricted else 0.0
    assert found.criterion == pytest.approx(dense, abs=1e-8)  # two routes through well-conditioned matrices of 60 rows
    assert found.fixef.to_numpy() == pytest.approx(beta, rel=1e-8)
    assert found.fixef_cov.to_numpy() == pytest.approx(np.linalg.inv(information), rel=1e-8, abs=1e-12)


def test_units_change_nothing_but_units(groups):
    """y in thousandths and x in millions, from the year 2000 on: an affine map of the same model."""
    plain = reml("y ~ x + (x|g)", groups)
    moved = reml("y ~ x + (x|g)", groups.assign(y=1000 * groups["y"] - 5e4, x=2000 + groups["x"] / 1e3))
    # x has lost 6 of its 16 digits beside 2000
    assert moved.loglik == pytest.approx(plain.loglik - 58 * np.log(1000) - np.log(1e-3), abs=1e-6)
    assert moved.sigma == pytest.approx(1000 * plain.sigma, rel=1e-6)
    assert sd(moved, "x") == pytest.approx(1e6 * sd(plain, "x"), rel=1e-5)
    assert moved.fixef["x"] == pytest.approx(1e6 * plain.fixef["x"], rel=1e-6)
    assert moved.fixef_se["x"] == pytest.approx(1e6 * plain.fixef_se["x"], rel=1e-6)
    lines = plain.coef["g"]["Intercept"] + 0.3 * plain.coef["g"]["x"]
    again = moved.coef["g"]["Intercept"] + (2000 + 0.3e-3) * moved.coef["g"]["x"]
    assert (again.to_numpy() + 5e4) / 1000 == pytest.approx(lines.to_numpy(), abs=1e-6)


def test_coef_is_common_plus_own(groups):
    found = reml("y ~ c + (x|g)", groups)
    assert list(found.coef["g"].columns) == ["Intercept", "c[b]", "x"]  # the common ones first
    assert list(found.ranef["g"].columns) == ["Intercept", "x"]
    assert found.coef["g"].index.name == "g" and list(found.coef["g"].index) == [f"g{k}" for k in range(10)]
    expected = found.ranef["g"]["Intercept"] + found.fixef["Intercept"]
    assert found.coef["g"]["Intercept"].tolist() == expected.tolist()
    assert found.coef["g"]["x"].tolist() == found.ranef["g"]["x"].tolist()  # no common x
    assert set(found.coef["g"]["c[b]"]) == {found.fixef["c[b]"]}


def test_varcorr_lists_sds_then_correlations_then_the_residual():
    found = reml("post ~ pre + (pre|school)", load_data("exam"))
    table = found.varcorr
    assert list(table.columns) == ["group", "effect1", "effect2", "sdcor"]
    assert table["group"].tolist() == ["school", "school", "school", "Residual"]
    assert table["effect1"].tolist()[:3] == ["Intercept", "pre", "Intercept"] and pd.isna(table["effect1"][3])
    assert table["effect2"].isna().tolist() == [True, True, False, True] and table["effect2"][2] == "pre"
    assert table["sdcor"].round(3).tolist() == [0.304, 0.122, 0.494, 0.744]  # lme4.json
    assert (found.n, dict(found.groups), found.parameters) == (4059, {"school": 65}, 6)


def test_shows_itself_as_lme4_does():
    found = reml("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    assert str(found) == repr(found) == SLEEPSTUDY  # lme4.json: sds 24.740, 5.922, 25.592, se 6.825, 1.546
    page = found._repr_html_()
    assert '<td style="text-align:right">24.740</td>' in page and "<b>Random effects</b>" in page
    assert "Linear mixed model fit by maximum likelihood" in str(
        reml(found.formula, load_data("sleepstudy"), reml=False)
    )


SLEEPSTUDY = """\
Linear mixed model fit by REML
Formula: Reaction ~ Days + (Days|Subject)
REML criterion 1743.6, log-likelihood -871.8, AIC 1755.6, BIC 1774.8

Scaled residuals:
     Min        1Q   Median       3Q      Max
-3.95356  -0.46340  0.02312  0.46340  5.17926

Random effects:
Groups    Name       Variance  Std.Dev.  Corr
Subject   Intercept    612.09    24.740
          Days          35.07     5.922  0.07
Residual               654.94    25.592
Number of obs: 180, groups: Subject, 18

Fixed effects:
           Estimate  Std. Error  t value
Intercept    251.41       6.825    36.84
Days          10.47       1.546     6.77

Correlation of fixed effects:
      Intercept
Days     -0.138"""


def test_missing_rows_and_spanned_columns_are_named(groups):
    data = groups.assign(twice=2 * groups["x"] + 1)
    data.loc[[4, 7], "x"] = np.nan
    found = reml("y ~ x + c + twice + (1|g)", data)
    assert found.notes == (
        "2 of 60 rows left out for missing values: x (2).",
        "Left out, in the span of the common columns before: twice.",
    )
    assert list(found.fixef.index) == ["Intercept", "x", "c[b]"]
    assert all(note in str(found) and note in found._repr_html_() for note in found.notes)
    assert found.loglik == pytest.approx(reml("y ~ x + c + (1|g)", data).loglik, abs=1e-9)  # the same model


def test_a_search_that_did_not_settle_says_so(groups, monkeypatch):
    monkeypatch.setattr("hlm.engines.reml.search._MOST_ITERATIONS", 1)
    assert reml("y ~ x + (x|g)", groups).notes == (
        "The search did not settle: the estimates may not be the best ones.",
    )


def test_variation_that_cannot_be_told_apart_is_said(groups):
    (note,) = reml("y ~ x + (c||g)", groups).notes
    assert note.startswith("The standard deviations by g are not unique")
    assert reml("y ~ x + (c|g)", groups).notes == ()
    together = reml("y ~ x + (c|g)", groups).loglik
    assert reml("y ~ x + (c||g)", groups).loglik == pytest.approx(together, abs=1e-8)  # nothing is gained


def test_polars_and_pandas_are_the_same_and_unchanged(groups):
    before = groups.copy()
    assert reml("y ~ x + (x|g)", pl.DataFrame(groups)).loglik == reml("y ~ x + (x|g)", groups).loglik
    pd.testing.assert_frame_equal(groups, before)


def test_a_model_without_common_terms(groups):
    found = reml("y ~ 0 + (1|g)", groups)
    assert found.fixef.empty and "Fixed effects" not in str(found)
    assert list(found.coef["g"].columns) == ["Intercept"]


def test_bad_input_is_told_what_to_write(groups):
    with pytest.raises(FormulaError, match=r"no grouping factor.*y ~ x \+ \(1\|group\)"):
        reml("y ~ x", groups)
    with pytest.raises(FitError, match=r"not counts out of trials \(p\(incidence, size\)\).*family='binomial'"):
        reml("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"))
    with pytest.raises(FitError, match="reml is True, or False for maximum likelihood, not 'ML'"):
        reml("y ~ x + (1|g)", groups, reml="ML")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="There are 3 rows for 3 common coefficients"):
        reml("y ~ x + c + (1|g)", groups.iloc[[0, 1, 6]].assign(c=["a", "b", "b"]))
    with pytest.raises(DataError, match="'z'"):
        reml("y ~ z + (1|g)", groups)


def test_as_many_effects_as_rows_is_refused(groups):
    message = r"There are 20 rows for 20 group-level effects \(Intercept and x for each of 10 g\).*fit\(\)"
    with pytest.raises(FitError, match=message):
        reml("y ~ x + (x|g)", groups.groupby("g").head(2))
    with pytest.raises(FitError, match="The model explains the response exactly"):  # lme4 stops somewhere on the way
        reml("y ~ x + (x||g)", groups.groupby("g").head(2))
    with pytest.raises(FitError, match=r"There are 10 rows for 10 group-level effects \(Intercept for each of 10 g\)"):
        reml("y ~ 1 + (1|g)", groups.groupby("g").head(1))


@pytest.mark.parametrize("y", ["2 * x + 1", "2 * x + code"])
def test_a_response_without_residual_variation_is_refused(groups, y):
    data = groups.assign(code=groups["g"].astype("category").cat.codes.astype(float))
    with pytest.raises(FitError, match="The model explains the response exactly"):
        reml("y ~ x + (1|g)", data.assign(y=data.eval(y)))


def test_a_varying_product_is_the_common_one_however_it_is_spelled() -> None:
    """``z:x`` in a bar used to be another coefficient than the common ``x:z``: its totals lacked the common part."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=200), "z": rng.normal(size=200), "g": np.repeat(np.arange(20), 10)})
    frame["y"] = frame["x"] * frame["z"] * (1 + rng.normal(size=20)[frame["g"]]) + rng.normal(size=200)
    one, other = (reml(f"y ~ x*z + (0 + {product}|g)", frame) for product in ("x:z", "z:x"))
    assert list(other.coef["g"].columns) == ["Intercept", "x", "z", "x:z"]
    pd.testing.assert_frame_equal(other.coef["g"], one.coef["g"])
    expected = one.fixef["x:z"] + one.ranef["g"]["x:z"]
    np.testing.assert_allclose(other.coef["g"]["x:z"], expected, rtol=1e-12)  # one sum of the same numbers


def test_a_column_called_intercept_is_refused() -> None:
    frame = load_data("sleepstudy").rename(columns={"Days": "Intercept"})
    with pytest.raises(DataError, match="'Intercept' has the name of a model parameter: rename it"):
        reml("Reaction ~ Intercept + (1|Subject)", frame)
