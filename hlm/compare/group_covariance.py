"""Sigma, the covariance matrix of the groups' coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hlm.fits.posterior_coefficients import group_covariance
from hlm.fits.results import Fit
from hlm.formula.formula import Term


def covariance_of(fit: Fit, factor: Term, labels: Sequence[str]) -> np.ndarray:
    """Draws of the covariance matrix of some of a factor's effects.

    fit: of partial pooling.
    labels: the effects' columns, ``Intercept``, ``pre``; 0 for those that do not vary by the factor.
    result: shape (draws, q, q).
    """
    mine = fit.resolved.factor(factor)
    sds, correlation = group_covariance(fit.idata["posterior"].to_dataset(), mine)
    whole = sds[:, :, None] * correlation * sds[:, None, :]
    found = np.zeros((len(sds), len(labels), len(labels)))
    here = [i for i, label in enumerate(labels) if label in mine.design.labels]
    there = [mine.design.labels.index(labels[i]) for i in here]
    found[:, np.array(here)[:, None], here] = whole[:, np.array(there)[:, None], there]
    return found
