"""Leave-one-out of rows or whole groups, given draws of theta from any engine: all coefficients integrated out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.draws.posterior_tree import theta_of
from hlm.engines.exact.gaussian_model import GaussianArm, make_arm
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.left_out.several_factors import (
    coefficients_of,
    crossed_groups_left_out,
    crossed_rows_left_out,
)
from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.sampling.leave_one_out import PointwiseLoo, from_densities
from hlm.errors import FitError
from hlm.formula.formula import Formula, Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import Columns, response_without_offset
from hlm.model.priors import Priors

if TYPE_CHECKING:
    import xarray as xr

_LEAST = 1000  # thetas: given theta the densities are exact, and differ little from theta to theta
_NUMBERS = 4_000_000  # thetas x rows that are worth their price beyond that
_OPERATIONS = 1e11  # for the covariances of crossed factors
_MOST_COEFFICIENTS = 1000  # in one covariance matrix


@np.errstate(all="ignore")  # where rounding leaves nothing, densities are NaN, and Pareto k infinite
def integrated_loo(
    posterior: xr.Dataset, formula: Formula, data: CleanData, *, pooling: Pooling, priors: Priors
) -> PointwiseLoo | None:
    """Leave-one-out of every row; None where crossed factors have too many coefficients for one covariance matrix.

    Parameters
    ----------
    posterior : xarray.Dataset
        Under Bambi's names.
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    priors : Priors
        Of that arm.
    """
    arm, y = make_arm(formula, data, pooling, priors), response_without_offset(formula, data)
    theta = theta_of(posterior, arm)
    if len(arm.factors) < 2:
        pieces = rows_left_out(arm, y, _some(theta, max(_LEAST, _NUMBERS // len(y))))
    elif coefficients_of(arm) <= _MOST_COEFFICIENTS:
        pieces = crossed_rows_left_out(arm, y, _affordable(arm, theta))
    else:
        return None
    logs = np.zeros(len(y)) if arm.root_weights is None else np.log(arm.root_weights)
    return from_densities(((p.units, p.without + logs[p.units], p.inside + logs[p.units]) for p in pieces), len(y))


@np.errstate(all="ignore")
def integrated_group_loo(
    posterior: xr.Dataset, formula: Formula, data: CleanData, *, pooling: Pooling, priors: Priors, group: Term
) -> PointwiseLoo:
    """Leave-one-out of every group of a factor, as if it were new; not for no pooling, which cannot predict one.

    Raises
    ------
    FitError
        Where crossed factors have too many coefficients for one covariance matrix.
    """
    arm, y = make_arm(formula, data, pooling, priors), response_without_offset(formula, data)
    theta, codes = theta_of(posterior, arm), data.codes(group)
    if len(arm.factors) < 2:
        effects = arm.factors[0].design if arm.factors else Columns(np.empty((len(y), 0)), (), ())
        left = groups_left_out(
            cross_products(arm.common, effects, codes, y, root_weights=arm.root_weights), theta, arm.prior
        )
    elif coefficients_of(arm) <= _MOST_COEFFICIENTS:
        order = np.argsort(codes, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(codes))[:-1])
        left = crossed_groups_left_out(arm, y, _affordable(arm, theta), members)
    else:
        raise FitError(
            f"Leaving out whole groups takes the covariance of all {coefficients_of(arm)} coefficients where factors "
            f"are crossed, and {_MOST_COEFFICIENTS} is the most. Use unit='observation'."
        )
    logs = np.zeros(len(left.units)) if arm.root_weights is None else np.bincount(codes, np.log(arm.root_weights))
    return from_densities([(left.units, left.without + logs, left.inside + logs)], len(logs), unit=group.name)


def _affordable(arm: GaussianArm, theta: Theta) -> Theta:
    return _some(theta, max(_LEAST // 2, int(_OPERATIONS / coefficients_of(arm) ** 3)))


def _some(theta: Theta, most: int) -> Theta:
    """Every second, third, ... theta; they come in random order."""
    step = -(-len(theta) // most)
    return Theta(theta.sigma[::step], theta.factor[::step])
