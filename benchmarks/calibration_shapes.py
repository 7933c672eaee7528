"""The models that calibration.py checks: their formulas, priors and designs.

Every prior is proper and moderately tight, and nearly every distribution that an sd may have stands somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from simulated import Bar, Shape

from hlm import Prior

SIZES = (1, 2, 4, 8, 16, 32)
CELLS = (1, 2, 4, 8, 16)  # of nested groups
SMALL = (1, 2, 4, 8)


def _one_factor() -> pd.DataFrame:
    """Two groups of each size, the first of which is tabulated; ``z`` and ``w`` are the group's."""
    rng = np.random.default_rng(7)
    of_row = np.repeat(np.arange(2 * len(SIZES)), SIZES * 2)
    n = len(of_row)
    return pd.DataFrame(
        {
            "g": [f"{k:02d}" for k in of_row], "x": 1.5 + rng.normal(size=n),
            "z": rng.normal(size=2 * len(SIZES))[of_row],
            "c": np.array(["first", "second"])[rng.permutation(n) % 2], "exposure": rng.uniform(0.5, 3, size=n),
        }
    ).assign(w=lambda frame: 3.0 - 0.5 * frame["x"] + rng.normal(size=n))  # fmt: skip


def _nested() -> pd.DataFrame:
    """Six groups ``a`` with a cell ``b`` of each size."""
    cells = np.tile(np.repeat(np.arange(len(CELLS)), CELLS), 6)
    outer = np.repeat(np.arange(6), sum(CELLS))
    x = np.random.default_rng(8).normal(size=len(cells))
    return pd.DataFrame({"a": [f"{k}" for k in outer], "b": [f"{k}" for k in cells], "x": x - 1.0})


def _crossed() -> pd.DataFrame:
    """Groups ``a`` of all sizes, twice; ``b`` in turn."""
    of_row = np.repeat(np.arange(2 * len(SIZES)), SIZES * 2)
    other = np.random.default_rng(9).permutation(len(of_row)) % 8
    x = np.random.default_rng(10).normal(size=len(of_row))
    return pd.DataFrame({"a": [f"{k:02d}" for k in of_row], "b": [f"{k}" for k in other], "x": x + 0.5})


def _small(each: int, sizes: tuple[int, ...] = SMALL) -> Callable[[], pd.DataFrame]:
    """So many groups of each size; ``n`` trials."""

    def design() -> pd.DataFrame:
        rng = np.random.default_rng(11)
        of_row = np.repeat(np.arange(each * len(sizes)), sizes * each)
        n = len(of_row)
        return pd.DataFrame(
            {
                "g": [f"{k:02d}" for k in of_row], "x": 0.5 + rng.normal(size=n),
                "c": np.array(["first", "second"])[rng.permutation(n) % 2], "n": rng.integers(1, 13, size=n),
                "exposure": rng.uniform(0.3, 1.5, size=n),
            }
        )  # fmt: skip

    return design


