"""What follows from the maximum of the likelihood: a `Glmm`, for the columns as they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from hlm.engines.normal_coefficients import NormalCoefficients
from hlm.engines.quadrature.gauss_hermite import MOST_NODES, one_rule
from hlm.engines.quadrature.glmm_result import Glmm
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.infinite_estimates import Limit
from hlm.engines.quadrature.integrals import group_integrals
from hlm.engines.quadrature.joint_modes import Centre, joint_mode
from hlm.engines.quadrature.kernels.row_density import GAMMA, NEGATIVE_BINOMIAL, POISSON
from hlm.engines.quadrature.maximum_likelihood import Maximum
from hlm.formula.formula import INTERCEPT
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.support.linear_algebra import rotated_to_lower

_ROUGH = 0.01  # error of the log-likelihood that is told
_ZERO = 1e-12  # of an sd relative to the largest, and of 1 less a correlation: rounding


@dataclass(frozen=True, slots=True)
class Estimates:
    """Everything that follows from the maximum, for the columns as written."""

    model: Model
    coefficients: NormalCoefficients
    whole: GroupedRows
    finite: Limit
    found: Maximum
    endless: bool  # alpha is infinite
    nagq: int

    def result(self) -> Glmm:
        """As `hlm.glmm` returns it."""
        model, found = self.model, self.found
        (factor,) = self.coefficients.factors
        fixef, covariance = self._common()
        own_effects, residuals = self._effects()
        root = found.theta.factor
        transformation = self.coefficients.transformation
        if transformation is not None:
            own_effects = own_effects @ transformation.T
            root = rotated_to_lower(root, transformation)
        labels = pd.Index(factor.design.labels, name="term", dtype=object)
        ranef = pd.DataFrame(own_effects, pd.Index(factor.levels, name=factor.name), labels)
        every = list(dict.fromkeys([*fixef.index, *labels]))
        totals = ranef.reindex(columns=every, fill_value=0.0) + fixef.reindex(every, fill_value=0.0)
        alpha = np.inf if self.endless else float(found.theta.phi[0])
        own = {p.prior_name: alpha for p in model.of_kind("family")}
        table = _varcorr(factor, root[0])
        return Glmm(
            formula=model.text, family=model.family.name, link=model.family.link, nagq=self.nagq, fixef=fixef,
            fixef_cov=covariance, varcorr=table, own=own,
            loglik=found.loglik, coef={factor.name: totals}, ranef={factor.name: ranef}, singular=found.singular,
            n=model.rows, parameters=len(fixef) + len(table) + len(own), scaled_residuals=residuals,
            notes=tuple(filter(None, [model.data.message, *model.notes, *self._notes(fixef)])),
        )  # fmt: skip

    def _common(self) -> tuple[pd.Series, pd.DataFrame]:
        """The common coefficients where all predictors are 0, not at their means, and their covariance matrix."""
        common, prior = self.coefficients.common, self.coefficients.prior
        to_written, constant = self.whole.to_common.copy(), prior.mean.copy()
        if INTERCEPT in common.terms:
            place = common.terms.index(INTERCEPT)
            to_written[place] -= self.whole.means @ self.whole.to_common
            constant[place] -= self.whole.means @ prior.mean
        half = to_written @ self.finite.basis
        signs = self.finite.infinite(to_written)
        with np.errstate(invalid="ignore"):
            values = np.where(signs == 0, constant + half @ self.found.u, signs * np.inf)
        covariance = half @ self.found.covariance @ half.T
        covariance[signs != 0] = covariance[:, signs != 0] = np.nan
        np.fill_diagonal(covariance, np.where(signs == 0, np.diagonal(covariance), np.inf))
        names = pd.Index(common.labels, name="term", dtype=object)
        return pd.Series(values, index=names, name="estimate"), pd.DataFrame(covariance, index=names, columns=names)

    def _effects(self) -> tuple[np.ndarray, pd.Series]:
        """The groups' most probable effects, and the quantiles of the residuals beside them."""
        grouped, found, family = self.finite.grouped, self.found, self.model.family
        start = Centre(found.u, np.zeros((grouped.groups, len(found.theta.factor[0]))))
        effects = joint_mode(grouped, found.theta, start, fixed=True).v @ found.theta.factor[0].T
        codes = np.repeat(np.arange(grouped.groups), np.diff(grouped.start))
        eta = grouped.rows[2] + grouped.rows[3] @ found.u + np.einsum("nq,nq->n", grouped.z, effects[codes])
        mean = family.undo_link(eta[grouped.place])
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = (grouped.response - grouped.trials * mean) / self._sd_of_response(mean)
        residuals[self.finite.separated[grouped.place]] = 0.0
        quantiles = np.quantile(residuals, [0, 0.25, 0.5, 0.75, 1])
        return effects, pd.Series(quantiles, index=["Min", "1Q", "Median", "3Q", "Max"])

    def _sd_of_response(self, mean: np.ndarray) -> np.ndarray:
        kind, phi = self.finite.grouped.kind, self.found.theta.phi[0]
        if kind == GAMMA:
            return np.asarray(mean / np.sqrt(phi))
        if kind in (POISSON, NEGATIVE_BINOMIAL):
            return np.asarray(np.sqrt(mean + (mean**2 / phi if kind == NEGATIVE_BINOMIAL else 0.0)))
        return np.asarray(np.sqrt(self.finite.grouped.trials * mean * (1 - mean)))

    def _notes(self, fixef: pd.Series) -> Iterator[str]:
        found = self.found
        endless = [f"{term} ({value})" for term, value in fixef.items() if not np.isfinite(value)]
        if endless:
            yield (
                f"Infinite, since the common terms settle the responses of some rows (separation): "
                f"{', '.join(endless)}. The other numbers are those in the limit. fit() holds all finite by its priors."
            )
        if self.endless:
            yield "alpha is infinite: the counts vary no more than those of the Poisson family, whose fit this is."
        if found.flat:
            yield (
                "The likelihood is flat at its maximum: other values are as good as the ones shown, and nothing is "
                "known of their errors. Let less vary by group, or leave common terms out."
            )
        if not found.settled:
            yield "The search did not settle: the estimates may not be the best ones."
        grouped, finer = self.finite.grouped, 2 * self.nagq + 1
        effects = grouped.z.shape[1]
        if finer**effects <= MOST_NODES:
            chosen = np.zeros(grouped.groups, dtype=np.int64)
            here, there = (
                group_integrals(grouped, found.theta, found.u[None], one_rule(n, effects), chosen, exactly=True).sum()
                for n in (self.nagq, finer)
            )
            if not abs(there - here) < _ROUGH:
                yield f"With nagq={finer} the log-likelihood changes by {there - here:+.2g} here: take more nodes."


def _varcorr(factor: GroupingFactor, root: np.ndarray) -> pd.DataFrame:
    """Standard deviations, then correlations, block by block."""
    sds, labels = np.linalg.norm(root, axis=1), factor.design.labels
    sds[sds < _ZERO * sds.max()] = 0.0
    rows: list[tuple[str, str, str | None, float]] = []
    for block in factor.blocks:
        places = range(block.columns.start, block.columns.stop)
        rows += [(factor.name, labels[i], None, float(sds[i])) for i in places]
        for j, i in combinations(places, 2) if block.correlation is not None else ():
            rows.append((factor.name, labels[j], labels[i], _correlation(root[i] @ root[j], sds[i] * sds[j])))
    return pd.DataFrame(rows, columns=["group", "effect1", "effect2", "sdcor"])


def _correlation(covariance: float, product: float) -> float:
    """NaN beside an sd of 0; exactly 1 or -1 where the effects are multiples of each other."""
    if product == 0.0:
        return float("nan")
    found = float(covariance / product)
    return float(np.sign(found)) if abs(found) > 1 - _ZERO else found
