"""Leave-one-out of rows or whole groups, given draws of theta from any engine: all coefficients integrated out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.engines.exact.draws.posterior_tree import theta_of
from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.left_out.several_factors import (
    coefficients_of,
    crossed_groups_left_out,
    crossed_rows_left_out,
)
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import from_densities
from hlm.errors import FitError
from hlm.model.design_columns import Columns

if TYPE_CHECKING:
    import xarray as xr

_LEAST = 1000  # thetas: given theta the densities are exact, and differ little from theta to theta
_NUMBERS = 4_000_000  # thetas x rows that are worth their price beyond that
_OPERATIONS = 1e11  # for the covariances of crossed factors
_MOST_COEFFICIENTS = 1000  # in one covariance matrix


@np.errstate(all="ignore")  # where rounding leaves nothing, densities are NaN, and Pareto k infinite
def integrated_loo(posterior: xr.Dataset, gaussian: GaussianModel) -> PointwiseLoo | None:
    """Leave-one-out of every row; None where crossed factors have too many coefficients for one covariance matrix.

    posterior: under Bambi's names.
    """
    rows, theta = len(gaussian.response), theta_of(posterior, gaussian)
    if len(gaussian.factors) < 2:
        pieces = rows_left_out(gaussian, _some(theta, max(_LEAST, _NUMBERS // rows)))
    elif coefficients_of(gaussian) <= _MOST_COEFFICIENTS:
        pieces = crossed_rows_left_out(gaussian, gaussian.response, _affordable(gaussian, theta))
    else:
        return None
    logs = np.zeros(rows) if gaussian.root_weights is None else np.log(gaussian.root_weights)
    return from_densities(((p.units, p.without + logs[p.units], p.inside + logs[p.units]) for p in pieces), rows)


@np.errstate(all="ignore")
def integrated_group_loo(posterior: xr.Dataset, gaussian: GaussianModel, codes: np.ndarray, unit: str) -> PointwiseLoo:
    """Leave-one-out of every group of a factor, as if it were new; not for no pooling, which cannot predict one.

    codes: shape (rows,); the group of each row.
    unit: the name of the factor.
    FitError: where crossed factors have too many coefficients for one covariance matrix.
    """
    theta = theta_of(posterior, gaussian)
    y, weights = gaussian.response, gaussian.root_weights
    if len(gaussian.factors) < 2:
        effects = gaussian.factors[0].design if gaussian.factors else Columns(np.empty((len(y), 0)), (), ())
        sums = cross_products(gaussian.common, effects, codes, y, root_weights=weights)
        left = groups_left_out(sums, theta, gaussian.prior)
    elif coefficients_of(gaussian) <= _MOST_COEFFICIENTS:
        order = np.argsort(codes, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
        left = crossed_groups_left_out(gaussian, y, _affordable(gaussian, theta), members)
    else:
        raise FitError(
            f"Leaving out whole groups takes the covariance of all {coefficients_of(gaussian)} coefficients where "
            f"factors are crossed, and {_MOST_COEFFICIENTS} is the most. Use unit='observation'."
        )
    logs = np.zeros(len(left.units)) if weights is None else np.bincount(codes, np.log(weights))
    return from_densities([(left.units, left.without + logs, left.inside + logs)], len(logs), unit=unit)


def _affordable(gaussian: GaussianModel, theta: Theta) -> Theta:
    return _some(theta, max(_LEAST // 2, int(_OPERATIONS / coefficients_of(gaussian) ** 3)))


def _some(theta: Theta, most: int) -> Theta:
    """Every second, third, ... theta; they come in random order."""
    step = -(-len(theta) // most)
    return Theta(theta.sigma[::step], theta.factor[::step])
