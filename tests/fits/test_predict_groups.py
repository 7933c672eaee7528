"""Predictions for the typical group, for a new one, with some factors' own effects; weights; the draws themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.checks.check_spread import check_spread
from hlm.compare.group_information import level_of
from hlm.compare.pooling_factors import pooling_factors
from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.predict import predict
from hlm.fits.results import Fit, PoolingFits

DAYS = pd.DataFrame({"Days": [0.0, 9.0]})


@pytest.fixture(scope="module")
def crossed() -> Fit:
    return fit("diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"), seed=1, progress=False)


@pytest.fixture(scope="module")
def crossed_none() -> Fit:
    formula = "diameter ~ 1 + (1|plate) + (1|sample)"
    return fit(formula, load_data("penicillin"), pooling="none", seed=1, progress=False)


def test_the_typical_group_needs_no_group_column(sleepstudy: PoolingFits) -> None:
    posterior = sleepstudy["partial"].idata["posterior"]
    found = predict(sleepstudy["partial"], DAYS, groups="average", draws=True)
    np.testing.assert_allclose(found.sel(row=1), posterior["Intercept"] + 9 * posterior["Days"], rtol=1e-12)
    table = predict(sleepstudy["partial"], DAYS, groups="average")
    assert table["estimate"].tolist() == pytest.approx(found.mean(("chain", "draw")).to_numpy().tolist())
    assert list(table.columns[:2]) == ["Days", "estimate"] and not table["new_group"].any()
    complete = predict(sleepstudy["complete"], DAYS, groups="average")
    pd.testing.assert_frame_equal(complete, predict(sleepstudy["complete"], DAYS))


def test_own_rows_at_the_typical_group(sleepstudy: PoolingFits) -> None:
    """Without new rows: those of the fit, and every subject has the same line."""
    table = predict(sleepstudy["partial"], groups="average")
    assert len(table) == 180 and table.groupby("Days")["estimate"].std().max() < 1e-9


def test_one_new_group_stands_for_all_rows(sleepstudy: PoolingFits) -> None:
    """Its draws are those of a group with a new label."""
    found = predict(sleepstudy["partial"], DAYS, groups="new", seed=3)
    named = predict(sleepstudy["partial"], DAYS.assign(Subject="somebody"), seed=3).drop(columns="Subject")
    pd.testing.assert_frame_equal(found, named)
    assert found["new_group"].all()
    zero = predict(sleepstudy["partial"], DAYS, groups="new", new_groups="zero")
    assert zero["sd"].tolist() == pytest.approx(predict(sleepstudy["partial"], DAYS, groups="average")["sd"].tolist())


def test_some_factors_of_several(crossed: Fit) -> None:
    posterior = crossed.idata["posterior"]
    found = predict(crossed, pd.DataFrame({"plate": ["a", "b"]}), groups=["plate"], draws=True)
    own = posterior["Intercept"] + posterior["1|plate"].sel(plate__factor_dim="b")
    np.testing.assert_allclose(found.sel(row=1), own, rtol=1e-12)
    assert found["plate"].values.tolist() == ["a", "b"]
    both = predict(crossed, pd.DataFrame({"plate": ["a"], "sample": ["F"]}), groups=["sample", "plate"])
    pd.testing.assert_frame_equal(both, predict(crossed, pd.DataFrame({"plate": ["a"], "sample": ["F"]})))
    none = predict(crossed, pd.DataFrame(index=range(2)), groups=[], draws=True)
    np.testing.assert_allclose(none.sel(row=0), posterior["Intercept"])


def test_the_outer_of_two_nested_factors() -> None:
    pastes = fit("strength ~ 1 + (1|batch/cask)", load_data("pastes"), seed=1, progress=False)
    posterior = pastes.idata["posterior"]
    found = predict(pastes, pd.DataFrame({"batch": ["A"]}), groups=["batch"], draws=True)
    np.testing.assert_allclose(
        found.sel(row=0), posterior["Intercept"] + posterior["1|batch"].sel(batch__factor_dim="A"), rtol=1e-12
    )


def test_a_predictor_of_a_bar_that_does_not_count_is_not_needed() -> None:
    slopes = fit("Reaction ~ 1 + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    found = predict(slopes, pd.DataFrame(index=range(3)), groups="average")
    assert found["estimate"].tolist() == pytest.approx([float(slopes.idata["posterior"]["Intercept"].mean())] * 3)
    with pytest.raises(DataError, match="Days"):
        predict(slopes, pd.DataFrame(index=range(3)), groups="new")


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        ("Subject", FitError, "For the effects of one factor write groups=['Subject']"),
        ("typical", FitError, "groups is one of 'own', 'average', 'new', or a list of grouping factors"),
        (["Subjekt"], FitError, "There is no grouping factor 'Subjekt'. Did you mean 'Subject'"),
        ("own", DataError, "no column 'Subject', and so no Subject. Without it: groups='average'"),
        (3, FitError, "groups is a list such as ['Subject'], not 3"),
    ],
)
def test_groups_that_do_not_work(sleepstudy: PoolingFits, groups: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        predict(sleepstudy["partial"], DAYS, groups=groups)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("groups", "why"), [("average", "no average Subject"), ("new", "no prediction for a new group"), ([], "no average")]
)
def test_no_pooling_has_own_groups_alone(sleepstudy: PoolingFits, groups: Any, why: str) -> None:
    table = predict(sleepstudy["none"], DAYS, groups=groups)
    assert table[["estimate", "sd", "lower", "upper"]].isna().all(axis=None) and len(table) == 2
    assert table["note"].str.startswith(f"no pooling has {why}").all()
    assert table["new_group"].tolist() == [groups == "new"] * 2
    drawn = predict(sleepstudy["none"], DAYS, groups=groups, kind="response", draws=True, seed=1)
    assert drawn.shape == (4, 1000, 2) and drawn.isnull().all() and why in drawn.attrs["note"]


def test_no_pooling_says_what_it_knows_beside_what_it_does_not(sleepstudy: PoolingFits, crossed_none: Fit) -> None:
    new = DAYS.assign(Subject=["somebody", "308"])
    table = predict(sleepstudy["none"], new, kind="response", seed=1)
    assert table["estimate"].isna().tolist() == table["new_group"].tolist() == [True, False]
    assert table["note"].tolist()[1] == "" and "only its prior would speak" in table["note"][0]
    alone = predict(sleepstudy["none"], new[1:], kind="response", seed=1)
    assert table["estimate"][1] == pytest.approx(alone["estimate"][0], rel=1e-9)
    some = predict(crossed_none, pd.DataFrame({"plate": ["a"]}), groups=["plate"])
    assert some["estimate"].isna().all() and some["note"].str.contains("no average sample").all()
    options: Any = {"pooling": "none", "residual": "separate", "seed": 1, "progress": False}
    separate = fit("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), **options)
    assert predict(separate, DAYS, groups="average", kind="response")["estimate"].isna().all()
    both = predict(crossed_none, pd.DataFrame({"plate": ["a"], "sample": ["F"]}), groups=["sample", "plate"])
    assert both["estimate"].notna().all()


def test_draws_have_labels(sleepstudy: PoolingFits) -> None:
    new = DAYS.assign(Subject=["308", "new"])
    found = predict(sleepstudy["partial"], new, draws=True, seed=1, kind="response")
    assert found.dims == ("chain", "draw", "row") and found.name == "response"
    assert found["Days"].dims == ("row",) and found["Subject"].values.tolist() == ["308", "new"]
    table = predict(sleepstudy["partial"], new, seed=1, kind="response")
    np.testing.assert_allclose(found.mean(("chain", "draw")), table["estimate"])


def weighted_data(seed: int = 9) -> pd.DataFrame:
    """Two kinds of rows, precision 1 and 100."""
    r = np.random.default_rng(seed)
    g, x, w = np.arange(120) // 10, r.normal(size=120), np.where(np.arange(120) % 2 == 0, 1.0, 100.0)
    y = 1 + r.normal(size=12)[g] + x + 2 * r.normal(size=120) / np.sqrt(w)
    return pd.DataFrame({"g": g, "x": x, "w": w, "y": y})


@pytest.fixture(scope="module")
def weighted() -> PoolingFits:
    return fit_pooling("y ~ x + (1|g)", weighted_data(), weights="w", seed=1, progress=False)


@pytest.mark.parametrize("pooling", ["partial", "none"])
def test_a_response_is_as_precise_as_its_weight(weighted: PoolingFits, pooling: str) -> None:
    """sigma is 2 in the simulation (1.9 in these data), a tenth of it in rows of weight 100."""
    data = weighted_data()
    table = predict(weighted[pooling], kind="response", prob=0.9, seed=1)
    light, heavy = data["w"] == 1, data["w"] == 100
    assert table["w"].tolist() == data["w"].tolist()
    assert table["sd"][light.to_numpy()].mean() == pytest.approx(1.9, abs=0.2)
    # of a row of weight 100 sigma / 10 = 0.19, and the uncertainty of its mean
    assert table["sd"][heavy.to_numpy()].max() < 0.3
    covered = (data["y"] > table["lower"].to_numpy()) & (data["y"] < table["upper"].to_numpy())
    for rows in (light, heavy):  # of 60 rows, four binomial standard errors
        assert abs(covered[rows].mean() - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 60)


def test_weights_of_new_rows(weighted: PoolingFits) -> None:
    new = pd.DataFrame({"x": [0.0, 0.0], "g": [1, 1]})
    sigma = float((weighted["partial"].idata["posterior"]["sigma"] ** 2).mean() ** 0.5)
    without = predict(weighted["partial"], new, kind="response", seed=1)
    assert without["note"].str.contains(r"have no weights \(w\): each was taken as 1").all()
    assert without["sd"].to_numpy() == pytest.approx(sigma, rel=0.1)
    given = predict(weighted["partial"], new.assign(w=[4.0, 400.0]), kind="response", seed=1)
    mean = predict(weighted["partial"], new)["sd"][0]
    expected = np.sqrt(mean**2 + sigma**2 / np.array([4, 400]))
    assert given["sd"].to_numpy() == pytest.approx(expected, rel=0.06)  # 4000 draws: 1.1 % for a sd, 4 of it
    assert (given["note"] == "").all() and (predict(weighted["partial"], new)["note"] == "").all()
    with pytest.raises(DataError, match="weights must be above 0"):
        predict(weighted["partial"], new.assign(w=[1.0, 0.0]), kind="response")


def test_information_of_a_group_is_that_of_its_weights(weighted: PoolingFits) -> None:
    """One group, by hand: tau^2 W / (tau^2 W + sigma^2) with W the sum of its weights, draw by draw."""
    partial = weighted["partial"]
    level = level_of(partial, partial.resolved.group("g"))
    posterior = partial.idata["posterior"]
    tau, sigma = (posterior[name].to_numpy().ravel() ** 2 for name in ("1|g_sigma", "sigma"))
    expected = (sigma / (sigma + tau * 505.0)).mean()  # 5 rows of weight 1 and 5 of 100
    assert level.shares()[:, 0] == pytest.approx(expected, rel=1e-9)
    assert level.sentence == ""
    assert pooling_factors(weighted)["half_size"][0] == pytest.approx(np.median(sigma / tau) / 50.5, rel=1e-9)


def test_replicates_have_the_weights(weighted: PoolingFits) -> None:
    """Without weights, replicates of the precise rows would spread ten times as much as the rows themselves."""
    from hlm.fits.new_responses import replicated

    y = replicated(weighted["partial"], np.arange(0, 4000, 4), np.random.default_rng(1))
    spread = y.std(axis=0)
    heavy = weighted_data()["w"].to_numpy() == 100
    assert spread[heavy].max() < 0.35 < 1.5 < spread[~heavy].min()
    table = check_spread({"partial": weighted["partial"]}, seed=1)
    assert table["p_value"].between(0.01, 0.99).all()
