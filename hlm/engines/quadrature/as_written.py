"""What the quadrature engine computes with, as a model's coefficients."""

from __future__ import annotations

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.posterior_tree import JointDraws
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.joint_modes import Theta
from hlm.formula.formula import INTERCEPT
from hlm.model.model import Model
from hlm.support.linear_algebra import rotated_to_lower


def as_written(
    model: Model, coefficients: NormalCoefficients, grouped: GroupedRows, theta: Theta, u: np.ndarray, v: np.ndarray,
    chains: int,
) -> JointDraws:  # fmt: skip
    """Theta, u and v, of lengths S = chains x draws, as coefficients of the columns as they are written."""
    common = coefficients.prior.mean + u @ grouped.to_common.T
    if INTERCEPT in coefficients.common.terms:  # of the columns as they are, not centred
        common[:, coefficients.common.terms.index(INTERCEPT)] -= common @ grouped.means
    factor = theta.factor
    effects = v @ factor.swapaxes(1, 2)
    if coefficients.transformation is not None:
        effects = effects @ coefficients.transformation.T
        factor = rotated_to_lower(factor, coefficients.transformation)
    if coefficients.mean.any():
        effects = effects + coefficients.mean
    if grouped.in_groups is not None:  # of each group's columns as they are, not centred there
        of_common, of_effects = grouped.in_groups
        intercept = [term == INTERCEPT for term in coefficients.factors[0].design.terms]
        moved = np.einsum("skq,kq->sk", effects, of_effects) + common @ of_common.T
        effects[:, :, intercept] -= moved[:, :, None]
    own = {parameter.prior_name: theta.phi for parameter in model.of_kind("family")}
    return JointDraws(chains, own, np.asarray(factor), common, [effects] if coefficients.factors else [])
