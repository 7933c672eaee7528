"""The distributions that a prior may have, one record each: parameters, log density, curve, and the name in Stan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from hlm.model.shapes import Shape, Span, curve

Support = Literal["real", "positive", "unit", "correlation", "interval"]
type Numbers = Mapping[str, float]

_BOUNDS = {"real": (-np.inf, np.inf), "positive": (0.0, np.inf), "unit": (0.0, 1.0), "correlation": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PriorDistribution:
    """A distribution under PyMC's name."""

    name: str
    support: Support  # all numbers, those above 0, from 0 to 1, from -1 to 1, or from ``lower`` to ``upper``
    parameters: tuple[str, ...]  # every parameter that PyMC knows it by
    positive: tuple[str, ...]  # those of them that must be above 0
    # the parameters of ``formula``, each with the number that stands for it in a curve while it is not known
    typical: Numbers
    # the log density at values inside the support, given them and the parameters in ``typical``
    formula: Callable[..., np.ndarray]
    span: Callable[..., Span]  # the part of the axis that a curve shows, given the same parameters
    # by other sets of parameters: the function that turns them into those of ``formula``
    conversions: Mapping[tuple[str, ...], Callable[..., Numbers]] = field(default_factory=dict)
    stan: str = ""  # the call in Stan, for example ``normal({mu}, {sigma})``; empty where Stan has no such distribution

    @property
    def parametrisations(self) -> tuple[tuple[str, ...], ...]:
        """The sets of parameters that `log_density` takes, each in alphabetical order."""
        return (tuple(sorted(self.typical)), *self.conversions)

    def log_density(self, values: np.ndarray, numbers: Numbers) -> np.ndarray:
        """Log density, -inf outside the support.

        numbers: the parameters, in one of the ``parametrisations``; any that are left out have their typical number.
        """
        parameters = self._parameters(numbers)
        low, high = _BOUNDS.get(self.support) or (parameters["lower"], parameters["upper"])
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.log_density_inside(values, numbers)
        inside = (values >= low) & (values <= high) & ~np.isnan(found)  # inf - inf at an edge: the limit is -inf
        return np.where(inside, found, -np.inf)

    def log_density_inside(self, values: np.ndarray, numbers: Numbers) -> np.ndarray:
        """The same at values that are known to lie inside the support, which is not checked."""
        return self.formula(values, **self._parameters(numbers))

    def shape(self, numbers: Numbers) -> Shape:
        """The curve, with the typical number for every parameter that is left out."""
        return curve(lambda values: self.log_density(values, numbers), self.span(**self._parameters(numbers)))

    def stan_call(self, numbers: Numbers) -> str | None:
        """The prior in Stan with its numbers; None where Stan has no such distribution, or a number is not there."""
        try:
            return self.stan.format(**{key: f"{value:.6g}" for key, value in numbers.items()}) or None
        except KeyError:
            return None

    def _parameters(self, numbers: Numbers) -> Numbers:
        convert = self.conversions.get(tuple(sorted(numbers)))
        known = numbers if convert is None else convert(**numbers)
        return {key: known.get(key, typical) for key, typical in self.typical.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name,)


def prior_shape(name: str, numbers: Numbers, *, size: int = 2) -> Shape | None:
    """The curve of a prior; a parameter that is not a number yet has a typical one.

    name: PyMC's name; ``LKJ`` for one correlation of a matrix of ``size``.
    numbers: the parameters that are numbers.
    result: None for a distribution without a record.
    """
    if name not in DISTRIBUTIONS:
        return None
    return DISTRIBUTIONS[name].shape({**numbers, "size": size} if name == "LKJ" else numbers)


def _restore(name: str) -> PriorDistribution:
    return DISTRIBUTIONS[name]


def _times_log(power: float, x: np.ndarray) -> np.ndarray:
    """Power log(x), and 0 for the power 0 at x = 0 too; SciPy's xlogy would load SciPy before there are data."""
    return power * np.log(x) if power else np.zeros_like(x)


