"""The coordinates of a model's covariance matrix, where it is estimated, and the sizes of the columns of Z."""

from __future__ import annotations

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.theta.covariance import Covariance
from hlm.engines.theta.standard_deviations import scale
from hlm.model.priors import Priors

_VARIES = 1e-12  # of a column's length: below, its sd is rounding


def estimated_covariance(coefficients: NormalCoefficients, priors: Priors, units: np.ndarray) -> Covariance:
    """The coordinates of the sds and correlations with their priors.

    units: shape (q,); about the size of each sd, on which only the efficiency of sampling depends.
    """
    scales = tuple(
        scale(priors[effect.sd.name], unit=units[factor.start + j], column=j - effect.columns.start)
        for factor in coefficients.factors
        for effect in factor.effects
        if effect.sd is not None
        for j in range(effect.columns.start, effect.columns.stop)
    )
    return Covariance(scales, coefficients.blocks, np.zeros((0, 0)), coefficients.transformation)


def column_sizes(coefficients: NormalCoefficients) -> np.ndarray:
    """Sds of the (orthogonalised) columns of Z, or root mean squares where they do not vary, shape (q,)."""
    columns = np.column_stack([factor.design.matrix for factor in coefficients.factors])
    if coefficients.transformation is not None:
        columns = columns @ coefficients.transformation
    spreads, lengths = columns.std(axis=0), np.sqrt((columns**2).mean(axis=0))
    return np.asarray(np.where(spreads > _VARIES * lengths, spreads, lengths))
