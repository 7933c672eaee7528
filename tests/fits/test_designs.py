"""Every design that lme4 fits has three strategies, and no pooling is least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from designs import KINDS, Design, one, own_columns, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from hlm.explanation.explain import explain
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.group_coefficients import coefficients
from hlm.fits.posterior_coefficients import linear_predictor
from hlm.formula.formula import INTERCEPT
from hlm.formula.pooling_formulas import POOLINGS
from hlm.model.resolve import resolve

NAMES = [make.__name__ for make in KINDS]


def rank(*matrices: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(np.hstack(matrices), tol=1e-7))


def check_span(design: Design) -> None:
    """No pooling has all columns of the formula, own and common, and the common ones are not in the own ones' span."""
    models = resolve(design.formula, design.data, poolings=("none", "partial"))
    none, common = models["none"], unit(models["partial"].common.matrix)
    whole = unit(none.design.columns_of(none.written.common).matrix)
    assert rank(common) == common.shape[1] == rank(whole), design.formula
    own, kept = own_columns(none), unit(none.common.matrix)
    assert rank(own, kept) == rank(own, whole), design.formula
    assert rank(own, kept) == rank(own) + kept.shape[1], design.formula
    assert set(none.common.names) <= set(models["partial"].common.names)  # in the user's own coding


@pytest.mark.parametrize("make", KINDS, ids=NAMES)
def test_all_strategies_run(make: Callable[..., object]) -> None:
    design = one(make, 1)
    fits = fit_pooling(design.formula, design.data, draws=200, chains=2, seed=1, progress=False)
    assert tuple(fits) == POOLINGS and {fit.engine for fit in fits.values()} == {"exact"}
    assert str(fits) and str(explain(design.formula, design.data))
    found = coefficients(fits, design.group)
    assert np.isfinite(found).all()
    written = fits["none"].resolved.written
    if all(block.effects == (INTERCEPT,) for block in written.blocks) and "age" not in design.data:
        # every total is determined by the data: none is as wide as a prior of no pooling, 250 sds of the response
        sds = found.sel(pooling="none", term="Intercept").std(("chain", "draw"))
        assert float(sds.max()) < 10 * design.data["y"].std(), design.formula


@given(st.sampled_from(KINDS), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_no_pooling_spans_what_the_formula_says(make: Callable[..., object], seed: int) -> None:
    check_span(one(make, seed))


@pytest.mark.parametrize("make", KINDS, ids=NAMES)
def test_no_pooling_is_least_squares_on_the_same_span(make: Callable[..., object]) -> None:
    """The fitted values: within 0.05 of their posterior sds; priors and the noise of 800 balanced draws take 0.02."""
    for seed in (2, 3):
        design = one(make, seed)
        none = fit(
            design.formula, design.data, pooling="none", method="exact", draws=400, chains=2, seed=1, progress=False
        )
        fitted = linear_predictor(none.parts, none.resolved.data, slice(0, none.resolved.rows))
        whole = none.resolved.design.columns_of(none.resolved.written.common)
        x = np.hstack([own_columns(none.resolved), unit(whole.matrix)])
        y = none.resolved.response
        squares = x @ np.linalg.lstsq(x, y, rcond=1e-9)[0]
        away = np.abs(fitted.mean(axis=0) - squares) / fitted.std(axis=0)
        assert away.max() < 0.05, (design.formula, float(away.max()))
