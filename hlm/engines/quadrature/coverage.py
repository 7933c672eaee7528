"""Which models the quadrature engine covers, and why not the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from hlm.engines.normal_coefficients import why_not_lkj, why_not_normal
from hlm.engines.quadrature.kernels.row_density import CLOGLOG, GAMMA, LOGIT, NEGATIVE_BINOMIAL, POISSON, PROBIT
from hlm.engines.theta.standard_deviations import why_not_a_scale
from hlm.model.model import Model

# families and links whose log density is concave in the linear predictor, which may be any number
KINDS: Mapping[tuple[str, str], int] = MappingProxyType(
    {
        ("bernoulli", "logit"): LOGIT, ("bernoulli", "probit"): PROBIT, ("bernoulli", "cloglog"): CLOGLOG,
        ("binomial", "logit"): LOGIT, ("binomial", "probit"): PROBIT, ("binomial", "cloglog"): CLOGLOG,
        ("poisson", "log"): POISSON, ("negativebinomial", "log"): NEGATIVE_BINOMIAL,
        ("gamma", "log"): GAMMA, ("exponential", "log"): GAMMA,
    }
)  # fmt: skip
MOST_EFFECTS = 3  # of a group: the nodes' number is a power of it
_MOST_COMMON = 400  # common coefficients, one matrix for each theta


def covers(model: Model) -> str | None:
    """None if the quadrature engine can fit the model, else one sentence that says why not.

    Examples
    --------
    >>> from hlm import load_data
    >>> from hlm.model.resolve import resolve
    >>> covers(resolve("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"), family="binomial")["partial"])
    >>> covers(resolve("post ~ pre + (pre|school)", load_data("exam"), family="t")["partial"])
    'The family is t with the identity link: its log density is not concave in a linear predictor without limits.'
    """
    return next(_reasons(model), None)


def _reasons(model: Model) -> Iterator[str]:
    family = model.family
    if (family.name, family.link) not in KINDS:
        yield (
            f"The family is {family.name} with the {family.link} link: its log density is not concave in a linear "
            f"predictor without limits."
        )
    if len(model.factors) > 1:
        names = ", ".join(factor.name for factor in model.factors)
        yield f"There are several grouping factors ({names}): the groups' integrals are those of one."
    effects = [(effect.term, factor.group) for factor in model.factors for effect in factor.effects]
    if len(set(effects)) < len(effects):
        yield "An effect stands in two bars of the same grouping factor."
    if model.factors and (width := model.factors[0].width) > MOST_EFFECTS:
        yield f"Each group has {width} effects; integrals of {MOST_EFFECTS} at most are added up."
    if len(model.common.labels) > _MOST_COMMON:
        yield f"There are {len(model.common.labels)} common coefficients, more than {_MOST_COMMON}."
    why_not = {"sd": why_not_a_scale, "family": why_not_a_scale, "correlation": why_not_lkj}
    for parameter in model.parameters:
        name = parameter.prior_name
        if name in model.priors and (reason := why_not.get(parameter.kind, why_not_normal)(name, model.priors[name])):
            yield reason
