"""The log density of every row at the points of a grid over a group's effects, with the family's own record of it."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.joint_modes import Theta
from hlm.model.model import Model


def points(grid: np.ndarray, q: int) -> tuple[np.ndarray, np.ndarray]:
    """The points of a grid along q directions, shape (points, q), and the log of the prior's mass at each."""
    v = np.stack(np.meshgrid(*[grid] * q, indexing="ij"), axis=-1).reshape(-1, q)
    return v, -0.5 * (v**2).sum(axis=1) - 0.5 * q * np.log(2 * np.pi) + q * np.log(grid[1] - grid[0])


def log_densities(resolved: Model, grouped: GroupedRows, theta: Theta, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Shape (points, rows), for one theta and u, and effects v, shape (points, q)."""
    density = resolved.family.log_density
    own = {p.name: theta.phi[:1, None] for p in resolved.of_kind("family")}
    eta = (grouped.rows[2] + grouped.rows[3] @ u)[grouped.place]
    predictor = eta + v @ (grouped.z[grouped.place] @ theta.factor[0]).T
    trials = grouped.trials if resolved.family.has_trials else None
    if density is not None:
        return np.asarray(density(grouped.response, predictor, trials, own))
    alpha = own["alpha"] if own else np.ones((1, 1))  # gamma and exponential: the shape alpha and the mean
    rate, y = alpha / np.exp(predictor), grouped.response
    return np.asarray(alpha * np.log(rate) + (alpha - 1) * np.log(y) - rate * y - gammaln(alpha))
