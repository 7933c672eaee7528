"""What an estimate must not depend on, and how it must move with the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlm.engines.reml.reml import reml
from hlm.engines.reml.result import Reml

FORMULAS = [
    "y ~ x + (1|g)", "y ~ x + (x|g)", "y ~ x + (x||g)", "y ~ x + c + (1|g)", "y ~ x*c + (1|g) + (1|c)", "y ~ 1 + (1|g/c)",
    "y ~ scale(x) + (0 + x|g)", "y ~ x + (1|g) + (1|h)",
]  # fmt: skip
CASES = st.tuples(st.sampled_from(FORMULAS), st.integers(0, 10_000))
# the search for the maximum ends where a step promises 1e-11 of the criterion, so that sds are right to about the root
# of that, 3e-6, and what depends on them, too; at the maximum the criterion itself is right to 1e-11 and rounding
CLOSE, LOGLIK = 2e-5, 1e-9


def made(seed: int) -> pd.DataFrame:
    """Four to nine groups of very unequal size, of labels in no order, with intercepts and slopes of their own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(3, 15, rng.integers(4, 10))
    g = np.repeat(np.arange(len(sizes)), sizes)
    x, rows = rng.normal(2, 1.5, len(g)), len(g)
    y = 3 + 0.5 * x + rng.normal(0, 1.2, len(sizes))[g] + rng.normal(0, 0.6, len(sizes))[g] * x + rng.normal(0, 1, rows)
    c, h = np.array(list("pqr"))[np.arange(rows) % 3], rng.permutation(rows) % 5
    return pd.DataFrame({"y": y, "x": x, "c": c, "g": rng.permutation(40)[g] + 1, "h": h})


