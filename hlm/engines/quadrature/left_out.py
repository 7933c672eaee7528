"""Leave-one-out of rows or whole groups, given draws from any engine: the groups' effects are integrated out.

The density of a row given the others of its group is I / I without the row, that of a group given the other groups I.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.engines.interface import PointwiseLoo, Unit
from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.engines.posterior_tree import flat, roots_of
from hlm.engines.quadrature.gauss_hermite import rules
from hlm.engines.quadrature.grouped_rows import GroupedRows, grouped_rows
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.nodes import chosen_rules
from hlm.engines.quadrature.predictive import different_responses, predictive_densities
from hlm.engines.quadrature.without_rows import set_own_integrals
from hlm.engines.sampling.leave_one_out import from_densities
from hlm.formula.formula import INTERCEPT
from hlm.model.model import Model
from hlm.model.parameters import common_parameters
from hlm.support.linear_algebra import rotated_to_lower, solve_upper

if TYPE_CHECKING:
    import xarray as xr

# given theta and the common coefficients the densities are exact, and differ little between draws: so many are enough
_DRAWS, _LEAST = 1000, 200
_VALUES = 2e8  # draws x nodes of all different rows at most, some 5 s, where that leaves the least
_CHEAP = 2e7  # of these that are worth more draws
_SAME = 30  # draws where nothing that is left differs between them: as few as a tail is seen in
_CHECKED = 6  # draws at which nodes are chosen
_MORE = 2  # rules finer than the group's integral needs: without one of few rows it is wider


def left_out(model: Model, posterior: xr.Dataset, unit: Unit) -> PointwiseLoo:
    """Leave-one-out of the rows (unit None), or of the groups of a factor, each as if it were new."""
    coefficients = normal_coefficients(model)
    grouped = grouped_rows(model, coefficients)
    theta, u = _read(posterior, model, coefficients, grouped)
    available = rules(grouped.z.shape[1])
    few = np.linspace(0, len(theta) - 1, _CHECKED).astype(int)
    chosen = np.minimum(chosen_rules(grouped, available, theta.some(few), u[few]) + _MORE, len(available.counts) - 3)
    some = np.arange(0, len(theta), -(-len(theta) // _draws(grouped, available.sizes[chosen], theta, u)))
    theta, u = theta.some(some), u[some]  # draws come in random order
    found = predictive_densities(grouped, theta, u, available, chosen)
    constants = grouped.constants + grouped.constants_by_row(theta.phi)
    if unit is None:
        set_own_integrals(grouped, theta, u, available, chosen, found)
        without, inside = (values[:, found.place] + constants for values in (found.without, found.inside))
        return from_densities([(np.arange(model.rows), without, inside)], model.rows)
    codes, levels = model.data.codes(unit), model.data.levels(unit)
    if model.factors:
        places, sums = model.factor(unit).codes, _by_group(constants, codes, len(levels))
        assert (places == codes).all()
        return from_densities(
            [(np.arange(len(levels)), found.group + sums, found.group_inside + sums)], len(levels), unit=unit.name
        )
    density = _by_group(found.without[:, found.place] + constants, codes, len(levels))
    return from_densities([(np.arange(len(levels)), density, density)], len(levels), unit=unit.name)


def _draws(grouped: GroupedRows, nodes: np.ndarray, theta: Theta, u: np.ndarray) -> int:
    """How many draws are enough; nodes: shape (K,), of each group."""
    if not (u.size or np.ptp(theta.phi) or np.ptp(theta.factor, axis=0).any()):
        return _SAME
    rows = different_responses(grouped)[0][:, 0]
    values = nodes[np.searchsorted(grouped.start, rows, side="right") - 1].sum()
    return int(max(np.clip(_VALUES / values, _LEAST, _DRAWS), _CHEAP / values))


def _by_group(values: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """Sums over the rows of each group, shape (T, K)."""
    return np.stack([np.bincount(codes, row, groups) for row in values])


def _read(
    posterior: xr.Dataset, model: Model, coefficients: NormalCoefficients, grouped: GroupedRows
) -> tuple[Theta, np.ndarray]:
    """Theta and u of every draw of a posterior under Bambi's names."""
    terms = coefficients.common.terms
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    common = np.empty((draws, len(terms)))
    for parameter in common_parameters(coefficients.common):
        mine = [term == parameter.term for term in terms]
        common[:, mine] = flat(posterior[parameter.name]).reshape(draws, -1)
    if INTERCEPT in terms:
        common[:, terms.index(INTERCEPT)] += common @ grouped.means
    u = solve_upper(grouped.to_common, (common - coefficients.prior.mean).T).T
    own = model.of_kind("family")
    phi = flat(posterior[own[0].name]) if own else np.ones(draws)
    factor = roots_of(posterior, coefficients)
    if coefficients.transformation is not None:
        inverse = solve_upper(coefficients.transformation, np.eye(len(coefficients.transformation)))
        factor = rotated_to_lower(factor, inverse)
    return Theta(phi, np.ascontiguousarray(factor)), u
