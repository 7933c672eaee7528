"""Which models the collapsed engine covers, and why not the others."""

from __future__ import annotations

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.engines.exact.theta.standard_deviations import why_not_a_scale
from hlm.formula.formula import INTERCEPT, Block, Formula
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model.default_priors import correlated_blocks
from hlm.model.design_columns import Columns, block_columns, columns
from hlm.model.no_pooling import kept_columns, none_arm
from hlm.model.priors import Prior, Priors

MOST_DIMENSIONS = 12  # importance sampling wastes more and more points beyond
_MOST_COMMON = 5000  # columns, and so rows, that are worth a look
MOST_DENSE = 5000  # effects in one dense matrix, whose factorisation takes some seconds then
MOST_OWN_COLUMNS = 2000
MOST_OWN_NUMBERS = 100_000_000  # 800 MB


def covers(
    formula: Formula, data: CleanData, *, pooling: Pooling, family: str, priors: Priors, residual: Residual = "shared"
) -> str | None:
    """None if the collapsed engine can fit the arm, else one sentence that says why not.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    family : str
    priors : Priors
        Of that arm.
    residual : {"shared", "separate"}

    Examples
    --------
    >>> from hlm import default_priors, load_data, parse
    >>> from hlm.data.clean_data import clean
    >>> formula = parse("diameter ~ 1 + (1|plate) + (1|sample)")
    >>> data = clean(formula, load_data("penicillin"))
    >>> covers(formula, data, pooling="partial", family="gaussian", priors=default_priors(formula, data))
    >>> covers(formula, data, pooling="partial", family="poisson", priors=default_priors(formula, data))
    'The family is poisson: only in the gaussian family can the coefficients be integrated out.'
    """
    if family != "gaussian":
        return f"The family is {family}: only in the gaussian family can the coefficients be integrated out."
    structure = {"partial": _partial, "none": _none, "complete": _nothing}[pooling]
    own_sigmas = _separate(formula, data) if residual == "separate" else None
    return (
        structure(formula, data)
        or own_sigmas
        or _more_columns_than_rows(formula, data)
        or _priors(formula, data, priors)
    )


def _more_columns_than_rows(formula: Formula, data: CleanData) -> str | None:
    """Then least squares, from which sigma is searched, leaves nothing for it."""
    if data.rows > _MOST_COMMON:
        return None
    count = len(columns(formula.common, data).labels)
    return f"There are {count} common coefficients and {data.rows} rows only." if count >= data.rows else None


def _separate(formula: Formula, data: CleanData) -> str | None:
    kept = kept_columns(formula, none_arm(formula, data), data).labels
    return f"The groups, each with its own residual sd, share {', '.join(kept)}." if kept else None


def _nothing(formula: Formula, data: CleanData) -> None:
    return None


def _partial(formula: Formula, data: CleanData) -> str | None:
    blocks = block_columns(formula, data)
    effects = [(e, block.group) for block, _ in blocks for e in block.effects]
    if len(set(effects)) < len(effects):
        return "An effect stands in two bars of the same grouping factor."
    widths = [len(design.terms) for _, design in blocks]
    correlated = [widths[i] for i in correlated_blocks(formula, data).values()]
    dimensions = 1 + sum(widths) + sum(q * (q - 1) // 2 for q in correlated)
    if dimensions > MOST_DIMENSIONS:
        return f"There are {dimensions} standard deviations and correlations, more than {MOST_DIMENSIONS}."
    return _too_many_beside_the_largest(formula, data, blocks)


def _too_many_beside_the_largest(
    formula: Formula, data: CleanData, blocks: tuple[tuple[Block, Columns], ...]
) -> str | None:
    """The largest factor is eliminated group by group; the others' effects make one dense matrix."""
    sizes = {
        group: len(data.levels(group)) * sum(len(design.terms) for block, design in blocks if block.group == group)
        for group in formula.groups
    }
    rest = sum(sizes.values()) - max(sizes.values(), default=0)
    if rest <= MOST_DENSE:
        return None
    return (
        f"Beside the largest grouping factor there are {rest} effects of others; one matrix takes {MOST_DENSE} at most."
    )


def _none(formula: Formula, data: CleanData) -> str | None:
    arm = none_arm(formula, data)
    if len({o.group for o in arm.own}) == 1 and INTERCEPT not in kept_columns(formula, arm, data).terms:
        return None
    columns = sum(len(data.levels(o.group)) for o in arm.own)
    if columns <= MOST_OWN_COLUMNS and columns * data.rows <= MOST_OWN_NUMBERS:
        return None
    return f"The groups' {columns} own coefficients are not independent of each other, and too many for one matrix."


def _priors(formula: Formula, data: CleanData, priors: Priors) -> str | None:
    """The first prior that is not covered: sds and correlations by their names, all else is a coefficient."""
    correlations = correlated_blocks(formula, data)
    scales = {"sigma", *(f"{e.name}|{b.group.name}_sigma" for b in formula.blocks for e in b.effects)}
    for name, prior in priors.items():
        if name in scales:
            reason = why_not_a_scale(name, prior)
        elif name in correlations:
            reason = _why_not_lkj(name, prior)
        else:
            reason = _why_not_normal(name, prior)
        if reason:
            return reason
    return None


def _why_not_lkj(name: str, prior: Prior) -> str | None:
    eta = prior.args.get("eta")
    if prior.name in ("LKJ", "LKJCorr", "LKJCholeskyCov") and isinstance(eta, float) and 0 < eta < np.inf:
        return None
    return f"The prior of {name!r} is {prior}, not LKJ(eta)."


def _why_not_normal(name: str, prior: Prior) -> str | None:
    sigma = prior.args.get("sigma", np.nan)
    if prior.name != "Normal" or prior.dist is not None or set(prior.args) != {"mu", "sigma"}:
        return f"The prior of {name!r} is {prior}: only Normal(mu, sigma) coefficients can be integrated out."
    if not (np.isfinite(sigma).all() and np.min(sigma) > 0 and np.isfinite(prior.args["mu"]).all()):
        return f"The prior of {name!r} is {prior}: its numbers must be finite, and sigma positive."
    return None