@settings(max_examples=20)
@given(CASES)
def test_rows_columns_and_index_may_stand_in_any_order(case: tuple[str, int]) -> None:
    formula, seed = case
    frame = made(seed)
    other = frame.sample(frac=1, random_state=seed)[["h", "g", "c", "x", "y"]]
    other.index = pd.Index(np.arange(len(other)) // 2)  # no label of a row is alone
    one, two = reml(formula, frame), reml(formula, other)
    assert_same(one, two)
    for group, coef in one.coef.items():
        assert list(two.coef[group].index) == list(coef.index)
        np.testing.assert_allclose(two.coef[group], coef, rtol=CLOSE, atol=CLOSE)


@settings(max_examples=15)
@given(CASES, st.sampled_from(["text", "float", "category", "objects", "nullable", "arrow", "reversed"]))
def test_groups_may_have_any_names_of_any_type(case: tuple[str, int], kind: str) -> None:
    formula, seed = case
    frame = made(seed)
    g = frame["g"]
    ids = sorted(g.unique())
    names = {v: f" {chr(122 - i)} {v}" for i, v in enumerate(ids)}  # the other way round by the alphabet
    columns = {
        "text": g.astype(str), "float": g.astype(float), "nullable": g.astype("Int64"), "arrow": g.astype("string[pyarrow]"),
        "category": pd.Categorical(g, categories=ids[::-1]), "reversed": g.map(names),
        "objects": pd.Series([str(v) if v % 2 else v for v in g], dtype=object),
    }  # fmt: skip
    one, two = reml(formula, frame), reml(formula, frame.assign(g=columns[kind]))
    assert_same(one, two)
    if "g" in one.coef:
        renamed = [names[v] if kind == "reversed" else str(v) for v in ids]
        assert sorted(two.coef["g"].index) == sorted(renamed)
        np.testing.assert_allclose(two.coef["g"].loc[renamed], one.coef["g"], rtol=CLOSE, atol=CLOSE)


@settings(max_examples=20)
@given(CASES, st.sampled_from([1000.0, -20.0]), st.sampled_from([50.0, 1e-4]))
def test_units_of_the_response(case: tuple[str, int], more: float, times: float) -> None:
    """A constant more moves the intercept alone; other units scale every estimate."""
    formula, seed = case
    frame = made(seed)
    one = reml(formula, frame)
    up = reml(formula, frame.assign(y=frame["y"] + more))
    assert up.fixef["Intercept"] - one.fixef["Intercept"] == pytest.approx(more, abs=CLOSE)
    others = one.fixef.index.drop("Intercept")
    np.testing.assert_allclose(up.fixef[others], one.fixef[others], rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(up.varcorr["sdcor"], one.varcorr["sdcor"], rtol=CLOSE, atol=CLOSE)
    assert up.loglik == pytest.approx(one.loglik, abs=LOGLIK * abs(one.loglik))
    wide = reml(formula, frame.assign(y=frame["y"] * times))
    degrees = len(frame) - len(one.fixef)
    assert wide.loglik == pytest.approx(one.loglik - degrees * np.log(times), abs=LOGLIK * 1000)  # |loglik| < 1000
    np.testing.assert_allclose(wide.fixef / times, one.fixef, rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(sds(wide) / times, sds(one), rtol=CLOSE, atol=CLOSE)


@settings(max_examples=15)
@given(CASES.filter(lambda case: " x" in case[0]), st.sampled_from([1000.0, 1e-3]))
def test_units_of_a_predictor(case: tuple[str, int], times: float) -> None:
    formula, seed = case
    frame = made(seed)
    one, other = reml(formula, frame), reml(formula, frame.assign(x=frame["x"] * times))
    slope = [name.startswith("x") for name in one.fixef.index]
    assert other.loglik == pytest.approx(one.loglik - sum(slope) * np.log(times), abs=LOGLIK * 1000)
    np.testing.assert_allclose(other.fixef * np.where(slope, times, 1.0), one.fixef, rtol=CLOSE, atol=CLOSE)
    varying = one.varcorr["effect1"].eq("x") & one.varcorr["effect2"].isna()
    changed = other.varcorr["sdcor"] * np.where(varying, times, 1.0)
    np.testing.assert_allclose(changed, one.varcorr["sdcor"], rtol=CLOSE, atol=CLOSE)


@settings(max_examples=10)
@given(CASES.filter(lambda case: "(1|c)" not in case[0] and "scale" not in case[0]))
def test_twice_the_groups_halve_the_variances_of_the_common_coefficients(case: tuple[str, int]) -> None:
    """By maximum likelihood; REML's penalty does not double, and scale() has another sd."""
    formula, seed = case
    frame = made(seed)
    twice = pd.concat([frame, frame.assign(g=frame["g"] + 100, h=frame["h"] + 100)])
    one, two = reml(formula, frame, reml=False), reml(formula, twice, reml=False)
    assert_same(one, two, loglik=one.loglik)
    np.testing.assert_allclose(
        2 * two.fixef_cov, one.fixef_cov, rtol=1e-4, atol=1e-6
    )  # variances move twice as much as sds


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_random_intercepts_lie_where_theory_says(seed: int) -> None:
    """Gelman & Hill 2007, equation 12.1: the mean of a group and the common line, weighted by n / s2 and 1 / tau2."""
    frame = made(seed)
    found = reml("y ~ x + (1|g)", frame)
    tau, sigma = sds(found)
    means = frame.groupby("g")[["y", "x"]].mean()
    own = means["y"] - found.fixef["x"] * means["x"]
    weight = frame.groupby("g").size() * tau**2 / (frame.groupby("g").size() * tau**2 + sigma**2)
    expected = weight * own + (1 - weight) * found.fixef["Intercept"]
    np.testing.assert_allclose(
        found.coef["g"]["Intercept"], expected, rtol=1e-9, atol=1e-9
    )  # the same numbers, rounded
    between = (expected - own) * (expected - found.fixef["Intercept"])
    assert (between <= 1e-12).all()


def assert_same(one: Reml, other: Reml, *, loglik: float = 0.0) -> None:
    assert other.loglik - one.loglik == pytest.approx(loglik, abs=LOGLIK * 1000)  # |loglik| < 1000
    np.testing.assert_allclose(other.fixef, one.fixef, rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(other.varcorr["sdcor"], one.varcorr["sdcor"], rtol=CLOSE, atol=CLOSE)
    assert other.singular == one.singular


def sds(found: Reml) -> np.ndarray:
    return found.varcorr["sdcor"][found.varcorr["effect2"].isna()].to_numpy()
