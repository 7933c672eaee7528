"""Log predictive density of each response given each draw, for the families that the strategies are compared in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from hlm.fits.posterior_coefficients import Parts, draws_first, linear_predictor, residual_sd
from hlm.model import names
from hlm.model.model import Model
from hlm.support.memory import check_memory

if TYPE_CHECKING:
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel


def log_density_of(
    model: Model, idata: xr.DataTree, parts: Parts, bambi_model: Callable[[], HlmModel]
) -> Callable[[slice], np.ndarray]:
    """The log density of some responses given each draw, shape (draws, rows), as a function of their slice.

    parts: the coefficients of this posterior.
    bambi_model: makes Bambi's model, which is asked in families that have no density here.
    """
    density = model.family.log_density
    if density is None:
        whole = _bambi_log_density(model, idata, bambi_model)
        return lambda rows: whole[:, rows]
    posterior, response = idata["posterior"].to_dataset(), model.written.response
    y = model.data.columns[response.variable].to_numpy().astype(np.float64)
    trials = None if response.trials is None else model.data.columns[response.trials].to_numpy()

    def of_rows(rows: slice) -> np.ndarray:
        auxiliary = auxiliary_values(model, posterior, rows)
        some = None if trials is None else trials[rows]
        return density(y[rows], linear_predictor(parts, model.data, rows), some, auxiliary)

    return of_rows


def auxiliary_values(model: Model, posterior: xr.Dataset, rows: slice) -> dict[str, np.ndarray]:
    """The family's own parameters by name, shape (draws, 1) or (draws, rows)."""
    found = {p.name: draws_first(posterior[p.name])[:, None] for p in model.of_kind("family")}
    if model.of_kind("residual"):
        sigma = residual_sd(posterior, model, None if model.separate is None else model.separate.codes[rows])
        found[names.RESIDUAL_SD] = sigma if model.root_weights is None else sigma / model.root_weights[rows]
    return found


def _bambi_log_density(model: Model, idata: xr.DataTree, bambi_model: Callable[[], HlmModel]) -> np.ndarray:
    sizes = idata["posterior"].sizes
    check_memory(
        f"The log-likelihood of {model.rows:,} rows given {sizes['chain'] * sizes['draw']:,} draws",
        {"one for each row and draw, and a copy": 2.0 * model.rows * sizes["chain"] * sizes["draw"]},
        "Fit with fewer draws.",
    )
    found = bambi_model().compute_log_likelihood(idata, inplace=False)
    values = next(iter(found["log_likelihood"].data_vars.values()))
    return draws_first(values).reshape(-1, model.rows)
