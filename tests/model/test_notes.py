"""The note about slopes in a column far from 0: only where the model or its priors depend on the origin."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.model.priors import Prior
from hlm.model.resolve import resolve

R = np.random.default_rng(1)
DATA = pd.DataFrame({"g": np.repeat(list("abcdefgh"), 8), "c": list("uv") * 32, "x": R.normal(size=64)})
DATA = DATA.assign(year=2000 + DATA["x"], y=R.normal(size=64))
GIVEN = {"1|g_sigma": Prior("HalfNormal", sigma=1)}
CASES = [
    ("y ~ year + (year|g)", None, None),
    ("y ~ year + (year|g)", GIVEN, "the priors that you gave hold"),
    ("y ~ year + (year||g)", None, "they are uncorrelated"),
    ("y ~ year + (1|g) + (0 + year|g)", None, "they are uncorrelated"),
    ("y ~ year + x + (1|g) + (0 + year + x|g)", None, "they are uncorrelated"),
    ("y ~ c + year + (0 + c + year|g)", None, None),  # the factor stands in for the intercept
    ("y ~ year + (0 + year|g)", None, None),  # no intercepts beside it
    ("y ~ x + (x||g)", None, None),
    ("y ~ center(year) + (center(year)||g)", None, None),
]


@pytest.mark.parametrize(("formula", "priors", "why"), CASES)
def test_far_from_zero(formula: str, priors: dict[str, Prior] | None, why: str | None) -> None:
    notes = [
        note for note in resolve(formula, DATA, priors=priors)["partial"].notes if "standard deviations from 0" in note
    ]
    assert len(notes) == (why is not None)
    for note in notes:
        assert f"where the intercepts of g are and {why}: that decides much; write center(year)" in note


@pytest.mark.parametrize(("share", "told"), [(1e-5, False), (1e-8, True)])
def test_columns_that_the_others_nearly_explain_are_told(share: float, told: bool) -> None:
    near = DATA["x"] + share * R.normal(size=len(DATA))
    for formula in ("y ~ x + z + (1|g)", "y ~ 0 + x + z + (1|g)"):
        for model in resolve(formula, DATA.assign(z=near)).values():
            notes = [note for note in model.notes if "less than a millionth of x, z" in note]
            assert len(notes) == told, (formula, model.pooling)


def test_powers_of_a_far_year_are_told() -> None:
    notes = resolve("y ~ year + I(year^2) + (1|g)", DATA.assign(year=1e4 * DATA["year"]))["partial"].notes
    assert not any("millionth" in note for note in notes)  # 2000 sds from 0 leave a 4,000th of the square
    far = DATA.assign(year=2e6 + DATA["x"])
    assert any(
        "less than a millionth of year, I(year^2)" in n
        for n in resolve("y ~ year + I(year^2) + (1|g)", far)["partial"].notes
    )
