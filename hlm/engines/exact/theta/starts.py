"""The coordinates of a model's theta, their units, and the points from which modes are searched."""

from __future__ import annotations

import numpy as np

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Sums
from hlm.engines.exact.theta.coordinates import Parameters
from hlm.engines.theta.covariance import Covariance
from hlm.engines.theta.estimated import column_sizes, estimated_covariance
from hlm.engines.theta.standard_deviations import scale
from hlm.model.priors import Priors

_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess


def make_parameters(model: GaussianModel, sums: Sums, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points from which modes are searched, shape (starts, d).

    The guesses come from the residuals of the first factor's own lines, and from the sizes of the columns of Z. The
    sums are weighted, and so is sigma, which is that of a row of weight 1. The effects do not depend on weights.
    """
    left, explained = sums.response
    whole = np.sqrt((left + (explained**2).sum()) / sums.rows)
    weight = 1.0 if model.root_weights is None else np.sqrt(np.mean(model.root_weights**2))
    spare = sums.rows - (np.abs(np.diagonal(sums.root, axis1=1, axis2=2)) > 0).sum()
    sigma = float(max(np.sqrt(left / spare) if spare > 0 else 0.0, 0.01 * whole))
    residual = scale(priors["sigma"], unit=_UNIT * sigma)
    if model.known_sd is not None:
        return Parameters(residual, Covariance((), (), np.diag(model.known_sd))), residual.coordinates(
            np.array([[sigma]])
        )
    sizes = column_sizes(model)
    rough = _ROUGH_SHARE * whole / weight
    parameters = Parameters(residual, estimated_covariance(model, priors, _UNIT * rough / sizes))
    roots = np.stack([np.diag(rough / one) for one in (sizes, sizes * 10)])
    return parameters, parameters.coordinates(np.full(len(roots), sigma), roots)
