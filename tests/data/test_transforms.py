"""What the functions of a formula compute: R's numbers, on the rows they learned from and on new ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.data.transforms import learn
from hlm.errors import DataError
from hlm.formula.function_calls import canonical
from hlm.formula.syntax_tree import read_tree

REFERENCE: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "reference" / "bases.json").read_text())


def text_of(written: str) -> str:
    return canonical(read_tree(written))


@pytest.mark.parametrize("row", REFERENCE, ids=[row["call"] for row in REFERENCE])
def test_numbers_are_rs_on_the_rows_learned_from_and_on_new_ones(row: dict[str, Any]) -> None:
    transform, found = learn(row["call"], pd.DataFrame({"x": row["x"]}), {})
    new = transform.on(pd.DataFrame({"x": row["new"]}))
    # stored with 12 decimals; raw cubes and extrapolated splines reach 2000, of which float64 keeps 1e-12
    np.testing.assert_allclose(np.column_stack(list(found.values())), row["fitted"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(np.column_stack(list(new.values())), row["at"], rtol=1e-9, atol=1e-11)
    several = row["call"][0] in "pbn"
    assert list(found) == ([f"{row['call']}{j + 1}" for j in range(len(found))] if several else [row["call"]])


X = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
Z = np.array([-3.0, 7.0, 0.0, -7.0, 5.0])
VALUES = [
    ("I(x^2)", X**2), ("I(x + z)", X + Z), ("I(x - z*2)", X - 2 * Z), ("I(-x^2)", -(X**2)), ("I((-x)^2)", X**2),
    ("I(2^x^2)", 2.0 ** (X**2)), ("I(z %/% 2)", np.floor(Z / 2)), ("I(z %% 3)", Z - 3 * np.floor(Z / 3)),
    ("I(x/2)", X / 2), ("I(x/2/4)", X / 8), ("I(x - 1 - 2)", X - 3), ("I(-z %% 3)", np.mod(-Z, 3)),
    ("I(2^-x)", 2.0**-X), ("I(1e2 * x)", 100 * X), ("I(.5 * x)", X / 2), ("I((x > 1) * z)", (X > 1) * Z),
    ("I((z != 0) + 0)", (Z != 0) * 1.0), ("log(x)", np.log(X)), ("log10(x)", np.log(X) / np.log(10)),
    ("log2(x)", np.log(X) / np.log(2)), ("log1p(x)", np.log(1 + X)), ("exp(x)", np.e**X),
    ("expm1(x)", np.e**X - 1), ("sqrt(x)", X**0.5), ("abs(z)", np.where(Z < 0, -Z, Z)), ("log(x + 1)", np.log(X + 1)),
    ("center(x)", X - 3.1), ("scale(log(x))", (np.log(X) - np.log(X).mean()) / np.log(X).std(ddof=1)),
    ("I(scale(x)^2)", ((X - 3.1) / X.std(ddof=1)) ** 2), ("exp(abs(z)/7)", np.exp(np.abs(Z) / 7)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), VALUES, ids=[text for text, _ in VALUES])
def test_arithmetic(text: str, expected: np.ndarray) -> None:
    variable = text_of(text)
    _, found = learn(variable, pd.DataFrame({"x": X, "z": Z}), {})
    np.testing.assert_allclose(found[variable], expected, rtol=1e-14)  # one or two roundings of float64 (1.1e-16) each


def test_orthogonal_polynomials_are_orthonormal_and_orthogonal_to_a_constant() -> None:
    x = np.linspace(1000, 1010, 40) ** 1.1
    _, found = learn("poly(x, 4)", pd.DataFrame({"x": x}), {})
    matrix = np.column_stack([np.full(40, 40**-0.5), *found.values()])
    # values near 2000 that differ by 20: centring keeps 14 digits, and the fourth power loses about 4 more
    np.testing.assert_allclose(matrix.T @ matrix, np.eye(5), atol=1e-9)


def test_splines_beyond_their_knots_go_on_as_polynomials() -> None:
    """A natural spline has second differences 0 outside; a cubic B-spline's fifth differences are 0."""
    x = np.linspace(0, 1, 30)
    outside = pd.DataFrame({"x": np.linspace(1.5, 3, 7)})
    natural = np.column_stack(list(learn("ns(x, df = 4)", pd.DataFrame({"x": x}), {})[0].on(outside).values()))
    cubic = np.column_stack(list(learn("bs(x, df = 5)", pd.DataFrame({"x": x}), {})[0].on(outside).values()))
    np.testing.assert_allclose(np.diff(natural, 2, axis=0), 0, atol=1e-12)  # values up to 10
    np.testing.assert_allclose(np.diff(cubic, 4, axis=0), 0, atol=1e-9)  # values up to 2000


