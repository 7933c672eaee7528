"""The groups beside a posterior that ArviZ's tools read: each response's log density and its replications."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hlm.fits.log_likelihood import auxiliary_values, log_density_of
from hlm.fits.posterior_coefficients import Parts, linear_predictor
from hlm.model.model import Model
from hlm.support.memory import check_memory
from hlm.support.random_streams import spawned, stream

if TYPE_CHECKING:
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel

_PURPOSE = "posterior predictive"


def arviz_groups(
    model: Model, idata: xr.DataTree, parts: Callable[[], Parts], bambi_model: Callable[[], HlmModel], seed: int | None
) -> dict[str, xr.DataTree]:
    """``log_likelihood`` and ``posterior_predictive``, dims ``chain``, ``draw``, ``__obs__``, named as the response is.

    parts: gives the coefficients of this posterior, where the family has a linear predictor.
    bambi_model: makes Bambi's model, which is asked in families that have no density or no draws here.
    """
    sizes = idata["posterior"].sizes
    numbers = float(model.rows * sizes["chain"] * sizes["draw"])
    check_memory(
        f"What ArviZ reads of {model.rows:,} rows given {sizes['chain'] * sizes['draw']:,} draws",
        {"a log density and a response for each row and draw": 2 * numbers, "linear predictors": 2 * numbers},
        "Fit with fewer draws.",
    )
    if model.family.log_density is None or model.family.draw is None:
        bambi, given = bambi_model(), spawned(seed, _PURPOSE)
        density = bambi.compute_log_likelihood(idata, inplace=False)["log_likelihood"]
        replicated = bambi.predict(idata, kind="response", inplace=False, random_seed=given)["posterior_predictive"]
        return {"log_likelihood": density.copy(), "posterior_predictive": replicated.copy()}
    density = log_density_of(model, idata, parts(), bambi_model)(slice(0, model.rows))
    replicated = _replicated(model, idata, parts(), seed)
    return {"log_likelihood": _named(density, idata), "posterior_predictive": _named(replicated, idata)}


def _replicated(model: Model, idata: xr.DataTree, parts: Parts, seed: int | None) -> np.ndarray:
    """New responses of the fit's own rows and groups, one for each draw, shape (draws, rows)."""
    rows, draw, trials = slice(0, model.rows), model.family.draw, model.written.response.trials
    assert draw is not None
    mean = model.family.undo_link(linear_predictor(parts, model.data, rows))
    counts = None if trials is None else model.data.columns[trials].to_numpy().astype(np.int64)
    own = auxiliary_values(model, idata["posterior"].to_dataset(), rows)
    return np.asarray(draw(stream(seed, _PURPOSE), mean, counts, own))


def _named(values: np.ndarray, idata: xr.DataTree) -> xr.DataTree:
    """Values of shape (draws, rows) under the name and the rows that the observed responses have."""
    import xarray as xr

    posterior, observed = idata["posterior"], idata["observed_data"].to_dataset()
    (name,) = observed.data_vars
    coords = {dim: posterior[dim].to_numpy() for dim in ("chain", "draw")} | {"__obs__": observed["__obs__"].to_numpy()}
    shape = [len(own) for own in coords.values()]
    return xr.DataTree(xr.Dataset({name: (list(coords), values.reshape(shape))}, coords=coords))
