"""`reml` against lme4's stored answers: the packaged data, R's data sets, and simulated data of awkward kinds."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.datasets import load_data
from hlm.fitting.reml import reml
from hlm.fitting.restricted.result import Reml

REFERENCE = Path(__file__).parents[1] / "reference"
PACKAGED = [r for r in json.loads((REFERENCE / "lme4.json").read_text()) if r["family"] == "gaussian"]
AWKWARD = json.loads((REFERENCE / "lme4_reml.json").read_text())["models"]
ONE_FACTOR = [r for r in PACKAGED + AWKWARD if len(r["groups"]) == 1]
SEVERAL_FACTORS = [r for r in PACKAGED + AWKWARD if len(r["groups"]) > 1]

# (data, formula): by how much our REML and ML log-likelihoods are higher; lme4's optimiser, which works in the units of
# the columns, stopped before the maximum: an intercept in the year 0 hides the slopes of years around 2003, and sds of
# 50,000 sigma leave the criterion flat in places
STOPPED_EARLY = {
    ("years", "y ~ x + z + c + (x | g)"): (25.88, 25.83),
    ("years", "y ~ x + z + c + (x || g)"): (0.04, 0.0),
    ("large_tau", "y ~ x + z + c + (x | g)"): (0.0, 0.0),
}
# several covariance matrices give the same distribution (a note says so): lme4's is another one than ours
NOT_UNIQUE = ("factors", "y ~ x + c + (x + c || g)")


def case_name(row: dict[str, Any]) -> str:
    return f"{row['name']}: {row['formula']}"


def key(row: dict[str, Any]) -> tuple[str, str]:
    return row["name"], row["formula"]


def fitted(row: dict[str, Any], *, restricted: bool = True) -> Reml:
    if row in PACKAGED:
        data, formula = load_data(row["name"]), row["formula"]
    else:
        file = REFERENCE / "lme4_reml" / f"{row['name']}.csv"
        data, formula = pd.read_csv(file, dtype={"Chick": str, "Diet": str}), row["formula"]
    if "poly(Days, 2)" in formula:  # R's orthogonal polynomials: Vandermonde columns made orthonormal, signs as powers
        q, r = np.linalg.qr(np.vander(data["Days"], 3, increasing=True))
        data = data.assign(linear=q[:, 1] * np.sign(r[1, 1]), squared=q[:, 2] * np.sign(r[2, 2]))
        formula = formula.replace("poly(Days, 2)", "linear + squared")
    return reml(formula, data, reml=restricted)


def r_name(label: str) -> str:
    """A label as R writes it, the factors of an interaction in alphabetical order."""
    known = {"Intercept": "(Intercept)", "linear": "poly(Days, 2)1", "squared": "poly(Days, 2)2"}
    return in_order(known.get(label, label.replace("[", "").replace("]", "")))


def in_order(name: str) -> str:
    return ":".join(sorted_factors(name))


def r_names(values: pd.Series) -> dict[str, float]:
    return {r_name(label): value for label, value in values.items()}


def sorted_factors(name: str) -> tuple[str, ...]:
    return tuple(sorted(name.split(":")))


def sizes_of(table: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    """By factor and effects: sds and correlations, the residual under ``("Residual",)``."""
    rows = zip(table["group"], table["effect1"], table["effect2"], table["sdcor"], strict=True)
    return {
        (sorted_factors(group), *sorted(r_name(e) for e in effects if isinstance(e, str))): value
        for group, *effects, value in rows
    }


def lme4_sizes(row: dict[str, Any]) -> dict[tuple[Any, ...], float]:
    found = {}
    for entry in row["varcorr"]:
        group = entry["grp"].split(".")[0]
        effects = [entry[name] for name in ("var1", "var2") if name in entry]
        found[(sorted_factors(group), *sorted(effects))] = float(entry["sdcor"])
    return found


def check(row: dict[str, Any]) -> None:
    """Everything that lme4 says of one model."""
    found = fitted(row)
    assert (found.n, {sorted_factors(g): k for g, k in found.groups.items()}) == (
        row["n"],
        {sorted_factors(g): k for g, k in row["groups"].items()},
    )
    likelihoods = np.array([found.loglik, fitted(row, restricted=False).loglik])
    theirs = np.array([row["loglik_reml"], row["loglik_ml"]])
    if key(row) in STOPPED_EARLY:
        assert (likelihoods - theirs > -1e-8).all()  # ours is the maximum, up to rounding
        assert likelihoods - theirs == pytest.approx(
            STOPPED_EARLY[key(row)], abs=0.05
        )  # two decimals are written above
        return
    assert likelihoods == pytest.approx(theirs, abs=1e-6)  # lme4's bobyqa stops at 1e-9 in theta, 12 digits are stored
    check_coefficients(found, row)
    if key(row) != NOT_UNIQUE:
        check_sizes(found, row)
        assert found.singular == row["singular"]


def check_coefficients(found: Reml, row: dict[str, Any]) -> None:
    fixef, se = row["fixef"] or {}, row["fixef_se"] or {}
    ours = r_names(found.fixef)
    assert set(ours) == {in_order(name) for name in fixef}
    for name, value in fixef.items():
        # theta agrees to 1e-4 or so; what a coefficient moves with it is a small part of its standard error
        assert ours[in_order(name)] == pytest.approx(value, abs=1e-4 * se[name]), name
        assert r_names(found.fixef_se)[in_order(name)] == pytest.approx(se[name], rel=1e-4), name
    for group, levels in row["coef_head"].items():
        frame = next(f for g, f in found.coef.items() if sorted_factors(g) == sorted_factors(group))
        by_level = {sorted_factors(level): r_names(totals) for level, totals in frame.iterrows()}
        for entry in levels:
            totals = by_level[sorted_factors(entry["level"])]
            for name in entry.keys() - {"level", "_row"}:
                if key(row) == NOT_UNIQUE and name not in ("x", "z"):
                    continue  # the split between an intercept's part and its levels' is not unique
                # 1e-3 of an effect's sd: the effects move with the sds, which agree to 1e-3
                assert totals[in_order(name)] == pytest.approx(entry[name], abs=1e-3 * scale_of(row, name), rel=1e-6)


def scale_of(row: dict[str, Any], name: str) -> float:
    sizes = [v["sdcor"] for v in row["varcorr"] if v.get("var1") == name and "var2" not in v]
    return max([float(v) for v in sizes] + [0.1 * (row["fixef_se"] or {}).get(name, 1e-2)])


def check_sizes(found: Reml, row: dict[str, Any]) -> None:
    ours, theirs = sizes_of(found.varcorr), lme4_sizes(row)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        if len(name) == 3:  # a correlation
            assert ours[name] == pytest.approx(value, abs=1e-3), name
        else:
            # lme4's error in theta is 1e-5 or so; 1e-4 sigma where an estimate is 0
            assert ours[name] == pytest.approx(value, rel=1e-3, abs=1e-4 if value < 1e-4 else 0), name
    assert found.sigma == pytest.approx(row["sigma"], rel=1e-4)
    if "aic" in row:
        assert (found.aic, found.bic) == pytest.approx((row["aic"], row["bic"]), abs=1e-5)  # twice the log-likelihood's


@pytest.mark.parametrize("row", ONE_FACTOR, ids=case_name)
def test_agrees_with_lme4(row):
    check(row)


@pytest.mark.parametrize("row", SEVERAL_FACTORS, ids=case_name)
def test_agrees_with_lme4_on_several_factors(row):
    check(row)


def test_the_awkward_kinds_are_what_they_are_called():
    """The references hold singular fits of every kind: an sd of 0, correlations of exactly 1 and -1."""
    exact = {v["sdcor"] for row in AWKWARD if row["singular"] for v in row["varcorr"]}
    assert {0, 1, -1} <= exact
    assert sum(row["singular"] for row in AWKWARD) >= 6


@pytest.mark.parametrize(
    ("name", "formula", "expected"),
    [
        ("Dyestuff2", "Yield ~ 1 + (1 | Batch)", {("Intercept",): 0.0}),
        ("plus_one", "y ~ x + z + c + (x | g)", {("Intercept", "x"): 1.0}),
        ("minus_one", "y ~ x + z + c + (x | g)", {("Intercept", "x"): -1.0}),
        ("Orange", "circumference ~ age + (age | Tree)", {("Intercept", "age"): -1.0}),
        ("small_tau", "y ~ x + z + (x || g)", {("x",): 0.0}),
        (
            "three_flat",
            "y ~ x + z + (x + z | g)",
            dict(zip(combinations(["Intercept", "x", "z"], 2), [1.0, -1.0, -1.0], strict=True)),
        ),
    ],
)
def test_estimates_on_the_boundary_are_exact(name, formula, expected):
    found = fitted(next(r for r in AWKWARD if key(r) == (name, formula)))
    table = found.varcorr
    sizes = {
        tuple(e for e in (one, two) if isinstance(e, str)): value
        for one, two, value in zip(table["effect1"], table["effect2"], table["sdcor"], strict=True)
    }
    assert {effects: sizes[effects] for effects in expected} == expected  # exactly, not nearly
    assert found.singular
    assert "Singular fit" in str(found)
