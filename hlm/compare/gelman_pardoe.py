"""Gelman & Pardoe's two summaries of a level of a hierarchical model, and the like: pure functions on draws.

A. Gelman and I. Pardoe (2006), Bayesian measures of explained variance and pooling in multilevel (hierarchical) models,
Technometrics 48:241-251. V is the variance over the units of the level (divisor K - 1), E the mean over the draws.
"""

from __future__ import annotations

import numpy as np


def pooling_factor(errors: np.ndarray) -> np.ndarray:
    """The pooling factor lambda = 1 - V(E eps) / E(V eps): 0 if every unit's error is known, 1 if none is.

    errors: shape (T, K, ...); draws of the units' departures from what the level above predicts.
    result: shape (...); NaN where the errors do not vary.
    """
    return 1 - _ratio(errors.mean(axis=0).var(axis=0, ddof=1), errors.var(axis=1, ddof=1).mean(axis=0))


def explained(errors: np.ndarray, values: np.ndarray) -> np.ndarray:
    """R2 = 1 - E(V eps) / E(V theta), shape (...), of errors and values of shape (T, K, ...)."""
    return 1 - _ratio(errors.var(axis=1, ddof=1).mean(axis=0), values.var(axis=1, ddof=1).mean(axis=0))


def partition(covariance: np.ndarray, at: np.ndarray, rest: np.ndarray) -> float:
    """Variance partition coefficient z'Sigma z / (z'Sigma z + rest), mean over the draws.

    covariance: shape (T, q, q).
    at: shape (q,); z, the values of the varying columns.
    rest: shape (T,); all other variance between rows: residual, and that of other factors.
    """
    between = np.einsum("i,tij,j->t", at, covariance, at)
    return float((between / (between + rest)).mean())


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    above, below = np.asarray(above), np.asarray(below)
    return np.asarray(np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0))
