"""Draws as a DataTree under Bambi's names and dims, so that Bambi's and ArviZ's tools work on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.draws.coefficients import CoefficientDraws
from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.formula.formula import Formula
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.model.parameters import Parameter, common_parameters

if TYPE_CHECKING:
    import xarray as xr

type _Variable = tuple[tuple[str, ...], np.ndarray]


class _Posterior:
    """Variables and coordinates, added one after the other."""

    def __init__(self, chains: int, draws: int) -> None:
        self.variables: dict[str, _Variable] = {}
        self.coords: dict[str, np.ndarray] = {"chain": np.arange(chains), "draw": np.arange(draws)}

    def add(self, parameter: Parameter, values: np.ndarray) -> None:
        """A parameter's draws, shape (draws, ...) in the order of its dims; a last axis of 1 without a dim goes."""
        for dim, labels in parameter.coords.items():
            self.coords[dim] = np.array(labels, dtype=object)
        shape = [len(parameter.coords[dim]) for dim in parameter.dims]
        self.variables[parameter.name] = parameter.dims, values.reshape(len(values), *shape)

    def tree(self, formula: Formula, data: CleanData) -> xr.DataTree:
        """Groups ``posterior`` and ``observed_data``."""
        import xarray as xr

        shape = len(self.coords["chain"]), len(self.coords["draw"])
        posterior = {
            name: (("chain", "draw", *dims), values.reshape(*shape, *values.shape[1:]))
            for name, (dims, values) in self.variables.items()
        }
        response = formula.response.variable
        observed = {names.in_posterior(response): ("__obs__", data.columns[response].to_numpy(dtype=np.float64))}
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset(posterior, coords=self.coords),
                "observed_data": xr.Dataset(observed, coords={"__obs__": np.arange(data.rows)}),
            }
        )


def posterior_tree(model: Model, gaussian: GaussianModel, draws: CoefficientDraws) -> xr.DataTree:
    """Groups ``posterior`` and ``observed_data``, as NUTS gives them through Bambi.

    gaussian: its numbers.
    """
    found = _Posterior(draws.chains, len(draws.theta) // draws.chains)
    _add_common(found, gaussian.common, draws.common)
    found.variables[names.residual_sd()] = (), draws.theta.sigma
    for factor, effects in zip(gaussian.factors, draws.effects, strict=True):
        if gaussian.known_sd is None:
            _add_sds(found, factor, draws.theta)
        _add_effects(found, factor, effects, own=gaussian.known_sd is not None)
    if gaussian.known_sd is None:
        _add_correlations(found, model, gaussian, draws.theta)
    return found.tree(model.written, model.data)


def separate_tree(model: Model, sigma: np.ndarray, effects: np.ndarray, *, chains: int) -> xr.DataTree:
    """The same for no pooling with a residual sd for each group, ``sigma_school``, shape (draws, K)."""
    (factor,), (parameter,) = model.factors, model.of_kind("residual")
    found = _Posterior(chains, len(sigma) // chains)
    found.add(parameter, sigma)
    _add_effects(found, factor, effects, own=True)
    return found.tree(model.written, model.data)


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


def _add_common(found: _Posterior, design: Columns, values: np.ndarray) -> None:
    """``Intercept``, ``pre``, and ``sex`` with a dim ``sex_dim`` for a factor's columns."""
    for parameter in common_parameters(design):
        mine = [i for i, term in enumerate(design.terms) if term == parameter.term]
        found.add(parameter, values[:, mine])


def _add_effects(found: _Posterior, factor: GroupingFactor, effects: np.ndarray, *, own: bool) -> None:
    """Departures, ``pre|school``, a factor's columns before the groups; own coefficients the other way round."""
    for effect in factor.effects:
        values = effects[:, :, effect.columns]
        found.add(effect.coefficients, values if own else values.swapaxes(1, 2))


def _add_sds(found: _Posterior, factor: GroupingFactor, theta: Theta) -> None:
    """``pre|school_sigma``."""
    sds = np.sqrt((theta.factor[:, factor.columns] ** 2).sum(axis=2))
    for effect in factor.effects:
        if effect.sd is not None:
            found.add(effect.sd, sds[:, effect.columns])


def _add_correlations(found: _Posterior, model: Model, gaussian: GaussianModel, theta: Theta) -> None:
    """``school_corr``."""
    parameters = {parameter.name: parameter for parameter in model.of_kind("correlation")}
    for block in gaussian.blocks:
        here = slice(block.start, block.stop)
        root = theta.factor[:, here, here]
        sds = np.sqrt((root**2).sum(axis=2, keepdims=True))
        root = np.divide(root, sds, out=np.full_like(root, np.nan), where=sds > 0)  # an sd of 0 has no correlation
        found.add(parameters[block.name], root @ root.swapaxes(1, 2))
