"""The numbers of a gaussian hierarchical model estimated by (restricted) maximum likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """Estimates of a gaussian hierarchical model by (restricted) maximum likelihood; see `Reml`.

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
    coef : Mapping of str to pandas.DataFrame
        By grouping factor: each level's total coefficients, common plus its own effects.
    ranef : Mapping of str to pandas.DataFrame
        By grouping factor: each level's effects ("random effects"), at their most probable values.
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
    fixef_cov: pd.DataFrame = field(repr=False)
    varcorr: pd.DataFrame
    sigma: float
    loglik: float
    coef: Mapping[str, pd.DataFrame] = field(repr=False)
    ranef: Mapping[str, pd.DataFrame] = field(repr=False)
    singular: bool
    n: int
    parameters: int
    scaled_residuals: pd.Series = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def fixef_se(self) -> pd.Series:
        """Standard errors of the common coefficients; uncertainty of the standard deviations is not in them."""
        import pandas as pd

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
