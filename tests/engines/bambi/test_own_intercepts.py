"""No pooling under links: the priors of own intercepts hold at the means of their groups' rows, wherever 0 lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.engines.bambi.build import bambi_model, build
from hlm.fits.fit import fit
from hlm.fits.group_coefficients import coefficients
from hlm.model.priors import Prior
from hlm.model.resolve import resolve


def answers(seed: int = 3) -> pd.DataFrame:
    """0/1 responses of 16 groups of 10 with own lines, all 1 in the group ``d``; cells with another factor ``h``."""
    r = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(16), 10), r.normal(size=160)
    eta = 0.5 + 1.2 * r.normal(size=16)[g] + 0.7 * x
    hit = np.where(g == 3, 1, r.uniform(size=160) < 1 / (1 + np.exp(-eta))).astype(int)
    return pd.DataFrame(
        {
            "g": np.array(list("abcdefghijklmnop"))[g], "h": np.resize(["s", "t", "u"], 160), "x": x,
            "w": r.normal(size=160), "f": r.choice(["p", "q"], 160), "hit": hit, "count": r.poisson(np.exp(eta)),
            "label": np.resize(["lo", "mid", "hi"], 160), "n": 3,
        }
    )  # fmt: skip


def moved(frame: pd.DataFrame, origin: float, unit: float) -> pd.DataFrame:
    return frame.assign(x=origin + unit * frame["x"])


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("hit ~ x + (x|g)", "bernoulli"),
        ("p(hit, n) ~ x + w + (1|g)", "binomial"),
        ("count ~ x + f + (x + f|g)", "poisson"),
        ("hit ~ x + (x|g) + (x|h)", "bernoulli"),
        ("hit ~ x + (x||g) + (1|h)", "bernoulli"),
        ("count ~ x + (x|g) + (1|g:h)", "negativebinomial"),
        ("label ~ x + (x|g)", "categorical"),
    ],
)
@pytest.mark.parametrize(("origin", "unit"), [(726_350.0, 1095.0), (0.0, 1e-6)])
def test_the_density_does_not_depend_on_origin_and_unit(formula: str, family: str, origin: float, unit: float) -> None:
    """At the same predictors, the slopes being per unit; up to a constant, that of the change of units."""
    near, far = (
        build(formula, data, family=family, pooling="none").backend.model
        for data in (answers(), moved(answers(), origin, unit))
    )
    assert [v.name for v in near.free_RVs] == [v.name for v in far.free_RVs]
    assert any(v.name.endswith("_at_means_offset") for v in near.free_RVs)
    densities = [model.compile_logp(mode="FAST_COMPILE") for model in (near, far)]
    r, differences = np.random.default_rng(5), []
    for _ in range(3):
        point = {name: value + 0.3 * r.normal(size=value.shape) for name, value in near.initial_point().items()}
        scaled = {name: value / unit if "x" in name.split(":") else value for name, value in point.items()}
        differences.append(densities[1](scaled) - densities[0](point))
    assert differences == pytest.approx([differences[0]] * 3, abs=1e-5)


def test_a_prior_of_ones_own_belongs_to_the_coefficient_as_written() -> None:
    given: Any = {"g": Prior("Normal", mu=0, sigma=3)}
    model = resolve("hit ~ x + (x|g)", answers(), family="bernoulli", poolings=["none"], priors=given)["none"]
    assert next(v.name for v in bambi_model(model).backend.model.free_RVs) == "g"
    assert not any("holds at the means" in note for note in model.priors.notes)


def test_days_since_1970() -> None:
    """The answer is that of standardised days: each mean within four Monte Carlo standard errors of the difference."""
    found = []
    for data in (answers(), moved(answers(), 7305.0, 1095.0)):
        lines = fit(
            "hit ~ x + (x|g)", data, family="bernoulli", pooling="none", method="bambi", seed=1, draws=400,
            progress=False,
        )  # fmt: skip
        assert lines.diagnostics.divergences == 0 and lines.diagnostics.r_hat < 1.03, lines.diagnostics
        found.append(coefficients(lines).sel(pooling="none"))
    near, far = found
    slope = far.sel(term="x") * 1095.0
    at_middle = far.sel(term="Intercept") + 7305.0 * far.sel(term="x")
    for ours, theirs in ((slope, near.sel(term="x")), (at_middle, near.sel(term="Intercept"))):
        distance = abs(ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))) / theirs.std(("chain", "draw"))
        assert float(distance.max()) < 4 * np.sqrt(2 / 300)  # 1,600 draws are at least 300 independent ones
