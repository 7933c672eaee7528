"""Any data frame in, clean columns out; what cannot be used is named with column and row."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hlm.errors import DataError
from hlm.formula.formula import Term
from hlm.formula.parser import parse
from hlm.frame import clean

Y = [1.0, 2.5, 3.0, 4.5, 2.0, 3.5]
X = [0, 1, 2, 0, 1, 2]
G = [10, 10, 10, 2, 2, 2]
FORMULA = parse("y ~ x + (x|g)")


def base() -> pd.DataFrame:
    return pd.DataFrame({"unused": [object()] * 6, "y": Y, "x": X, "g": G})


FRAMES = {
    "pandas numpy": base(),
    "pandas nullable": base()[["y", "x", "g"]].convert_dtypes(),
    "pandas pyarrow": base()[["y", "x", "g"]].convert_dtypes(dtype_backend="pyarrow"),
    "pandas str ids": base().assign(g=[str(v) for v in G]),
    "pandas object ids": base().assign(g=pd.Series([str(v) for v in G], dtype=object)),
    "pandas float ids": base().assign(g=[float(v) for v in G]),
    "pandas category of int": base().assign(g=pd.Categorical(G)),
    "pandas category of str": base().assign(g=pd.Categorical([str(v) for v in G], categories=["2", "10"])),
    "pandas shuffled index": base().set_index(pd.Index([9, 3, 3, 1, 0, 7])),
    "polars": pl.DataFrame({"y": Y, "x": X, "g": G}),
    "polars lazy": pl.LazyFrame({"y": Y, "x": X, "g": G}),
    "polars str": pl.DataFrame({"y": Y, "x": X, "g": [str(v) for v in G]}),
    "polars categorical": pl.DataFrame(
        {"y": Y, "x": X, "g": pl.Series([str(v) for v in G], dtype=pl.Enum(["2", "10"]))}
    ),
    "pyarrow": pa.table({"y": Y, "x": X, "g": G}),
    "decimals": base().assign(y=[decimal.Decimal(str(v)) for v in Y]),
}


@pytest.mark.parametrize("name", FRAMES)
def test_every_kind_of_frame_gives_the_same_columns(name: str) -> None:
    data = clean(FORMULA, FRAMES[name])
    assert list(data.columns) == ["y", "x", "g"]
    assert data.columns["y"].tolist() == Y
    assert data.columns["x"].tolist() == X
    assert data.levels(Term(("g",))) == ["2", "10"]  # by value, not by the alphabet
    assert data.codes(Term(("g",))).tolist() == [1, 1, 1, 0, 0, 0]
    assert data.message == ""


def test_the_callers_frame_is_not_changed() -> None:
    frame = base()
    before = frame.copy(deep=True)
    clean(FORMULA, frame)
    pd.testing.assert_frame_equal(frame, before)


def test_order_of_categories_is_kept_and_unused_ones_go() -> None:
    frame = base().assign(g=pd.Categorical(["b"] * 3 + ["a"] * 3, categories=["c", "b", "a"]))
    assert clean(FORMULA, frame).levels(Term(("g",))) == ["b", "a"]


def test_text_and_booleans_become_factors() -> None:
    frame = base().assign(x=[True, False, True, False, True, False])
    assert list(clean(FORMULA, frame).columns["x"].cat.categories) == ["False", "True"]


def test_equal_numbers_are_one_label_but_true_is_not_one() -> None:
    frame = base().assign(g=pd.Series([1, 1.0, "1", True, "True", None], dtype=object))
    data = clean(FORMULA, frame)
    assert data.levels(Term(("g",))) == ["1", "True"]
    assert data.codes(Term(("g",))).tolist() == [0, 0, 0, 1, 1]


def test_missing_values_are_dropped_and_counted() -> None:
    frame = base()
    frame["x"] = [np.nan, 1, 2, 0, np.nan, 2]
    frame["g"] = pd.Series([10, 10, None, 2, 2, 2], dtype="Int64")
    data = clean(FORMULA, frame)
    assert data.columns.index.tolist() == [1, 3, 5]
    assert data.message == "3 of 6 rows left out for missing values: x (2), g (1)."


def test_cells_are_the_observed_combinations_only() -> None:
    frame = pd.DataFrame({"y": Y, "a": list("AAABBB"), "b": list("uuvuvw")})
    data = clean(parse("y ~ 1 + (1|a/b)"), frame)
    assert data.levels(Term(("a", "b"))) == ["A:u", "A:v", "B:u", "B:v", "B:w"]
    assert data.codes(Term(("a", "b"))).tolist() == [0, 0, 1, 2, 3, 4]


def test_cells_with_ambiguous_labels_are_refused() -> None:
    frame = pd.DataFrame({"y": Y, "a": ["p:q", "p", "p:q", "p", "p", "p"], "b": ["r", "q:r", "r", "q:r", "s", "t"]})
    with pytest.raises(DataError, match="contain ':'"):
        clean(parse("y ~ 1 + (1|a:b)"), frame)


BAD = [
    (base().rename(columns={"x": "X"}), "no column 'x'. Did you mean 'X'?"),
    (base().iloc[:0], "have no rows"),
    (base().assign(y=[1.0, np.inf, 3, 4, 5, 6]), "'y' is inf in row 1 (counting from 0)"),
    (base().assign(x=[1, 2, 3, 4, -np.inf, np.inf]), "'x' is -inf in row 4 (counting from 0), and in 1 more"),
    (base().assign(y=2.0), "'y' is constant (2.0 in all 6 rows)"),
    (base().assign(x=1), "'x' is constant"),
    (base().assign(x="same"), "'x' is constant (same in every row)"),
    (base().assign(g="only"), "'g' has one group only ('only')"),
    (base().assign(x=np.nan), "No row is complete. Missing values: x (6 of 6)"),
    (base().assign(y=list("abcdef")), "'y' holds labels (a, b, c, d, e), not numbers"),
    (base().assign(x=pd.date_range("2020-01-01", periods=6)), "'x' holds Datetime"),
    (base().assign(x=pd.to_timedelta(range(6), unit="D")), "'x' holds Duration"),
    (base().assign(x=[datetime.date(2020, 1, 1)] * 6), "'x' holds"),
    (base().assign(x=[[1], [2], [3], [4], [5], [6]]), "'x' holds list objects (row 0"),
    (base().assign(x=np.arange(6) * 1j), "'x' holds"),
    ({"y": Y}, "must be a data frame"),
    (Y, "must be a data frame"),
    ("exam", "must be a data frame"),
    (pd.concat([base(), base()[["x"]]], axis=1), "cannot be read"),
]


@pytest.mark.parametrize(("frame", "message"), BAD)
def test_what_cannot_be_used_is_named(frame: object, message: str) -> None:
    with pytest.raises(DataError) as caught:
        clean(FORMULA, frame)
    assert message in str(caught.value)


def test_bernoulli_takes_two_labels_the_second_is_success() -> None:
    frame = base().assign(y=["no", "yes", "no", "yes", "yes", "no"])
    assert clean(FORMULA, frame, family="bernoulli").columns["y"].tolist() == [0, 1, 0, 1, 1, 0]
    with pytest.raises(DataError, match="two values for the bernoulli family, not 3"):
        clean(FORMULA, frame.assign(y=list("aabbcc")), family="bernoulli")
