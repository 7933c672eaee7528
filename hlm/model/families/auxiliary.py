"""The families' own parameters, where several families share one."""

from __future__ import annotations

from hlm.model.families.family import Auxiliary
from hlm.model.priors import Prior

HALF_NORMAL, HALF_CAUCHY = Prior("HalfNormal", sigma=1), Prior("HalfCauchy", beta=1)
_SHAPE, _CONCENTRATION = "the shape: the larger, the less spread", "the concentration: the larger, the less spread"

SIGMA = Auxiliary(HALF_NORMAL, "how far single rows lie from what the terms predict", "spread of single rows", "sigma")
ALPHA = Auxiliary(HALF_CAUCHY, _SHAPE, "alpha", "shape")
LAM = Auxiliary(HALF_CAUCHY, _SHAPE, "lam", "shape")
KAPPA = Auxiliary(HALF_CAUCHY, _CONCENTRATION, "kappa", "phi")
KAPPA_OF_ANGLES = Auxiliary(Prior("HalfStudentT", nu=4, sigma=1), _CONCENTRATION, "kappa", "kappa")
B = Auxiliary(HALF_NORMAL, "the scale: how far single rows lie from the middle", "b")
PSI = Auxiliary(  # not brms's zi and hu, which are the probability of a zero
    Prior("Beta", alpha=2, beta=2), "the probability that a row is not an extra zero", "share that is no extra zero",
    reason="a probability, most likely not near 0 or 1",
)  # fmt: skip