def _normal(x: np.ndarray, mu: float, sigma: float) -> np.ndarray:
    return np.asarray(-0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((x - mu) / sigma) ** 2)


def _student(x: np.ndarray, nu: float, mu: float, sigma: float) -> np.ndarray:
    constant = math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(sigma)
    return np.asarray(constant - (nu + 1) / 2 * np.log1p(((x - mu) / sigma) ** 2 / nu))


def _half_student(x: np.ndarray, nu: float, sigma: float) -> np.ndarray:
    return np.asarray(np.log(2) + _student(x, nu, 0.0, sigma))


def _gamma(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.asarray(alpha * np.log(beta) - math.lgamma(alpha) + _times_log(alpha - 1, x) - beta * x)


def _inverse_gamma(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    return np.asarray(alpha * np.log(beta) - math.lgamma(alpha) - (alpha + 1) * np.log(x) - beta / x)


def _beta(x: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    constant = math.lgamma(alpha + beta) - math.lgamma(alpha) - math.lgamma(beta)
    return np.asarray(constant + _times_log(alpha - 1, x) + _times_log(beta - 1, 1 - x))


def _one_correlation(x: np.ndarray, eta: float, size: float) -> np.ndarray:
    """One correlation of a matrix: Beta on (-1, 1) (Lewandowski, Kurowicka & Joe 2009, J Multivar Anal 100:1989)."""
    a = eta - 1 + size / 2
    return np.asarray(_beta((x + 1) / 2, a, a) - np.log(2))


_LOGNORMAL = PriorDistribution(
    name="LogNormal", support="positive", parameters=("mu", "sigma", "tau"), positive=("sigma", "tau"),
    typical={"mu": 0.0, "sigma": 1.0},
    formula=lambda x, mu, sigma: _normal(np.log(x), mu, sigma) - np.log(x),
    span=lambda mu, sigma: Span(0, np.exp(mu), 0, 6, (0, 1, 3)),
)  # fmt: skip
_ALL = (
    PriorDistribution(
        name="Normal", support="real", parameters=("mu", "sigma", "tau"), positive=("sigma", "tau"),
        typical={"mu": 0.0, "sigma": 1.0}, formula=_normal, stan="normal({mu}, {sigma})",
        span=lambda mu, sigma: Span(mu, sigma, -3, 3, (-2, 0, 2)),
    ),
    PriorDistribution(
        name="HalfNormal", support="positive", parameters=("sigma", "tau"), positive=("sigma", "tau"),
        typical={"sigma": 1.0}, stan="normal(0, {sigma})",
        formula=lambda x, sigma: 0.5 * np.log(2 / np.pi) - np.log(sigma) - 0.5 * (x / sigma) ** 2,
        span=lambda sigma: Span(0, sigma, 0, 3, (0, 2)),
    ),
    PriorDistribution(
        name="StudentT", support="real", parameters=("nu", "mu", "sigma", "lam"), positive=("nu", "sigma", "lam"),
        typical={"nu": 4.0, "mu": 0.0, "sigma": 1.0}, formula=_student, stan="student_t({nu}, {mu}, {sigma})",
        span=lambda nu, mu, sigma: Span(mu, sigma, -4.5, 4.5, (-2, 0, 2)),
    ),
    PriorDistribution(
        name="HalfStudentT", support="positive", parameters=("nu", "sigma", "lam"), positive=("nu", "sigma", "lam"),
        typical={"nu": 4.0, "sigma": 1.0}, formula=_half_student, stan="student_t({nu}, 0, {sigma})",
        span=lambda nu, sigma: Span(0, sigma, 0, 5, (0, 2, 4)),
    ),
    PriorDistribution(
        name="Cauchy", support="real", parameters=("alpha", "beta"), positive=("beta",),
        typical={"alpha": 0.0, "beta": 1.0}, stan="cauchy({alpha}, {beta})",
        formula=lambda x, alpha, beta: _student(x, 1.0, alpha, beta),
        span=lambda alpha, beta: Span(alpha, beta, -6, 6, (-3, 0, 3)),
    ),
    PriorDistribution(
        name="HalfCauchy", support="positive", parameters=("beta",), positive=("beta",),
        typical={"beta": 1.0}, formula=lambda x, beta: _half_student(x, 1.0, beta), stan="cauchy(0, {beta})",
        span=lambda beta: Span(0, beta, 0, 8, (0, 4, 8)),
    ),
    PriorDistribution(
        name="Laplace", support="real", parameters=("mu", "b"), positive=("b",),
        typical={"mu": 0.0, "b": 1.0}, formula=lambda x, mu, b: -np.log(2 * b) - np.abs(x - mu) / b,
        span=lambda mu, b: Span(mu, b, -5, 5, (-3, 0, 3)),
    ),
    PriorDistribution(
        name="Exponential", support="positive", parameters=("lam", "scale"), positive=("lam", "scale"),
        typical={"lam": 1.0}, formula=lambda x, lam: np.log(lam) - lam * x, stan="exponential({lam})",
        conversions={("scale",): lambda scale: {"lam": 1 / scale}},
        span=lambda lam: Span(0, 1 / lam, 0, 5, (0, 2, 4)),
    ),
    PriorDistribution(
        name="Gamma", support="positive", parameters=("alpha", "beta", "mu", "sigma"),
        positive=("alpha", "beta", "mu", "sigma"), typical={"alpha": 2.0, "beta": 1.0}, formula=_gamma,
        conversions={("mu", "sigma"): lambda mu, sigma: {"alpha": (mu / sigma) ** 2, "beta": mu / sigma**2}},
        stan="gamma({alpha}, {beta})",
        span=lambda alpha, beta: Span(0, 1 / beta, 0, alpha + 4 * np.sqrt(alpha), (0, alpha)),
    ),
    PriorDistribution(
        name="InverseGamma", support="positive", parameters=("alpha", "beta", "mu", "sigma"),
        positive=("alpha", "beta", "mu", "sigma"), typical={"alpha": 2.0, "beta": 1.0}, formula=_inverse_gamma,
        conversions={
            ("mu", "sigma"): lambda mu, sigma: {"alpha": 2 + (mu / sigma) ** 2, "beta": mu * (1 + (mu / sigma) ** 2)}
        },
        span=lambda alpha, beta: Span(0, beta / (alpha + 1), 0, 6, (0, 1, 3)),
    ),
    _LOGNORMAL,
    replace(_LOGNORMAL, name="Lognormal"),  # PyMC's second spelling
    PriorDistribution(
        name="Beta", support="unit", parameters=("alpha", "beta", "mu", "sigma", "nu"),
        positive=("alpha", "beta", "mu", "sigma", "nu"), typical={"alpha": 2.0, "beta": 2.0}, formula=_beta,
        stan="beta({alpha}, {beta})", span=lambda alpha, beta: Span(0, 1, 0, 1, (0, 1)),
    ),
    PriorDistribution(
        name="Uniform", support="interval", parameters=("lower", "upper"), positive=(),
        typical={"lower": 0.0, "upper": 1.0}, span=lambda lower, upper: Span(lower, upper - lower, 0, 1, (0, 1)),
        formula=lambda x, lower, upper: np.full(np.shape(x), -np.log(upper - lower)),
    ),
    PriorDistribution(
        name="LKJ", support="correlation", parameters=("eta",), positive=("eta",),
        typical={"eta": 1.0, "size": 2.0}, formula=_one_correlation, stan="lkj({eta})",
        span=lambda eta, size: Span(0, 1, -1, 1, (-1, 0, 1)),
    ),
)  # fmt: skip
DISTRIBUTIONS: Mapping[str, PriorDistribution] = MappingProxyType({one.name: one for one in _ALL})
