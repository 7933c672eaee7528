"""Predictive checks: complete pooling must fail where groups differ, partial pooling pass."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.checks.check_spread import check_spread, group_coefficients, weighted_sd
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.results import PoolingFits


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_complete_fails_and_partial_passes(seed: int, exam: PoolingFits) -> None:
    table = check_spread(exam, seed=seed).set_index(["statistic", "pooling"])
    for statistic in ("sd of means", "sd of slopes of pre"):
        assert table.loc[(statistic, "complete"), "p_value"] == 0
        assert 0.2 < table.loc[(statistic, "partial"), "p_value"] < 0.8
        row = table.loc[(statistic, "partial")]
        assert row["lower"] < row["observed"] < row["upper"]
    assert table.loc[("sd of slopes of pre", "none"), "p_value"] > 0.99  # noise upon noise


def test_observed_statistics_in_plain_loops(exam: PoolingFits) -> None:
    students = load_data("exam")
    means, counts, slopes, squares = [], [], [], []
    for _, school in students.groupby("school", observed=True):
        means.append(school["post"].mean())
        counts.append(len(school))
        slopes.append(np.polyfit(school["pre"], school["post"], 1)[0])
        squares.append(((school["pre"] - school["pre"].mean()) ** 2).sum())
    table = check_spread(exam["partial"], seed=1).set_index("statistic")
    for name, values, weights in (("sd of means", means, counts), ("sd of slopes of pre", slopes, squares)):
        centre = np.average(values, weights=weights)
        by_hand = np.sqrt(np.average((np.array(values) - centre) ** 2, weights=weights))
        assert table.loc[name, "observed"] == pytest.approx(by_hand, rel=1e-9)  # of least squares


def test_groups_that_cannot_tell_have_no_weight() -> None:
    y, x = np.array([[1.0, 2.0, 4.0, 5.0, 9.0]]), np.array([0.0, 1.0, 0.0, 1.0, 3.0])
    values, precision = group_coefficients(y, np.column_stack([np.ones(5), x]), np.array([0, 0, 1, 1, 2]), 3)
    np.testing.assert_allclose(values[0, :2], [[1, 1], [4, 1]], atol=1e-12)
    assert (precision[2] == 0).all() and (precision[:2] > 0).all()
    assert weighted_sd(values, precision, 1) == pytest.approx(0, abs=1e-7)  # root of the rounding


def test_binomial_proportions(cbpp: PoolingFits) -> None:
    table = check_spread(cbpp, seed=1)
    assert list(table["statistic"].unique()) == ["sd of means"]
    herds = load_data("cbpp")
    rates = (herds["incidence"] / herds["size"]).groupby(herds["herd"], observed=True).agg(["mean", "size"])
    centre = np.average(rates["mean"], weights=rates["size"])
    by_hand = np.sqrt(np.average((rates["mean"] - centre) ** 2, weights=rates["size"]))
    assert table["observed"].iloc[0] == pytest.approx(by_hand, rel=1e-12)
    by_pooling = table.set_index("pooling")["p_value"]
    assert by_pooling["complete"] < 0.05 < by_pooling["partial"]


def test_same_seed_same_table(exam: PoolingFits) -> None:
    assert check_spread(exam, seed=4).equals(check_spread(exam, seed=4))


def test_several_factors_are_named(penicillin: PoolingFits) -> None:
    with pytest.raises(FitError, match=r"several grouping factors \(plate, sample\)"):
        check_spread(penicillin)
