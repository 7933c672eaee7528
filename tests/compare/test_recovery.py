"""The errors of the three poolings against what theory says they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.compare.recovery import recovery
from hlm.errors import DataError


@pytest.fixture(scope="module")
def intercepts() -> pd.DataFrame:
    return recovery((3, 12, 48), fixed=2.0, sd=0.5, repeats=12, groups_per_size=12, seed=1)


def test_random_intercepts_have_the_textbook_errors(intercepts):
    wide = intercepts.pivot(index="size", columns="pooling", values=["rmse", "se"])
    n = wide.index.to_numpy()
    expected = {"none": 1 / np.sqrt(n), "partial": np.sqrt(1 / (1 / 0.25 + n)), "complete": np.full(3, 0.5)}
    for pooling, value in expected.items():
        # four standard errors; estimating mean and sd from 36 groups costs partial and complete a few per cent more
        assert (np.abs(wide["rmse"][pooling] - value) < 4 * wide["se"][pooling] + 0.03 * value).all(), pooling


def test_partial_pooling_wins_where_groups_are_small(intercepts):
    small = intercepts[intercepts["size"] == 3].set_index("pooling")["rmse"]
    assert small["partial"] < min(small["complete"], small["none"])  # 0.38 in theory, beside 0.50 and 0.58
    large = intercepts[intercepts["size"] == 48].set_index("pooling")["rmse"]
    assert large["partial"] == pytest.approx(large["none"], rel=0.1)  # weights 12 to 1 for the group's own rows


def test_rows_and_columns():
    table = recovery((20, 6), repeats=2, groups_per_size=3, seed=1)
    assert list(table.columns) == ["term", "size", "pooling", "rmse", "se"]
    assert table["term"].unique().tolist() == ["Intercept", "x"]
    assert table["size"].unique().tolist() == [6, 20]
    assert table["pooling"].tolist()[:3] == ["complete", "none", "partial"]
    assert table.equals(recovery((20, 6), repeats=2, groups_per_size=3, seed=1))


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((2, 10), {}, "Each size has more rows than the 2 coefficients of a group"),
        ((), {}, "sizes above 2, not"),
        ((6, 10), {"repeats": 1}, "two data sets at least for a standard error"),
        ((6, 10), {"groups_per_size": 0}, "groups_per_size=0"),
        ((6, 10), {"sd": (0, 0)}, "nothing varies between groups"),
    ],
)
def test_what_leaves_nothing_to_compare(sizes, options, message):
    with pytest.raises(DataError, match=message):
        recovery(sizes, **options)
