"""The errors of the three poolings against what theory says they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.compare.recovery import recovery
from hlm.errors import DataError
from hlm.plots.plot_recovery import plot_recovery


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


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    return recovery((4, 40), fixed=3.0, sd=0.3, family="poisson", repeats=8, groups_per_size=12, seed=1)


def test_poisson_intercepts_have_the_errors_of_their_information(counts):
    """A row of mean m says as much about its logarithm as a normal one of variance 1 / m; m is exp(3) or so."""
    wide = counts.pivot(index="size", columns="pooling", values=["rmse", "se"])
    told = wide.index.to_numpy() * np.exp(3.0)
    a_group = np.exp(0.3**2 / 2)  # E 1/m is so many times exp(-3)
    expected = {"none": np.sqrt(a_group / told), "complete": np.full(2, 0.3)}
    expected["partial"] = np.sqrt(1 / (1 / 0.09 + told / a_group))
    for pooling, value in expected.items():
        # complete pooling is at the logarithm of the mean count, 0.3^2 / 2 above the mean logarithm
        off = np.hypot(value, 0.045 if pooling == "complete" else 0.0)
        assert (np.abs(wide["rmse"][pooling] - off) < 4 * wide["se"][pooling] + 0.03 * off).all(), pooling


@pytest.mark.parametrize(
    ("family", "trials", "fixed", "sd"), [("bernoulli", None, (0.0, 1.0), (0.3, 0.3)), ("binomial", 3, 0.5, 0.3)]
)
def test_partial_pooling_wins_in_small_groups_of_successes(family, trials, fixed, sd):
    truth = {"family": family, "trials": trials, "fixed": fixed, "sd": sd}
    table = recovery((5, 30), **truth, repeats=2, groups_per_size=15, seed=1)
    term, what = ("Intercept", "intercept") if trials else ("x", "slope on x")
    assert term in set(table["term"]) and np.isfinite(table["rmse"]).all()
    small = table[(table["size"] == 5) & (table["term"] == term)].set_index("pooling")["rmse"]
    assert small["partial"] < small["none"]
    ax = plot_recovery(table)
    assert ax.get_ylabel() == f"root mean squared error of the {what}"


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
        ((6, 10), {"family": "gamma"}, "family"),
        ((6, 10), {"family": "poisson", "sigma": 1.0}, "the poisson family has no residual sd; leave sigma out"),
        ((6, 10), {"sd": (0, 0)}, "nothing varies between groups"),
    ],
)
def test_what_leaves_nothing_to_compare(sizes, options, message):
    with pytest.raises(DataError, match=message):
        recovery(sizes, **options)
