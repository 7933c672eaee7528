"""Families of numbers: real ones, those above 0, shares, angles."""

from __future__ import annotations

import numpy as np

from hlm.model.families.auxiliary import ALPHA, HALF_NORMAL, KAPPA, KAPPA_OF_ANGLES, LAM, PSI, SIGMA, B
from hlm.model.families.draws import (
    draw_asymmetriclaplace,
    draw_beta,
    draw_exgaussian,
    draw_gamma,
    draw_lognormal,
    draw_t,
    draw_weibull,
    with_zeros,
)  # fmt: skip
from hlm.model.families.family import Auxiliary, Family, Values
from hlm.model.families.links import CLOGLOG, IDENTITY, INVERSE, INVERSE_SQUARED, LOG, LOGIT, PROBIT
from hlm.model.prior_distributions import DISTRIBUTIONS
from hlm.model.priors import Prior
from hlm.model.shapes import Shape, Span, curve


def _gaussian(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
    sigma = own["sigma"]
    return np.asarray(-0.5 * np.log(2 * np.pi) - np.log(sigma) - 0.5 * ((y - eta) / sigma) ** 2)


def _mean_of_lognormal(mean: np.ndarray, own: Values) -> np.ndarray:
    return np.asarray(np.exp(mean + own["sigma"] ** 2 / 2))


def _curve(distribution: str, low: float, high: float, **numbers: float) -> Shape:
    return curve(lambda y: DISTRIBUTIONS[distribution].log_density(y, numbers), Span(0, 1, low, high))


def _weibull(y: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(y, _NEXT_TO_0)) - y**2)


def _wald(y: np.ndarray) -> np.ndarray:
    inside = np.maximum(y, _NEXT_TO_0)
    return np.asarray(-1.5 * np.log(inside) - (inside - 1) ** 2 / inside)


_NEXT_TO_0 = 1e-9
_MEAN = "the expected {y}"
_HURDLE = "a number of 0 or more with a separate probability of being 0"
_NU = Auxiliary(
    Prior("Gamma", alpha=2, beta=0.1), "how heavy the tails are (small: heavy)", "tails", "nu",
    "tails from heavy to almost normal",
)  # fmt: skip
_DELAY = Auxiliary(HALF_NORMAL, "the mean of the delay", "the mean delay")
_UNEVEN = Auxiliary(HALF_NORMAL, "how uneven both sides are", "kappa")

