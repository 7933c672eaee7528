"""Groups' coefficients in every strategy against least squares and lme4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.compare.compare_slopes import NOT_ESTIMABLE, compare_slopes
from hlm.compare.group_least_squares import least_squares
from hlm.compare.shrinkage import shrinkage
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.group_coefficients import coefficients
from hlm.fits.results import PoolingFits
from hlm.model.resolve import resolve


def test_coefficients_are_labelled_totals(exam_nuts: PoolingFits) -> None:
    coef = coefficients(exam_nuts)
    assert coef.dims == ("pooling", "chain", "draw", "school", "term")
    assert list(coef["term"].values) == ["Intercept", "pre"]
    posterior = exam_nuts["partial"].idata["posterior"]
    by_hand = posterior["pre"] + posterior["pre|school"].sel(school__factor_dim="48")
    np.testing.assert_allclose(coef.sel(pooling="partial", school="48", term="pre"), by_hand, rtol=1e-12)
    complete = coef.sel(pooling="complete", term="pre")
    assert float(complete.std("school").max()) < 1e-12  # every school the same
    own = exam_nuts["none"].idata["posterior"]["school:pre"].sel({"school:pre_dim": "48"})
    np.testing.assert_allclose(coef.sel(pooling="none", school="48", term="pre"), own, rtol=1e-12)


def test_partial_totals_are_lme4s(exam_nuts: PoolingFits, lme4: Callable[[str, str], dict[str, Any]]) -> None:
    """The six schools that the reference lists: posterior means within half a posterior sd of lme4's modes."""
    coef = coefficients(exam_nuts).sel(pooling="partial")
    for row in lme4("exam", "post ~ pre + (pre | school)")["coef_head"]["school"]:
        for r_name, name in (("(Intercept)", "Intercept"), ("pre", "pre")):
            values = coef.sel(school=row["level"], term=name)
            assert abs(float(values.mean()) - row[r_name]) < 0.5 * float(values.std())


def test_least_squares_are_each_schools_own() -> None:
    exam = load_data("exam")
    model = resolve("post ~ pre + (pre|school)", exam)["partial"]
    (factor,) = model.factors
    found = least_squares(model, factor.group)
    for k, school in enumerate(factor.levels):
        rows = exam[exam["school"] == school]
        slope, intercept = np.polyfit(rows["pre"], rows["post"], 1)
        np.testing.assert_allclose(
            found[k], [intercept, slope], rtol=1e-6, atol=1e-8
        )  # an iteration's 1e-14 times condition


def test_slopes_table(exam_nuts: PoolingFits) -> None:
    table = compare_slopes(exam_nuts, term="pre", prob=0.5)
    assert list(table.columns) == [
        "group", "level", "n", "term", "pooling", "estimate", "sd", "lower", "upper", "prob", "least_squares", "note",
    ]  # fmt: skip
    assert len(table) == 65 * 3
    school = table.query("level == '48'").set_index("pooling")
    assert (school["n"] == 2).all()
    assert school["least_squares"].iloc[0] == pytest.approx(-6.9015, abs=1e-4)
    assert (table["lower"] < table["estimate"]).all()
    draws = coefficients(exam_nuts).sel(pooling="partial", school="7", term="pre").to_numpy().ravel()
    seven = table.query("level == '7' and pooling == 'partial'").iloc[0]
    np.testing.assert_allclose(seven[["lower", "upper"]].astype(float), np.quantile(draws, [0.25, 0.75]), rtol=1e-12)


def test_no_pooling_is_least_squares(exam: PoolingFits, exam_nuts: PoolingFits) -> None:
    """NUTS too, but for school 48: two students leave its slope a posterior sd of 12.7."""
    for fits in (exam, exam_nuts):
        table = compare_slopes(fits, term="pre").query("pooling == 'none' and n > 2")
        assert len(table) == 64
        assert (table["estimate"] - table["least_squares"]).abs().max() < 0.02
    table = compare_slopes(exam, term="pre").set_index(["pooling", "level"])
    assert table.loc[("none", "48"), "estimate"] == pytest.approx(-6.90, abs=0.1)


def test_what_a_group_cannot_tell_is_nan_and_said(radon: PoolingFits) -> None:
    """Counties whose homes are all measured in the basement have no slope of their own."""
    homes = load_data("radon")
    table = compare_slopes(radon, term="floor").query("pooling == 'none'").set_index("level")
    spread = homes.groupby("county", observed=True)["floor"].nunique()
    silent = spread.index[spread == 1].astype(str)
    assert set(table.index[table["note"] == NOT_ESTIMABLE]) == set(silent)
    assert table.loc[silent, "estimate"].isna().all()
    assert table["estimate"].notna().sum() == (spread > 1).sum()
    wide = shrinkage(radon, term="floor", why=True).set_index("level")
    assert wide.loc[silent, "movement"].isna().all()
    assert wide.loc[silent, "partial"].notna().all()


