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
    """Estimates of a gaussian hierarchical model by (restricted) maximum likelihood; see `Reml`."""

    formula: str
    reml: bool  # False for maximum likelihood
    fixef: pd.Series  # common coefficients ("fixed effects") by term: ``Intercept``, ``pre``, ``sex[M]``
    # their covariance matrix, given the estimated standard deviations and correlations
    fixef_cov: pd.DataFrame = field(repr=False)
    # columns ``group, effect1, effect2, sdcor``: for each covariance matrix the standard deviations (``effect2``
    # missing), then the correlations (NaN beside a standard deviation of 0); the residual standard deviation last. In
    # units of the response per unit of the effect's column.
    varcorr: pd.DataFrame
    sigma: float  # residual standard deviation, in units of the response
    # the log-likelihood at the maximum, or the restricted one; these two cannot be compared with each other
    loglik: float
    # by grouping factor: each level's total coefficients, common plus its own effects
    coef: Mapping[str, pd.DataFrame] = field(repr=False)
    # by grouping factor: each level's effects ("random effects"), at their most probable values
    ranef: Mapping[str, pd.DataFrame] = field(repr=False)
    # whether a standard deviation is 0, or effects are exactly correlated: some combination of them does not vary
    singular: bool
    n: int  # rows that were used
    parameters: int  # common coefficients, standard deviations and correlations
    # quantiles of the residuals divided by sigma: ``Min, 1Q, Median, 3Q, Max``
    scaled_residuals: pd.Series = field(repr=False)
    notes: tuple[str, ...] = ()  # what must be known to read the numbers

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
