"""What other programs and people call the families, so that an error can say what to type."""

from __future__ import annotations

from collections.abc import Mapping

# by the name in small letters and digits alone: ours, and a link where the name says one
OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("normal", "gauss", "gaussianfamily", "linear", "lm", "ols", "lmer"), "gaussian"),
    **dict.fromkeys(("logistic", "logit", "binary", "bernoullilogit", "bernouilli", "logisticregression"), "bernoulli"),
    "probit": "bernoulli probit",
    "cloglog": "bernoulli cloglog",
    "quasibinomial": "beta_binomial",
    "betabinomialfamily": "beta_binomial",
    **dict.fromkeys(("binom", "proportion"), "binomial"),
    **dict.fromkeys(("count", "counts", "pois"), "poisson"),
    **dict.fromkeys(
        ("negbin", "negbinom", "negbinomial", "negativebinomial2", "nbinom", "nbinom2", "nb", "nb2", "negativebin"),
        "negativebinomial",
    ),
    "quasipoisson": "negativebinomial",
    **dict.fromkeys(("student", "studentt", "tdist", "tfamily"), "t"),
    **dict.fromkeys(("lognorm", "lnorm"), "lognormal"),
    **dict.fromkeys(("inversegaussian", "invgauss", "inversegauss", "ig"), "wald"),
    **dict.fromkeys(("betafamily", "betar", "betaregression"), "beta"),
    **dict.fromkeys(("expo", "exp"), "exponential"),
    **dict.fromkeys(("exgauss", "exgaussianfamily"), "exgaussian"),
    **dict.fromkeys(("asymlaplace", "asymmetriclaplacefamily", "ald", "quantile"), "asymmetriclaplace"),
    "vonmisesfamily": "vonmises",
    **dict.fromkeys(("ordinal", "ordered", "orderedlogistic", "orderedlogit", "clm", "clmm", "polr"), "cumulative"),
    **dict.fromkeys(("orderedprobit", "cumulativeprobit"), "cumulative probit"),
    **dict.fromkeys(("stoppingratio", "sequential", "continuationratio"), "sratio"),
    **dict.fromkeys(("multinom", "multinomial", "multinomiallogit", "softmax"), "categorical"),
    **dict.fromkeys(("zip", "zipoisson", "zipois"), "zero_inflated_poisson"),
    **dict.fromkeys(("zinb", "zinegbin", "zeroinflatednegbinomial", "zeroinflatednegbin"),
                    "zero_inflated_negativebinomial"),
    **dict.fromkeys(("zib", "zibinomial"), "zero_inflated_binomial"),
    **dict.fromkeys(("hurdlenegbinomial", "hurdlenegbin"), "hurdle_negativebinomial"),
}  # fmt: skip

# what must be said beside the name, where the two are not quite the same
REMARKS: Mapping[str, str] = {
    "quasipoisson": ", which has extra variation as a quasi-Poisson has",
    "quasibinomial": ", which has extra variation as a quasi-binomial has",
    "multinom": ", one label a row",
    "multinomial": ", one label a row",
}
