"""Sigma, the covariance matrix of the groups' coefficients, and how strongly it pools each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.design import block_columns, columns
from hlm.errors import FitError
from hlm.formula.formula import Term
from hlm.posterior import linear_predictor
from hlm.priors import correlated_blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlm.fitting.results import Fit

_DRAWS = 400  # enough for an average over the posterior that is read to two digits


def group_covariance(fit: Fit, factor: Term, labels: Sequence[str]) -> np.ndarray:
    """Draws of the covariance matrix of some of a factor's effects.

    Parameters
    ----------
    fit : Fit
        Of partial pooling.
    factor : Term
    labels : sequence of str
        The effects' columns, ``Intercept``, ``pre``; those in different blocks are uncorrelated.

    Returns
    -------
    numpy.ndarray, shape (draws, q, q)
    """
    posterior = fit.idata["posterior"].to_dataset()
    names = {place: name for name, place in correlated_blocks(fit.written, fit.data).items()}
    draws, q = posterior.sizes["chain"] * posterior.sizes["draw"], len(labels)
    found = np.zeros((draws, q, q))
    for place, (block, design) in enumerate(block_columns(fit.written, fit.data)):
        inside = [label for label in design.labels if label in labels]
        if block.group != factor or not inside:
            continue
        effects = [f"{effect.name}|{factor.name}_sigma" for effect in block.effects]
        sd = np.concatenate([_draws_first(posterior[name]).reshape(draws, -1) for name in effects], axis=1)
        whole = sd[:, :, None] * sd[:, None, :] * np.eye(sd.shape[1])
        if place in names:
            whole = sd[:, :, None] * sd[:, None, :] * _draws_first(posterior[names[place]])
        here, there = [list(labels).index(i) for i in inside], [design.labels.index(i) for i in inside]
        found[np.ix_(range(draws), here, here)] = whole[np.ix_(range(draws), there, there)]
    return found


def pooling_share(fit: Fit, factor: Term) -> np.ndarray:
    """How far partial pooling moves each group, 0 (its own data decide) to 1 (the other groups do), shape (K,).

    The trace of the pooling matrix ``B_k = (Z_k'W_k Z_k + Sigma^-1)^-1 Sigma^-1``, divided by the number of varying
    effects, averaged over the posterior. ``W_k`` is one over the residual variance; in other families the weights of
    the log-likelihood at the posterior mean of the linear predictor.

    Raises
    ------
    FitError
        For a family whose weights are not known here, and for several factors, whose groups inform each other.
    """
    if len(fit.written.groups) > 1:
        names = ", ".join(group.name for group in fit.written.groups)
        raise FitError(f"How strongly each group is pooled is known here for one grouping factor, not for {names}.")
    effects = columns(fit.written.effects_of(factor), fit.data)
    sigma = group_covariance(fit, factor, effects.labels)
    some = np.unique(np.linspace(0, len(sigma) - 1, min(len(sigma), _DRAWS)).astype(int))
    weights, scale = _weights(fit)
    codes, q = fit.data.codes(factor), len(effects.labels)
    information = np.zeros((len(fit.data.levels(factor)), q, q))
    for i in range(q):
        for j in range(q):
            products = effects.matrix[:, i] * effects.matrix[:, j] * weights
            information[:, i, j] = np.bincount(codes, products, len(information))
    share = np.zeros(len(information))
    for draw in some:  # (I + Sigma Z'WZ)^-1 is the same matrix, and takes a singular Sigma
        inverse = np.linalg.inv(np.eye(q) + sigma[draw] @ information / scale[draw])
        share += np.trace(inverse, axis1=1, axis2=2) / q
    return share / len(some)


def _weights(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """The weight of each row, shape (rows,), and what divides it in each draw, shape (draws,)."""
    posterior, data = fit.idata["posterior"], fit.data
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if fit.family == "gaussian":
        return np.ones(data.rows), _draws_first(posterior["sigma"]) ** 2
    if fit.family not in ("bernoulli", "binomial", "poisson"):
        raise FitError(f"How strongly each group is pooled is not known here for the family {fit.family!r}.")
    eta = linear_predictor(fit.parts, data, slice(None)).mean(axis=0)
    if fit.family == "poisson":
        return np.exp(eta), np.ones(draws)
    trials = fit.written.response.trials
    number = 1.0 if trials is None else data.columns[trials].to_numpy(dtype=np.float64)
    mean = 1 / (1 + np.exp(-eta))
    return np.asarray(number * mean * (1 - mean)), np.ones(draws)


def _draws_first(values: Any) -> np.ndarray:
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))
