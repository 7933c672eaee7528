"""Leave-one-out predictive densities of single responses, by Pareto-smoothed importance sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hlm.predictive.psis import log_sum_exp, smooth

GOOD_K = 0.7
_CHUNK_NUMBERS = 20_000_000  # draws x rows worked on at once: 160 MB


@dataclass(frozen=True, slots=True)
class PointwiseLoo:
    """Leave-one-out, response by response.

    Attributes
    ----------
    elpd : numpy.ndarray
        Log predictive density of each response given all others, shape (rows,).
    lppd : numpy.ndarray
        The same given all responses, its own included; the difference is the effective number of parameters.
    pareto_k : numpy.ndarray
        Above 0.7 the row's ``elpd`` cannot be trusted.
    """

    elpd: np.ndarray
    lppd: np.ndarray
    pareto_k: np.ndarray

    @property
    def total(self) -> float:
        return float(self.elpd.sum())

    @property
    def se(self) -> float:
        """Standard error of the total, from the variation between responses."""
        return float(np.sqrt(len(self.elpd) * self.elpd.var(ddof=0)))

    @property
    def p(self) -> float:
        """Effective number of parameters."""
        return float((self.lppd - self.elpd).sum())

    @property
    def bad(self) -> np.ndarray:
        """The rows that cannot be trusted."""
        return np.flatnonzero(self.pareto_k > GOOD_K)


def pointwise_loo(log_density: Callable[[slice], np.ndarray], rows: int, draws: int) -> PointwiseLoo:
    """Leave each response out in turn, without refitting.

    Parameters
    ----------
    log_density : callable
        For a slice of rows, their log density given each draw, shape (draws, rows of the slice).
    rows, draws : int
    """
    size = max(1, _CHUNK_NUMBERS // draws)
    pieces = [_piece(log_density(slice(start, min(start + size, rows)))) for start in range(0, rows, size)]
    elpd, lppd, pareto_k = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return PointwiseLoo(elpd, lppd, pareto_k)


def _piece(log_likelihood: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    smoothed = smooth(-log_likelihood)
    elpd = log_sum_exp(smoothed.log_weights + log_likelihood)
    lppd = log_sum_exp(log_likelihood) - np.log(len(log_likelihood))
    return elpd, lppd, smoothed.pareto_k
