"""Theta in coordinates about the columns' means, for effects of columns far from 0, such as years.

Where slopes vary, intercepts at year 0 are nearly collinear with them: the posterior is thin and curved, and hard to
sample. About the means it is not. (Where slopes hardly vary, the coordinates at 0 are the easy ones: see
parametrisations.py.) The effects about the means are b_c with b = T b_c, so that Sigma = T Sigma_c T'. The prior stays
that of the effects at 0. With |T| = 1, and q effects in a block of correlated ones::

    p(s_c, w_c) = p(s, w) J(s_c, w_c) / J(s, w)
    J(s, w) = |d Sigma / d (s, w)| = 2^q prod_i s_i^q prod_ij (1 - w_ij^2)^((q - 2 - j) / 2)

where s are the sds and w the partial correlations of coordinates.py. Under LKJ(eta), p(w) over the last product is
|Omega|^(eta - 1) up to a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaln

from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.orthogonalised import transformed
from hlm.engines.exact.theta.coordinates import Correlations, Parameters


@dataclass(frozen=True, slots=True)
class Centred:
    """Coordinates about the means, with the methods of `Parameters` that the engine calls."""

    at_zero: Parameters  # coordinates and priors of the effects where all columns are 0
    inside: Parameters  # coordinates of the effects about the means: the same blocks with eta 1, sds without bounds
    transformation: np.ndarray  # shape (q, q); T, unit triangular but for the order of its columns

    def theta(self, u: np.ndarray) -> Theta:
        """Coordinates, shape (T, d), to values of the effects at 0."""
        found = self.inside.theta(u)
        return Theta(found.sigma, transformed(found.factor, self.transformation))

    def log_prior(self, u: np.ndarray) -> np.ndarray:
        """Log prior density of the coordinates, Jacobians included, shape (T,)."""
        inside = self.inside.theta(u).factor
        outside = transformed(inside, self.transformation)
        sds_inside, sds = np.linalg.norm(inside, axis=2), np.linalg.norm(outside, axis=2)
        total = self.inside.log_prior(u)  # that of sigma is the same
        for j, (scale, own) in enumerate(zip(self.at_zero.sds, self.inside.sds, strict=True)):
            total = total + scale.log_density_of(sds[:, j]) - own.log_density_of(sds_inside[:, j])
        for block in self.at_zero.blocks:
            here = slice(block.start, block.stop)
            logs = np.log(sds[:, here]).sum(axis=1)
            log_det = 2 * (np.log(np.diagonal(outside, axis1=1, axis2=2)[:, here]).sum(axis=1) - logs)
            stretched = np.log(sds_inside[:, here]).sum(axis=1) - logs
            total = total + (block.stop - block.start) * stretched + (block.eta - 1) * log_det + _constant(block)
        return np.asarray(total)


def _constant(block: Correlations) -> float:
    """LKJ(eta)'s constant minus that of LKJ(1), from the Beta densities of the partial correlations on (-1, 1)."""
    flat = replace(block, eta=1.0)
    betas = [(block.beta(j), flat.beta(j)) for _, j in block.pairs]
    return float(sum(betaln(b, b) - betaln(a, a) - 2 * (a - b) * np.log(2) for a, b in betas))
