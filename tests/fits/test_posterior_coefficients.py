"""hlm's own linear predictor equals Bambi's, for every strategy of every kind of formula: a second route for all dims."""

from __future__ import annotations

import bambi
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hlm.engines.bambi.build import bambi_model
from hlm.fits.posterior_coefficients import linear_predictor, parts
from hlm.formula.pooling_formulas import POOLINGS, Pooling
from hlm.model.resolve import resolve

FORMULAS = [
    "y ~ x + (x|g)",
    "y ~ x + (x||g)",
    "y ~ x + (0 + x|g)",
    "y ~ x + z + c + (1|g)",
    "y ~ c + (c|g)",
    "y ~ c + (0 + c|g)",
    "y ~ c + (c||g)",
    "y ~ x*c + (x + c|g)",
    "y ~ x*c + (x*c|g)",
    "y ~ x + (x:c|g)",
    "y ~ c*d + (0 + c + d|g)",
    "y ~ c + (c + x:c|g)",
    "y ~ x*z + (x*z||g)",
    "y ~ x + (x|g) + (1|h)",
    "y ~ x + (x|g) + (x|h)",
    "y ~ c + (1|g) + (c|h)",
    "y ~ 1 + (1|outer/g)",
    "y ~ x + (x|outer) + (1|outer:h)",
    "y ~ x + level + (x|g)",
    "y ~ 0 + x + (0 + x|g)",
]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = 120
    g = np.repeat(np.arange(8), 15)
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows),
            "x": rng.normal(2, 1, rows),
            "z": rng.normal(size=rows),
            "c": np.array(["p", "q", "r"])[rng.integers(3, size=rows)],
            "d": np.array(["k", "l"])[rng.integers(2, size=rows)],
            "g": g,
            "h": np.array(list("uvwx"))[rng.integers(4, size=rows)],
            "outer": np.array(list("AB"))[g // 4],
            "level": np.linspace(-1, 1, 8)[g],
        }
    )


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_linear_predictor_equals_bambis(formula: str, pooling: Pooling, frame: pd.DataFrame) -> None:
    model = resolve(formula, frame, poolings=(pooling,))[pooling]
    built = bambi_model(model)
    posterior = _any_posterior(built)
    ours = linear_predictor(parts(posterior, model), model.data, slice(0, model.rows))
    theirs = built.predict(xr.DataTree.from_dict({"posterior": posterior}), inplace=False)["posterior"]["mu"]
    theirs = theirs.transpose("chain", "draw", "__obs__").to_numpy().reshape(4, -1)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)  # sums of the same few products of size 1


def _any_posterior(model: bambi.Model) -> xr.Dataset:
    """Random numbers under the names and dims that the model's posterior has."""
    rng = np.random.default_rng(2)
    graph = model.backend.model
    variables = {}
    for name, dims in graph.named_vars_to_dims.items():
        if "__obs__" not in dims and not name.endswith("_offset"):
            coords = {dim: list(graph.coords[dim]) for dim in dims}
            shape = (2, 2, *(len(c) for c in coords.values()))
            variables[name] = xr.DataArray(rng.normal(size=shape), dims=("chain", "draw", *dims), coords=coords)
    for variable in graph.free_RVs:
        if variable.name not in graph.named_vars_to_dims:
            variables[variable.name] = xr.DataArray(rng.normal(size=(2, 2)), dims=("chain", "draw"))
    factor_last = [*dict.fromkeys(d for v in variables.values() for d in v.dims)]
    factor_last.sort(key=lambda dim: dim.endswith("__factor_dim"))  # the order in which Bambi leaves a posterior
    coords = {"chain": [0, 1], "draw": [0, 1]}
    return xr.Dataset(variables).assign_coords(coords).transpose(*factor_last)
