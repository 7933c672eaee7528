"""``poly``, ``bs`` and ``ns``: the columns that R makes, learned on some rows and applied to others.

Every basis is a pair of functions: ``learn(x, **options)`` gives a tuple of arrays, ``apply(x, learned)`` the columns,
shape (rows, columns). Options that cannot be used are a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

type Learned = tuple[np.ndarray, ...]

_CUBIC = 3


def learn_poly(x: np.ndarray, *, raw: bool = False, degree: int = 1) -> Learned:
    """The three-term recurrence of the polynomials orthogonal on x (Kennedy & Gentle 1980), which R keeps too.

    alpha: shape (degree,); where each polynomial is centred. Empty for raw powers.
    norms: shape (degree + 1,); sums of squares of the polynomials with leading coefficient 1, from degree 0. For raw
        powers the degree alone.
    """
    if raw:
        return np.zeros(0), np.array([degree])
    if degree >= len(np.unique(x)):
        raise ValueError(f"degree {degree} needs more than {degree} different values, not {len(np.unique(x))}.")
    alpha, norms = np.empty(degree), np.empty(degree + 1)
    for j, polynomial in enumerate(_polynomials(x, alpha, norms)):
        norms[j] = (polynomial**2).sum()
        if j < degree:
            alpha[j] = (x * polynomial**2).sum() / norms[j]
    return alpha, norms


def apply_poly(x: np.ndarray, learned: Learned) -> np.ndarray:
    """Polynomials of degree 1, 2, ...; orthogonal ones have sum of squares 1 where they were learned."""
    alpha, norms = learned
    if not len(alpha):
        return x[:, None] ** np.arange(1, int(norms[0]) + 1)
    return np.asarray(np.column_stack([*_polynomials(x, alpha, norms)][1:]) / np.sqrt(norms[1:]))


def _polynomials(x: np.ndarray, alpha: np.ndarray, norms: np.ndarray) -> Iterator[np.ndarray]:
    """Of degree 0, 1, ... with leading coefficient 1; after each one its alpha and its norm are read, not before."""
    before, now = np.zeros_like(x), np.ones_like(x)
    yield now
    for j in range(len(alpha)):
        shrink = norms[j] / norms[j - 1] if j else 0.0
        before, now = now, (x - alpha[j]) * now - shrink * before
        yield now


def learn_bs(x: np.ndarray, *, df: int | None = None, degree: int = _CUBIC) -> Learned:
    """Knots and degree of a B-spline without its first column, df columns in all."""
    inner = 0 if df is None else df - degree
    if inner < 0:
        raise ValueError(f"df must be {degree} at least for pieces of degree {degree}, not {df}.")
    return _knots(x, inner, degree), np.array([degree])


def apply_bs(x: np.ndarray, learned: Learned) -> np.ndarray:
    """The columns; beyond the boundary knots the outermost pieces go on."""
    knots, degree = learned
    return np.asarray(_splines(knots, int(degree[0]))(x)[:, 1:])


def learn_ns(x: np.ndarray, *, df: int = 1) -> Learned:
    """Knots of a natural cubic spline, and the map from B-splines to those without curvature at the boundaries.

    The map is R's: the last columns of the orthogonal matrix of a Householder QR of the two boundary curvatures.
    """
    knots = _knots(x, df - 1, _CUBIC)
    ends = knots[[_CUBIC, -1 - _CUBIC]]
    curvature = _splines(knots, _CUBIC).derivative(2)(ends)[:, 1:]
    orthogonal, _ = np.linalg.qr(curvature.T, mode="complete")
    return knots, orthogonal[:, 2:]


def apply_ns(x: np.ndarray, learned: Learned) -> np.ndarray:
    """The columns; straight lines beyond the boundary knots."""
    knots, natural = learned
    splines = _splines(knots, _CUBIC)
    inside = np.clip(x, knots[_CUBIC], knots[-1 - _CUBIC])
    beyond = (x - inside)[:, None]
    return np.asarray((splines(inside) + beyond * splines.derivative(1)(inside))[:, 1:] @ natural)


BASES: Mapping[str, tuple[Callable[..., Learned], Callable[[np.ndarray, Learned], np.ndarray]]] = MappingProxyType(
    {"poly": (learn_poly, apply_poly), "bs": (learn_bs, apply_bs), "ns": (learn_ns, apply_ns)}
)


def _knots(x: np.ndarray, inner: int, degree: int) -> np.ndarray:
    """Boundary knots at the range of x, each degree + 1 times, and inner ones at equally spaced quantiles."""
    if x.min() == x.max():
        raise ValueError("all values are the same.")
    knots = np.array([x.min(), *np.quantile(x, np.linspace(0, 1, inner + 2)[1:-1]), x.max()])
    if len(np.unique(knots)) < len(knots):
        raise ValueError(f"the {inner} inner knots, at quantiles, coincide: use a smaller df.")
    return np.pad(knots, degree, mode="edge")


def _splines(knots: np.ndarray, degree: int) -> Any:
    from scipy.interpolate import BSpline

    return BSpline(knots, np.eye(len(knots) - degree - 1), degree, extrapolate=True)
