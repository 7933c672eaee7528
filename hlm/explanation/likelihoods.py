"""Every family as its views tell it: the distribution, the scale of its predictor, and its name in other software."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How one family is written.

    Attributes
    ----------
    distribution : str
        Its name in equations.
    arguments : tuple of str
        The parameters in order: the family's own names, ``n`` for trials.
    meaning : str
        What one row of the response is, in words.
    scale : str
        What the coefficients are added up to, before the link is undone; ``{y}`` is the response.
    pymc : str
        The call in PyMC, without name, link and data.
    brms, lme4 : str
        The family there; empty where there is none.
    """

    distribution: str
    arguments: tuple[str, ...]
    meaning: str
    scale: str
    pymc: str
    brms: str = ""
    lme4: str = ""


_MEAN, _LOG, _LOGIT = "the expected {y}", "the logarithm of the expected {y}", "the log-odds of {y}"
_COUNT, _TRIALS = "a count", "a number of successes out of its trials"
_ZERO, _HURDLE = "with extra zeros", "with a separate probability of being 0"

LIKELIHOODS: Mapping[str, Likelihood] = MappingProxyType(
    {
        "gaussian": Likelihood("Normal", ("mu", "sigma"), "normally distributed around its mean", _MEAN,
                               "pm.Normal(mu=mu, sigma=sigma", "gaussian()", "gaussian"),
        "bernoulli": Likelihood("Bernoulli", ("p",), "0 or 1", _LOGIT, "pm.Bernoulli(p=mu",
                                "bernoulli()", "binomial"),
        "binomial": Likelihood("Binomial", ("n", "p"), _TRIALS, _LOGIT, "pm.Binomial(n=n, p=mu",
                               "binomial()", "binomial"),
        "poisson": Likelihood("Poisson", ("mu",), _COUNT, _LOG, "pm.Poisson(mu=mu", "poisson()", "poisson"),
        "negativebinomial": Likelihood("NegativeBinomial", ("mu", "alpha"), "a count, more spread out than a Poisson",
                                       _LOG, "pm.NegativeBinomial(mu=mu, alpha=alpha", "negbinomial()", "nb"),
        "t": Likelihood("StudentT", ("nu", "mu", "sigma"), "spread around its mean with heavier tails than the normal",
                        _MEAN, "pm.StudentT(nu=nu, mu=mu, sigma=sigma", "student()"),
        "gamma": Likelihood("Gamma", ("mu", "alpha"), "a positive number", "1 / the expected {y}",
                            "pm.Gamma(alpha=alpha, beta=alpha / mu", 'Gamma(link = "inverse")',
                            'Gamma(link = "inverse")'),
        "beta": Likelihood("Beta", ("mu", "kappa"), "a share between 0 and 1", "the log-odds of the expected {y}",
                           "pm.Beta(alpha=mu * kappa, beta=(1 - mu) * kappa", "Beta()"),
        "beta_binomial": Likelihood("BetaBinomial", ("n", "mu", "kappa"), _TRIALS + ", more spread out than a binomial",
                                    _LOGIT, "pm.BetaBinomial(n=n, alpha=mu * kappa, beta=(1 - mu) * kappa",
                                    "beta_binomial()"),
        "lognormal": Likelihood("LogNormal", ("mu", "sigma"), "a positive number whose logarithm is normal",
                                "the mean of the logarithm of {y}", "pm.LogNormal(mu=mu, sigma=sigma", "lognormal()"),
        "exponential": Likelihood("Exponential", ("mu",), "a waiting time", _LOG, "pm.Exponential(lam=1 / mu",
                                  "exponential()"),
        "weibull": Likelihood("Weibull", ("mu", "alpha"), "a positive number", _LOG,
                              "pm.Weibull(alpha=alpha, beta=mu / pt.gamma(1 + 1 / alpha)", "weibull()"),
        "wald": Likelihood("Wald", ("mu", "lam"), "a positive number", "1 / the square of the expected {y}",
                           "pm.Wald(mu=mu, lam=lam", 'inverse.gaussian(link = "1/mu^2")',
                           'inverse.gaussian(link = "1/mu^2")'),
        "laplace": Likelihood("Laplace", ("mu", "b"), "spread around its median, with a peak there",
                              "the median of {y}", "pm.Laplace(mu=mu, b=b"),
        "asymmetriclaplace": Likelihood("AsymmetricLaplace", ("mu", "b", "kappa"), "spread to both sides of its mode",
                                        "the mode of {y}", "pm.AsymmetricLaplace(mu=mu, b=b, kappa=kappa"),
        "exgaussian": Likelihood("ExGaussian", ("mu", "sigma", "nu"), "a normal number plus an exponential delay",
                                 "the mean of the normal part of {y}", "pm.ExGaussian(mu=mu, sigma=sigma, nu=nu"),
        "vonmises": Likelihood("VonMises", ("mu", "kappa"), "an angle", "the mean direction of {y}",
                               "pm.VonMises(mu=mu, kappa=kappa", 'von_mises(link = "identity")'),
        "zero_inflated_poisson": Likelihood("ZeroInflatedPoisson", ("psi", "mu"), f"{_COUNT} {_ZERO}",
                                            "the logarithm of the mean count, extra zeros aside",
                                            "pm.ZeroInflatedPoisson(psi=psi, mu=mu", "zero_inflated_poisson()"),
        "zero_inflated_negativebinomial": Likelihood(
            "ZeroInflatedNegBinomial", ("psi", "mu", "alpha"), f"{_COUNT} {_ZERO}",
            "the logarithm of the mean count, extra zeros aside",
            "pm.ZeroInflatedNegativeBinomial(psi=psi, mu=mu, alpha=alpha", "zero_inflated_negbinomial()"),
        "zero_inflated_binomial": Likelihood("ZeroInflatedBinomial", ("psi", "n", "p"), f"{_TRIALS}, {_ZERO}", _LOGIT,
                                             "pm.ZeroInflatedBinomial(psi=psi, n=n, p=mu", "zero_inflated_binomial()"),
        "hurdle_poisson": Likelihood("HurdlePoisson", ("psi", "mu"), f"{_COUNT} {_HURDLE}",
                                     "the logarithm of the mean of the Poisson part", "pm.HurdlePoisson(psi=psi, mu=mu",
                                     "hurdle_poisson()"),
        "hurdle_negativebinomial": Likelihood("HurdleNegBinomial", ("psi", "mu", "alpha"), f"{_COUNT} {_HURDLE}",
                                              "the logarithm of the mean of the count part",
                                              "pm.HurdleNegativeBinomial(psi=psi, mu=mu, alpha=alpha",
                                              "hurdle_negbinomial()"),
        "hurdle_gamma": Likelihood("HurdleGamma", ("psi", "mu", "alpha"), f"a number of 0 or more {_HURDLE}",
                                   "the logarithm of the mean of the positive part",
                                   "pm.HurdleGamma(psi=psi, alpha=alpha, beta=alpha / mu", "hurdle_gamma()"),
        "hurdle_lognormal": Likelihood("HurdleLogNormal", ("psi", "mu", "sigma"), f"a number of 0 or more {_HURDLE}",
                                       "the mean of the logarithm of the positive part",
                                       "pm.HurdleLogNormal(psi=psi, mu=mu, sigma=sigma", "hurdle_lognormal()"),
        "categorical": Likelihood("Categorical", ("p",), "one of several labels",
                                  "the log-odds of each label of {y} against the first", "", "categorical()"),
        "cumulative": Likelihood("Cumulative", ("p",), "one of several ordered labels",
                                 "the position of {y} among its thresholds", "", "cumulative()"),
        "sratio": Likelihood("StoppingRatio", ("p",), "one of several ordered labels",
                             "the position of {y} among its thresholds", "", "sratio()"),
    }
)  # fmt: skip
