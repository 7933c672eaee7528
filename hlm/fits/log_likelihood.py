"""Log predictive density of each response given each draw, for the families that the arms are compared in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, gammaln, log_expit, xlogy

from hlm.fits.posterior_coefficients import Parts, draws_first, linear_predictor, residual_sd
from hlm.model import names
from hlm.model.families import Family
from hlm.model.model import Model
from hlm.support.memory import check_memory

if TYPE_CHECKING:
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel

# response (rows,), linear predictor (draws, rows), trials, and sigma or alpha of shape (draws, 1) or (draws, rows)
type Density = Callable[[np.ndarray, np.ndarray, np.ndarray | None, Mapping[str, np.ndarray]], np.ndarray]


def _gaussian(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    sigma = auxiliary["sigma"]
    return np.asarray(-0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((y - eta) / sigma) ** 2)


def _bernoulli(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    return np.asarray(log_expit(np.where(y == 1, eta, -eta)))


def _binomial(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    assert trials is not None
    ways = -betaln(trials - y + 1, y + 1) - np.log(trials + 1)
    return np.asarray(ways + y * log_expit(eta) + (trials - y) * log_expit(-eta))


def _poisson(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    return np.asarray(y * eta - np.exp(eta) - gammaln(y + 1))


def _negativebinomial(
    y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, auxiliary: Mapping[str, np.ndarray]
) -> np.ndarray:
    alpha = auxiliary["alpha"]
    mu = np.exp(eta)
    ways = gammaln(y + alpha) - gammaln(alpha) - gammaln(y + 1)
    return np.asarray(ways + alpha * np.log(alpha / (mu + alpha)) + xlogy(y, mu / (mu + alpha)))


DENSITIES: Mapping[str, Density] = {
    "gaussian": _gaussian,
    "bernoulli": _bernoulli,
    "binomial": _binomial,
    "poisson": _poisson,
    "negativebinomial": _negativebinomial,
}


def has_density(family: Family) -> bool:
    """Whether the family's log density is written down here; else Bambi computes it, which takes seconds."""
    return family.name in DENSITIES


def log_density_of(
    model: Model, idata: xr.DataTree, parts: Parts, bambi_model: Callable[[], HlmModel]
) -> Callable[[slice], np.ndarray]:
    """The log density of some responses given each draw, shape (draws, rows), as a function of their slice.

    Parameters
    ----------
    model : Model
    idata : xarray.DataTree
    parts : Parts
        The coefficients of this posterior.
    bambi_model : callable
        Makes Bambi's model, which is asked in families that have no density here.
    """
    if model.family.name not in DENSITIES:
        whole = _bambi_log_density(model, idata, bambi_model)
        return lambda rows: whole[:, rows]
    posterior, response = idata["posterior"].to_dataset(), model.written.response
    y = model.data.columns[response.variable].to_numpy().astype(np.float64)
    trials = None if response.trials is None else model.data.columns[response.trials].to_numpy()

    def density(rows: slice) -> np.ndarray:
        auxiliary = _auxiliary(model, posterior, rows)
        some = None if trials is None else trials[rows]
        return DENSITIES[model.family.name](y[rows], linear_predictor(parts, model.data, rows), some, auxiliary)

    return density


def _auxiliary(model: Model, posterior: xr.Dataset, rows: slice) -> dict[str, np.ndarray]:
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
