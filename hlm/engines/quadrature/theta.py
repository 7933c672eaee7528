"""theta as a point of R^d: the family's own parameter, if it has one, then the effects' covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.theta.covariance import Covariance
from hlm.engines.theta.estimated import column_sizes, estimated_covariance
from hlm.engines.theta.standard_deviations import Scale, scale
from hlm.model.model import Model
from hlm.model.prior_scales import Scales

_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH = (0.5, 0.1)  # guesses of the effects' sds, in spreads of the linear predictor


@dataclass(frozen=True, slots=True)
class ThetaCoordinates:
    """The coordinates of theta."""

    own: Scale | None  # the family's own parameter
    covariance: Covariance
    starts: np.ndarray  # shape (starts, d); from where modes are searched

    @property
    def dimension(self) -> int:
        return (self.own is not None) + self.covariance.dimension

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values; the effects are those of orthogonalised columns."""
        if self.own is None:
            return Theta(np.ones(len(u)), self.covariance.inside(u))
        return Theta(self.own.value(u[:, 0]), self.covariance.inside(u[:, 1:]))

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        if self.own is None:
            return self.covariance.log_prior(u)
        return np.asarray(self.own.log_density(u[:, 0]) + self.covariance.log_prior(u[:, 1:]))


def theta_coordinates(model: Model, coefficients: NormalCoefficients) -> ThetaCoordinates:
    """The coordinates of a model's theta with their priors."""
    own = next((scale(model.priors[p.prior_name], unit=1.0) for p in model.of_kind("family")), None)
    first = [np.full((1, 1), own.coordinates(np.array([2.0]))[0])] if own is not None else []
    if coefficients.known_sd is not None:
        known = Covariance((), (), np.diag(coefficients.known_sd))
        return ThetaCoordinates(own, known, np.concatenate([np.empty((1, 0)), *first], axis=1))
    sizes = Scales(model).spread / column_sizes(coefficients)
    covariance = estimated_covariance(coefficients, model.priors, _UNIT * _ROUGH[0] * sizes)
    places = covariance.coordinates(np.stack([np.diag(rough * sizes) for rough in _ROUGH]))
    starts = np.concatenate([*[np.repeat(one, len(places), axis=0) for one in first], places], axis=1)
    return ThetaCoordinates(own, covariance, starts)