_COMMON = {"Intercept": Prior("Normal", mu=1, sigma=1), "x": Prior("Normal", mu=0.5, sigma=0.5)}
_ZERO = {"Intercept": Prior("Normal", mu=0, sigma=1)}
_ALL = (
    Shape(
        "intercepts", "y ~ x + (1|g)", ("x",), (Bar("g"),),
        {**_COMMON, "sigma": Prior("Exponential", lam=1), "1|g_sigma": Prior("HalfNormal", sigma=1)},
        _one_factor, "g", "Intercept",
    ),
    Shape(
        "slopes", "y ~ x + (x|g)", ("x",), (Bar("g", ("1", "x")),),
        {
            **_COMMON, "sigma": Prior("HalfStudentT", nu=4, sigma=1), "1|g_sigma": Prior("HalfNormal", sigma=0.8),
            "x|g_sigma": Prior("Exponential", lam=2), "g_corr": Prior("LKJ", eta=2),
        },
        _one_factor, "g", "x",
    ),
    Shape(
        "uncorrelated", "y ~ x + (x||g)", ("x",), (Bar("g", ("1", "x"), correlated=False),),
        {
            **_COMMON, "sigma": Prior("Gamma", alpha=3, beta=3), "1|g_sigma": Prior("Gamma", alpha=2, beta=3),
            "x|g_sigma": Prior("Uniform", lower=0, upper=1.5),
        },
        _one_factor, "g", "x",
    ),
    Shape(
        "nested", "y ~ x + (1|a/b)", ("x",), (Bar("a"), Bar("a:b")),
        {
            **_COMMON, "sigma": Prior("InverseGamma", alpha=4, beta=3),
            "1|a_sigma": Prior("LogNormal", mu=-1, sigma=0.6), "1|a:b_sigma": Prior("HalfNormal", sigma=0.7),
        },
        _nested, "a:b", "Intercept",
    ),
    Shape(
        "crossed", "y ~ x + (1|a) + (1|b)", ("x",), (Bar("a"), Bar("b")),
        {
            **_COMMON, "sigma": Prior("LogNormal", mu=0, sigma=0.4), "1|a_sigma": Prior("HalfCauchy", beta=0.5),
            "1|b_sigma": Prior("HalfStudentT", nu=4, sigma=0.5),
        },
        _crossed, "a", "Intercept",
    ),
    Shape(
        "cross-level", "y ~ x * z + c + (x + c|g)", ("x", "z", "c", "x:z"), (Bar("g", ("1", "x", "c")),),
        {
            **_COMMON, "z": Prior("Normal", mu=0, sigma=0.5), "c": Prior("Normal", mu=0, sigma=1),
            "x:z": Prior("Normal", mu=0, sigma=0.3), "sigma": Prior("HalfNormal", sigma=1),
            "1|g_sigma": Prior("HalfNormal", sigma=0.7), "x|g_sigma": Prior("HalfNormal", sigma=0.5),
            "c|g_sigma": Prior("HalfNormal", sigma=0.8), "g_corr": Prior("LKJ", eta=1),
        },
        _one_factor, "g", "x",
    ),
    Shape(
        "counts", "y ~ x + offset(log(exposure)) + (x|g)", ("x",), (Bar("g", ("1", "x")),),
        {
            "Intercept": Prior("Normal", mu=0.5, sigma=0.5), "x": Prior("Normal", mu=0.2, sigma=0.2),
            "1|g_sigma": Prior("HalfNormal", sigma=0.5), "x|g_sigma": Prior("HalfNormal", sigma=0.3),
            "g_corr": Prior("LKJ", eta=2),
        },
        _one_factor, "g", "x", family="poisson",
    ),
    Shape(
        "orthogonalised", "y ~ x + (x + w|g)", ("x",), (Bar("g", ("1", "x", "w"), orthogonalised=True),),
        {
            **_COMMON, "sigma": Prior("HalfStudentT", nu=4, sigma=1), "1|g_sigma": Prior("HalfNormal", sigma=0.8),
            "x|g_sigma": Prior("HalfNormal", sigma=0.5), "w|g_sigma": Prior("HalfNormal", sigma=0.4),
            "g_corr": Prior("LKJ", eta=1),
        },
        _one_factor, "g", "x",
    ),
    Shape(
        "bernoulli", "y ~ x + (1|g)", ("x",), (Bar("g"),),
        {**_ZERO, "x": Prior("Normal", mu=0.5, sigma=0.7), "1|g_sigma": Prior("Uniform", lower=0, upper=4)},
        _small(8), "g", "Intercept", family="bernoulli",
    ),
    Shape(
        "bernoulli slopes", "y ~ x + (x|g)", ("x",), (Bar("g", ("1", "x")),),
        {
            **_ZERO, "x": Prior("Normal", mu=0.5, sigma=0.7), "1|g_sigma": Prior("HalfNormal", sigma=1.5),
            "x|g_sigma": Prior("HalfNormal", sigma=1), "g_corr": Prior("LKJ", eta=2),
        },
        _small(3, (2, 4, 8, 16)), "g", "x", family="bernoulli",
    ),
    Shape(
        "binomial", "p(y, n) ~ c + (1|g)", ("c",), (Bar("g"),),
        {**_ZERO, "c": Prior("Normal", mu=0, sigma=0.7), "1|g_sigma": Prior("Exponential", lam=1)},
        _small(5), "g", "Intercept", family="binomial",
    ),
    Shape(
        "poisson", "y ~ x + offset(log(exposure)) + (1|g)", ("x",), (Bar("g"),),
        {
            "Intercept": Prior("Normal", mu=-0.5, sigma=0.7), "x": Prior("Normal", mu=0.2, sigma=0.4),
            "1|g_sigma": Prior("HalfNormal", sigma=1),
        },
        _small(5), "g", "Intercept", family="poisson",
    ),
    Shape(
        "negative binomial", "y ~ x + (1|g)", ("x",), (Bar("g"),),
        {
            "Intercept": Prior("Normal", mu=1, sigma=0.7), "x": Prior("Normal", mu=0.2, sigma=0.4),
            "1|g_sigma": Prior("HalfStudentT", nu=4, sigma=0.7), "alpha": Prior("Gamma", alpha=3, beta=2),
        },
        _small(5), "g", "Intercept", family="negativebinomial",
    ),
)  # fmt: skip
SHAPES: Mapping[str, Shape] = {shape.name: shape for shape in _ALL}