def test_no_pooling_is_known_by_its_strategy_not_by_its_label(radon: PoolingFits) -> None:
    one, other = compare_slopes({"none": radon["none"]}), compare_slopes({"each alone": radon["none"]})
    assert one["estimate"].isna().sum() == other["estimate"].isna().sum() > 0


def test_shrinkage_table(exam_nuts: PoolingFits) -> None:
    table = shrinkage(exam_nuts, why=True)
    assert len(table) == 130
    np.testing.assert_allclose(table["movement"], table["partial"] - table["none"])
    slopes = table.query("term == 'pre'").set_index("level")
    nearer = (slopes["partial"] - slopes["complete"]).abs() < (slopes["none"] - slopes["complete"]).abs()
    assert nearer.mean() > 0.8  # most move towards the common slope; with correlation a few need not
    assert slopes.loc["54", "partial"] - slopes.loc["54", "none"] > 0.3


def test_nested_totals_add_up(pastes: PoolingFits) -> None:
    posterior = pastes["partial"].idata["posterior"]
    cells = coefficients(pastes, group="batch:cask").sel(pooling="partial", term="Intercept")
    by_hand = (
        posterior["Intercept"] + posterior["1|batch"].sel(batch__factor_dim="C")
        + posterior["1|batch:cask"].sel({"batch:cask__factor_dim": "C:b"})
    )  # fmt: skip
    np.testing.assert_allclose(cells.sel({"batch:cask": "C:b"}), by_hand, rtol=1e-12)
    batches = coefficients(pastes, group="batch").sel(pooling="none", term="Intercept")
    own = pastes["none"].idata["posterior"]["batch:cask"]
    three = [d for d in own["batch:cask_dim"].values if d.startswith("C:")]
    np.testing.assert_allclose(
        batches.sel(batch="C"), own.sel({"batch:cask_dim": three}).mean("batch:cask_dim"), rtol=1e-12
    )


def test_crossed_no_pooling_is_at_the_average_of_the_other_factor(penicillin: PoolingFits) -> None:
    """The design is complete, so that the least-squares total of a plate is the plate's mean."""
    diameters = load_data("penicillin")
    for factor in ("plate", "sample"):
        table = compare_slopes(penicillin, group=factor).query("pooling == 'none'").set_index("level")
        means = diameters.groupby(factor, observed=True)["diameter"].mean()
        np.testing.assert_allclose(table["least_squares"], means.loc[table.index], rtol=1e-8)
        # posterior sd of a plate's mean 0.23, of a sample's 0.11; effective sample size above 1000
        np.testing.assert_allclose(table["estimate"], means.loc[table.index], rtol=0, atol=4 * 0.23 / 31)


def test_group_level_predictors_are_part_of_the_intercept() -> None:
    """Uranium does not vary within a county: all strategies' intercepts are at the county's own uranium."""
    from hlm.fits.fit import fit_pooling

    homes = load_data("radon")
    fits = fit_pooling(
        "log_radon ~ floor + log_uranium + (1|county)", homes, draws=300, tune=300, chains=2, seed=1, progress=False
    )
    assert fits["none"].formula == "log_radon ~ 0 + county + floor"
    coef = coefficients(fits)
    assert list(coef["term"].values) == ["Intercept", "floor"]
    posterior = fits["complete"].idata["posterior"]
    uranium = float(homes.query("county == 'AITKIN'")["log_uranium"].iloc[0])
    by_hand = posterior["Intercept"] + uranium * posterior["log_uranium"]
    np.testing.assert_allclose(coef.sel(pooling="complete", county="AITKIN", term="Intercept"), by_hand, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda fits: compare_slopes(fits, term="Pre"), "no term 'Pre'. Did you mean 'pre'"),
        (lambda fits: compare_slopes(fits, group="pupil"), "no grouping factor 'pupil'"),
        (lambda fits: compare_slopes(fits, prob=89), "between 0 and 1, such as 0.89, not 89"),
        (lambda fits: shrinkage(PoolingFits({"partial": fits["partial"]})), "'none' is missing"),
    ],
)
def test_bad_questions(call: Callable[[PoolingFits], pd.DataFrame], message: str, exam_nuts: PoolingFits) -> None:
    with pytest.raises(FitError) as caught:
        call(exam_nuts)
    assert message in str(caught.value)


def test_several_factors_must_be_named(penicillin: PoolingFits) -> None:
    with pytest.raises(FitError, match=r"several grouping factors \(plate, sample\)"):
        coefficients(penicillin)
