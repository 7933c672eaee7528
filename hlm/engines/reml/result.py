"""`Reml`: the estimates, with the summary that lme4's users know, in a terminal and in Jupyter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hlm.engines.reml.summary_tables import Table, as_html, as_text, fixed_effects, numbers, random_effects

_SINGULAR = "Singular fit: a standard deviation is 0 or a correlation is exact; fit() shows what else the data allow."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reml:
    """Estimates of a gaussian hierarchical model by (restricted) maximum likelihood; `hlm.reml` makes it.

    Attributes
    ----------
    formula : str
    reml : bool
        False for maximum likelihood.
    fixef : pandas.Series
        Common coefficients ("fixed effects") by term: ``Intercept``, ``pre``, ``sex[M]``.
    fixef_cov : pandas.DataFrame
        Their covariance matrix, given the estimated standard deviations and correlations.
    varcorr : pandas.DataFrame
        Columns ``group, effect1, effect2, sdcor``: for each covariance matrix the standard deviations (``effect2``
        missing), then the correlations (NaN beside a standard deviation of 0); the residual standard deviation last.
        In units of the response per unit of the effect's column.
    sigma : float
        Residual standard deviation, in units of the response.
    loglik : float
        The log-likelihood at the maximum, or the restricted one; these two cannot be compared with each other.
    coef, ranef : Mapping of str to pandas.DataFrame
        By grouping factor, a row per level: the total coefficients, common plus the level's own effects; and the
        effects alone ("random effects"), at their most probable values.
    singular : bool
        Whether a standard deviation is 0, or effects are exactly correlated: some combination of them does not vary.
    n : int
        Rows that were used.
    parameters : int
        Common coefficients, standard deviations and correlations.
    scaled_residuals : pandas.Series
        Quantiles of the residuals divided by sigma: ``Min, 1Q, Median, 3Q, Max``.
    notes : tuple of str
        What must be known to read the numbers.
    """

    formula: str
    reml: bool
    fixef: pd.Series
    fixef_cov: pd.DataFrame
    varcorr: pd.DataFrame
    sigma: float
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
        """Standard errors of the common coefficients; uncertainty of the standard deviations is not in them."""
        return pd.Series(np.sqrt(np.diagonal(self.fixef_cov)), index=self.fixef.index, name="se")

    @property
    def criterion(self) -> float:
        """Minus twice the log-likelihood: lme4's REML criterion, or its deviance with ``reml=False``."""
        return -2.0 * self.loglik

    @property
    def aic(self) -> float:
        """As lme4's AIC; with ``reml=True`` only for models with the same common terms."""
        return self.criterion + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """As lme4's BIC, with the number of rows; with ``reml=True`` only for models with the same common terms."""
        return float(self.criterion + np.log(self.n) * self.parameters)

    @property
    def groups(self) -> Mapping[str, int]:
        """Number of levels by grouping factor."""
        return {name: len(effects) for name, effects in self.ranef.items()}

    def __repr__(self) -> str:
        return as_text(_head(self), _tables(self), _foot(self))

    def _repr_html_(self) -> str:
        return as_html(_head(self), _tables(self), _foot(self))


def _head(result: Reml) -> list[str]:
    how, name = ("REML", "REML criterion") if result.reml else ("maximum likelihood", "deviance")
    numbers = f"log-likelihood {result.loglik:.1f}, AIC {result.aic:.1f}, BIC {result.bic:.1f}"
    fit_by = f"Linear mixed model fit by {how}"
    return [fit_by, f"Formula: {result.formula}", f"{name} {result.criterion:.1f}, {numbers}"]


def _foot(result: Reml) -> list[str]:
    return [*[_SINGULAR] * result.singular, *result.notes]


def _tables(result: Reml) -> list[Table]:
    quantiles = result.scaled_residuals
    residuals = Table("Scaled residuals", list(quantiles.index), [numbers(quantiles)])
    random = random_effects(result.varcorr, result.n, result.groups)
    return [residuals, random, *fixed_effects(result.fixef, result.fixef_cov, "t value")]
