"""Whether draws of the quadrature engine can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from hlm.engines.quadrature.nodes import MOST_ERROR
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K

ENOUGH_ESS = 400  # as much as 100 of each of four chains
MOST_PROPOSALS = 20_000  # for one draw of a group's effects: the kernel gives up there


@dataclass(frozen=True, slots=True)
class QuadratureDiagnostics:
    """Whether the draws can be trusted."""

    # shape of the tail of the weights of the exact density over the proposal's; above 0.7 part of the posterior may be
    # missing (Vehtari et al. 2024, JMLR 25(72)). -inf where no weights were needed.
    pareto_k: float
    ess: float  # effective number of weighted points that the draws were taken from
    points: int  # how many points that were
    draws: int  # joint draws in the posterior, all chains together
    error: float = 0.0  # change of the sum of the groups' log integrals with twice as many nodes
    nodes: tuple[int, int] = (1, 1)  # of a group along each direction: the fewest and the most
    proposals: float = 1.0  # the most that one draw of a group's effects took

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
        if not self.error <= MOST_ERROR:
            return f"twice as many nodes change the log density by {self.error:.2g}, wanted {MOST_ERROR} at most"
        if self.proposals > MOST_PROPOSALS:
            return f"the effects of a group could not be drawn in {MOST_PROPOSALS:,} proposals"
        if not self.ess >= min(ENOUGH_ESS, self.draws):
            return f"the draws come from {self.ess:.0f} effective points, wanted {ENOUGH_ESS} at least"
        return None

    @property
    def sentence(self) -> str:
        if self.problem is not None:
            return f"Not reliable: {self.problem}; part of the posterior may be missing. Use method='nuts'."
        fewest, most = self.nodes
        nodes = f"{most}" if fewest == most else f"{fewest} to {most}"
        if self.pareto_k == float("-inf"):
            return f"{self.draws} joint draws of the exact posterior, group by group."
        points = f" from {self.ess:.0f} effective points" if self.ess < self.draws / 2 else ""  # of large tables
        return (
            f"{self.draws} joint draws of the exact posterior{points}, by importance sampling (efficiency "
            f"{self.efficiency:.0%}, Pareto k {self.pareto_k:.1f}; at most 0.7 wanted) and quadrature with {nodes} "
            f"nodes a group and direction."
        )
