"""Convergence of a sampled posterior: r_hat, effective sample size, divergences, and one sentence about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.model.parameters import Parameter

if TYPE_CHECKING:
    import xarray as xr

GOOD_R_HAT = 1.01  # Vehtari, Gelman, Simpson, Carpenter & Buerkner 2021, Bayesian Analysis 16:667-718
ENOUGH_ESS_PER_CHAIN = 100


@dataclass(frozen=True, slots=True)
class ChainDiagnostics:
    """Convergence of a fit.

    Attributes
    ----------
    r_hat : float
        The largest over all variables; 1 when the chains agree, at most 1.01 wanted.
    r_hat_at : str
        The variable that has it.
    ess : float
        The smallest bulk or tail effective sample size; at least 100 per chain wanted.
    ess_at : str
    divergences : int
        Transitions that NUTS could not follow; even one means that part of the posterior may be missing.
    chains : int
    """

    r_hat: float
    r_hat_at: str
    ess: float
    ess_at: str
    divergences: int
    chains: int

    @property
    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence; None if nothing is."""
        problems = []
        if self.divergences:
            problems.append(f"{self.divergences} divergent transitions: part of the posterior may be missing")
        if not self.r_hat <= GOOD_R_HAT:
            problems.append(f"the chains disagree about {self.r_hat_at} (r_hat {self.r_hat:.3f}, wanted 1.01)")
        if not self.ess >= ENOUGH_ESS_PER_CHAIN * self.chains:
            wanted = ENOUGH_ESS_PER_CHAIN * self.chains
            problems.append(f"effective sample size of {self.ess_at} is {self.ess:.0f}, wanted {wanted}")
        return "; ".join(problems) or None

    @property
    def ok(self) -> bool:
        return self.problem is None

    @property
    def sentence(self) -> str:
        if self.problem is None:
            return f"The chains agree (largest r_hat {self.r_hat:.3f}, smallest effective sample size {self.ess:.0f})."
        return f"Not reliable yet: {self.problem}. Try more draws and tune."


def too_few(draws: int, chains: int) -> bool:
    """Whether no chains of this size are called reliable: a single one has no r_hat, short ones no effective size."""
    return chains < 2 or draws < ENOUGH_ESS_PER_CHAIN


def diagnose(idata: xr.DataTree, correlations: Sequence[Parameter]) -> ChainDiagnostics:
    """The diagnostics of a sampled posterior (ArviZ's rank-normalised r_hat, bulk and tail ESS).

    Of a correlation matrix only the part below the diagonal varies freely; ``correlations`` are the matrices.
    """
    import arviz_stats

    posterior = idata["posterior"].to_dataset()
    matrices = {parameter.name: parameter for parameter in correlations}
    free = posterior[[name for name in posterior.data_vars if name not in matrices]]
    for name, parameter in matrices.items():
        first, second = parameter.dims
        for i in range(1, len(parameter.labels)):
            for j in range(i):
                free[f"{name}[{i},{j}]"] = posterior[name].isel({first: i, second: j}, drop=True)
    with np.errstate(all="ignore"):
        r_hat, r_hat_at = _largest(arviz_stats.rhat(free), 1)
        both = [_largest(arviz_stats.ess(free, method=method), -1) for method in ("bulk", "tail")]
    ess, ess_at = min(both, key=lambda found: (not np.isnan(found[0]), found[0]))  # NaN counts as the smallest
    divergences = int(idata["sample_stats"]["diverging"].sum()) if "sample_stats" in idata else 0
    return ChainDiagnostics(r_hat, r_hat_at, ess, ess_at, divergences, posterior.sizes["chain"])


def _largest(values: Any, sign: int) -> tuple[float, str]:
    """The number that is largest when multiplied by the sign, and its variable; NaN counts as the largest."""
    found = {str(name): float(np.max(sign * np.asarray(values[name]))) for name in values.data_vars}
    where = max(found, key=lambda name: (np.isnan(found[name]), found[name]))
    return sign * found[where], where
