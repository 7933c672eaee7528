"""Fits whose estimates are known: numpy's least squares under the names that a posterior has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hlm.engines.sampling.chain_diagnostics import ChainDiagnostics
from hlm.fits.results import Fit, PoolingFits
from hlm.formula.pooling_formulas import POOLINGS, Pooling
from hlm.model.resolve import resolve

GOOD = ChainDiagnostics(r_hat=1.0, r_hat_at="x", ess=1000.0, ess_at="x", divergences=0, chains=2)


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


@pytest.fixture(scope="session")
def simulate() -> Callable[..., pd.DataFrame]:
    return _simulate


@pytest.fixture(scope="session")
def fits_of() -> Callable[..., PoolingFits]:
    return _fits_of


def _simulate(groups: int, sizes: int | tuple[int, int] = 20) -> pd.DataFrame:
    """Straight lines of ``g`` 1, 2, ...: sds 0.5 and 0.3 between groups, around the line 1 x, residual sd 0.6."""
    rng = np.random.default_rng(1)
    n = np.full(groups, sizes) if isinstance(sizes, int) else rng.integers(*sizes, size=groups)
    g = np.repeat(np.arange(groups), n)
    x = rng.normal(size=len(g))
    y = rng.normal(0, 0.5, groups)[g] + rng.normal(1, 0.3, groups)[g] * x + rng.normal(0, 0.6, len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g + 1})


def _fits_of(
    frame: pd.DataFrame,
    formula: str = "y ~ x + (x|g)",
    *,
    family: str = "gaussian",
    keep: float = 0.5,
    poolings: tuple[Pooling, ...] = POOLINGS,
    also: Mapping[str, float] | None = None,
) -> PoolingFits:
    """Fits of ``y ~ x + (x|g)``: posterior means are least squares of ``y`` on ``x``, in each group and in all rows.

    Partial pooling has the share ``keep`` of a group's departure; ``also`` are further coefficients of all strategies.
    """
    models = resolve(formula, frame, poolings=poolings, family=family)
    model = next(iter(models.values()))
    x, y = (model.data.columns[name].to_numpy(dtype=np.float64) for name in ("x", "y"))
    levels, codes = model.data.levels(model.written.groups[0]), model.data.codes(model.written.groups[0])
    own = np.array([_line(x[codes == k], y[codes == k]) for k in range(len(levels))])
    a, b = _line(x, y)
    by_label: dict[str, dict[str, Any]] = {
        "complete": {"Intercept": a, "x": b},
        "none": {"g": ("g_dim", own[:, 0]), "g:x": ("g:x_dim", own[:, 1])},
        "partial": {
            "Intercept": a,
            "x": b,
            "1|g": ("g__factor_dim", keep * (own[:, 0] - a)),
            "x|g": ("g__factor_dim", keep * (own[:, 1] - b)),
        },
    }
    fits = {}
    for pooling in poolings:
        variables = {name: _draws(value, levels) for name, value in {**by_label[pooling], **(also or {})}.items()}
        idata = xr.DataTree.from_dict({"posterior": xr.Dataset(variables)})
        fits[pooling] = Fit(models[pooling], "nuts", "bambi", idata, GOOD)
    return PoolingFits(fits)


def _line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Intercept and slope; the smallest ones where the data cannot tell."""
    return np.linalg.lstsq(np.column_stack([np.ones_like(x), x]), y)[0]


def _draws(value: Any, levels: list[str]) -> xr.DataArray:
    """Four draws with exactly this mean: 0.1 above it and below it in turn."""
    dim, mean = value if isinstance(value, tuple) else (None, value)
    wiggle = np.array([[0.1, -0.1], [-0.1, 0.1]])
    if dim is None:
        return xr.DataArray(mean + wiggle, dims=["chain", "draw"], coords={"chain": [0, 1], "draw": [0, 1]})
    coords = {"chain": [0, 1], "draw": [0, 1], dim: levels}
    return xr.DataArray(wiggle[:, :, None] + mean, dims=list(coords), coords=coords)
