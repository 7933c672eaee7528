"""`bambi.interpret` works on the model of every strategy: it makes new rows from columns of the Bambi model."""

from __future__ import annotations

from typing import Any

import bambi
import numpy as np
import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.errors import DataError
from hlm.fits.fit import fit
from hlm.fits.predict import predict
from hlm.fits.results import Fit
from hlm.formula.pooling_formulas import POOLINGS


def few(formula: str, data: pd.DataFrame, **options: Any) -> Fit:
    """A fit of 40 draws: what is compared here is computed from the same draws."""
    return fit(formula, data, draws=20, chains=2, seed=1, progress=False, **options)


@pytest.fixture(scope="module")
def students() -> pd.DataFrame:
    return load_data("exam").iloc[:300]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = 96
    x, z = rng.uniform(1, 5, rows), rng.normal(size=rows)
    y = np.log(x) + 0.5 * z**2 + 0.3 * rng.normal(size=rows)
    return pd.DataFrame({"y": y, "x": x, "z": z, "g": np.repeat(np.arange(8), 12), "n/m": rng.uniform(1, 2, rows)})


@pytest.mark.parametrize("pooling", POOLINGS)
def test_predictions_comparisons_and_slopes_of_every_strategy(pooling: Any, students: pd.DataFrame) -> None:
    lines = few("post ~ pre + (pre|school)", students, pooling=pooling)
    rows = pd.DataFrame({"pre": [-1.0, 1.0], "school": ["3", "3"]})
    ours = predict(lines, rows[["pre"]] if pooling == "complete" else rows)["estimate"].to_numpy()
    given = {"pre": [-1.0, 1.0]} | ({} if pooling == "complete" else {"school": ["3"]})
    known = bambi.interpret.predictions(lines.model, lines.idata, conditional=given).summary
    np.testing.assert_allclose(known["estimate"], ours, rtol=1e-10)
    where = {} if pooling == "complete" else {"conditional": {"school": ["3"]}}
    difference = bambi.interpret.comparisons(lines.model, lines.idata, {"pre": [-1.0, 1.0]}, **where).summary
    np.testing.assert_allclose(difference["estimate"], ours[1] - ours[0], rtol=1e-9)
    slope = bambi.interpret.slopes(lines.model, lines.idata, "pre", **where).summary
    np.testing.assert_allclose(slope["estimate"], (ours[1] - ours[0]) / 2, rtol=1e-6)  # a difference quotient
    every = bambi.interpret.predictions(lines.model, lines.idata).summary
    np.testing.assert_allclose(every["estimate"], predict(lines)["estimate"], rtol=1e-10)


@pytest.mark.parametrize("pooling", ["complete", "partial"])
def test_computed_columns_follow_the_column_that_they_are_made_of(pooling: Any, frame: pd.DataFrame) -> None:
    """Bambi knows ``log(x)`` as a column and would hold it at its mean while x changes."""
    curve = few("y ~ log(x) + z + I(z^2) + (1|g)", frame, pooling=pooling)
    posterior = curve.idata["posterior"]
    change = bambi.interpret.comparisons(curve.model, curve.idata, {"x": [2.0, 4.0]}).summary["estimate"]
    np.testing.assert_allclose(change, float(posterior["log(x)"].mean()) * np.log(2), rtol=1e-9)
    change = bambi.interpret.comparisons(curve.model, curve.idata, {"z": [0.0, 2.0]}).summary["estimate"]
    np.testing.assert_allclose(change, float((2 * posterior["z"] + 4 * posterior["I(z^2)"]).mean()), rtol=1e-9)
    every = bambi.interpret.predictions(curve.model, curve.idata).summary["estimate"]
    np.testing.assert_allclose(every, predict(curve)["estimate"], rtol=1e-9)


def test_splines_slashes_and_factors_of_numbers(frame: pd.DataFrame) -> None:
    wild = few("y ~ poly(x, 2) + `n/m` + (1|factor(g))", frame)
    every = bambi.interpret.predictions(wild.model, wild.idata).summary["estimate"]
    np.testing.assert_allclose(every, predict(wild)["estimate"], rtol=1e-9)
    raw = wild.model.predict(wild.idata, data=frame.iloc[5:9], inplace=False)["posterior"]["mu"]
    np.testing.assert_allclose(raw.mean(("chain", "draw")), predict(wild)["estimate"].iloc[5:9], rtol=1e-9)


@pytest.mark.parametrize("pooling", ["none", "partial"])
def test_cells_of_nested_factors(pooling: Any) -> None:
    pastes = load_data("pastes")
    casks = few("strength ~ 1 + (1|batch/cask)", pastes, pooling=pooling)
    every = bambi.interpret.predictions(casks.model, casks.idata).summary
    np.testing.assert_allclose(every["estimate"], predict(casks)["estimate"], rtol=1e-9)
    both = {"batch": ["A", "C"], "cask": ["a", "b"]}
    some = bambi.interpret.predictions(casks.model, casks.idata, conditional=both).summary
    known = predict(casks).groupby(["batch", "cask"], observed=True)["estimate"].first()
    cells = list(zip(some["batch"].astype(str), some["cask"].astype(str), strict=True))
    np.testing.assert_allclose(some["estimate"], [known[cell] for cell in cells], rtol=1e-9)
    with pytest.raises(
        DataError, match="batch 'B' and batch:cask 'A:a', which lies in batch 'A'. Give all of batch, cask"
    ):
        bambi.interpret.predictions(casks.model, casks.idata, conditional={"batch": ["B"]})


def test_a_missing_column_is_still_named(students: pd.DataFrame) -> None:
    lines = few("post ~ pre + (pre|school)", students)
    with pytest.raises(DataError, match="no column 'school'"):
        lines.model.predict(lines.idata, data=students[["pre"]], inplace=False)