CONTINUOUS: tuple[Family, ...] = (
    Family(
        name="gaussian", links=(IDENTITY, LOG, INVERSE), support="real", weights="precisions",
        auxiliary={"sigma": SIGMA}, in_units_of_response=("sigma",),
        distribution="Normal", arguments=("mu", "sigma"), meaning="normally distributed around its mean",
        describes=_MEAN,
        curve=_curve("Normal", -3, 3), pymc="pm.Normal(mu=mu, sigma=sigma", brms="gaussian()", lme4="gaussian",
        log_density=_gaussian, slope=lambda y, eta, trials, own: (y - eta) / own["sigma"] ** 2,
        curvature=lambda y, eta, trials, own: -np.ones_like(eta) / own["sigma"] ** 2,
        draw=lambda generator, mean, trials, own: generator.normal(mean, own["sigma"]),
        information=lambda eta, trials, own: np.ones_like(eta) / own["sigma"] ** 2,
    ),
    Family(
        name="t", links=(IDENTITY, LOG, INVERSE), support="real",
        auxiliary={"sigma": SIGMA, "nu": _NU}, in_units_of_response=("sigma",),
        distribution="StudentT", arguments=("nu", "mu", "sigma"),
        meaning="spread around its mean with heavier tails than the normal", describes=_MEAN,
        curve=_curve("StudentT", -4.5, 4.5, nu=3.0), pymc="pm.StudentT(nu=nu, mu=mu, sigma=sigma", brms="student()",
        draw=draw_t,
    ),
    Family(
        name="gamma", links=(INVERSE, LOG, IDENTITY), support="positive", auxiliary={"alpha": ALPHA},
        distribution="Gamma", arguments=("mu", "alpha"), meaning="a positive number", describes=_MEAN,
        curve=_curve("Gamma", 0, 9, alpha=2.5, beta=1.0), pymc="pm.Gamma(alpha=alpha, beta=alpha / mu",
        brms='Gamma(link = "inverse")', lme4='Gamma(link = "inverse")',
        draw=draw_gamma, information=lambda eta, trials, own: own["alpha"] / eta**2,
    ),
    Family(
        name="beta", links=(LOGIT, PROBIT, CLOGLOG), support="unit", auxiliary={"kappa": KAPPA},
        distribution="Beta", arguments=("mu", "kappa"), meaning="a share between 0 and 1",
        describes=_MEAN, curve=_curve("Beta", 0, 1, alpha=2.5, beta=4.0),
        pymc="pm.Beta(alpha=mu * kappa, beta=(1 - mu) * kappa", brms="Beta()",
        draw=draw_beta,
    ),
    Family(
        name="lognormal", links=(IDENTITY, LOG, INVERSE), support="positive", auxiliary={"sigma": SIGMA},
        is_of_logarithm=True,
        in_units_of_response=("sigma",),
        distribution="LogNormal", arguments=("mu", "sigma"), meaning="a positive number whose logarithm is normal",
        describes="the mean of the logarithm of {y}", curve=_curve("LogNormal", 0, 5, mu=0.0, sigma=0.6),
        pymc="pm.LogNormal(mu=mu, sigma=sigma", brms="lognormal()",
        links_not_in_brms=("log",), draw=draw_lognormal,
        expected=_mean_of_lognormal,
    ),
    Family(
        name="exponential", links=(LOG, IDENTITY, INVERSE), support="nonnegative",
        distribution="Exponential", arguments=("mu",), meaning="a waiting time",
        describes=_MEAN, curve=_curve("Exponential", 0, 5, lam=1.0),
        pymc="pm.Exponential(lam=1 / mu", brms="exponential()",
        draw=lambda generator, mean, trials, own: generator.exponential(mean),
        information=lambda eta, trials, own: np.ones_like(eta),
    ),
    Family(
        name="weibull", links=(LOG, IDENTITY, INVERSE), support="positive", auxiliary={"alpha": ALPHA},
        distribution="Weibull", arguments=("mu", "alpha"), meaning="a positive number",
        describes=_MEAN, curve=curve(_weibull, Span(0, 1, 0, 3)),
        pymc="pm.Weibull(alpha=alpha, beta=mu / pt.gamma(1 + 1 / alpha)", brms="weibull()",
        draw=draw_weibull,
    ),
    Family(
        name="wald", links=(INVERSE_SQUARED, INVERSE, IDENTITY, LOG), support="positive", auxiliary={"lam": LAM},
        distribution="Wald", arguments=("mu", "lam"), meaning="a positive number",
        describes=_MEAN, curve=curve(_wald, Span(0, 1, 0, 4)),
        pymc="pm.Wald(mu=mu, lam=lam",
        brms='inverse.gaussian(link = "1/mu^2")', lme4='inverse.gaussian(link = "1/mu^2")',
        draw=lambda generator, mean, trials, own: generator.wald(mean, own["lam"]),
    ),
    Family(
        name="laplace", links=(IDENTITY, LOG, INVERSE), support="real", auxiliary={"b": B}, in_units_of_response=("b",),
        distribution="Laplace", arguments=("mu", "b"), meaning="spread around its median, with a peak there",
        describes="the median of {y}", curve=_curve("Laplace", -5, 5), pymc="pm.Laplace(mu=mu, b=b",
        draw=lambda generator, median, trials, own: generator.laplace(median, own["b"]),
    ),
    Family(
        name="asymmetriclaplace", links=(IDENTITY, LOG, INVERSE), support="real", auxiliary={"b": B, "kappa": _UNEVEN},
        in_units_of_response=("b",),
        distribution="AsymmetricLaplace", arguments=("mu", "b", "kappa"), meaning="spread to both sides of its mode",
        describes="the mode of {y}", curve=curve(lambda y: -np.abs(y) * np.where(y > 0, 0.6, 2), Span(0, 1, -2.5, 6)),
        pymc="pm.AsymmetricLaplace(mu=mu, b=b, kappa=kappa",
        draw=draw_asymmetriclaplace,
        expected=lambda mode, own: mode + (1 / own["kappa"] - own["kappa"]) / own["b"],
    ),
    Family(
        name="exgaussian", links=(IDENTITY, LOG, INVERSE), support="real", auxiliary={"sigma": SIGMA, "nu": _DELAY},
        in_units_of_response=("sigma", "nu"),
        distribution="ExGaussian", arguments=("mu", "sigma", "nu"), meaning="a normal number plus an exponential delay",
        describes="the mean of the normal part of {y}", curve=_curve("Gamma", -1, 9, alpha=2.5, beta=1.0),
        pymc="pm.ExGaussian(mu=mu, sigma=sigma, nu=nu",
        draw=draw_exgaussian, expected=lambda mean, own: mean + own["nu"],
    ),
    Family(
        name="vonmises", links=(IDENTITY,), support="real", auxiliary={"kappa": KAPPA_OF_ANGLES},
        distribution="VonMises", arguments=("mu", "kappa"), meaning="an angle", describes="the mean direction of {y}",
        curve=curve(lambda y: 2 * np.cos(y), Span(0, 1, -np.pi, np.pi)),
        pymc="pm.VonMises(mu=mu, kappa=kappa", brms='von_mises(link = "identity")',
        draw=lambda generator, direction, trials, own: generator.vonmises(direction, own["kappa"]),
    ),
    Family(
        name="hurdle_gamma", links=(LOG, IDENTITY, INVERSE), support="nonnegative",
        auxiliary={"alpha": ALPHA, "psi": PSI},
        distribution="HurdleGamma", arguments=("psi", "mu", "alpha"), meaning=_HURDLE,
        describes="the mean of the positive part", curve=_curve("Gamma", 0, 9, alpha=2.5, beta=1.0),
        pymc="pm.HurdleGamma(psi=psi, alpha=alpha, beta=alpha / mu", brms="hurdle_gamma()",
        draw=with_zeros(draw_gamma),
        expected=lambda mean, own: own["psi"] * mean,
    ),
    Family(
        name="hurdle_lognormal", links=(IDENTITY, LOG, INVERSE), support="nonnegative",
        auxiliary={"sigma": SIGMA, "psi": PSI}, is_of_logarithm=True, in_units_of_response=("sigma",),
        distribution="HurdleLogNormal", arguments=("psi", "mu", "sigma"), meaning=_HURDLE,
        describes="the mean of the logarithm of the positive part", curve=_curve("LogNormal", 0, 5, mu=0.0, sigma=0.6),
        pymc="pm.HurdleLogNormal(psi=psi, mu=mu, sigma=sigma", brms="hurdle_lognormal()",
        links_not_in_brms=("log",), draw=with_zeros(draw_lognormal),
        expected=lambda mean, own: own["psi"] * _mean_of_lognormal(mean, own),
    ),
)  # fmt: skip
