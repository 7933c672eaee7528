"""`reml` against lme4's stored answers: the packaged data, R's data sets, and simulated data of awkward kinds."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from lme4_cases import NOT_UNIQUE, STOPPED_EARLY, TOLERANCES, key, lme4_cases, numbers, ours  # tests/reference


@pytest.mark.parametrize("case", lme4_cases(), ids=lambda case: case.title)
def test_agrees_with_lme4(case):
    found, both = ours(case), list(numbers(case))
    likelihoods = [n for n in both if n.kind == "log-likelihood"]
    if key(case) in STOPPED_EARLY:
        gain = np.array([n.ours - n.theirs for n in likelihoods])
        assert (gain > -1e-8).all()  # ours is the maximum, up to rounding
        assert gain == pytest.approx(STOPPED_EARLY[key(case)], abs=0.05)  # two decimals are written above
        return
    assert found.n == case.answer["n"]
    assert sorted(found.groups.values()) == sorted(case.answer["groups"].values())
    compared = ("log-likelihood", "coefficient", "standard error") if key(case) == NOT_UNIQUE else tuple(TOLERANCES)
    wrong = [n for n in both if n.kind in compared and not n.difference < TOLERANCES[n.kind]]
    assert not wrong
    if key(case) != NOT_UNIQUE:
        assert found.singular == case.answer["singular"]


def test_every_kind_that_may_go_wrong_is_there():
    """Singular fits of every kind, near ones, unbalanced, nested, crossed, one-row groups, weights, offsets ..."""
    cases = [case for case in lme4_cases() if case.folder is not None]
    singular = [case for case in cases if case.answer["singular"]]
    exact = {v.get("sdcor") for case in singular for v in case.answer["varcorr"]}
    assert {0, 1, -1} <= exact
    assert len(singular) >= 15
    from_r = [case for case in cases if case.folder == "lme4_r"]
    assert len(from_r) >= 40
    for word in (
        "singular", "nearly singular", "unbalanced", "nested", "crossed", "one row", "many effects", "interaction", "weights",
        "offset", "missing values",
    ):  # fmt: skip
        assert sum(word in case.kind for case in from_r) >= 1, word
    ratios = [  # nearly singular: an sd below a tenth of sigma that is not 0
        v["sdcor"] / case.answer["sigma"]
        for case in from_r
        for v in case.answer["varcorr"]
        if v["grp"] != "Residual" and v["var2"] is None and not case.answer["singular"]
    ]
    assert 0 < min(ratios) < 0.1


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
    found = ours(next(case for case in lme4_cases() if key(case) == (name, formula)))
    table = found.varcorr
    sizes = {
        tuple(e for e in (one, two) if isinstance(e, str)): value
        for one, two, value in zip(table["effect1"], table["effect2"], table["sdcor"], strict=True)
    }
    assert {effects: sizes[effects] for effects in expected} == expected  # exactly, not nearly
    assert found.singular
    assert "Singular fit" in str(found)
