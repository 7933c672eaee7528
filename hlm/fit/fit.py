"""`fit` and `fit_pooling`: from a formula and data to one or three posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hlm.design import none_arm
from hlm.errors import FitError
from hlm.families import check_response, get_family
from hlm.fit.diagnostics import diagnose
from hlm.fit.nuts import sample
from hlm.fit.results import Fit, PoolingFits
from hlm.formula.arms import POOLINGS, Pooling, check_has_groups
from hlm.formula.formula import Formula
from hlm.formula.parser import parse
from hlm.frame import CleanData, clean
from hlm.model.build import arm_formula, build, check_pooling
from hlm.prior import replace_priors
from hlm.priors import default_priors

Method = Literal["auto", "collapsed", "nuts"]
_LABEL: Mapping[Pooling, str] = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}


def fit(
    formula: str | Formula,
    data: Any,
    *,
    pooling: Pooling = "partial",
    family: str = "gaussian",
    priors: Mapping[str, Any] | None = None,
    lkj_eta: float = 1.0,
    method: Method = "auto",
    draws: int = 1000,
    chains: int = 4,
    tune: int = 1000,
    seed: int | None = None,
    progress: bool = True,
    sampler_kwargs: Mapping[str, Any] | None = None,
) -> Fit:
    """Fit one arm of a formula.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model, as in ``"post ~ pre + (pre|school)"``.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out and counted.
    pooling : {"partial", "complete", "none"}
    family : str
        A univariate family of Bambi: gaussian, bernoulli, binomial (``p(k, n) ~ ...``), poisson, negativebinomial, ...
    priors : mapping of str to Prior or bambi.Prior, optional
        Replacements by name; `default_priors` shows names and numbers.
    lkj_eta : float
        Of the LKJ prior of a correlated block.
    method : {"auto", "nuts"}
        The engine. ``"auto"`` takes the best that covers the model.
    draws, chains, tune : int
        Posterior draws per chain, chains, and draws per chain for warming up.
    seed : int, optional
        The same seed gives the same draws.
    progress : bool
        Say what is being done, on standard error.
    sampler_kwargs : mapping, optional
        Handed on to `bambi.Model.fit`.

    Returns
    -------
    Fit

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data or options cannot be used.

    Examples
    --------
    >>> from hlm import fit, load_data
    >>> lines = fit("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...             draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> round(float(lines.idata["posterior"]["Days"].mean()))
    10
    """
    check_pooling(pooling)
    _check_options(method, draws=draws, chains=chains, tune=tune, lkj_eta=lkj_eta, seed=seed)
    read = parse(formula)
    table = clean(read, data, family=family)
    return _fit_arm(
        read, table, pooling, family=family, priors=priors, lkj_eta=lkj_eta, also_known=(), draws=draws,
        chains=chains, tune=tune, seed=seed, progress=progress, sampler_kwargs=sampler_kwargs,
    )  # fmt: skip


def fit_pooling(
    formula: str | Formula,
    data: Any,
    *,
    poolings: Sequence[Pooling] = POOLINGS,
    family: str = "gaussian",
    priors: Mapping[str, Any] | None = None,
    lkj_eta: float = 1.0,
    method: Method = "auto",
    draws: int = 1000,
    chains: int = 4,
    tune: int = 1000,
    seed: int | None = None,
    progress: bool = True,
    sampler_kwargs: Mapping[str, Any] | None = None,
) -> PoolingFits:
    """Fit complete, no and partial pooling of one formula, side by side.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model; the other arms are made from it.
    poolings : sequence of {"complete", "none", "partial"}
        Which arms; always fitted and shown in this order.
    data, family, priors, lkj_eta, method, draws, chains, tune, seed, progress, sampler_kwargs
        As in `fit`. A prior is used in every arm that has a parameter of its name.

    Returns
    -------
    PoolingFits
        A mapping from label to `Fit`; shows itself as a table.

    Raises
    ------
    FormulaError
        Also for a formula without a grouping factor: there would be nothing to pool.
    DataError, FitError
        Where data or options cannot be used.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> list(fits), fits["none"].formula
    (['complete', 'none', 'partial'], 'Reaction ~ 0 + Subject + Subject:Days')
    """
    chosen = _chosen(poolings)
    _check_options(method, draws=draws, chains=chains, tune=tune, lkj_eta=lkj_eta, seed=seed)
    read = parse(formula)
    check_has_groups(read)
    table = clean(read, data, family=family)
    names = [n for arm in chosen for n in default_priors(read, table, pooling=arm, family=family)]
    fits: dict[str, Fit] = {
        arm: _fit_arm(
            read, table, arm, family=family, priors=priors, lkj_eta=lkj_eta, also_known=tuple(names), draws=draws,
            chains=chains, tune=tune, seed=seed, progress=progress, sampler_kwargs=sampler_kwargs,
        )
        for arm in chosen
    }  # fmt: skip
    return PoolingFits(fits)


def _fit_arm(
    read: Formula, table: CleanData, pooling: Pooling, *, family: str, priors: Mapping[str, Any] | None,
    lkj_eta: float, also_known: tuple[str, ...], draws: int, chains: int, tune: int, seed: int | None,
    progress: bool, sampler_kwargs: Mapping[str, Any] | None,
) -> Fit:  # fmt: skip
    check_response(get_family(family), read, table)
    defaults = default_priors(read, table, pooling=pooling, family=family, lkj_eta=lkj_eta)
    chosen = replace_priors(defaults, priors, also_known=also_known)
    model = build(read, table, pooling=pooling, family=family, priors=chosen)
    idata = sample(
        model, draws=draws, tune=tune, chains=chains, seed=seed, progress=progress,
        label=_LABEL[pooling], sampler_kwargs=sampler_kwargs,
    )  # fmt: skip
    return Fit(
        formula=str(arm_formula(read, table, pooling)),
        pooling=pooling,
        family=family,
        priors=chosen,
        method="nuts",
        idata=idata,
        diagnostics=diagnose(idata),
        written=read,
        data=table,
        notes=none_arm(read, table).notes if pooling == "none" else (),
    )


def _chosen(poolings: Sequence[Pooling]) -> list[Pooling]:
    if isinstance(poolings, str) or not poolings:
        raise FitError(f"poolings is a list of some of {', '.join(map(repr, POOLINGS))}, not {poolings!r}.")
    for pooling in poolings:
        check_pooling(pooling)
    return [pooling for pooling in POOLINGS if pooling in poolings]


def _check_options(method: str, *, draws: int, chains: int, tune: int, lkj_eta: float, seed: int | None) -> None:
    """Say what an option may be before anything expensive starts."""
    if method not in ("auto", "nuts"):
        raise FitError(f"method is 'auto' or 'nuts', not {method!r}.")
    for name, value, least in (("draws", draws, 4), ("chains", chains, 1), ("tune", tune, 1)):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise FitError(f"{name} is a whole number of at least {least}, not {value!r}.")
    if not lkj_eta > 0:
        raise FitError(f"lkj_eta is a positive number, not {lkj_eta!r}.")
    if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool) or seed < 0):
        raise FitError(f"seed is a whole number of 0 or more, not {seed!r}.")
