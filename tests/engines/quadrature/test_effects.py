"""Draws of the groups' effects: each takes few proposals, and they are those of the group's posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.engines.interface import Options
from hlm.engines.quadrature.diagnostics import QuadratureDiagnostics
from hlm.engines.quadrature.engine import QUADRATURE
from hlm.model.resolve import resolve


@pytest.mark.parametrize("bar", ["(1|g)", "(x|g)", "(x + w|g)"])
def test_groups_of_many_rows_are_nearly_normal_and_take_few_proposals(bar: str) -> None:
    """Three nodes a direction are enough there, and the largest ratio to the t lies between the middle and the border."""
    r = np.random.default_rng(1)
    g = np.repeat(np.arange(8), 200)
    x, w = r.normal(size=(2, len(g)))
    b = r.normal(size=(3, 8)) * 0.3
    y = r.poisson(np.exp(1.5 + b[0, g] + (0.2 + b[1, g]) * x * ("x" in bar) + b[2, g] * w * ("w" in bar)))
    data = pd.DataFrame({"g": g.astype(str), "x": x, "w": w, "y": y})
    model = resolve(f"y ~ x + w + {bar}", data, family="poisson", poolings=("partial",))["partial"]
    diagnostics = QUADRATURE.sample(model, Options(seed=1, draws=125)).diagnostics
    assert diagnostics.nodes[0] <= 5
    assert diagnostics.proposals < 50


def test_draws_that_repeat_points_say_from_how_many_they_are() -> None:
    """Of large tables fewer points are weighted than draws are wanted."""
    assert "4000 joint draws of the exact posterior from 550 effective points, by" in (
        QuadratureDiagnostics(0.1, 550.0, 800, 4000).sentence
    )
    assert "effective points" not in QuadratureDiagnostics(0.1, 3600.0, 4800, 4000).sentence
