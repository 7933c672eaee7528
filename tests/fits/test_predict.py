"""Predictions of new rows, of known groups and of new ones, against arithmetic on the draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.errors import DataError, FitError
from hlm.fits.fit import fit
from hlm.fits.predict import predict
from hlm.fits.results import PoolingFits


def test_known_groups_are_their_own_lines(sleepstudy: PoolingFits) -> None:
    new = pd.DataFrame({"Days": [0, 9, 2.5], "Subject": [308, 309, 308]})
    table = predict(sleepstudy["partial"], new, prob=0.5)
    posterior = sleepstudy["partial"].idata["posterior"]
    values = (
        posterior["Intercept"] + posterior["1|Subject"].sel(Subject__factor_dim="309")
        + 9 * (posterior["Days"] + posterior["Days|Subject"].sel(Subject__factor_dim="309"))
    ).to_numpy()  # fmt: skip
    assert table["estimate"][1] == pytest.approx(values.mean())
    assert table["sd"][1] == pytest.approx(values.std(ddof=1), rel=1e-3)
    assert [table["lower"][1], table["upper"][1]] == pytest.approx(np.quantile(values, [0.25, 0.75]).tolist())
    assert table["new_group"].tolist() == [False, False, False]
    assert (table["prob"] == 0.5).all()


def test_every_strategy_predicts_its_own_rows(sleepstudy: PoolingFits) -> None:
    """In-sample means of no pooling are the fitted values of each subject's own regression."""
    table = predict(sleepstudy["none"])
    for _, rows in table.groupby("Subject", observed=True):
        fitted = np.polyval(np.polyfit(rows["Days"], rows["Reaction"], 1), rows["Days"])
        # posterior sd of a fitted value at most 15 ms, 4000 draws
        np.testing.assert_allclose(rows["estimate"], fitted, rtol=0, atol=4 * 15 / 63)
    complete = predict(sleepstudy["complete"], pd.DataFrame({"Days": [0, 1]}))
    posterior = sleepstudy["complete"].idata["posterior"]
    assert complete["estimate"].diff()[1] == pytest.approx(float(posterior["Days"].mean()))


def test_new_groups(sleepstudy: PoolingFits) -> None:
    partial = sleepstudy["partial"]
    posterior = partial.idata["posterior"]
    new = pd.DataFrame({"Days": [0, 0, 5], "Subject": ["new", "newer", "new"]})
    zero = predict(partial, new, new_groups="zero")
    common = (posterior["Intercept"] + 5 * posterior["Days"]).to_numpy()
    assert zero["estimate"][2] == pytest.approx(common.mean())
    drawn = predict(partial, new, new_groups="gaussian", seed=1)
    assert drawn["new_group"].all()
    # variance of a new subject's intercept: that of the common one plus the expected variance of the departures
    expected = np.sqrt(float(posterior["Intercept"].var() + (posterior["1|Subject_sigma"] ** 2).mean()))
    assert drawn["sd"][0] == pytest.approx(expected, rel=0.06)  # 4000 draws: 1.1 % for a sd, 4 of it, and heavy tails
    correlation = posterior["Subject_corr"][..., 1, 0]
    slope_and_corr = (
        posterior["1|Subject_sigma"] ** 2 + 25 * posterior["Days|Subject_sigma"] ** 2
        + 10 * correlation * posterior["1|Subject_sigma"] * posterior["Days|Subject_sigma"]
    )  # fmt: skip
    assert drawn["sd"][2] == pytest.approx(np.sqrt(float(slope_and_corr.mean()) + common.var()), rel=0.06)
    resampled = predict(partial, new, new_groups="resample", seed=1)
    assert resampled["estimate"][0] == pytest.approx(zero["estimate"][0], abs=4 * 27 / 63)  # sd of subjects 27 ms
    pd.testing.assert_frame_equal(drawn, predict(partial, new, new_groups="gaussian", seed=1))


def test_a_new_response_varies_more_than_its_mean(sleepstudy: PoolingFits) -> None:
    new = pd.DataFrame({"Days": [4], "Subject": ["308"]})
    mean = predict(sleepstudy["partial"], new)["sd"][0]
    sigma = float((sleepstudy["partial"].idata["posterior"]["sigma"] ** 2).mean())
    response = predict(sleepstudy["partial"], new, kind="response", seed=2)["sd"][0]
    assert response == pytest.approx(np.sqrt(mean**2 + sigma), rel=0.05)  # 4000 draws: 1.1 % for a sd, 4 of it


