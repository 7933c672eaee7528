"""Where Bambi's sampler starts: at the joint mode of the coefficients in its own coordinates, or near complete pooling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymc.initial_point import make_initial_point_fn

from hlm.engines.bambi.build import bambi_model
from hlm.engines.bambi.starts import Start, start_of
from hlm.formula.pooling_formulas import Pooling
from hlm.model.resolve import resolve

_LINKS = {"gamma": "log"}


def rows(family: str, *, sd: float = 0.6) -> pd.DataFrame:
    """300 rows of two crossed factors."""
    r = np.random.default_rng(4)
    g, h, x = r.integers(0, 15, 300), r.integers(0, 8, 300), r.normal(size=300)
    effects = sd * r.normal(size=15)[g] + sd * r.normal(size=8)[h]
    eta = 0.5 + 0.4 * x + effects + 0.5 * sd * r.normal(size=15)[g] * x
    mean, share = np.exp(eta), 1 / (1 + np.exp(-eta))
    y = {
        "poisson": r.poisson(mean), "bernoulli": r.binomial(1, share), "gamma": r.gamma(4, mean / 4),
        "negativebinomial": r.negative_binomial(3, 3 / (3 + mean)), "t": eta + 0.5 * r.standard_t(4, 300),
        "beta": r.beta(10 * share, 10 * (1 - share)), "laplace": r.laplace(eta),
    }[family]  # fmt: skip
    return pd.DataFrame({"y": y, "g": g, "h": [f"h{k}" for k in h], "x": x, "c": r.choice(list("abc"), 300)})


def started(formula: str, data: pd.DataFrame, family: str, pooling: Pooling = "partial") -> tuple[Any, Start]:
    """PyMC's model and the start."""
    model = resolve(formula, data, family=family, link=_LINKS.get(family), poolings=[pooling])[pooling]
    built = bambi_model(model, for_sampling=True)
    return built.backend.model, start_of(built, model)


def point(model: Any, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """As nutpie makes it, without noise."""
    make = make_initial_point_fn(model=model, overrides=values, jitter_rvs=set(), return_transformed=True)
    found: dict[str, np.ndarray] = make(1)
    return found


@pytest.mark.parametrize(
    ("formula", "family", "pooling"),
    [
        ("y ~ x + (1|g)", "poisson", "partial"),
        ("y ~ x + (1|g)", "t", "partial"),
        ("y ~ x + (1|g) + (1|h)", "bernoulli", "partial"),
        ("y ~ x + (1|g) + (1|h)", "negativebinomial", "partial"),
        ("y ~ x + (x|g)", "gamma", "partial"),
        ("y ~ x + (x||g) + (1|h)", "beta", "partial"),
        ("y ~ 0 + c + (0 + c|g)", "poisson", "partial"),
        ("y ~ x + (c||g)", "poisson", "partial"),
        ("y ~ x + c + (x|g)", "poisson", "none"),
        ("y ~ x + c + (1|g)", "gamma", "complete"),
    ],
)
def test_coefficients_start_at_their_joint_mode(formula: str, family: str, pooling: Pooling) -> None:
    """The slopes of the log density are 0 there: Newton's decrement is below 1e-8, so that each is below 1e-4 of the
    root of its curvature, which is at most that of all rows. No sd of these data is held above its mode.
    """
    model, start = started(formula, rows(family), family, pooling)
    assert start.at_mode and set(start.values) == {v.name for v in model.free_RVs}
    theta = "_partial_offset", "_sd_offset"
    moved = [v for v in model.free_RVs if v.name.endswith("_offset") and not v.name.endswith(theta)]
    assert moved
    slopes = model.compile_dlogp(moved, mode="FAST_COMPILE")(point(model, start.values))
    assert np.abs(slopes).max() < 1e-2


def test_sds_do_not_start_in_the_neck_of_a_funnel() -> None:
    model, start = started("y ~ x + (x|g) + (1|h/c)", rows("poisson", sd=0.0), "poisson")
    assert start.at_mode
    assert [start.values[name] for name in ("1|h_sigma", "1|h:c_sigma")] == pytest.approx([0.1, 0.1])
    assert (start.values["g_corr_sd_offset"] > 0.09).all()
    partial = start.values["g_corr_partial_offset"]
    assert ((partial >= 0.05) & (partial <= 0.95)).all()
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(point(model, start.values)))


def test_groups_of_other_models_start_near_complete_pooling() -> None:
    data = rows("laplace")
    _, start = started("y ~ x + (x|g)", data, "laplace")
    assert not start.at_mode
    assert list(start.values) == ["g_corr_sd_offset"]
    spread = start.values["g_corr_sd_offset"][0] / 0.1
    assert start.values["g_corr_sd_offset"][1] == pytest.approx(0.1 * spread / np.std(data["x"]))
