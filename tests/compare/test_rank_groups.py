"""Expected ranks: the definition in loops, the ends, and what has no rank."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.compare.rank_groups import rank_groups, ranked
from hlm.errors import FitError
from hlm.fits.group_coefficients import coefficients
from hlm.fits.results import PoolingFits


def test_the_definition_in_loops(sleepstudy: PoolingFits) -> None:
    draws = coefficients(sleepstudy["partial"]).sel(pooling="partial", term="Days").to_numpy().reshape(-1, 18)
    levels = sleepstudy["partial"].resolved.data.levels(sleepstudy["partial"].resolved.written.groups[0])
    table = rank_groups(sleepstudy, "Days").set_index("level")
    for k, level in enumerate(levels):
        expected = 1 + sum((draws[:, k] > draws[:, j]).mean() for j in range(18) if j != k)
        assert table.loc[level, "rank"] == pytest.approx(expected, rel=1e-12)
        assert table.loc[level, "p_highest"] == (draws.argmax(axis=1) == k).mean()
        assert table.loc[level, "p_lowest"] == (draws.argmin(axis=1) == k).mean()
    assert table["rank"].sum() == pytest.approx(18 * 19 / 2)
    assert table["rank"].is_monotonic_decreasing
    np.testing.assert_allclose(table["percentile"], 100 * (table["rank"] - 0.5) / 18)


def test_certain_and_unknown_orders() -> None:
    certain = ranked(np.arange(5.0) + np.random.default_rng(1).normal(0, 0.01, (400, 5)), 0.9)
    np.testing.assert_array_equal(certain["rank"], [1, 2, 3, 4, 5])
    np.testing.assert_array_equal(certain["lower"], certain["upper"])
    unknown = ranked(np.random.default_rng(1).normal(size=(4000, 5)), 0.9)
    np.testing.assert_allclose(unknown["rank"], 3, atol=4 * np.sqrt(2 / 4000))  # a uniform rank's sd over sqrt(draws)
    assert (unknown["lower"] == 1).all() and (unknown["upper"] == 5).all()


def test_small_schools_have_wide_intervals(exam: PoolingFits) -> None:
    """By least squares school 48 (2 students) is the last of all; the data do not know that."""
    table = rank_groups(exam, "pre", prob=0.8).set_index("level")
    assert table.loc["48", "upper"] - table.loc["48", "lower"] > 40
    assert 25 < table.loc["48", "rank"] < 40
    assert table.index[0] == "53" and (table["prob"] == 0.8).all()


def test_no_pooling_leaves_out_what_it_cannot_tell(radon: PoolingFits) -> None:
    table = rank_groups(radon["none"], "floor")
    assert table["rank"].isna().sum() == 25
    assert table["rank"].dropna().sum() == pytest.approx(60 * 61 / 2)
    assert table["note"].ne("").sum() == 25


def test_complete_pooling_has_no_ranks(exam: PoolingFits) -> None:
    with pytest.raises(FitError, match="the same line: there is nothing to rank"):
        rank_groups(exam["complete"], "pre")
