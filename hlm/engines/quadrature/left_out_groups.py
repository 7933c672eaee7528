"""Densities of whole groups at as many draws as their sum needs to be exact to 0.05, where these are cheap."""

from __future__ import annotations

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.sampling import sample_pairs
from hlm.engines.quadrature.theta import theta_coordinates
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K, smooth
from hlm.model.model import Model

_ERROR = 0.0125  # wanted standard error of the sum of all groups: 0.05 is four of them
_VALUES = 1.5e8  # draws x rows x nodes at most, some 2 s
_EACH = 150  # of these for what a group takes besides, such as its mode
_LEAST = 1000  # draws
_MOST = 200_000  # draws


def groups_left_out(
    model: Model, coefficients: NormalCoefficients, grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules,
    chosen: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Log density of every group given the others, shape (T, K), at the draws and at further ones."""
    affordable = int(_VALUES / (np.diff(grouped.start) * rules.sizes[chosen] + _EACH).sum())
    some = np.arange(0, len(theta), -(-len(theta) // max(affordable, _LEAST)))  # draws come in random order
    densities = _densities(grouped, theta.some(some), u[some], rules, chosen)
    wanted = min(int(len(some) * (_error(densities) / _ERROR) ** 2), affordable, _MOST) - len(some)
    if wanted < len(some):  # not worth the search for a proposal
        return densities
    further = sample_pairs(
        grouped, theta_coordinates(model, coefficients), wanted, np.random.default_rng(0), with_effects=False
    )
    if not further.pareto_k <= GOOD_PARETO_K:
        return densities
    return np.concatenate([densities, _densities(grouped, further.theta, further.u, rules, chosen)])


def _densities(grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray) -> np.ndarray:
    """Log density of every group, shape (T, K)."""
    groups = np.searchsorted(grouped.start, grouped.place, side="right") - 1
    found = group_integrals(grouped, theta, u, rules, chosen) + np.bincount(groups, grouped.constants, grouped.groups)
    step = max(1, int(1e7 / len(groups)))
    for start in range(0, len(theta), step):
        own = grouped.constants_by_row(theta.phi[start : start + step])
        if own.shape[1] > 1:
            found[start : start + step] += [np.bincount(groups, row, grouped.groups) for row in own]
    return found


def _error(densities: np.ndarray) -> float:
    """Standard error of the sum of all groups' log densities without them."""
    weights = np.exp(smooth(-densities).log_weights).sum(axis=1)  # how much each draw counts, over all groups
    return float(weights.std() * np.sqrt(len(weights)))
