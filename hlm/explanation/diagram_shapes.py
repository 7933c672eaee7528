"""The shapes of distributions, from their actual parameters where they are numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

_POINTS = 61
type _Density = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Shape:
    """A density on a range, unnormalised, and the numbers worth writing under its axis.

    Attributes
    ----------
    heights : tuple of float
        At equal steps from ``low`` to ``high``; the largest is 1.
    low, high : float
    marks : tuple of float
    """

    heights: tuple[float, ...]
    low: float
    high: float
    marks: tuple[float, ...] = ()


def prior_shape(name: str, numbers: Mapping[str, float], *, size: int = 2) -> Shape | None:
    """The shape of a prior; a parameter that is not a number yet counts as 0 or 1, and no axis numbers are given.

    Parameters
    ----------
    name : str
        PyMC's name; ``LKJ`` for one correlation of a matrix of ``size``.
    numbers : Mapping
        The parameters that are numbers.
    size : int

    Returns
    -------
    Shape or None
        None for a distribution without a shape here.
    """
    known = numbers.get
    mu, sigma, nu = known("mu", 0.0), known("sigma", 1.0), known("nu", 4.0)
    a, b = known("alpha", 2.0), known("beta", 1.0)
    match name:
        case "Normal":
            shape = _on(_normal, mu, sigma, (-3, 3), (-2, 0, 2))
        case "StudentT":
            shape = _on(_student(nu), mu, sigma, (-4.5, 4.5), (-2, 0, 2))
        case "Cauchy":
            shape = _on(_student(1), known("alpha", 0.0), b, (-6, 6), (-3, 0, 3))
        case "Laplace":
            shape = _on(lambda z: math.exp(-abs(z)), mu, known("b", 1.0), (-5, 5), (-3, 0, 3))
        case "HalfNormal":
            shape = _on(_normal, 0, sigma, (0, 3), (0, 2))
        case "HalfStudentT":
            shape = _on(_student(nu), 0, sigma, (0, 5), (0, 2, 4))
        case "HalfCauchy":
            shape = _on(_student(1), 0, b, (0, 8), (0, 4, 8))
        case "Exponential":
            rate = known("lam", 1 / known("scale", 1.0))
            shape = _on(lambda z: math.exp(-z), 0, 1 / rate, (0, 5), (0, 2, 4))
        case "Gamma":
            shape = _on(_gamma(a), 0, 1 / b, (0, a + 4 * math.sqrt(a)), (0, a))
        case "Beta":
            shape = _on(_beta(a, known("beta", 2.0)), 0, 1, (0, 1), (0, 1))
        case "Uniform":
            low, high = known("lower", 0.0), known("upper", 1.0)
            shape = _on(lambda z: 1.0, low, high - low, (0, 1), (0, 1))
        case "LogNormal":
            shape = _on(_lognormal(known("mu", 0.0), sigma), 0, math.exp(mu), (0, 6), (0, 1, 3))
        case "LKJ":
            power = (
                known("eta", 1.0) - 2 + size / 2
            )  # one correlation of the matrix is Beta(eta - 1 + size/2) on (-1, 1)
            shape = _on(lambda z: max(1 - z * z, 1e-9) ** power, 0, 1, (-1, 1), (-1, 0, 1))
        case _:
            return None
    return shape


def response_shape(family: str) -> tuple[Shape | None, tuple[float, ...]]:
    """The typical shape of a family: a density, or the bars of probabilities."""
    if family in _BARS:
        return None, _BARS[family]
    return _DENSITIES[family], ()


def _on(density: _Density, centre: float, scale: float, span: tuple[float, float], marks: tuple[float, ...]) -> Shape:
    """A density of z = (x - centre) / scale, over a span of z."""
    steps = [span[0] + (span[1] - span[0]) * i / (_POINTS - 1) for i in range(_POINTS)]
    heights = [_safe(density, z) for z in steps]
    top = sorted(heights)[-2] if heights[0] > 50 * sorted(heights)[-2] else max(heights)  # a pole at the edge
    clipped = tuple(min(h / top, 1.0) for h in heights)
    return Shape(clipped, centre + scale * span[0], centre + scale * span[1], tuple(centre + scale * m for m in marks))


def _safe(density: _Density, z: float) -> float:
    try:
        return density(z)
    except (ValueError, ZeroDivisionError, OverflowError):
        return 0.0


def _normal(z: float) -> float:
    return math.exp(-z * z / 2)


def _student(nu: float) -> _Density:
    return lambda z: float((1 + z * z / nu) ** (-(nu + 1) / 2))


def _gamma(a: float) -> _Density:
    return lambda z: math.exp((a - 1) * math.log(z) - z)


def _beta(a: float, b: float) -> _Density:
    return lambda z: float(z ** (a - 1) * (1 - z) ** (b - 1))


def _lognormal(mu: float, sigma: float) -> _Density:
    return lambda z: math.exp(-(math.log(z) ** 2) / (2 * sigma**2)) / z


def _counts(mean: float, shape: float | None, zeros: float | None = None) -> tuple[float, ...]:
    """Poisson or negative binomial probabilities of 0 .. 10, with more zeros where asked."""
    values = []
    for k in range(11):
        if shape is None:
            values.append(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)))
        else:
            choose = math.lgamma(k + shape) - math.lgamma(shape) - math.lgamma(k + 1)
            values.append(
                math.exp(choose + shape * math.log(shape / (shape + mean)) + k * math.log(mean / (shape + mean)))
            )
    return tuple(values) if zeros is None else (zeros, *(0.7 * v for v in values[1:]))


def _binomial(n: int, p: float) -> tuple[float, ...]:
    return tuple(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1))


_BARS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "bernoulli": (0.4, 0.6),
        "binomial": _binomial(10, 0.4),
        "beta_binomial": tuple(sum(_binomial(10, p)[k] for p in (0.15, 0.3, 0.4, 0.5, 0.7)) for k in range(11)),
        "poisson": _counts(3.5, None),
        "negativebinomial": _counts(3.5, 1.5),
        "zero_inflated_poisson": _counts(3.5, None, 0.28),
        "zero_inflated_negativebinomial": _counts(3.5, 1.5, 0.32),
        "zero_inflated_binomial": (0.3, *(0.7 * v for v in _binomial(10, 0.4)[1:])),
        "hurdle_poisson": _counts(3.5, None, 0.3),
        "hurdle_negativebinomial": _counts(3.5, 1.5, 0.35),
        "categorical": (0.3, 0.5, 0.2),
        "cumulative": (0.15, 0.3, 0.35, 0.2),
        "sratio": (0.3, 0.3, 0.25, 0.15),
    }
)
_DENSITIES: Mapping[str, Shape] = MappingProxyType(
    {
        "gaussian": _on(_normal, 0, 1, (-3, 3), ()),
        "t": _on(_student(3), 0, 1, (-4.5, 4.5), ()),
        "laplace": _on(lambda z: math.exp(-abs(z)), 0, 1, (-5, 5), ()),
        "asymmetriclaplace": _on(lambda z: math.exp(-abs(z) * (0.6 if z > 0 else 2)), 0, 1, (-2.5, 6), ()),
        "exgaussian": _on(_gamma(2.5), 0, 1, (-1, 9), ()),
        "vonmises": _on(lambda z: math.exp(2 * math.cos(z)), 0, 1, (-math.pi, math.pi), ()),
        "gamma": _on(_gamma(2.5), 0, 1, (0, 9), ()),
        "hurdle_gamma": _on(_gamma(2.5), 0, 1, (0, 9), ()),
        "lognormal": _on(_lognormal(0, 0.6), 0, 1, (0, 5), ()),
        "hurdle_lognormal": _on(_lognormal(0, 0.6), 0, 1, (0, 5), ()),
        "wald": _on(lambda z: z**-1.5 * math.exp(-2 * (z - 1) ** 2 / (2 * z)), 0, 1, (0, 4), ()),
        "exponential": _on(lambda z: math.exp(-z), 0, 1, (0, 5), ()),
        "weibull": _on(lambda z: z * math.exp(-z * z), 0, 1, (0, 3), ()),
        "beta": _on(_beta(2.5, 4), 0, 1, (0, 1), ()),
    }
)