def test_factors_order_numbers_by_size_and_keep_the_order_of_categories() -> None:
    frame = pd.DataFrame({"x": [10, 2, 33, 2], "c": pd.Categorical(list("qpqp"), categories=["q", "p"])})
    numbers = learn("factor(x)", frame, {})[1]["factor(x)"]
    assert list(numbers.cat.categories) == ["2", "10", "33"]
    assert list(learn("as.factor(c)", frame, {})[1]["as.factor(c)"].cat.categories) == ["q", "p"]
    parts = learn("C(x %% 2)".replace("x %% 2", "x%%2"), frame, {})[1]["C(x%%2)"]
    assert parts.tolist() == ["0", "0", "1", "0"]
    truth = learn("I(x > 5)", frame, {})[1]["I(x > 5)"]
    assert (truth.tolist(), list(truth.cat.categories)) == (["True", "False", "True", "False"], ["False", "True"])


def test_callers_functions_are_called_with_columns_and_checked() -> None:
    frame = pd.DataFrame({"x": X, "z": Z})
    functions = {"clip": lambda x, top: np.minimum(x, top), "broken": lambda x: x[:2], "text": lambda x: x.astype(str)}
    _, found = learn("clip(x, 3)", frame, functions)
    assert found["clip(x, 3)"].tolist() == [0.5, 1.0, 2.0, 3.0, 3.0]
    _, inside = learn("I(clip(x, 3)^2 + z)", frame, functions)
    assert inside["I(clip(x, 3)^2 + z)"].tolist() == [-2.75, 8.0, 4.0, 2.0, 14.0]
    with pytest.raises(DataError, match=r"function broken must give one number for each of the 5 rows.*shape \(2,\)"):
        learn("broken(x)", frame, functions)
    with pytest.raises(DataError, match="function text must give one number"):
        learn("text(x)", frame, functions)


BAD = [
    ("log(x)", [1.0, 0.0, 0.0], "log(x) is -inf in row 1 (counting from 0), where 'x' is 0.0, and the same in 1 more"),
    ("sqrt(x)", [1.0, 2.0, -4.0], "sqrt(x) is nan in row 2 (counting from 0), where 'x' is -4.0"),
    ("I(1/x)", [0.0, 1.0, 2.0], "I(1/x) is inf in row 0"),
    ("I(x^1e308)", [1.0, 3.0, 2.0], "I(x^1e308) is inf in row 1"),
    ("I(9^9^9^9 * x)", [1.0, 3.0, 2.0], "is inf in row 0"),
    ("exp(x)", [1.0, 800.0, 2.0], "exp(x) is inf in row 1 (counting from 0), where 'x' is 800.0"),
    ("factor(log(x))", [1.0, 0.0, 2.0], "log(x) is -inf in row 1"),
    ("poly(log(x), 2)", [1.0, 0.0, 2.0], "log(x) is -inf in row 1"),
    ("scale(x)", [2.5, 2.5, 2.5], "scale(x) would divide by 0: x is constant"),
    ("poly(x, 2)", [1.0, 1.0, 2.0], "poly(x, 2): degree 2 needs more than 2 different values, not 2"),
    ("bs(x, df = 2)", [1.0, 2.0, 3.0], "bs(x, df = 2): df must be 3 at least"),
    ("ns(x, df = 9)", [1.0, 2.0, 2.0, 2.0, 2.0, 3.0], "inner knots, at quantiles, coincide: use a smaller df"),
    ("ns(x)", [2.0, 2.0], "ns(x): all values are the same"),
    ("log(x)", ["a", "b"], "Column 'x' holds labels ('a', ...): a function needs numbers"),
]


@pytest.mark.parametrize(("text", "x", "message"), BAD)
def test_what_has_no_value_is_named_with_function_column_row_and_value(text: str, x: list[Any], message: str) -> None:
    column = pd.Series(x, dtype="category" if isinstance(x[0], str) else "float64")
    with pytest.raises(DataError) as caught:
        learn(text_of(text), pd.DataFrame({"x": column}), {})
    assert message in str(caught.value)


def test_long_ids_stay_different_levels() -> None:
    ids = [2**53, 2**53 + 1, 7, 2**53 + 1]
    _, found = learn("factor(id)", pd.DataFrame({"id": ids}), {})
    assert found["factor(id)"].tolist() == [str(v) for v in ids]
    assert list(found["factor(id)"].cat.categories) == ["7", str(2**53), str(2**53 + 1)]
