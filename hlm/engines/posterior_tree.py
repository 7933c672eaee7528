"""Draws as a DataTree under Bambi's names and dims, so that Bambi's and ArviZ's tools work on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.model import names
from hlm.model.model import Model
from hlm.model.parameters import Parameter, common_parameters

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, slots=True)
class JointDraws:
    """Joint draws of all parameters, one chain after the other; S = chains x draws."""

    chains: int
    own: Mapping[str, np.ndarray]  # by the name of the residual sd, or of the family's own parameter: shape (S, ...)
    factor: np.ndarray  # shape (S, q, q); L, with L L' the covariance matrix of a group's effects
    common: np.ndarray  # shape (S, p); beta, with the intercept where all predictors are 0
    effects: Sequence[np.ndarray]  # shape (S, K, q) each; b of every factor


def posterior_tree(model: Model, coefficients: NormalCoefficients, draws: JointDraws) -> xr.DataTree:
    """Groups ``posterior`` and ``observed_data``, as NUTS gives them through Bambi."""
    import xarray as xr

    sizes = draws.chains, len(draws.common) // draws.chains
    coords: dict[str, np.ndarray] = {name: np.arange(n) for name, n in zip(("chain", "draw"), sizes, strict=True)}
    posterior = {}
    for parameter, values in _variables(model, coefficients, draws):
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
    model: Model, coefficients: NormalCoefficients, draws: JointDraws
) -> Iterator[tuple[Parameter, np.ndarray]]:
    """Draws, shape (S, ...) in the order of the parameter's dims: common coefficients, own ones, then by factor."""
    for parameter in common_parameters(coefficients.common):  # ``sex`` with a dim ``sex_dim`` for a factor's columns
        yield parameter, draws.common[:, [term == parameter.term for term in coefficients.common.terms]]
    yield from ((parameter, draws.own[parameter.prior_name]) for parameter in model.of_kind("residual", "family"))
    for factor, effects in zip(coefficients.factors, draws.effects, strict=True):
        sds = np.sqrt((draws.factor[:, factor.columns] ** 2).sum(axis=2))
        yield from ((effect.sd, sds[:, effect.columns]) for effect in factor.effects if effect.sd is not None)
        for effect in factor.effects:  # departures have a factor's columns before the groups, own coefficients behind
            values = effects[:, :, effect.columns]
            if coefficients.known_sd is None:
                values = values.swapaxes(1, 2)
            elif factor.fixed is not None:
                values = values.reshape(len(values), -1)[:, factor.free(effect.columns)]
            yield effect.coefficients, values
    for parameter, block in zip(model.of_kind("correlation"), coefficients.blocks, strict=True):
        root = draws.factor[:, block.start : block.stop, block.start : block.stop]
        sds = np.sqrt((root**2).sum(axis=2, keepdims=True))
        root = np.divide(root, sds, out=np.full_like(root, np.nan), where=sds > 0)  # an sd of 0 has no correlation
        yield parameter, root @ root.swapaxes(1, 2)


def roots_of(posterior: xr.Dataset, coefficients: NormalCoefficients) -> np.ndarray:
    """Read L back from a posterior under Bambi's names, whatever engine it is from, shape (T, q, q)."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if coefficients.known_sd is not None:
        return np.repeat(np.diag(coefficients.known_sd)[None], draws, axis=0)
    effects = [effect for factor in coefficients.factors for effect in factor.effects]
    sds = [flat(posterior[effect.sd.name]).reshape(draws, -1) for effect in effects if effect.sd is not None]
    factor = np.eye(len(coefficients.mean)) * np.concatenate([np.empty((draws, 0)), *sds], axis=1)[:, :, None]
    for block in coefficients.blocks:
        here = slice(block.start, block.stop)
        factor[:, here, here] = factor[:, here, here] @ _root(flat(posterior[block.name]))
    return np.asarray(factor)


def flat(values: xr.DataArray) -> np.ndarray:
    """Draws of one variable, shape (chains x draws, ...)."""
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]), dtype=np.float64)


def _root(correlation: np.ndarray) -> np.ndarray:
    """Lower triangular roots of correlation matrices, singular ones too."""
    correlation = np.where(np.isnan(correlation), np.eye(correlation.shape[-1]), correlation)  # beside an sd of 0
    values, vectors = np.linalg.eigh(correlation)
    upper = np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))[:, None]).swapaxes(1, 2))[1]
    signs = np.where(np.diagonal(upper, axis1=1, axis2=2) < 0, -1.0, 1.0)
    return np.asarray((upper * signs[:, :, None]).swapaxes(1, 2))
