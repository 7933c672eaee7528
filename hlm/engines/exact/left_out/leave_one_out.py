"""Leave-one-out of rows or whole groups, given draws of theta from any engine: all coefficients integrated out."""

from __future__ import annotations

import numpy as np

from hlm.engines.exact.gaussian_model import GaussianModel, columns_alone
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.left_out.several_factors import crossed_groups_left_out, crossed_rows_left_out
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import from_densities
from hlm.errors import FitError

_LEAST = 1000  # thetas: given theta the densities are exact, and differ little from theta to theta
_NUMBERS = 4_000_000  # thetas x rows that are worth their price beyond that
_OPERATIONS = 1e11  # for the covariances of crossed factors
_MATRICES = 50_000_000  # numbers, 400 MB
_LEAST_THETAS = 100
_MOST_COEFFICIENTS = 1000  # in one covariance matrix


def integrated_loo(theta: Theta, gaussian: GaussianModel) -> PointwiseLoo | None:
    """Leave-one-out of every row; None where crossed factors have too many coefficients for one covariance matrix."""
    rows = len(gaussian.response)
    if len(gaussian.factors) < 2:
        pieces = rows_left_out(gaussian, _some(theta, min(max(_LEAST, _NUMBERS // rows), _fitting(gaussian))))
    elif gaussian.coefficients <= _MOST_COEFFICIENTS:
        pieces = crossed_rows_left_out(gaussian, _affordable(gaussian, theta))
    else:
        return None
    logs = np.zeros(rows) if gaussian.root_weights is None else np.log(gaussian.root_weights)
    return from_densities(((p.units, p.without + logs[p.units], p.inside + logs[p.units]) for p in pieces), rows)


def integrated_group_loo(theta: Theta, gaussian: GaussianModel, codes: np.ndarray, unit: str) -> PointwiseLoo:
    """Leave-one-out of every group of a factor, as if it were new; not for no pooling, which cannot predict one.

    codes: shape (rows,); the group of each row.
    unit: the name of the factor.
    FitError: where crossed factors have too many coefficients for one covariance matrix.
    """
    weights = gaussian.root_weights
    if len(gaussian.factors) < 2:
        common, effects, _, y, _ = columns_alone(gaussian)
        some = _some(theta, _fitting(gaussian))
        left = groups_left_out(cross_products(common, effects, codes, y, weights), some, gaussian.prior)
    elif gaussian.coefficients <= _MOST_COEFFICIENTS:
        members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
        left = crossed_groups_left_out(gaussian, _affordable(gaussian, theta), members)
    else:
        raise FitError(
            f"Leaving out whole groups takes the covariance of all {gaussian.coefficients} coefficients where "
            f"factors are crossed, and {_MOST_COEFFICIENTS} is the most. Use unit='observation'."
        )
    logs = np.zeros(len(left.units)) if weights is None else np.bincount(codes, np.log(weights))
    return from_densities([(left.units, left.without + logs, left.inside + logs)], len(logs), unit=unit)


def _fitting(gaussian: GaussianModel) -> int:
    """Thetas with a matrix of the common coefficients and a group's effects each."""
    return max(_LEAST_THETAS, _MATRICES // (len(gaussian.common.terms) + len(gaussian.mean) + 1) ** 2)


def _affordable(gaussian: GaussianModel, theta: Theta) -> Theta:
    least = _LEAST // 2 if gaussian.known_sd is None else _LEAST // 5  # of sigma alone a fifth says as much
    return _some(theta, max(least, int(_OPERATIONS / gaussian.coefficients**3)))


def _some(theta: Theta, most: int) -> Theta:
    """Every second, third, ... theta; they come in random order."""
    return theta.some(np.arange(0, len(theta), -(-len(theta) // most)))
