"""The compiled log density: its slopes against differences."""

from __future__ import annotations

import numpy as np
import pytest
from every_family import CASES, model_of

from hlm.engines.normal_coefficients import normal_coefficients
from hlm.engines.nuts.approximation import approximation
from hlm.engines.nuts.block import block
from hlm.engines.nuts.chains import density_at
from hlm.engines.nuts.columns import sampled_rows
from hlm.engines.nuts.coverage import covers
from hlm.engines.nuts.theta import theta_of
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import Model

_STEP = 1e-5


def compiled_density(model: Model) -> tuple[np.ndarray, int]:
    """The block of a model, and the number of its unknowns."""
    assert covers(model) is None
    coefficients = normal_coefficients(model)
    rows, theta = sampled_rows(model, coefficients), theta_of(model, coefficients)
    return block(rows, theta, approximation(rows, theta)), len(theta.coordinates) + rows.coefficients


def assert_slopes(model: Model) -> None:
    """At two points around the mode, to the rounding of central differences."""
    numbers, size = compiled_density(model)
    for seed in (1, 2):
        x = np.random.default_rng(seed).standard_normal(size)
        found = density_at(numbers, x)
        assert found is not None
        for j in range(size):
            step = np.zeros(size)
            step[j] = _STEP
            ahead, behind = density_at(numbers, x + step), density_at(numbers, x - step)
            assert ahead is not None and behind is not None
            assert found[1][j] == pytest.approx((ahead[0] - behind[0]) / (2 * _STEP), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(("response", "family", "link"), CASES)
def test_slopes_are_differences(response: str, family: str, link: str | None) -> None:
    assert_slopes(model_of(response, family, link, "x + (x|g) + (1|h)"))


@pytest.mark.parametrize(
    ("right", "pooling"),
    [
        ("x + f + (1|g)", "complete"), ("x + (x|g)", "none"), ("x + (x*f|g)", "none"),
        ("x + (x||g)", "partial"), ("0 + x + (x*f|g)", "partial"), ("x + (1|g/h)", "partial"),
    ],
)  # fmt: skip
def test_slopes_of_other_shapes(right: str, pooling: Pooling) -> None:
    assert_slopes(model_of("count", "negativebinomial", None, right, pooling))


def test_slopes_of_own_coefficients_of_two_factors() -> None:
    assert_slopes(model_of("real", "t", None, "x + (1|g) + (1|h)", "none"))
