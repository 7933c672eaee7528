"""SciPy's special functions, loaded at the first call: `hlm.explain` without data answers before SciPy is there."""

from __future__ import annotations

import numpy as np


def expit(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    from scipy import special

    return np.asarray(special.expit(x))


def log_expit(x: np.ndarray) -> np.ndarray:
    """log(1 / (1 + exp(-x)))."""
    from scipy import special

    return np.asarray(special.log_expit(x))


def gammaln(x: np.ndarray) -> np.ndarray:
    """Log of the gamma function."""
    from scipy import special

    return np.asarray(special.gammaln(x))


def betaln(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Log of the beta function."""
    from scipy import special

    return np.asarray(special.betaln(a, b))


def softmax(x: np.ndarray) -> np.ndarray:
    """exp(x) with the sum 1 over the last axis."""
    from scipy import special

    return np.asarray(special.softmax(x, axis=-1))


def logsumexp(x: np.ndarray) -> np.ndarray:
    """Log of the sum of exp(x)."""
    from scipy import special

    return np.asarray(special.logsumexp(x))
