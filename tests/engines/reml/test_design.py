"""Bases and what they stand for: nothing is changed but the coordinates."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import CleanData, clean
from hlm.engines.reml.design import MixedDesign, mixed_design
from hlm.formula.parser import parse
from hlm.model.design import Design
from hlm.model.design_columns import columns


def designed(text: str) -> tuple[MixedDesign, CleanData]:
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(8), 5)
    x = 2000 + rng.normal(size=40)
    frame = pd.DataFrame(
        {"y": rng.normal(size=40), "x": x, "x3": 3 * x, "c": rng.choice(["a", "b"], 40), "g": [f"g{k}" for k in g]}
    )
    formula = parse(text)
    data = clean(formula, frame)
    return mixed_design(formula, data), data


def test_common_columns_are_orthonormal_times_their_root():
    design, data = designed("y ~ x + c + (1|g)")
    assert design.x.T @ design.x == pytest.approx(np.eye(3), abs=1e-12)  # Householder's, to rounding
    assert design.x @ design.x_root == pytest.approx(
        columns(parse("y ~ x + c").common, data).matrix, rel=1e-12, abs=1e-9
    )
    assert design.x_labels == ("Intercept", "x", "c[b]")


def test_a_correlated_block_is_orthogonal_and_can_be_taken_back():
    design, data = designed("y ~ x + (x|g) + (0 + c|g)")
    one, two = design.blocks
    assert (one.labels, two.labels) == (("Intercept", "x"), ("c[a]", "c[b]"))
    assert (one.columns, two.columns) == (slice(0, 2), slice(2, 4))
    parts = Design(parse("y ~ x + (x|g) + (0 + c|g)"), data).blocks
    for block, (_, written) in zip(design.blocks, parts, strict=True):
        z = design.z[:, block.columns]
        assert z.T @ z / 40 == pytest.approx(np.eye(2), abs=1e-6)  # x has 2000 times its spread to lose 1e-16 of
        assert z @ np.linalg.inv(block.basis) == pytest.approx(written.matrix, rel=1e-9, abs=1e-9)


def test_dependent_columns_in_a_block_are_scaled_only():
    design, _ = designed("y ~ x + (x + x3|g)")
    assert np.array_equal(design.blocks[0].basis, np.diag(np.diagonal(design.blocks[0].basis)))
    assert (design.z**2).mean(axis=0) == pytest.approx(np.ones(3), rel=1e-12)
    assert "The standard deviations by g are not unique" in design.notes[0]


@pytest.mark.parametrize(
    ("bars", "unique"), [("(c||g)", False), ("(c|g)", True), ("(1|g) + (0 + x|g)", True), ("(x + c||g)", False)]
)
def test_covariance_matrices_that_cannot_be_told_apart_are_noted(bars, unique):
    design, _ = designed(f"y ~ x + {bars}")
    assert (design.notes == ()) == unique
