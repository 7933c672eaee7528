"""Draws as a DataTree under Bambi's names and dims, so that Bambi's and ArviZ's tools work on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hlm.engines.exact.draws.coefficients import CoefficientDraws
from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.model import names
from hlm.model.model import Model
from hlm.model.parameters import Parameter, common_parameters

if TYPE_CHECKING:
    import xarray as xr


def posterior_tree(model: Model, gaussian: GaussianModel, draws: CoefficientDraws) -> xr.DataTree:
    """Groups ``posterior`` and ``observed_data``, as NUTS gives them through Bambi.

    gaussian: its numbers.
    """
    import xarray as xr

    sizes = draws.chains, len(draws.theta) // draws.chains
    coords: dict[str, np.ndarray] = {name: np.arange(n) for name, n in zip(("chain", "draw"), sizes, strict=True)}
    posterior = {}
    for parameter, values in _variables(model, gaussian, draws):
        coords |= {dim: np.array(labels, dtype=object) for dim, labels in parameter.coords.items()}
        shape = [len(parameter.coords[dim]) for dim in parameter.dims]  # a last axis of 1 without a dim goes
        posterior[parameter.name] = ("chain", "draw", *parameter.dims), values.reshape(*sizes, *shape)
    response = model.written.response.variable
    observed = {names.in_posterior(response): ("__obs__", model.data.columns[response].to_numpy(dtype=np.float64))}
    rows = {"__obs__": np.arange(model.data.rows)}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset(posterior, coords=coords), "observed_data": xr.Dataset(observed, coords=rows)}
    )


def _variables(
    model: Model, gaussian: GaussianModel, draws: CoefficientDraws
) -> Iterator[tuple[Parameter, np.ndarray]]:
    """Draws, shape (S, ...) in the order of the parameter's dims: the common coefficients, sigma, then by factor."""
    for parameter in common_parameters(gaussian.common):  # ``sex`` with a dim ``sex_dim`` for a factor's columns
        yield parameter, draws.common[:, [term == parameter.term for term in gaussian.common.terms]]
    yield model.of_kind("residual")[0], draws.theta.sigma
    for factor, effects in zip(gaussian.factors, draws.effects, strict=True):
        sds = np.sqrt((draws.theta.factor[:, factor.columns] ** 2).sum(axis=2))
        yield from ((effect.sd, sds[:, effect.columns]) for effect in factor.effects if effect.sd is not None)
        for effect in factor.effects:  # departures have a factor's columns before the groups, own coefficients behind
            values = effects[:, :, effect.columns]
            if gaussian.known_sd is None:
                values = values.swapaxes(1, 2)
            elif factor.fixed is not None:
                values = values.reshape(len(values), -1)[:, factor.free(effect.columns)]
            yield effect.coefficients, values
    for parameter, block in zip(model.of_kind("correlation"), gaussian.blocks, strict=True):
        root = draws.theta.factor[:, block.start : block.stop, block.start : block.stop]
        sds = np.sqrt((root**2).sum(axis=2, keepdims=True))
        root = np.divide(root, sds, out=np.full_like(root, np.nan), where=sds > 0)  # an sd of 0 has no correlation
        yield parameter, root @ root.swapaxes(1, 2)


def theta_of(posterior: xr.Dataset, gaussian: GaussianModel) -> Theta:
    """Read theta back from a posterior under Bambi's names, whatever engine it is from; T = chains x draws."""
    sigma = _flat(posterior[names.residual_sd()])
    if gaussian.known_sd is not None:
        return Theta(sigma, np.repeat(np.diag(gaussian.known_sd)[None], len(sigma), axis=0))
    effects = [effect for factor in gaussian.factors for effect in factor.effects]
    sds = [_flat(posterior[effect.sd.name]).reshape(len(sigma), -1) for effect in effects if effect.sd is not None]
    factor = np.eye(len(gaussian.mean)) * np.concatenate([np.empty((len(sigma), 0)), *sds], axis=1)[:, :, None]
    for block in gaussian.blocks:
        here = slice(block.start, block.stop)
        factor[:, here, here] = factor[:, here, here] @ _root(_flat(posterior[block.name]))
    return Theta(sigma, factor)


def _flat(values: xr.DataArray) -> np.ndarray:
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]), dtype=np.float64)


def _root(correlation: np.ndarray) -> np.ndarray:
    """Lower triangular roots of correlation matrices, singular ones too."""
    correlation = np.where(np.isnan(correlation), np.eye(correlation.shape[-1]), correlation)  # beside an sd of 0
    values, vectors = np.linalg.eigh(correlation)
    upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))[:, None]).swapaxes(1, 2))[1]
    signs = np.where(np.diagonal(upper, axis1=1, axis2=2) < 0, -1.0, 1.0)
    return np.asarray((upper * signs[:, :, None]).swapaxes(1, 2))
