"""Where the sampler starts: at the mode of the compiled engine where that covers the model, else near complete pooling.

The standard deviations between groups are not below a tenth of the linear predictor's spread there, and correlations
not beyond 0.9: the density is steep near 0 and near 1. The groups' effects are those of the mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.engines.bambi.sampled_coefficients import OrthogonalisedTerm
from hlm.engines.nuts.engine import mode_as_written
from hlm.model.grouping_factors import CovarianceBlock, GroupingFactor
from hlm.model.model import Model
from hlm.model.prior_scales import Scales
from hlm.support.linear_algebra import inverses, solve_lower

if TYPE_CHECKING:
    from hlm.engines.bambi.adapter import HlmModel

_SMALLEST = 0.1  # the groups' sds, in spreads of the linear predictor: near complete pooling no density overflows
_UNBOUNDED = ("HalfNormal", "HalfStudentT", "HalfCauchy", "Exponential", "Gamma", "InverseGamma", "LogNormal")
_MOST_CORRELATED = 0.9


@dataclass(frozen=True, slots=True)
class Start:
    """By the name of a free variable its value."""

    values: dict[str, np.ndarray]
    at_mode: bool  # so that all variables have values, and noise would lead away


def start_of(built: HlmModel, model: Model) -> Start:
    """Where the sampler of a model built for sampling starts."""
    free = {variable.name: variable for variable in built.backend.model.free_RVs}
    written = mode_as_written(model)
    if written is not None:
        at = {str(name): values[0, 0].to_numpy() for name, values in written.data_vars.items()}
        found = _at_mode(built, model, at)
        if set(free) <= set(found) and all(np.isfinite(found[name]).all() for name in free):
            return Start({name: found[name] for name in free}, True)
    return near_complete_pooling(built, model)


def near_complete_pooling(built: HlmModel, model: Model) -> Start:
    """Small standard deviations between groups; all else as the sampler has it."""
    if model.pooling != "partial" or model.family.has_predictor_per_label:
        return Start({}, False)
    free = {variable.name for variable in built.backend.model.free_RVs}
    found: dict[str, np.ndarray] = {}
    for factor in model.factors:
        size = _smallest_sds(model, factor)
        for block in factor.blocks:
            if block.correlation is not None and block.correlation.name in model.transformations:
                found[f"{block.correlation.name}_sd_offset"] = size[block.columns]
        for effect in factor.effects:
            if effect.sd is not None and model.priors[effect.sd.name].name in _UNBOUNDED:
                found[effect.sd.name] = size[effect.columns] if effect.sd.dims else size[effect.columns][0]
    return Start({name: value for name, value in found.items() if name in free}, False)


def _smallest_sds(model: Model, factor: GroupingFactor) -> np.ndarray:
    near = _SMALLEST * Scales(model).spread
    return np.asarray(near / np.sqrt(np.mean(model.orthogonalised(factor) ** 2, axis=0)).clip(1e-300))


def _at_mode(built: HlmModel, model: Model, at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is known of the free variables, and more; ``at`` are the values of the coefficients as written."""
    found = {p.name: at[p.name] for p in model.of_kind("residual", "family")} | _common(built, model, at)
    for factor in model.factors:
        smallest = _smallest_sds(model, factor) if model.pooling == "partial" else np.empty(0)
        for block in factor.blocks:
            found |= _effects(model, block, smallest[block.columns], at)
    return found


def _common(built: HlmModel, model: Model, at: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The common coefficients and, in no pooling, the groups' own, of centred columns, by u where they have u."""
    component = built.parameters[model.family.parent]
    terms: dict[str, Any] = dict(component.common_terms)
    found = {name: at[name] for name in terms}
    if (intercept := component.intercept_term) is not None:
        means = [np.ravel(at[name]) @ np.reshape(t.data, (len(t.data), -1)).mean(axis=0) for name, t in terms.items()]
        terms[intercept.name] = intercept
        found[intercept.name] = at[intercept.name] + sum(means)
    rows: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, term in terms.items():
        if isinstance(made := term.prior.dist, OrthogonalisedTerm):
            rows.setdefault(made.variable, []).append((made.rows, np.ravel(found[name] - term.prior.args["mu"])))
    for variable, parts in rows.items():
        root, less_means = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        found[variable] = inverses(root) @ less_means
    return found


def _effects(
    model: Model, block: CovarianceBlock, smallest: np.ndarray, at: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The sds, partial correlations and standard normal offsets of the effects of one block."""
    columns = [np.shape(at[e.sd.name]) for e in block.effects if e.sd is not None]
    sds = np.concatenate([np.ravel(at[e.sd.name]) for e in block.effects if e.sd is not None])
    departures = [at[e.coefficients.name] for e in block.effects]
    effects = np.concatenate([values.reshape(-1, values.shape[-1]) for values in departures])  # columns x groups
    name = "" if block.correlation is None else block.correlation.name
    to_written = model.transformations.get(name, np.eye(len(sds)))
    inverse = inverses(to_written)
    correlation = np.nan_to_num(at[name]) if name else np.eye(1)
    covariance = inverse @ (correlation * np.outer(sds, sds)) @ inverse.T
    sds = np.sqrt(np.diagonal(covariance))
    partial, root = _partial_correlations(covariance / np.outer(sds, sds).clip(1e-300))
    bounded = [model.priors[e.sd.name].name not in _UNBOUNDED for e in block.effects if e.sd for _ in e.labels]
    sds = np.where(bounded, sds, np.maximum(sds, smallest))
    offsets = solve_lower(sds[:, None] * root, inverse @ effects)
    if not name:
        (effect,) = block.effects
        found = {f"{effect.coefficients.name}_offset": offsets.reshape(departures[0].shape)}
    else:
        found = {f"{name}_partial_offset": (partial + 1) / 2, f"{name}_z_offset": offsets}
    if name in model.transformations:
        return found | {f"{name}_sd_offset": sds}
    ends = np.cumsum([len(e.labels) for e in block.effects])[:-1]
    parts = zip(block.effects, np.split(sds, ends), columns, strict=True)
    return found | {e.sd.name: values.reshape(shape) for e, values, shape in parts if e.sd is not None}


def _partial_correlations(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The canonical partial correlations, row by row of a lower triangle, none near 1; and the root that they make."""
    q = len(correlation)
    values, vectors = np.linalg.eigh(correlation)
    triangle = np.linalg.qr((vectors * np.sqrt(values.clip(0))).T, mode="r")
    signs = np.where(np.diagonal(triangle) < 0, -1.0, 1.0)
    rows = (triangle * signs[:, None]).T
    root, found = np.eye(q), []
    for i in range(q):
        left, mine = 1.0, 1.0  # what the earlier columns leave of the row's square: as it is, and as it is made
        for j in range(i):
            partial = np.clip(rows[i, j] / np.sqrt(max(left, 1e-12)), -_MOST_CORRELATED, _MOST_CORRELATED)
            root[i, j] = partial * np.sqrt(mine)
            left, mine = left - rows[i, j] ** 2, mine * (1 - partial**2)
            found.append(partial)
        root[i, i] = np.sqrt(mine)
    return np.array(found), root
