"""Which models the collapsed engine covers, and why not the others."""

from __future__ import annotations

import numpy as np

from hlm.design import block_columns, none_arm
from hlm.fitting.collapsed.scales import why_not_a_scale
from hlm.formula.arms import Pooling
from hlm.formula.formula import INTERCEPT, Formula
from hlm.frame import CleanData
from hlm.posterior import kept_columns
from hlm.prior import Prior, Priors
from hlm.priors import correlated_blocks

MOST_DIMENSIONS = 12  # importance sampling wastes more and more points beyond


def covers(formula: Formula, data: CleanData, *, pooling: Pooling, family: str, priors: Priors) -> str | None:
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

    Examples
    --------
    >>> from hlm import default_priors, load_data, parse
    >>> from hlm.frame import clean
    >>> formula = parse("diameter ~ 1 + (1|plate) + (1|sample)")
    >>> data = clean(formula, load_data("penicillin"))
    >>> covers(formula, data, pooling="partial", family="gaussian", priors=default_priors(formula, data))
    'There are several grouping factors: plate, sample.'
    """
    if family != "gaussian":
        return f"The family is {family}: only in the gaussian family can the coefficients be integrated out."
    structure = {"partial": _partial, "none": _none, "complete": _nothing}[pooling]
    return structure(formula, data) or _priors(formula, data, priors)


def _nothing(formula: Formula, data: CleanData) -> None:
    return None


def _partial(formula: Formula, data: CleanData) -> str | None:
    if len(formula.groups) > 1:
        return f"There are several grouping factors: {', '.join(g.name for g in formula.groups)}."
    blocks = block_columns(formula, data)
    effects = [e for block, _ in blocks for e in block.effects]
    if len(set(effects)) < len(effects):
        return "An effect stands in two bars of the same grouping factor."
    widths = [len(design.terms) for _, design in blocks]
    correlated = [widths[i] for i in correlated_blocks(formula, data).values()]
    dimensions = 1 + sum(widths) + sum(q * (q - 1) // 2 for q in correlated)
    if dimensions > MOST_DIMENSIONS:
        return f"There are {dimensions} standard deviations and correlations, more than {MOST_DIMENSIONS}."
    return None


def _none(formula: Formula, data: CleanData) -> str | None:
    arm = none_arm(formula, data)
    groups = dict.fromkeys(o.group.name for o in arm.own)
    if len(groups) != 1:
        return f"Several grouping factors have coefficients of their own: {', '.join(groups)}."
    if INTERCEPT in kept_columns(formula, arm, data).terms:
        return "The groups share an intercept, whose prior is about the centred columns of all groups."
    return None


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
