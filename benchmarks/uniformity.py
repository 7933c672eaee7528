"""Are ranks uniform? The simultaneous test of an empirical distribution function, with an exact p-value.

Of N ranks among 0 .. R - 1, S_i lie below i. If they are uniform S_i is Binomial(N, i / R), and S_i -> S_(i+1) a Markov
chain with Binomial(N - S_i, 1 / (R - i)) steps, so that the probability of staying between any bounds is a recursion
(Saeilynoja, Buerkner & Vehtari 2022, Statistics and Computing 32:32, who find simultaneous bands this way). The
statistic is the smallest two-sided pointwise p-value of all i; its own p-value is the probability to leave the bands
that it draws.
"""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import gammaln

_BLOCKS = "▁▂▃▄▅▆▇█"
_JUST_ABOVE = 1 + 1e-9  # the bands exclude the observed value itself, whatever its last digits


def uniform_p(counts: np.ndarray) -> float:
    """The p-value of uniformity.

    Parameters
    ----------
    counts : numpy.ndarray of int, shape (R,)
        How often each rank came.
    """
    n, cells = int(counts.sum()), len(counts)
    z = np.arange(1, cells) / cells
    below = np.cumsum(counts)[:-1]
    tails = np.minimum(stats.binom.cdf(below, n, z), stats.binom.sf(below - 1, n, z))
    least = min(float(tails.min()) * _JUST_ABOVE, 1.0)
    low = stats.binom.ppf(least, n, z).astype(int)
    high = n - stats.binom.ppf(least, n, 1 - z).astype(int)
    return float(np.clip(1 - _probability_inside(low, high, n), 0.0, 1.0))


def sketch(counts: np.ndarray, bins: int = 10) -> str:
    """A histogram as text: half height is what uniform ranks have."""
    heights = np.add.reduceat(counts, np.arange(bins) * len(counts) // bins) * bins / counts.sum()
    return "".join(_BLOCKS[min(int(height * 4), len(_BLOCKS) - 1)] for height in heights)


def _probability_inside(low: np.ndarray, high: np.ndarray, n: int) -> float:
    """The probability that low <= S_i <= high for all i."""
    log_factorial = gammaln(np.arange(n + 1) + 1.0)
    cells = len(low) + 1
    states, probability = np.array([0]), np.array([1.0])
    for i, (a, b) in enumerate(zip(low, high, strict=True)):
        after = np.arange(a, b + 1)
        step, left = after[None, :] - states[:, None], n - states[:, None]
        share = 1.0 / (cells - i)
        possible = (step >= 0) & (step <= left)
        k = np.where(possible, step, 0)
        log_p = log_factorial[left] - log_factorial[k] - log_factorial[left - k] + k * np.log(share)
        log_p += (left - k) * np.log1p(-share)
        probability = probability @ np.where(possible, np.exp(log_p), 0.0)
        states = after
    return float(probability.sum())
