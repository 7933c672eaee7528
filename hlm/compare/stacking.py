"""Stacking weights: the mixture of models that would have predicted the left-out units best."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hlm.engines.interface import PointwiseLoo


def stacking_weights(loos: Mapping[str, PointwiseLoo]) -> dict[str, float]:
    """Weights w that maximise sum_i log sum_k w_k exp(elpd_ik) (Yao et al. 2018, Bayesian Analysis 13:917-1007).

    loos: of the same units. One whose elpd could not be computed at some unit has no weight: NaN.
    """
    from scipy.optimize import minimize

    known = [label for label, loo in loos.items() if not np.isnan(loo.total)]
    if not known:
        return dict.fromkeys(loos, float("nan"))
    log_density = np.column_stack([loos[label].elpd for label in known])
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixture = density @ weights
        return -float(np.log(mixture).mean()), -(density / mixture[:, None]).mean(axis=0)

    found = minimize(
        loss, np.full(len(known), 1 / len(known)), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * len(known),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}, options={"ftol": 1e-12},
    )  # fmt: skip
    weights = np.maximum(found.x, 0.0)
    return dict.fromkeys(loos, float("nan")) | dict(zip(known, (weights / weights.sum()).tolist(), strict=True))
