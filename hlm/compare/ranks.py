"""Expected ranks: where each group stands when its estimate is as uncertain as it is."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def expected_ranks(draws: np.ndarray, *, prob: float = 0.89) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rank of each group, averaged over the posterior, with its interval.

    Parameters
    ----------
    draws : numpy.ndarray, shape (draws, K)
        One coefficient of each group; joint draws, so that what the groups share cancels.
    prob : float
        Probability of the central intervals.

    Returns
    -------
    expected, lower, upper : numpy.ndarray, shape (K,)
        Rank 1 is the smallest. ``expected`` is ``1 + sum_j P(theta_k > theta_j)`` over the other groups, a tie counting
        half (Lingsma et al. 2010, BMC Medical Research Methodology 10:37); the average over groups is ``(K + 1) / 2``.

    Examples
    --------
    >>> import numpy as np
    >>> expected_ranks(np.array([[0.1, 0.5, 0.9], [0.6, 0.5, 0.9]]))[0].tolist()
    [1.5, 1.5, 3.0]
    """
    ranks = rankdata(draws, axis=1)
    tail = (1 - prob) / 2
    lower, upper = np.quantile(ranks, [tail, 1 - tail], axis=0, method="nearest")
    return ranks.mean(axis=0), lower, upper
