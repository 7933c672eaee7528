"""Which models the exact engine covers, and why not the others."""

from __future__ import annotations

from collections.abc import Iterator

from hlm.engines.normal_coefficients import why_not_lkj, why_not_normal
from hlm.engines.theta.standard_deviations import why_not_a_scale
from hlm.model.model import Model

MOST_DIMENSIONS = 12  # importance sampling wastes more and more points beyond
_MOST_COMMON = 5000  # columns, and so rows, that are worth a look
MOST_DENSE = 5000  # effects in one dense matrix, whose factorisation takes some seconds then


def covers(model: Model) -> str | None:
    """None if the exact engine can fit the model, else one sentence that says why not.

    Examples
    --------
    >>> from hlm import load_data
    >>> from hlm.model.resolve import resolve
    >>> covers(resolve("diameter ~ 1 + (1|plate) + (1|sample)", load_data("penicillin"))["partial"])
    >>> covers(resolve("incidence ~ 1 + (1|herd)", load_data("cbpp"), family="poisson")["partial"])
    'The family is poisson: only in the gaussian family can the coefficients be integrated out.'
    """
    return next(_reasons(model), None)


def _reasons(model: Model) -> Iterator[str]:
    """Why not, from the structure of the model to its priors."""
    if model.family.name != "gaussian":
        yield f"The family is {model.family.name}: only in the gaussian family can the coefficients be integrated out."
    elif not model.family.is_gaussian:
        yield f"The link is {model.family.link}: only under the identity link can the coefficients be integrated out."
    if model.pooling == "partial":
        yield from _partial(model)
    yield from _several_factors(model)
    if model.separate is not None and model.common.labels:
        yield f"The groups, each with its own residual sd, share {', '.join(model.common.labels)}."
    if model.rows <= _MOST_COMMON and (count := len(model.design.common.labels)) >= model.rows:
        # least squares, from which sigma is searched, leaves nothing for it
        yield f"There are {count} common coefficients and {model.rows} rows only."
    why_not = {"sd": why_not_a_scale, "residual": why_not_a_scale, "correlation": why_not_lkj}
    for parameter in model.parameters:
        name = parameter.prior_name
        if name in model.priors and (reason := why_not.get(parameter.kind, why_not_normal)(name, model.priors[name])):
            yield reason


def _partial(model: Model) -> Iterator[str]:
    """Where theta is sampled."""
    effects = [(effect.term, factor.group) for factor in model.factors for effect in factor.effects]
    if len(set(effects)) < len(effects):
        yield "An effect stands in two bars of the same grouping factor."
    correlated = [len(parameter.labels) for parameter in model.of_kind("correlation")]
    dimensions = 1 + sum(factor.width for factor in model.factors) + sum(q * (q - 1) // 2 for q in correlated)
    if dimensions > MOST_DIMENSIONS:
        yield f"There are {dimensions} standard deviations and correlations, more than {MOST_DIMENSIONS}."


def _several_factors(model: Model) -> Iterator[str]:
    """The largest factor is eliminated group by group; the others' effects make one dense matrix."""
    sizes = [factor.size * factor.width for factor in model.factors]
    if (rest := sum(sizes) - max(sizes, default=0)) > MOST_DENSE:
        most = f"one matrix takes {MOST_DENSE} at most"
        yield f"Beside the largest grouping factor there are {rest} effects of others; {most}."
