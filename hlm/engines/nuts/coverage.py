"""Which models the compiled NUTS engine covers, and why not the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hlm.engines.normal_coefficients import why_not_lkj, why_not_normal
from hlm.engines.nuts.kernels import row_density as kernels
from hlm.engines.theta.standard_deviations import why_not_a_scale
from hlm.model.model import Model
from hlm.model.own_intercepts import own_intercepts_at_means
from hlm.model.priors import Prior

# by a family's name: the rows' family in the kernels, and what the last of its own parameters does
FAMILIES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "bernoulli": (kernels.SUCCESSES, kernels.NO_ZEROS), "binomial": (kernels.SUCCESSES, kernels.NO_ZEROS),
        "beta_binomial": (kernels.BETA_BINOMIAL, kernels.NO_ZEROS), "beta": (kernels.BETA, kernels.NO_ZEROS),
        "poisson": (kernels.POISSON, kernels.NO_ZEROS),
        "negativebinomial": (kernels.NEGATIVE_BINOMIAL, kernels.NO_ZEROS),
        "gamma": (kernels.GAMMA, kernels.NO_ZEROS), "exponential": (kernels.GAMMA, kernels.NO_ZEROS),
        "weibull": (kernels.WEIBULL, kernels.NO_ZEROS), "wald": (kernels.WALD, kernels.NO_ZEROS),
        "gaussian": (kernels.GAUSSIAN, kernels.NO_ZEROS), "lognormal": (kernels.GAUSSIAN, kernels.NO_ZEROS),
        "t": (kernels.STUDENT, kernels.NO_ZEROS),
        "zero_inflated_binomial": (kernels.SUCCESSES, kernels.EXTRA_ZEROS),
        "zero_inflated_poisson": (kernels.POISSON, kernels.EXTRA_ZEROS),
        "zero_inflated_negativebinomial": (kernels.NEGATIVE_BINOMIAL, kernels.EXTRA_ZEROS),
        "hurdle_poisson": (kernels.POISSON, kernels.HURDLE),
        "hurdle_negativebinomial": (kernels.NEGATIVE_BINOMIAL, kernels.HURDLE),
        "hurdle_gamma": (kernels.GAMMA, kernels.HURDLE), "hurdle_lognormal": (kernels.GAUSSIAN, kernels.HURDLE),
    }
)  # fmt: skip
LINKS: Mapping[str, int] = MappingProxyType(
    {
        "identity": kernels.IDENTITY, "log": kernels.LOG, "logit": kernels.LOGIT, "probit": kernels.PROBIT,
        "cloglog": kernels.CLOGLOG,
    }
)  # fmt: skip
_MOST_COMMON = 1000  # common coefficients, which one triangle mixes at every step


def covers(model: Model) -> str | None:
    """None if the compiled NUTS engine can fit the model, else one sentence that says why not.

    Examples
    --------
    >>> from hlm import load_data
    >>> from hlm.model.resolve import resolve
    >>> covers(resolve("post ~ pre + (pre|school)", load_data("exam"), family="t")["partial"])
    >>> covers(resolve("post ~ pre + (pre|school)", load_data("exam"), family="laplace")["partial"])
    'The family is laplace with the identity link: it has no compiled log density.'
    """
    return next(_reasons(model), None)


def _reasons(model: Model) -> Iterator[str]:
    family = model.family
    if family.name not in FAMILIES or family.link not in LINKS or not family.keeps_limits:
        yield f"The family is {family.name} with the {family.link} link: it has no compiled log density."
    if model.root_weights is not None and not family.has_trials:
        yield "The rows have weights."
    if model.separate is not None:
        yield "Each group has a residual sd of its own."
    if len(model.factors) > 1 and (at_means := own_intercepts_at_means(model)):
        yield f"The priors of {' and '.join(at_means)} hold at the means of the groups of several factors."
    effects = [(effect.term, factor.group) for factor in model.factors for effect in factor.effects]
    if len(set(effects)) < len(effects):
        yield "An effect stands in two bars of the same grouping factor."
    if len(model.common.labels) > _MOST_COMMON:
        yield f"There are {len(model.common.labels)} common coefficients, more than {_MOST_COMMON}."
    why_not = {
        "sd": why_not_a_scale, "family": _why_not_own, "residual": _why_not_own, "correlation": why_not_lkj,
    }  # fmt: skip
    for parameter in model.parameters:
        name = parameter.prior_name
        if name in model.priors and (reason := why_not.get(parameter.kind, why_not_normal)(name, model.priors[name])):
            yield reason


def _why_not_own(name: str, prior: Prior) -> str | None:
    """None if the prior of one of the family's own parameters is covered: those of sds, and Beta of a share."""
    if prior.name == "Beta" and prior.dist is None and set(prior.args) == {"alpha", "beta"}:
        return None
    return why_not_a_scale(name, prior)
