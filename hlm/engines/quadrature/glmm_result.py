"""`Glmm`: the estimates, with the summary that glmer's users know, in a terminal and in Jupyter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hlm.engines.reml.summary_tables import Table, as_html, as_text, fixed_effects, numbers, random_effects

_SINGULAR = "Singular fit: a standard deviation is 0 or a correlation is exact; fit() shows what else the data allow."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Glmm:
    """Estimates of a hierarchical model of another family by maximum likelihood; `hlm.glmm` makes it.

    Attributes
    ----------
    formula, family, link : str
    nagq : int
        Quadrature nodes of each group along each effect; 1 is Laplace's approximation.
    fixef : pandas.Series
        Common coefficients ("fixed effects") by term, on the scale of the link: ``Intercept``, ``pre``, ``sex[M]``.
        Infinite where the likelihood rises without end (separation); a note says so.
    fixef_cov : pandas.DataFrame
        Their covariance matrix, from the curvature of the log-likelihood in all parameters, as glmer has it.
    varcorr : pandas.DataFrame
        Columns ``group, effect1, effect2, sdcor``: for each covariance matrix the standard deviations (``effect2``
        missing), then the correlations (NaN beside a standard deviation of 0). On the scale of the link per unit of
        the effect's column.
    own : Mapping of str to float
        The family's own parameter by name: ``alpha`` of the negative binomial family (lme4's theta) and of the gamma
        family (its shape); empty in the others.
    loglik : float
        The log-likelihood at the maximum with all of the family's constants, so that models of different families of
        one response can be compared.
    coef, ranef : Mapping of str to pandas.DataFrame
        By grouping factor, a row per level: the total coefficients, common plus the level's own effects; and the
        effects alone ("random effects"), at their most probable values.
    singular : bool
        Whether a standard deviation is 0, or effects are exactly correlated: some combination of them does not vary.
    n : int
        Rows that were used.
    parameters : int
        Common coefficients, standard deviations, correlations and the family's own parameter.
    scaled_residuals : pandas.Series
        Quantiles of the residuals over the standard deviation of the response, both given the level's own effects:
        ``Min, 1Q, Median, 3Q, Max``.
    notes : tuple of str
        What must be known to read the numbers.
    """

    formula: str
    family: str
    link: str
    nagq: int
    fixef: pd.Series
    fixef_cov: pd.DataFrame
    varcorr: pd.DataFrame
    own: Mapping[str, float]
    loglik: float
    coef: Mapping[str, pd.DataFrame]
    ranef: Mapping[str, pd.DataFrame]
    singular: bool
    n: int
    parameters: int
    scaled_residuals: pd.Series
    notes: tuple[str, ...] = ()

    @property
    def fixef_se(self) -> pd.Series:
        """Standard errors of the common coefficients."""
        return pd.Series(np.sqrt(np.diagonal(self.fixef_cov)), index=self.fixef.index, name="se")

    @property
    def criterion(self) -> float:
        """Minus twice the log-likelihood."""
        return -2.0 * self.loglik

    @property
    def aic(self) -> float:
        """Akaike's criterion: a difference between two models is that of glmer's, whatever its ``nAGQ``."""
        return self.criterion + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """Schwarz's criterion with the number of rows, as in lme4."""
        return float(self.criterion + np.log(self.n) * self.parameters)

    @property
    def groups(self) -> Mapping[str, int]:
        """Number of levels by grouping factor."""
        return {name: len(effects) for name, effects in self.ranef.items()}

    def __repr__(self) -> str:
        return as_text(_head(self), _tables(self), _foot(self))

    def _repr_html_(self) -> str:
        return as_html(_head(self), _tables(self), _foot(self))


def _head(result: Glmm) -> list[str]:
    how = "Laplace's approximation" if result.nagq == 1 else f"adaptive Gauss-Hermite quadrature, nagq = {result.nagq}"
    own = "".join(f", {name} {value:.4g}" for name, value in result.own.items())
    numbers = f"log-likelihood {result.loglik:.1f}, AIC {result.aic:.1f}, BIC {result.bic:.1f}"
    return [
        f"Generalised linear mixed model fit by maximum likelihood ({how})",
        f"Family: {result.family} ({result.link}){own}",
        f"Formula: {result.formula}",
        f"deviance {result.criterion:.1f}, {numbers}",
    ]


def _tables(result: Glmm) -> list[Table]:
    quantiles = result.scaled_residuals
    residuals = Table("Scaled residuals", list(quantiles.index), [numbers(quantiles)])
    random = random_effects(result.varcorr, result.n, result.groups)
    return [residuals, random, *fixed_effects(result.fixef, result.fixef_cov, "z value")]


def _foot(result: Glmm) -> list[str]:
    return [*[_SINGULAR] * result.singular, *result.notes]
