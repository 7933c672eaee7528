"""Sigma, the covariance matrix of the groups' coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.formula.formula import Term
from hlm.model.default_priors import correlated_blocks
from hlm.model.design_columns import block_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hlm.fits.results import Fit


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


def _draws_first(values: Any) -> np.ndarray:
    array = values.transpose("chain", "draw", ...).to_numpy()
    return np.asarray(array.reshape(-1, *array.shape[2:]))
