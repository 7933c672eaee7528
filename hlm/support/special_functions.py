"""SciPy's special functions, loaded at the first call: `hlm.explain` without data answers before SciPy is there."""

from __future__ import annotations

from functools import partial

import numpy as np


def _special(name: str, *arrays: np.ndarray, axis: int | None = None) -> np.ndarray:
    """SciPy's function of that name."""
    from scipy import special

    return np.asarray(getattr(special, name)(*arrays, **({} if axis is None else {"axis": axis})))


expit = partial(_special, "expit")
"""1 / (1 + exp(-x))."""
log_expit = partial(_special, "log_expit")
"""log(1 / (1 + exp(-x)))."""
ndtr = partial(_special, "ndtr")
"""Distribution function of the standard normal."""
log_ndtr = partial(_special, "log_ndtr")
"""Log of the distribution function of the standard normal."""
ndtri = partial(_special, "ndtri")
"""Quantiles of the standard normal."""
gammaln = partial(_special, "gammaln")
"""Log of the gamma function."""
betaln = partial(_special, "betaln")
"""Log of the beta function."""
softmax = partial(_special, "softmax", axis=-1)
"""exp(x) with the sum 1 over the last axis."""
logsumexp = partial(_special, "logsumexp")
"""Log of the sum of exp(x)."""
