"""Data of models that are fitted slowly, or not at all yet: what `benchmarks/slow_models.py` measures."""

from __future__ import annotations

import numpy as np
import pandas as pd


def three_levels() -> pd.DataFrame:
    """A trial of 8 therapists with 6 subjects each, 3 times: 144 rows, 116 coefficients."""
    r = np.random.default_rng(3)
    rows = [(t, f"{t}_{s}", s % 2, k) for t in range(8) for s in range(6) for k in range(3)]
    d = pd.DataFrame(rows, columns=["therapist", "subject", "tx", "time"])
    u, v = r.normal(size=(8, 4)), r.normal(size=(48, 2))
    c, t = d["subject"].astype("category").cat.codes.to_numpy(), d["therapist"].to_numpy()
    slope = 1 + 0.5 * u[t, 1] + 0.5 * v[c, 1] + (0.5 + 0.4 * u[t, 3]) * d["tx"]
    return d.assign(
        y=10 + u[t, 0] + v[c, 0] + slope * d["time"] + (0.7 * u[t, 2] - 1) * d["tx"] + 0.7 * r.normal(size=144)
    )


def counts() -> pd.DataFrame:
    """Counts in 118 small groups that differ much (log sd 1), beside a predictor of sd 35."""
    r = np.random.default_rng(77)
    size = r.integers(1, 11, 118)
    year, height = np.repeat(r.choice(["95", "96", "97"], 118), size), np.repeat(r.normal(0, 35, 118), size)
    eta = 0.5 + 1.15 * (year == "96") - (year == "97") - 0.024 * height + np.repeat(r.normal(0, 1, 118), size)
    g = np.repeat(np.arange(118), size)
    return pd.DataFrame({"g": g, "year": year, "height": height, "y": r.poisson(np.exp(eta))})


def three_factors(rows: int = 25_000) -> pd.DataFrame:
    """Three factors of many levels: pupils, teachers whom pupils change, and schools of teachers."""
    r = np.random.default_rng(28)
    pupils, teachers, schools = (max(round(rows * share), 3) for share in (0.428, 0.056, 0.0032))
    school_of = r.integers(schools, size=teachers)
    pupil, teacher = r.integers(pupils, size=rows), r.integers(teachers, size=rows)
    effects = [sd * r.normal(size=n) for sd, n in ((0.6, pupils), (0.4, teachers), (0.3, schools))]
    x = r.normal(size=rows)
    y = 0.5 * x + effects[0][pupil] + effects[1][teacher] + effects[2][school_of[teacher]] + r.normal(size=rows)
    return pd.DataFrame({"pupil": pupil, "teacher": teacher, "school": school_of[teacher], "x": x, "y": y})
