"""Whether draws of the exact engine can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.likelihood.rounding import MOST_ROUNDING
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K

ENOUGH_ESS = 100  # the error of a posterior mean is then a tenth of its posterior sd
MOST_LOST = 0.001


@dataclass(frozen=True, slots=True)
class ExactDiagnostics:
    """Whether the draws can be trusted."""

    # shape of the tail of the importance weights; above 0.7 part of the posterior may be missing (Vehtari et al. 2024,
    # JMLR 25(72)). -inf where no weights were needed.
    pareto_k: float
    ess: float  # effective number of weighted points that the draws were taken from
    points: int  # how many points that were
    draws: int  # joint draws in the posterior, all chains together
    lost: float = 0.0  # share of the posterior, about, where its density could not be computed
    # how far rounding may move the log density, or a coefficient in its posterior sds, at some of the draws; inf where
    # it has left nothing
    rounding: float = 0.0

    @property
    def ok(self) -> bool:
        return self.problem is None

    @property
    def efficiency(self) -> float:
        """Effective points per point; 1 if the proposal were the posterior itself."""
        return self.ess / self.points

    @property
    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence; None if nothing is."""
        if not self.pareto_k <= GOOD_PARETO_K:
            return f"the importance weights have Pareto k {self.pareto_k:.2f}, wanted 0.7 at most"
        if not self.lost <= MOST_LOST:
            return f"the density could not be computed at {self.lost:.1%} of the points where it should be large"
        if not self.rounding <= MOST_ROUNDING:
            return (
                "rounding decides: a group-level sd is too large beside sigma, or columns are nearly collinear; centre "
                "and scale the columns, or let less vary"
            )
        if not self.ess >= ENOUGH_ESS:
            return f"the draws come from {self.ess:.0f} effective points, wanted {ENOUGH_ESS} at least"
        return None

    @property
    def sentence(self) -> str:
        if self.problem is not None:
            return f"Not reliable: {self.problem}; part of the posterior may be missing. Use method='nuts'."
        if self.pareto_k == -np.inf:
            return f"{self.draws} joint draws of the exact posterior, by quadrature."
        return (
            f"{self.draws} joint draws of the exact posterior, by importance sampling "
            f"(efficiency {self.efficiency:.0%}, Pareto k {self.pareto_k:.1f}; at most 0.7 wanted)."
        )
