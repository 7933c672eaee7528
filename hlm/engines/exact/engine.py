"""The collapsed engine: the exact posterior of a gaussian hierarchical model without a Markov chain.

All coefficients are integrated out, so that only theta (the standard deviations and correlations, a few dimensions) has
to be sampled; then the coefficients are drawn exactly, given theta::

    formula, data -> arm.py            which columns, which priors
                  -> coordinates.py    each row: what its group's effects explain, what they leave
                  -> crossproducts.py  all that is kept of the rows (crossed.py: of several factors)
                  -> marginal.py       log p(y | theta)
    + the prior of theta (parameters.py, scales.py)
                  -> importance.py     draws of theta, with Pareto k (charts.py: in more than one coordinate system)
                  -> coefficients.py   beta, b | theta, y
                  -> tree.py           a posterior under Bambi's names
                  -> rounding.py       how much of all that is rounding
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.coverage import covers
from hlm.engines.exact.draws.coefficients import draw_coefficients
from hlm.engines.exact.draws.posterior_tree import posterior_tree
from hlm.engines.exact.draws.separate_residuals import sample_separate
from hlm.engines.exact.gaussian_model import make_arm, summed
from hlm.engines.exact.likelihood.rounding import MOST_ROUNDING, rounding
from hlm.engines.exact.memory_check import OPERATIONS, check_room
from hlm.engines.exact.theta.parametrisations import sample_parametrisations
from hlm.engines.exact.theta.starts import make_parametrisations
from hlm.engines.sampling.importance_sampling import GOOD_PARETO_K, resample
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model.design_columns import response_without_offset
from hlm.model.prior_distributions import Priors
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import xarray as xr

ENOUGH_ESS = 100  # the error of a posterior mean is then a tenth of its posterior sd
MOST_LOST = 0.001
_CHECKED = 4  # draws at which rounding is looked at

__all__ = ["CollapsedDiagnostics", "covers", "sample_collapsed"]


@dataclass(frozen=True, slots=True)
class CollapsedDiagnostics:
    """Whether the draws can be trusted.

    Attributes
    ----------
    pareto_k : float
        Shape of the tail of the importance weights; above 0.7 part of the posterior may be missing (Vehtari et al.
        2024, JMLR 25(72)). -inf where no weights were needed.
    ess : float
        Effective number of weighted points that the draws were taken from.
    points : int
        How many points that were.
    draws : int
        Joint draws in the posterior, all chains together.
    lost : float
        Share of the posterior, about, where its density could not be computed.
    rounding : float
        How far rounding may move the log density, or a coefficient in its posterior sds, at some of the draws; inf
        where it has left nothing.
    """

    pareto_k: float
    ess: float
    points: int
    draws: int
    lost: float = 0.0
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
                "rounding decides: a group-level sd is too large beside sigma, or columns are nearly in line; centre "
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


def sample_collapsed(
    formula: Formula,
    data: CleanData,
    *,
    pooling: Pooling,
    priors: Priors,
    residual: Residual = "shared",
    draws: int = 1000,
    chains: int = 4,
    seed: int | None = None,
) -> tuple[xr.DataTree, CollapsedDiagnostics]:
    """Draw from the posterior of one arm that the engine `covers`.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    priors : Priors
        Of that arm.
    residual : {"shared", "separate"}
    draws, chains : int
        The posterior has ``chains x draws`` joint draws; they are exchangeable, so chains are only a shape.
    seed : int, optional
        The same seed gives the same draws.

    Returns
    -------
    idata : xarray.DataTree
        Groups ``posterior`` (Bambi's names and dims) and ``observed_data``.
    diagnostics : CollapsedDiagnostics
        Do not use the draws where it is not ``ok``.

    Examples
    --------
    >>> from hlm import default_priors, load_data, parse
    >>> from hlm.data.clean_data import clean
    >>> formula = parse("post ~ pre + (pre|school)")
    >>> data = clean(formula, load_data("exam"))
    >>> priors = default_priors(formula, data)
    >>> idata, diagnostics = sample_collapsed(formula, data, pooling="partial", priors=priors, seed=1)
    >>> round(float(idata["posterior"]["1|school_sigma"].mean()), 2), diagnostics.ok
    (0.31, True)
    """
    if residual == "separate":
        idata = sample_separate(formula, data, priors=priors, draws=draws, chains=chains, seed=seed)
        return idata, CollapsedDiagnostics(-np.inf, float(chains * draws), chains * draws, chains * draws)
    rng = stream(seed, f"{pooling} pooling")
    arm = make_arm(formula, data, pooling, priors)
    check_room(arm, draws=draws, chains=chains)
    sums = summed(arm, response_without_offset(formula, data))
    most = int(OPERATIONS / sums.operations)
    sampled = sample_parametrisations(
        make_parametrisations(arm, sums, priors), sums, arm.prior, draws=chains * draws, most=most, rng=rng
    )
    found = sampled.points
    chosen, which = np.unique(resample(found, chains * draws, rng), return_inverse=True)
    theta, given = sampled.theta.some(chosen), sampled.given.some(chosen)
    drawn = draw_coefficients(arm, sums, theta, given, which, chains=chains, rng=rng)
    idata = posterior_tree(arm, formula, data, drawn)
    some = np.linspace(0, len(chosen) - 1, _CHECKED).astype(int)
    error = rounding(sums, theta.some(some), arm.prior, given.some(some)) if drawn.finite else np.inf
    return idata, CollapsedDiagnostics(
        found.pareto_k, found.ess, len(found.weights), chains * draws, lost=found.lost, rounding=error
    )
