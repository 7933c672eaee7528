"""A model as the exact engine needs it: y = X beta + sum over factors of Z b[group] + noise, with Normal priors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.engines.exact.likelihood.marginal import Sums
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.sums.orthogonalised import orthogonalised_common
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.model.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianModel(NormalCoefficients):
    """The numbers of a model."""

    response: np.ndarray  # shape (rows,); y, less its offset
    root_weights: np.ndarray | None = None  # shape (rows,), or None; square roots of the rows' weights
    # shape (p, p), or None; T with beta = T b_c, where X is that of b_c, since as written it is nearly collinear
    common_transformation: np.ndarray | None = None

    @property
    def response_less_means(self) -> np.ndarray:
        """The response less what the effects' prior means fit, shape (rows,)."""
        return np.asarray(self.response - self.fitted_by_means)


def gaussian_model(model: Model) -> GaussianModel:
    """The numbers of a model that the engine covers (coverage.py)."""
    found = normal_coefficients(model)
    common, transformation = orthogonalised_common(found.common)
    prior = found.prior
    if transformation is not None:  # the prior of the intercept is about centred columns already
        centred = np.where([[term == INTERCEPT] for term in common.terms], np.eye(len(transformation)), transformation)
        prior = replace(prior, transformation=centred)
    return GaussianModel(
        common, prior, found.factors, found.mean, found.known_sd, found.blocks, found.transformation,
        response=model.response, root_weights=model.root_weights, common_transformation=transformation,
    )  # fmt: skip


def summed(gaussian: GaussianModel) -> Sums:
    """The cross-products of the model's columns and response."""
    if len(gaussian.factors) > 1:
        factors = [(factor.design, factor.codes) for factor in gaussian.factors]
        return crossed_products(gaussian.common, factors, gaussian.response_less_means, gaussian.root_weights)
    return cross_products(*columns_alone(gaussian))


def columns_alone(gaussian: GaussianModel) -> tuple[Columns, Columns, np.ndarray, np.ndarray, np.ndarray | None]:
    """With one factor, or none (then all rows are one group): X, Z, groups, y less what b's mean fits, root weights."""
    effects, codes = gaussian.common.select(()), np.zeros(len(gaussian.response), dtype=np.int64)
    if gaussian.factors:
        effects, codes = gaussian.factors[0].design, gaussian.factors[0].codes
    return gaussian.common, effects, codes, gaussian.response_less_means, gaussian.root_weights
