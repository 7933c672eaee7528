"""`reml`: lme4's estimate, from the likelihood that the exact engine integrates."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.data.transforms import Functions
from hlm.engines.reml.criterion import conditional_modes, profile
from hlm.engines.reml.design import MixedDesign, VaryingBlock, mixed_design
from hlm.engines.reml.result import Reml
from hlm.engines.reml.search import Minimum, minimise
from hlm.errors import FitError
from hlm.formula.expansion import contracted
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import check_has_groups
from hlm.support.blas_threads import one_blas_thread
from hlm.support.linear_algebra import lower_roots, solve_lower, solve_upper
from hlm.support.options import offending

_NOTHING_LEFT = 1e-7  # of the response's sd: rounding leaves 1e-8 where the model explains the response exactly


@one_blas_thread()
def reml(
    formula: str | Formula,
    data: Any,
    *,
    reml: bool = True,
    weights: str | None = None,
    functions: Functions | None = None,
) -> Reml:
    """Estimate a gaussian hierarchical model as lme4's ``lmer`` does, without priors.

    The standard deviations and correlations maximise the (restricted) likelihood; the coefficients are their means
    given those. For comparison with lme4, and a first look: with few groups sds and correlations are often estimated
    as exactly 0 or 1 (a singular fit), where `fit` shows all the values that the data allow.

    Parameters
    ----------
    formula : str
        In lme4's dialect, with one grouping factor at least, as in ``"post ~ pre + (pre|school)"``.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out and counted.
    reml : bool
        False for maximum likelihood, which compares models with different common terms (by AIC, BIC, likelihood ratio).
    weights : str, optional
        A column of precisions: a row's residual standard deviation is ``sigma / sqrt(weight)``.
    functions : mapping of str to callable, optional
        The caller's own functions by the names that the formula calls them.

    Returns
    -------
    Reml
        Shows itself as lme4's summary does. The common intercept is called ``Intercept`` (lme4: ``(Intercept)``), the
        level of a factor ``sex[M]`` (lme4: ``sexM``), cells ``batch:cask`` (lme4: ``cask:batch``).

    Raises
    ------
    FormulaError, DataError
        For a formula that cannot be read, or without a grouping factor; where the data cannot be used.
    FitError
        For counts out of trials; where as many effects vary as there are rows, which lme4 refuses too; where nothing
        is left for the residual variation.

    Notes
    -----
    A common column in the span of those before it is left out, as in lme4, and named. `Reml.singular` says whether a
    covariance matrix has not its full rank, whatever the units of the predictors; lme4's answer depends on units. The
    criterion is that of Bates et al. 2015, J. Stat. Software 67(1), equation 42; with ``reml=False`` equation 34.

    Examples
    --------
    >>> from hlm import load_data, reml
    >>> lines = reml("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    >>> round(lines.loglik, 3), lines.fixef.round(2).to_dict()
    (-871.814, {'Intercept': 251.41, 'Days': 10.47})
    >>> lines.coef["Subject"].loc["308"].round(1).to_dict()
    {'Intercept': 253.7, 'Days': 19.7}
    """
    if not isinstance(reml, bool):
        raise FitError(f"reml is True, or False for maximum likelihood, not {offending(reml)}.")
    read, table = formula_and_data(formula, data, weights=weights, functions=functions)
    check_has_groups(read)
    if read.response.trials is not None:
        raise FitError(
            f"reml fits gaussian responses, not counts out of trials ({read.response}). "
            f"Take glmm({str(read)!r}, data, family='binomial'), or fit with the same."
        )
    design = mixed_design(read, table)
    return _estimate(read, table, design, minimise(lambda f: profile(design, f, reml=reml).criterion, design), reml)


def _estimate(read: Formula, data: CleanData, design: MixedDesign, found: Minimum, reml: bool) -> Reml:
    """Everything that follows from the relative factor, for the columns as written."""
    at = profile(design, found.factor[None], reml=reml)
    sigma = float(at.sigma[0])
    if not sigma > _NOTHING_LEFT * design.y.std():
        raise FitError(
            "The model explains the response exactly, so that sigma would be 0: let less vary by group, leave common "
            "terms out, or take fit(), whose priors keep sigma above 0."
        )
    back = solve_upper(design.x_root, np.eye(len(design.x_root)))
    half = sigma * solve_lower(lower_roots(at.information[0]), back.T)
    names = pd.Index(design.x_labels, name="term", dtype=object)
    fixef = pd.Series(back @ at.coefficients[0], index=names, name="estimate")
    outside = design.y - design.x @ at.coefficients[0]
    modes = conditional_modes(design, found.factor, outside)
    ranef, inside = _ranef(data, design, modes), outside / sigma
    for block, values in zip(design.blocks, modes, strict=True):
        inside = inside - np.einsum("nw,nw->n", design.z[:, block.columns], (values / sigma)[block.codes])
    quantiles = pd.Series(np.quantile(inside, [0, 0.25, 0.5, 0.75, 1]), index=["Min", "1Q", "Median", "3Q", "Max"])
    singular = any(rank < len(b.labels) for b, rank in zip(design.blocks, found.ranks, strict=True))
    unsettled = "" if found.settled else "The search did not settle: the estimates may not be the best ones."
    return Reml(
        formula=str(contracted(read, data.expansions)),
        reml=reml,
        fixef=fixef,
        fixef_cov=pd.DataFrame(half.T @ half, index=names, columns=names),
        varcorr=_varcorr(design.blocks, sigma * found.factor, found.ranks, sigma),
        sigma=sigma,
        loglik=-0.5 * float(at.criterion[0]),
        coef={group: _totals(fixef, effects) for group, effects in ranef.items()},
        ranef=ranef,
        singular=singular,
        n=data.rows,
        parameters=len(fixef) + sum(len(block.entries) for block in design.blocks) + 1,
        scaled_residuals=quantiles,
        notes=tuple(filter(None, [data.message, *design.notes, unsettled])),
    )


def _varcorr(
    blocks: tuple[VaryingBlock, ...], factor: np.ndarray, ranks: tuple[int, ...], sigma: float
) -> pd.DataFrame:
    """Standard deviations, then correlations, block by block; the residual last."""
    rows: list[tuple[str, str | None, str | None, float]] = []
    for block, rank in zip(blocks, ranks, strict=True):
        name = block.group.name
        lower = block.basis @ factor[block.columns, block.columns]
        sds = np.linalg.norm(lower, axis=1)
        rows += [(name, label, None, float(sd)) for label, sd in zip(block.labels, sds, strict=True)]
        for (j, first), (i, second) in combinations(enumerate(block.labels), 2):
            rows.append((name, first, second, _correlation(lower[i], lower[j], rank)))
    rows.append(("Residual", None, None, sigma))
    return pd.DataFrame(rows, columns=["group", "effect1", "effect2", "sdcor"])


def _correlation(first: np.ndarray, second: np.ndarray, rank: int) -> float:
    """NaN beside an sd of 0; exactly 1 or -1 where the effects are multiples of each other."""
    product = float(np.linalg.norm(first) * np.linalg.norm(second))
    if product == 0.0:
        return float("nan")
    found = float(first @ second) / product
    return float(np.sign(found)) if rank == 1 else float(np.clip(found, -1.0, 1.0))


def _ranef(data: CleanData, design: MixedDesign, modes: tuple[np.ndarray, ...]) -> dict[str, pd.DataFrame]:
    """The conditional modes by factor: a row per level, a column per effect."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for block, values in zip(design.blocks, modes, strict=True):
        levels = pd.Index(data.levels(block.group), name=block.group.name)
        columns = pd.Index(block.labels, name="term", dtype=object)
        parts.setdefault(block.group.name, []).append(pd.DataFrame(values @ block.basis.T, levels, columns))
    return {name: pd.concat(frames, axis=1) for name, frames in parts.items()}


def _totals(fixef: pd.Series, effects: pd.DataFrame) -> pd.DataFrame:
    """Common coefficients plus a factor's effects; 0 where there is no common coefficient, or no effect."""
    terms = list(dict.fromkeys([*fixef.index, *effects.columns]))
    return effects.reindex(columns=terms, fill_value=0.0) + fixef.reindex(terms, fill_value=0.0)
