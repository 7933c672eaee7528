"""Differences between groups and from the common line, with their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlm.compare.compare_slopes import NOT_ESTIMABLE
from hlm.compare.slope_differences import NO_COMMON_LINE, slope_differences
from hlm.errors import FitError
from hlm.fits.group_coefficients import coefficients
from hlm.fits.results import PoolingFits


def test_against_the_pooled_line(exam: PoolingFits) -> None:
    """Partial: the departures themselves; none: from the complete strategy; complete: nothing, and an even chance."""
    table = slope_differences(exam, term="pre").set_index(["pooling", "level"])
    departure = exam["partial"].idata["posterior"]["pre|school"].sel(school__factor_dim="54").to_numpy()
    row = table.loc[("partial", "54")]
    assert row["estimate"] == pytest.approx(departure.mean(), rel=1e-9)
    assert row["p_greater"] == (departure > 0).mean()
    np.testing.assert_allclose(row[["lower", "upper"]].astype(float), np.quantile(departure, [0.055, 0.945]), rtol=1e-9)
    slopes = coefficients(exam).sel(term="pre", school="54")
    gap = (slopes.sel(pooling="none") - slopes.sel(pooling="complete")).to_numpy()
    assert table.loc[("none", "54"), "p_greater"] == (gap > 0).mean()
    assert (table.loc["complete", ["estimate", "sd"]].abs() < 1e-12).all(axis=None)
    assert set(table.loc["complete", "p_greater"]) == {0.5}


def test_pairs(exam: PoolingFits) -> None:
    table = slope_differences(exam["partial"], against="pairwise", term="pre", levels=[53, 54, 7])
    assert list(zip(table["level"], table["versus"], strict=True)) == [("53", "54"), ("53", "7"), ("54", "7")]
    draws = coefficients(exam["partial"]).sel(pooling="partial", term="pre")
    gap = (draws.sel(school="53") - draws.sel(school="7")).to_numpy()
    assert table["p_greater"].iloc[1] == (gap > 0).mean()
    assert table["sd"].iloc[1] == pytest.approx(gap.std(ddof=1), rel=1e-9)
    other_way = slope_differences(exam["partial"], against="pairwise", term="pre", levels=["7", "53"])
    assert other_way["p_greater"].iloc[0] == pytest.approx(1 - table["p_greater"].iloc[1], abs=1e-12)


def test_what_cannot_be_told(radon: PoolingFits) -> None:
    table = slope_differences(radon, term="floor").query("pooling == 'none'")
    silent = table["note"] == NOT_ESTIMABLE
    assert silent.sum() == 25 and table.loc[silent, ["estimate", "p_greater"]].isna().all(axis=None)
    alone = slope_differences(radon["none"], term="floor")
    assert set(alone["note"]) == {NO_COMMON_LINE} and alone["estimate"].isna().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"against": "mean"}, "against is 'pooled' or 'pairwise', not 'mean'"),
        ({"levels": ["540"]}, "There is no school '540'. Did you mean '54'"),
        ({"against": "pairwise", "levels": ["54"]}, "compares 2 to 300 groups, not 1"),
        ({"against": "pairwise", "levels": ["54", "54"]}, "levels has '54' more than once"),
        ({"levels": ["53", 54, "54"]}, "levels has '54' more than once"),  # a label and its number are one group
    ],
)
def test_bad_questions(options: dict[str, Any], message: str, exam: PoolingFits) -> None:
    with pytest.raises(FitError) as caught:
        slope_differences(exam, **options)
    assert message in str(caught.value)
