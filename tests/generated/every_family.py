"""Small data with a response of every kind, and the families with a compiled log density."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import Model
from hlm.model.resolve import resolve


def frame(seed: int = 1) -> pd.DataFrame:
    """Two crossed factors, a numeric and a two-level predictor, and a response of every kind."""
    r = np.random.default_rng(seed)
    g, h, x = np.repeat(np.arange(9), 8), np.tile(np.arange(6), 12), r.normal(size=72)
    eta = 0.3 + 0.4 * x + 0.5 * r.normal(size=9)[g] + 0.4 * r.normal(size=6)[h]
    mu = np.exp(eta)
    return pd.DataFrame(
        {
            "g": g.astype(str), "h": h.astype(str), "x": x, "f": np.where(r.random(72) < 0.5, "a", "b"),
            "real": eta + r.normal(size=72), "bit": (r.random(72) < 0.5).astype(int), "n": r.integers(1, 9, 72),
            "count": r.poisson(mu), "positive": r.gamma(2.0, mu / 2), "share": r.beta(2.0, 3.0, 72),
        }
    ).assign(k=lambda d: np.minimum(d["count"], d["n"]), some=lambda d: d["positive"] * d["bit"])  # fmt: skip


def model_of(response: str, family: str, link: str | None, right: str, pooling: Pooling = "partial") -> Model:
    return resolve(f"{response} ~ {right}", frame(), poolings=(pooling,), family=family, link=link)[pooling]


CASES = [
    ("bit", "bernoulli", None), ("bit", "bernoulli", "probit"), ("bit", "bernoulli", "cloglog"),
    ("p(k, n)", "binomial", None), ("p(k, n)", "beta_binomial", None), ("p(k, n)", "zero_inflated_binomial", None),
    ("count", "poisson", None), ("count", "negativebinomial", None), ("count", "negativebinomial", "cloglog"),
    ("count", "zero_inflated_poisson", None), ("count", "zero_inflated_negativebinomial", None),
    ("count", "hurdle_poisson", None), ("count", "hurdle_negativebinomial", None),
    ("real", "gaussian", None), ("positive", "gaussian", "log"), ("real", "t", None), ("positive", "lognormal", None),
    ("positive", "gamma", "log"), ("positive", "exponential", None), ("positive", "weibull", None),
    ("positive", "wald", "log"), ("share", "beta", None), ("share", "beta", "probit"), ("share", "beta", "cloglog"),
    ("some", "hurdle_gamma", None), ("some", "hurdle_lognormal", None),
]  # fmt: skip
