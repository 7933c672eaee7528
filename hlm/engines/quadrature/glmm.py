"""`glmm`: lme4's ``glmer``, from the integrals that the quadrature engine adds up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from hlm.data.transforms import Functions
from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.engines.quadrature.coverage import covers
from hlm.engines.quadrature.gauss_hermite import one_rule
from hlm.engines.quadrature.grouped_rows import GroupedRows, grouped_rows
from hlm.engines.quadrature.joint_modes import Centre, joint_mode
from hlm.engines.quadrature.maximum_likelihood import Maximum, maximise
from hlm.engines.reml.summary_tables import Table, as_html, as_text, fixed_effects, random_effects
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT, Formula
from hlm.formula.pooling_formulas import check_has_groups
from hlm.model.model import Model
from hlm.model.resolve import resolve
from hlm.support.blas_threads import one_blas_thread
from hlm.support.linear_algebra import rotated_to_lower
from hlm.support.options import check_whole

_MOST_NODES = 101
_SINGULAR = "Singular fit: a standard deviation is 0 or a correlation is exact; fit() shows what else the data allow."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Glmm:
    """Maximum likelihood estimates of a hierarchical model in another family; `hlm.glmm` makes it.

    Attributes
    ----------
    formula, family, link : str
    nagq : int
        Quadrature nodes of each group along each effect; 1 is Laplace's approximation.
    fixef : pandas.Series
        Common coefficients ("fixed effects") by term, on the scale of the link.
    fixef_cov : pandas.DataFrame
        Their covariance matrix, from the curvature of the likelihood in all parameters.
    varcorr : pandas.DataFrame
        Columns ``group, effect1, effect2, sdcor``: the standard deviations (``effect2`` missing), then the
        correlations; on the scale of the link per unit of the effect's column.
    own : Mapping of str to float
        The family's own parameter by name: ``alpha`` of the negative binomial and gamma families.
    loglik : float
        With all of the family's constants, so that models of different families can be compared.
    coef, ranef : Mapping of str to pandas.DataFrame
        By grouping factor, a row per level: common coefficients plus the level's own effects, and the effects alone, at
        their most probable values.
    singular : bool
        Whether a standard deviation is 0, or effects are exactly correlated.
    n, parameters : int
        Rows that were used; coefficients, standard deviations, correlations and the family's own parameter.
    notes : tuple of str
    """

    formula: str
    family: str
    link: str
    nagq: int
    fixef: pd.Series
    fixef_cov: pd.DataFrame
    varcorr: pd.DataFrame
    own: Mapping[str, float]
    loglik: float
    coef: Mapping[str, pd.DataFrame]
    ranef: Mapping[str, pd.DataFrame]
    singular: bool
    n: int
    parameters: int
    notes: tuple[str, ...] = ()

    @property
    def fixef_se(self) -> pd.Series:
        """Standard errors of the common coefficients."""
        return pd.Series(np.sqrt(np.diagonal(self.fixef_cov)), index=self.fixef.index, name="se")

    @property
    def aic(self) -> float:
        return -2.0 * self.loglik + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """With the number of rows."""
        return float(-2.0 * self.loglik + np.log(self.n) * self.parameters)

    def __repr__(self) -> str:
        return as_text(_head(self), _tables(self), _foot(self))

    def _repr_html_(self) -> str:
        return as_html(_head(self), _tables(self), _foot(self))


@one_blas_thread()
def glmm(
    formula: str | Formula, data: Any, *, family: str, link: str | None = None, nagq: int = 9,
    weights: str | None = None, functions: Functions | None = None,
) -> Glmm:  # fmt: skip
    """Estimate a hierarchical model of another family as lme4's ``glmer`` does, without priors.

    Parameters
    ----------
    formula : str
        In lme4's dialect, with one grouping factor and at most three effects that vary by it.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out and counted.
    family, link : str
        bernoulli or binomial with logit, probit or cloglog; poisson, negativebinomial, gamma, exponential with log.
    nagq : int
        Nodes of the adaptive Gauss-Hermite quadrature along each effect; an odd number. 1 is Laplace's approximation,
        which ``glmer`` takes by default and which puts standard deviations too low in small groups.
    weights : str, optional
        The number of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``.
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them.

    Returns
    -------
    Glmm
        Shows itself as glmer's summary does.

    Raises
    ------
    FormulaError, DataError
        For a formula that cannot be read, or without a grouping factor; where the data cannot be used.
    FitError
        For a family, a link or a structure that is not covered; `fit` may cover it.

    Notes
    -----
    ``glmer`` with ``nAGQ`` above 1 leaves out the log-likelihood of the saturated model; `loglik` here is the full one.
    The likelihood is that of Pinheiro & Chao 2006, J. Comput. Graph. Stat. 15:58-81.

    Examples
    --------
    >>> from hlm import glmm, load_data
    >>> found = glmm("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"), family="binomial")
    >>> round(found.loglik, 3), found.fixef.round(2).to_dict()
    (-91.983, {'Intercept': -1.4, 'period[2]': -0.99, 'period[3]': -1.13, 'period[4]': -1.58})
    """
    check_whole("nagq", nagq, least=1, most=_MOST_NODES)
    if nagq % 2 == 0:
        raise FitError(f"nagq is an odd number, not {nagq}: one node is at the mode. Write nagq={nagq + 1}.")
    model = resolve(
        formula, data, poolings=("partial",), family=family, link=link, weights=weights, functions=functions
    )["partial"]  # fmt: skip
    check_has_groups(model.written)
    if (why_not := covers(model)) is not None:
        raise FitError(f"glmm does not cover this model. {why_not} fit() may.")
    coefficients = normal_coefficients(model)
    grouped = grouped_rows(model, coefficients)
    own = model.of_kind("family")
    found = maximise(grouped, coefficients, one_rule(nagq, grouped.z.shape[1]), has_own=bool(own))
    return _as_written(model, coefficients, grouped, found, nagq)


def _as_written(
    model: Model, coefficients: NormalCoefficients, grouped: GroupedRows, found: Maximum, nagq: int
) -> Glmm:
    """Everything that follows from the maximum, for the columns as written."""
    (factor,) = coefficients.factors
    terms, to_written = coefficients.common.terms, grouped.to_common.copy()
    constant = coefficients.prior.mean.copy()
    if INTERCEPT in terms:  # where all predictors are 0, not at their means
        place = terms.index(INTERCEPT)
        to_written[place] -= grouped.means @ grouped.to_common
        constant[place] -= grouped.means @ coefficients.prior.mean
    names = pd.Index(coefficients.common.labels, name="term", dtype=object)
    fixef = pd.Series(constant + to_written @ found.u, index=names, name="estimate")
    fixef_cov = pd.DataFrame(to_written @ found.covariance @ to_written.T, index=names, columns=names)
    root = found.theta.factor
    start = Centre(found.u, np.zeros((grouped.groups, factor.width)))
    effects = joint_mode(grouped, found.theta, start, fixed=True).v @ root[0].T
    if coefficients.transformation is not None:
        effects = effects @ coefficients.transformation.T
        root = rotated_to_lower(root, coefficients.transformation)
    labels = pd.Index(factor.design.labels, name="term", dtype=object)
    ranef = pd.DataFrame(effects, pd.Index(factor.levels, name=factor.name), labels)
    every = list(dict.fromkeys([*fixef.index, *labels]))
    totals = ranef.reindex(columns=every, fill_value=0.0) + fixef.reindex(every, fill_value=0.0)
    own = {p.prior_name: float(found.theta.phi[0]) for p in model.of_kind("family")}
    entries = sum(1 for block in coefficients.blocks for _ in block.pairs) + factor.width
    unsettled = "" if found.settled else "The search did not settle: the estimates may not be the best ones."
    return Glmm(
        formula=model.text, family=model.family.name, link=model.family.link, nagq=nagq, fixef=fixef,
        fixef_cov=fixef_cov, varcorr=_varcorr(factor.name, factor.design.labels, root[0], coefficients),
        own=own, loglik=found.loglik, coef={factor.name: totals}, ranef={factor.name: ranef}, singular=found.singular,
        n=model.rows, parameters=len(fixef) + entries + len(own),
        notes=tuple(filter(None, [model.data.message, *model.design.left_out, unsettled])),
    )  # fmt: skip


def _varcorr(group: str, labels: tuple[str, ...], root: np.ndarray, coefficients: NormalCoefficients) -> pd.DataFrame:
    """Standard deviations, then the correlations of each block."""
    sds = np.linalg.norm(root, axis=1)
    rows: list[tuple[str, str, str | None, float]] = [
        (group, label, None, float(sd)) for label, sd in zip(labels, sds, strict=True)
    ]
    for block in coefficients.blocks:
        for i, j in block.pairs:
            product = sds[i] * sds[j]
            correlation = float(root[i] @ root[j] / product) if product > 0 else float("nan")
            rows.append((group, labels[j], labels[i], correlation))
    return pd.DataFrame(rows, columns=["group", "effect1", "effect2", "sdcor"])


def _head(result: Glmm) -> list[str]:
    how = "Laplace's approximation" if result.nagq == 1 else f"adaptive Gauss-Hermite quadrature, nagq = {result.nagq}"
    own = "".join(f", {name} {value:.4g}" for name, value in result.own.items())
    return [
        f"Generalised linear mixed model fit by maximum likelihood ({how})",
        f"Family: {result.family} ({result.link}){own}",
        f"Formula: {result.formula}",
        f"deviance {-2 * result.loglik:.1f}, log-likelihood {result.loglik:.1f}, AIC {result.aic:.1f}, "
        f"BIC {result.bic:.1f}",
    ]


def _tables(result: Glmm) -> list[Table]:
    groups = {name: len(effects) for name, effects in result.ranef.items()}
    random = random_effects(result.varcorr, result.n, groups)
    return [random, *fixed_effects(result.fixef, result.fixef_cov, "z value")]


def _foot(result: Glmm) -> list[str]:
    return [*[_SINGULAR] * result.singular, *result.notes]
