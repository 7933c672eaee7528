"""Any data frame in, clean columns out; what cannot be used is named with column and row."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from hlm.data.clean_data import clean, formula_and_data
from hlm.errors import DataError, FitError, FormulaError
from hlm.formula.formula import Term
from hlm.formula.parser import parse
from hlm.model.families import get_family

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


BIG = [2**53, 2**53 + 1, 2**53, 2**53 + 1, None, 2**53]  # the first two are one number in float64
HUGE = np.array([2**63 + 1, 2**63 + 2] * 3, dtype=np.uint64)
IDS = {
    "pandas nullable": base().assign(g=pd.array(BIG, dtype="Int64")),
    "pandas pyarrow": base().drop(columns="unused").assign(g=pd.array(BIG, dtype="int64[pyarrow]")),
    "polars": pl.DataFrame({"y": Y, "x": X, "g": BIG}),
    "pyarrow": pa.table({"y": Y, "x": X, "g": BIG}),
    "objects": base().assign(g=pd.Series(BIG, dtype=object)),
    "pandas unsigned": base().assign(g=HUGE),
    "polars unsigned": pl.DataFrame({"y": Y, "x": X, "g": HUGE}),
    "pyarrow unsigned": pa.table({"y": Y, "x": X, "g": HUGE}),
    "polars 128 bits": pl.DataFrame({"y": Y, "x": X, "g": pl.Series(BIG, dtype=pl.Int128)}),
}


@pytest.mark.parametrize("name", IDS)
def test_long_ids_stay_different_groups(name: str) -> None:
    data = clean(FORMULA, IDS[name])
    ids = [v for v in (HUGE.tolist() if "unsigned" in name else BIG) if v is not None]
    assert data.levels(Term(("g",))) == [str(v) for v in sorted(set(ids))]
    assert data.codes(Term(("g",))).tolist() == [sorted(set(ids)).index(v) for v in ids]


def test_long_integers_are_numbers_in_every_library() -> None:
    for wide in (
        pa.array([*HUGE.tolist()[:5], 7], type=pa.uint64()),
        pa.array([2**60, None, -(2**62), 3, 2**53 + 2, 0]),
    ):
        found = clean(FORMULA, pa.table({"y": Y, "x": wide, "g": G})).columns["x"]
        assert found.tolist() == [float(v) for v in wide.to_pylist() if v is not None]
    with pytest.raises(DataError, match=r"'x' is inf in row 0 \(counting from 0\), and in 1 more"):
        clean(FORMULA, base().assign(x=pd.Series([10**400, 1, 2] * 2, dtype=object)))


def test_labels_of_nan_have_one_place_whatever_the_order() -> None:
    labels = ["10", "nan", "9", "NaN", "-inf", "2.5"]
    for turn in range(6):
        frame = base().assign(g=labels[turn:] + labels[:turn])
        assert clean(FORMULA, frame).levels(Term(("g",))) == ["-inf", "2.5", "9", "10", "NaN", "nan"]


SMALL = [0.1, 0.1, 1.0, 1.0, 2.5, 2.5]
SAME_NUMBERS = {
    "float64": base().assign(g=SMALL),
    "float32": base().assign(g=np.array(SMALL, dtype=np.float32)),
    "polars float32": pl.DataFrame({"y": Y, "x": X, "g": pl.Series(SMALL, dtype=pl.Float32)}),
    "decimals": base().assign(g=[decimal.Decimal(t) for t in ("0.10", "0.1", "1.00", "1", "2.50", "2.5")]),
    "polars decimals": pl.DataFrame({"y": Y, "x": X, "g": [decimal.Decimal(str(v)) for v in SMALL]}),
    "pyarrow decimals": pa.table({"y": Y, "x": X, "g": [decimal.Decimal(str(v)) for v in SMALL]}),
    "text": base().assign(g=["0.1", "0.1", "1", "1", "2.5", "2.5"]),
}


@pytest.mark.parametrize("name", SAME_NUMBERS)
def test_equal_numbers_are_one_label_in_every_precision(name: str) -> None:
    data = clean(FORMULA, SAME_NUMBERS[name])
    assert data.levels(Term(("g",))) == ["0.1", "1", "2.5"]
    assert data.codes(Term(("g",))).tolist() == [0, 0, 1, 1, 2, 2]


def test_missing_is_missing_in_every_type() -> None:
    nothing = decimal.Decimal("NaN")
    assert clean(FORMULA, base().assign(g=[nothing, *G[1:]])).message.endswith("missing values: g (1).")
    for frame in (pl.DataFrame({"y": Y, "x": X, "g": [None] * 6}), pa.table({"y": Y, "x": X, "g": [None] * 6})):
        with pytest.raises(DataError, match=r"No row is complete. Missing values: g \(6 of 6\)"):
            clean(FORMULA, frame)


def test_numpys_truth_values_among_objects_are_truth_values() -> None:
    frame = base().assign(x=pd.Series([np.True_, False, None, True, np.False_, True], dtype=object))
    column = clean(FORMULA, frame).columns["x"]
    assert column.tolist() == ["True", "False", "True", "False", "True"]


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
    assert clean(FORMULA, frame, family=get_family("bernoulli")).columns["y"].tolist() == [0, 1, 0, 1, 1, 0]
    with pytest.raises(DataError, match="two values for the bernoulli family, not 3"):
        clean(FORMULA, frame.assign(y=list("aabbcc")), family=get_family("bernoulli"))


def test_functions_see_complete_rows_only_and_learn_from_them() -> None:
    frame = base().assign(z=[1.0, 2.0, np.nan, 4.0, 6.0, 100.0], y=[*Y[:5], np.nan])
    data = clean(parse("y ~ scale(z) + log(z) + (1|g)"), frame)
    assert list(data.columns) == ["y", "scale(z)", "log(z)", "g", "z"]
    assert data.columns.index.tolist() == [0, 1, 3, 4]
    z = np.array([1.0, 2.0, 4.0, 6.0])
    np.testing.assert_allclose(data.columns["scale(z)"], (z - 3.25) / z.std(ddof=1), rtol=1e-14)  # one rounding each
    np.testing.assert_allclose(data.columns["log(z)"], np.log(z), rtol=1e-14)
    assert data.message == "2 of 6 rows left out for missing values: y (1), z (1)."
    assert set(data.transforms) == {"scale(z)", "log(z)"}


def test_a_row_without_a_value_is_named_as_the_caller_counts_rows() -> None:
    frame = base().assign(z=[np.nan, 2.0, 1.0, 4.0, 0.0, 1.0])
    with pytest.raises(DataError, match=r"log\(z\) is -inf in row 4 \(counting from 0\), where 'z' is 0.0"):
        clean(parse("y ~ log(z) + (1|g)"), frame)


def test_a_function_with_several_columns_makes_one_term_each() -> None:
    formula, data = formula_and_data("y ~ poly(x, 2) + (poly(x, 2)|g)", base())
    assert data.expansions == {"poly(x, 2)": ("poly(x, 2)1", "poly(x, 2)2")}
    assert list(data.columns) == ["y", "poly(x, 2)1", "poly(x, 2)2", "g", "x"]
    assert str(formula) == "y ~ `poly(x, 2)1` + `poly(x, 2)2` + (`poly(x, 2)1` + `poly(x, 2)2`|g)"
    np.testing.assert_allclose(data.columns["poly(x, 2)1"], np.array([-1, 0, 1, -1, 0, 1]) / 2, atol=1e-15)
    assert formula_and_data(formula, data) == (formula, data)


def test_all_others_are_neither_response_nor_group_nor_offset() -> None:
    frame = base().drop(columns="unused").assign(a=[1, 2, 3, 1, 2, 3], b=list("uvuvuv"), off=1.5)
    formula, data = formula_and_data("log(y) ~ . - a + offset(off) + (1|g)", frame)
    assert str(formula) == "log(y) ~ x + b + offset(off) + (1|g)"
    assert data.offset is not None and data.offset.tolist() == [1.5] * 6
    with pytest.raises(DataError, match="'unused' holds"):
        formula_and_data("y ~ . + (1|g)", base())
    with pytest.raises(FormulaError, match="there are none"):
        formula_and_data("y ~ . - x - unused + (1|g)", base())
    with pytest.raises(DataError, match=r"'log\(x\)', which '.' stands for, has a name like a function's"):
        formula_and_data("y ~ . + (1|g)", base().drop(columns="unused").assign(**{"log(x)": X}))


def test_a_group_of_numbers_is_labels_as_group_and_numbers_in_a_function() -> None:
    data = clean(parse("y ~ I(g/2) + (1|g)"), base())
    assert data.columns["g"].tolist() == ["10"] * 3 + ["2"] * 3
    assert data.columns["I(g∕2)"].tolist() == [5.0] * 3 + [1.0] * 3
    computed = clean(parse("y ~ x + (1|factor(g)) + (1|I(g > 5))"), base())
    assert computed.levels(Term(("factor(g)",))) == ["2", "10"]
    assert computed.codes(Term(("I(g > 5)",))).tolist() == [1, 1, 1, 0, 0, 0]


COUNTS = pd.DataFrame({"k": [1, 0, 3, 2, 5, 4], "f": [4, 5, 2, 3, 0, 6], "n": [5, 5, 5, 5, 5, 10], "g": G})


@pytest.mark.parametrize(
    ("response", "weights"),
    [
        ("p(k, n)", None),
        ("cbind(k, n - k)", None),
        ("cbind(k, f)", None),
        ("k/n", "n"),
        ("I(k/n)", "n"),
        ("share", "n"),
    ],
)
def test_counts_are_the_same_however_they_are_written(response: str, weights: str | None) -> None:
    frame = COUNTS.assign(share=COUNTS["k"] / COUNTS["n"])
    formula, data = formula_and_data(f"{response} ~ 1 + (1|g)", frame, family=get_family("binomial"), weights=weights)
    read = formula.response
    assert read.trials is not None
    assert data.columns[read.variable].tolist() == COUNTS["k"].tolist()
    assert data.columns[read.trials].tolist() == COUNTS["n"].tolist()
    assert data.columns[read.variable].dtype == data.columns[read.trials].dtype == np.int64
    assert str(formula) == f"{response} ~ 1 + (1|g)"


def test_weights_that_are_not_read_are_refused() -> None:
    with pytest.raises(FitError, match="only the binomial family reads weights, as the number of trials"):
        formula_and_data("y ~ x + (x|g)", base(), family=get_family("poisson"), weights="x")
    with pytest.raises(FitError, match=r"p\(k, n\) says the number of trials already"):
        formula_and_data("p(k, n) ~ 1", COUNTS, family=get_family("binomial"), weights="n")


def test_weights_beside_a_proportion_have_plain_names() -> None:
    with pytest.raises(FormulaError, match="the column 'my n' needs a plain name"):
        formula_and_data("share ~ 1", COUNTS, family=get_family("binomial"), weights="my n")


def test_weights_are_kept_for_complete_rows() -> None:
    frame = base().assign(w=[1.0, 2.0, np.nan, 0.5, 1.0, 3.0])
    data = clean(FORMULA, frame, weights="w")
    assert data.weights is not None and data.weights.tolist() == [1.0, 2.0, 0.5, 1.0, 3.0]
    assert data.message == "1 of 6 rows left out for missing values: w (1)."
    with pytest.raises(DataError, match=r"'w' is 0.0 in row 1 .*weights must be above 0"):
        clean(FORMULA, frame.assign(w=[1.0, 0.0, 1, 1, 1, 1]), weights="w")
    with pytest.raises(DataError, match="weights 'w' hold labels"):
        clean(FORMULA, frame.assign(w=list("abcdef")), weights="w")


def test_callers_functions_are_called_by_name() -> None:
    formula, data = formula_and_data("y ~ twice(x) + (twice(x)|g)", base(), functions={"twice": lambda x: 2 * x})
    assert data.columns["twice(x)"].tolist() == [0, 2, 4, 0, 2, 4]
    assert str(formula) == "y ~ twice(x) + (twice(x)|g)"
    with pytest.raises(FormulaError, match="calls twice\\(\\), which is yours: pass functions={'twice': ...}"):
        clean(parse("y ~ twice(x)", functions=["twice"]), base())


@pytest.mark.parametrize("formula", ["y ~ year + (1|year)", "y ~ 1 + (year|g) + (1|g:year)"])
def test_a_column_is_a_number_or_a_label_not_silently_both(formula: str) -> None:
    """R takes the year as a number left of the bar and as a label right of it; one column of ours is one or the other."""
    frame = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "year": [2001, 2002, 2001, 2002], "g": list("aabb")})
    with pytest.raises(DataError, match=r"'year' holds numbers.*number or a label\?.*factor\(year\)") as caught:
        clean(parse(formula), frame)
    assert caught.value.instead == formula.replace("|year", "|factor(year)").replace(":year", ":factor(year)")
    told = clean(parse("y ~ year + (1|factor(year))"), frame).columns
    assert told["year"].tolist() == [2001, 2002, 2001, 2002]
    assert told["factor(year)"].tolist() == ["2001", "2002", "2001", "2002"]
    labels = frame.assign(year=frame["year"].astype(str))  # text is a label wherever it stands
    assert clean(parse("y ~ year + (1|year)"), labels).columns["year"].tolist() == ["2001", "2002", "2001", "2002"]


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("y ~ x*z + `x:z` + (1|g)", "x:z"),
        ("y ~ x + (x|g/z) + (1|`g:z`)", "g:z"),
        ("y ~ x + `g:x` + (x|g)", "g:x"),
        ("y ~ `x:z` + (x:z|g)", "x:z"),
    ],
)
def test_a_column_named_like_a_product_is_refused(formula: str, name: str) -> None:
    frame = base().assign(z=[1, 2, 3, 3, 2, 1], **{name: [3, 1, 2, 2, 1, 3]})
    with pytest.raises(DataError, match=f"'{name}' has the name of a product of columns in this model: rename it"):
        formula_and_data(formula, frame)
    assert clean(parse(f"y ~ x + `{name}` + (1|g)"), frame).columns[name].tolist() == [3, 1, 2, 2, 1, 3]
