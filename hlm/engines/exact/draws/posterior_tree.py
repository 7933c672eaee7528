"""Draws as a DataTree under Bambi's names and dims, so that Bambi's and ArviZ's tools work on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.draws.coefficients import Draws
from hlm.engines.exact.gaussian_model import EffectTerm, Factor, GaussianArm
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.formula.formula import INTERCEPT, Formula
from hlm.model.design_columns import Columns

if TYPE_CHECKING:
    import xarray as xr

type _Variable = tuple[tuple[str, ...], np.ndarray]
type _Coords = dict[str, np.ndarray]


def posterior_tree(arm: GaussianArm, formula: Formula, data: CleanData, draws: Draws) -> xr.DataTree:
    """Groups ``posterior`` and ``observed_data``, as NUTS gives them through Bambi.

    Parameters
    ----------
    arm : GaussianArm
    formula : Formula
    data : CleanData
    draws : Draws

    Returns
    -------
    xarray.DataTree
    """
    variables: dict[str, _Variable] = {}
    coords: _Coords = {"chain": np.arange(draws.chains), "draw": np.arange(len(draws.theta) // draws.chains)}
    _add_common(variables, coords, arm.common, draws.common)
    variables["sigma"] = (), draws.theta.sigma
    for factor, effects in zip(arm.factors, draws.effects, strict=True):
        levels = data.levels(factor.group)
        if arm.known_sd is not None:
            _add_own(variables, coords, factor, levels, effects)
        else:
            _add_sds(variables, coords, factor, draws.theta)
            _add_departures(variables, coords, factor, levels, effects)
    if arm.known_sd is None:
        _add_correlations(variables, coords, arm, draws.theta)
    return _tree(formula, data, variables, coords)


def separate_tree(
    arm: GaussianArm, formula: Formula, data: CleanData, sigma: np.ndarray, effects: np.ndarray, *, chains: int
) -> xr.DataTree:
    """The same for no pooling with a residual sd for each group, ``sigma_school``, shape (draws, K)."""
    (factor,) = arm.factors
    levels = data.levels(factor.group)
    coords: _Coords = {"chain": np.arange(chains), "draw": np.arange(len(sigma) // chains)}
    name = f"sigma_{factor.group.name}"
    coords[f"{name}_dim"] = np.array(levels, dtype=object)
    variables: dict[str, _Variable] = {name: ((f"{name}_dim",), sigma)}
    _add_own(variables, coords, factor, levels, effects)
    return _tree(formula, data, variables, coords)


def _tree(formula: Formula, data: CleanData, variables: dict[str, _Variable], coords: _Coords) -> xr.DataTree:
    import xarray as xr

    shape = len(coords["chain"]), len(coords["draw"])
    posterior = {
        name: (("chain", "draw", *dims), values.reshape(*shape, *values.shape[1:]))
        for name, (dims, values) in variables.items()
    }
    response = formula.response.variable
    observed = {response: ("__obs__", data.columns[response].to_numpy(dtype=np.float64))}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, coords=coords),
            "observed_data": xr.Dataset(observed, coords={"__obs__": np.arange(data.rows)}),
        }
    )


def theta_of(posterior: xr.Dataset, arm: GaussianArm) -> Theta:
    """Read theta back from a posterior under Bambi's names, whatever engine it is from; T = chains x draws."""
    sigma = _flat(posterior["sigma"])
    if arm.known_sd is not None:
        return Theta(sigma, np.repeat(np.diag(arm.known_sd)[None], len(sigma), axis=0))
    sds = [_flat(posterior[f"{t.name}_sigma"]).reshape(len(sigma), -1) for f in arm.factors for t in f.effects]
    factor = np.eye(len(arm.mean)) * np.concatenate([np.empty((len(sigma), 0)), *sds], axis=1)[:, :, None]
    for block in arm.blocks:
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


def _add_common(variables: dict[str, _Variable], coords: _Coords, design: Columns, values: np.ndarray) -> None:
    """``Intercept``, ``pre``, and ``sex`` with a dim ``sex_dim`` for a factor's columns."""
    for term in dict.fromkeys(design.terms):
        mine = [i for i, t in enumerate(design.terms) if t == term]
        levels = levels_of(design.labels_of(term))
        name = "Intercept" if term == INTERCEPT else term.name
        if levels is None:
            variables[name] = (), values[:, mine[0]]
        else:
            coords[f"{name}_dim"] = levels
            variables[name] = (f"{name}_dim",), values[:, mine]


def _add_own(
    variables: dict[str, _Variable], coords: _Coords, factor: Factor, groups: list[str], effects: np.ndarray
) -> None:
    """No pooling: ``school:pre`` in one dim, labelled ``A``, or ``A, q`` for a factor's columns."""
    for term in factor.effects:
        inner, dim = levels_of(term.labels), f"{term.name}_dim"
        labels = groups if inner is None else [f"{group}, {level}" for group in groups for level in inner]
        coords[dim] = np.array(labels, dtype=object)
        variables[term.name] = (dim,), effects[:, :, term.columns].reshape(len(effects), -1)


def _add_sds(variables: dict[str, _Variable], coords: _Coords, factor: Factor, theta: Theta) -> None:
    """``pre|school_sigma``."""
    sds = np.sqrt((theta.factor[:, factor.columns] ** 2).sum(axis=2))
    for term in factor.effects:
        dims = _expression_dims(term, coords)
        mine = sds[:, term.columns]
        variables[f"{term.name}_sigma"] = dims, mine if dims else mine[:, 0]


def _add_correlations(variables: dict[str, _Variable], coords: _Coords, arm: GaussianArm, theta: Theta) -> None:
    """``school_corr``."""
    labels = [label for factor in arm.factors for label in factor.design.labels]
    for block in arm.blocks:
        here = slice(block.start, block.stop)
        root = theta.factor[:, here, here]
        sds = np.sqrt((root**2).sum(axis=2, keepdims=True))
        root = np.divide(root, sds, out=np.full_like(root, np.nan), where=sds > 0)  # an sd of 0 has no correlation
        factor, _, number = block.name.rpartition("_corr")
        dims = (f"{factor}_effect{number}", f"{factor}_effect_bis{number}")
        coords |= dict.fromkeys(dims, np.array(labels[here], dtype=object))
        variables[block.name] = dims, root @ root.swapaxes(1, 2)


def _add_departures(
    variables: dict[str, _Variable], coords: _Coords, factor: Factor, groups: list[str], effects: np.ndarray
) -> None:
    """``pre|school``; a factor's columns have a dim of their own, before the groups'."""
    dim = f"{factor.group.name}__factor_dim"
    coords[dim] = np.array(groups, dtype=object)
    for term in factor.effects:
        values = effects[:, :, term.columns].swapaxes(1, 2)
        dims = _expression_dims(term, coords)
        variables[term.name] = (*dims, dim), values if dims else values[:, 0]


def _expression_dims(term: EffectTerm, coords: _Coords) -> tuple[str, ...]:
    levels, dim = levels_of(term.labels), f"{term.effect.name}__expr_dim"
    if levels is None:
        return ()
    coords[dim] = levels
    return (dim,)


def levels_of(labels: tuple[str, ...]) -> np.ndarray | None:
    """``sex[M]`` has the level ``M``; a numeric column, ``pre``, has none."""
    if not labels[0].endswith("]"):
        return None
    return np.array([label[label.index("[") + 1 : -1] for label in labels], dtype=object)