def test_binomial_means_are_probabilities(cbpp: PoolingFits) -> None:
    new = pd.DataFrame({"period": ["1", "4"], "herd": ["1", "99"], "size": [10, 10]})
    mean = predict(cbpp["partial"], new, new_groups="zero")
    assert mean["estimate"].between(0, 1).all()
    assert mean["estimate"][0] > mean["estimate"][1]
    linear = predict(cbpp["partial"], new, kind="linear", new_groups="zero")
    posterior = cbpp["partial"].idata["posterior"]
    fourth = posterior["Intercept"] + posterior["period"].sel(period_dim="4")
    assert linear["estimate"][1] == pytest.approx(float(fourth.mean()))
    counts = predict(cbpp["partial"], new, kind="response", new_groups="zero", seed=1)
    # 4000 draws of a count with sd below 2
    assert counts["estimate"][0] == pytest.approx(10 * mean["estimate"][0], abs=4 * 2 / 63)


def test_nested_cells_are_made(pastes: PoolingFits) -> None:
    new = pd.DataFrame({"batch": ["A", "A", "Z"], "cask": ["a", "d", "a"]})
    table = predict(pastes["partial"], new, new_groups="zero")
    assert table["new_group"].tolist() == [False, True, True]
    posterior = pastes["partial"].idata["posterior"]
    known_batch = posterior["Intercept"] + posterior["1|batch"].sel(batch__factor_dim="A")
    assert table["estimate"][1] == pytest.approx(float(known_batch.mean()))
    assert table["estimate"][2] == pytest.approx(float(posterior["Intercept"].mean()))


@pytest.mark.parametrize(
    ("pooling", "frame", "options", "error", "message"),
    [
        ("partial", {"Days": [1]}, {}, DataError, "no column 'Subject'"),
        ("partial", {"Days": [1, None], "Subject": ["308", "308"]}, {}, DataError, "in row 1 (counting from 0)"),
        ("partial", {"Days": [1], "Subject": ["308"]}, {"kind": "median"}, FitError, "not 'median'"),
        ("partial", {"Days": [1], "Subject": ["308"]}, {"new_groups": "mean"}, FitError, "not 'mean'"),
        ("partial", {"Days": [1], "Subject": ["308"]}, {"prob": 2}, FitError, "between 0 and 1"),
    ],
)
def test_bad_questions(
    pooling: str,
    frame: dict[str, list[Any]],
    options: dict[str, Any],
    error: type,
    message: str,
    sleepstudy: PoolingFits,
) -> None:
    with pytest.raises(error) as caught:
        predict(sleepstudy[pooling], pd.DataFrame(frame), **options)
    assert message in str(caught.value)


def test_levels_of_many_digits_are_found_again() -> None:
    """Labels of a factor that come as numbers: 1234567 used to be looked up as 1.23457e+06."""
    rng = np.random.default_rng(2)
    codes = np.tile(["1234567", "7654321"], 20)
    frame = pd.DataFrame({"y": rng.normal(size=40), "c": codes, "g": np.repeat(list("abcd"), 10)})
    one = fit("y ~ c + (1|g)", frame, seed=1, draws=100, progress=False)
    text = predict(one, frame.head(2))["estimate"]
    numbers = predict(one, frame.head(2).assign(c=[1234567, 7654321]))["estimate"]
    assert numbers.tolist() == text.tolist()
    with pytest.raises(DataError, match="'c' has the level '1234568', which the data did not have"):
        predict(one, frame.head(1).assign(c=1234568))


@pytest.mark.parametrize("name", ["estimate", "sd", "lower", "upper", "prob", "new_group", "note"])
def test_no_column_of_the_data_is_overwritten(name: str) -> None:
    """The predictor was gone from the table, its numbers replaced by those of the prediction."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.normal(size=24), name: rng.normal(size=24), "g": np.repeat(range(6), 4)})
    fitted = fit(f"y ~ {name} + (1|g)", data, seed=1, progress=False)
    with pytest.raises(DataError, match=f"The column '{name}' has the name .* for example {name}_x"):
        predict(fitted)
