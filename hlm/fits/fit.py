"""`fit` and `fit_pooling`: from a formula and data to one or three posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.data.transforms import Functions
from hlm.engines.bambi.build import arm_formula, build, check_names, check_pooling, check_residual
from hlm.engines.bambi.memory_check import check_room
from hlm.engines.bambi.sampler import sample
from hlm.engines.exact.engine import CollapsedDiagnostics, covers, sample_collapsed
from hlm.engines.sampling.chain_diagnostics import Diagnostics, diagnose
from hlm.errors import FitError
from hlm.fits.results import Fit, PoolingFits
from hlm.formula.expansion import contracted
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import POOLINGS, Pooling, Residual, check_has_groups
from hlm.model.default_priors import check_eta, default_priors
from hlm.model.families import get_family
from hlm.model.no_pooling import none_arm, separate_by
from hlm.model.notes import far_from_zero
from hlm.model.priors import Priors, replace_priors
from hlm.support.interrupts import interruptible
from hlm.support.options import check_choice, check_flag, check_list, check_mapping, check_seed, check_whole
from hlm.support.random_streams import spawned

Method = Literal["auto", "collapsed", "nuts"]
_MOST_CHAINS, _MOST_DRAWS = 1000, 10_000_000  # of all chains together: their memory, not their use, is the limit
_LABEL: Mapping[Pooling, str] = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}


def fit(
    formula: str | Formula,
    data: Any,
    *,
    pooling: Pooling = "partial",
    family: str = "gaussian",
    weights: str | None = None,
    functions: Functions | None = None,
    priors: Mapping[str, Any] | None = None,
    lkj_eta: float = 1.0,
    residual: Residual = "shared",
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
    weights : str, optional
        A column: the number of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``; in the gaussian
        family precisions as in lme4, a row's residual sd being ``sigma / sqrt(weight)`` (collapsed engine only).
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them: they are given columns as arrays of numbers and
        give one number a row. They are called again, on the new rows alone, for a prediction.
    priors : mapping of str to Prior or bambi.Prior, optional
        Replacements by name; `default_priors` shows names and numbers.
    lkj_eta : float
        Of the LKJ prior of a correlated block.
    residual : {"shared", "separate"}
        One residual sd for all rows; with ``"separate"``, no pooling has one for each group, as if each group were
        fitted apart (gaussian family).
    method : {"auto", "collapsed", "nuts"}
        The engine. ``"collapsed"`` draws from the exact posterior of gaussian models, in about a tenth of a second;
        ``"nuts"`` samples any model; ``"auto"`` takes the first where it covers the model and its diagnostic is good,
        and says so where it does not.
    draws, chains, tune : int
        Posterior draws per chain, chains, and (NUTS) draws per chain for warming up.
    seed : int, optional
        The same seed gives the same draws.
    progress : bool
        Say what is being done, on standard error.
    sampler_kwargs : mapping, optional
        Handed on to `bambi.Model.fit` (NUTS).

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
    check_residual(residual, pooling, get_family(family))
    options = _Options(family, priors, lkj_eta, residual, method, draws, chains, tune, seed, progress, sampler_kwargs)
    options.check()
    read, table = formula_and_data(formula, data, family=get_family(family), weights=weights, functions=functions)
    with interruptible(lambda: f"fitting {_LABEL[pooling]}"):
        return _fit_arm(read, table, pooling, options, ())


def fit_pooling(
    formula: str | Formula,
    data: Any,
    *,
    poolings: Sequence[Pooling] = POOLINGS,
    family: str = "gaussian",
    weights: str | None = None,
    functions: Functions | None = None,
    priors: Mapping[str, Any] | None = None,
    lkj_eta: float = 1.0,
    residual: Residual = "shared",
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
    data, family, weights, functions, priors, lkj_eta, residual, method
        As in `fit`.
    draws, chains, tune, seed, progress, sampler_kwargs
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
    check_residual(residual, "none", get_family(family))
    options = _Options(family, priors, lkj_eta, residual, method, draws, chains, tune, seed, progress, sampler_kwargs)
    options.check()
    read, table = formula_and_data(formula, data, family=get_family(family), weights=weights, functions=functions)
    check_has_groups(read)
    names = tuple(name for arm in chosen for name in default_priors(read, table, pooling=arm, family=family))
    fits: dict[str, Fit] = {}
    with interruptible(lambda: f"fitting {_LABEL[chosen[len(fits)]]}, arm {len(fits) + 1} of {len(chosen)}"):
        for arm in chosen:
            fits[arm] = _fit_arm(read, table, arm, options, names)
        return PoolingFits(fits)


@dataclass(frozen=True, slots=True)
class _Options:
    """What the caller asked for, checked before anything expensive starts."""

    family: str
    priors: Mapping[str, Any] | None
    lkj_eta: float
    residual: Residual
    method: Method
    draws: int
    chains: int
    tune: int
    seed: int | None
    progress: bool
    sampler_kwargs: Mapping[str, Any] | None

    def check(self) -> None:
        get_family(self.family)
        check_choice("method", self.method, get_args(Method))
        check_whole("chains", self.chains, least=1, most=_MOST_CHAINS)
        check_whole("draws", self.draws, least=4, most=_MOST_DRAWS // self.chains)
        check_whole("tune", self.tune, least=1, most=_MOST_DRAWS)
        check_eta(self.lkj_eta)
        check_seed(self.seed)
        check_flag("progress", self.progress)
        check_mapping("sampler_kwargs", self.sampler_kwargs, "{'nuts': {'target_accept': 0.95}}")


def _fit_arm(read: Formula, table: CleanData, pooling: Pooling, options: _Options, also_known: tuple[str, ...]) -> Fit:
    family = options.family
    residual: Residual = options.residual if pooling == "none" else "shared"
    if residual == "separate":
        separate_by(read, table)  # says what is wrong where there is no such factor
    check_names(read, get_family(family))
    defaults = default_priors(read, table, pooling=pooling, family=family, lkj_eta=options.lkj_eta)
    priors = replace_priors(defaults, options.priors, also_known=also_known)
    notes = none_arm(read, table).notes if pooling == "none" else ()
    if pooling == "partial":
        notes = tuple(far_from_zero(read, table))
    method, idata, diagnostics, why = _run(read, table, pooling, residual, priors, options)
    return Fit(
        formula=str(contracted(arm_formula(read, table, pooling), table.expansions)),
        pooling=pooling,
        family=family,
        priors=priors,
        method=method,
        idata=idata,
        diagnostics=diagnostics,
        written=read,
        data=table,
        notes=(*notes, *why),
        residual=residual,
    )


def _run(
    read: Formula, table: CleanData, pooling: Pooling, residual: Residual, priors: Priors, options: _Options
) -> tuple[str, Any, Diagnostics | CollapsedDiagnostics, tuple[str, ...]]:
    """Take the engine that covers the model; returns its name, the posterior, its diagnostics, and why NUTS if so."""
    if options.method == "nuts":
        return "nuts", *_by_nuts(read, table, pooling, residual, priors, options), ()
    why_not = covers(read, table, pooling=pooling, family=options.family, priors=priors, residual=residual)
    if why_not is None:
        idata, diagnostics = sample_collapsed(
            read, table, pooling=pooling, priors=priors, residual=residual, draws=options.draws, chains=options.chains,
            seed=options.seed,
        )  # fmt: skip
        if diagnostics.ok or options.method == "collapsed":
            return "collapsed", idata, diagnostics, ()
        why = f"sampled by NUTS, since of the collapsed engine {diagnostics.problem}"
        try:
            return "nuts", *_by_nuts(read, table, pooling, residual, priors, options), (why,)
        except FitError as problem:  # no room in memory, for example
            raise FitError(f"{problem} The model was to be {why}.") from problem
    if options.method == "collapsed":
        raise FitError(f"The collapsed engine does not cover this model. {why_not} Use method='nuts' or 'auto'.")
    gaussian = get_family(options.family).is_gaussian  # in the other families nobody expects the exact engine
    why = f"sampled by NUTS, not exactly: {why_not[0].lower()}{why_not[1:].rstrip('.')}"
    return "nuts", *_by_nuts(read, table, pooling, residual, priors, options), (why,) if gaussian else ()


def _by_nuts(
    read: Formula, table: CleanData, pooling: Pooling, residual: Residual, priors: Priors, options: _Options
) -> tuple[Any, Diagnostics]:
    check_room(read, table, pooling, options.chains * (options.tune + options.draws))
    model = build(read, table, pooling=pooling, family=options.family, priors=priors, residual=residual)
    seed = options.seed if pooling == "partial" else spawned(options.seed, pooling)  # arms are independent
    idata = sample(
        model, draws=options.draws, tune=options.tune, chains=options.chains, seed=seed,
        progress=options.progress, label=_LABEL[pooling], sampler_kwargs=options.sampler_kwargs,
    )  # fmt: skip
    return idata, diagnose(idata)


def _chosen(poolings: Sequence[Pooling]) -> list[Pooling]:
    wanted = check_list("poolings", poolings, "['none', 'partial']")
    if not wanted:
        raise FitError(f"poolings is a list of some of {', '.join(map(repr, POOLINGS))}, not {poolings!r}.")
    for pooling in wanted:
        check_pooling(pooling)
    return [pooling for pooling in POOLINGS if pooling in wanted]
