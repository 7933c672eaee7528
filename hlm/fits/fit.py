"""`fit` and `fit_pooling`: from a formula and data to one or three posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from hlm.data.transforms import Functions
from hlm.engines.interface import Options
from hlm.errors import FitError
from hlm.fits.results import Fit, PoolingFits
from hlm.fits.run_engines import run_engines
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import LABEL, POOLINGS, Pooling, Residual
from hlm.model.priors import GivenPriors
from hlm.model.resolve import resolve
from hlm.support.interrupts import interruptible
from hlm.support.options import Method, check_choice, check_flag, check_list, check_mapping, check_seed, check_whole

_MOST_CHAINS, _MOST_DRAWS = 1000, 10_000_000  # of all chains together: their memory, not their use, is the limit


def fit(
    formula: str | Formula, data: Any, *, pooling: Pooling = "partial",
    family: str = "gaussian", link: str | None = None, weights: str | None = None, functions: Functions | None = None,
    priors: GivenPriors | None = None, lkj_eta: float = 1.0, residual: Residual = "shared",
    method: Method = "auto", draws: int = 1000, chains: int = 4, tune: int = 1000, seed: int | None = None,
    progress: bool = True, sampler_kwargs: Mapping[str, Any] | None = None,
) -> Fit:  # fmt: skip
    """Fit one pooling strategy of a formula.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model, as in ``"post ~ pre + (pre|school)"``.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out and counted.
    pooling : {"partial", "complete", "none"}
    family : str
        A univariate family of Bambi: gaussian, bernoulli, binomial (``p(k, n) ~ ...``), poisson, negativebinomial, ...
        Of a response of two labels, or of False and True, bernoulli models the probability of the second.
    link : str, optional
        The family's link function; by default its own: identity, logit, log, ... Others are ``"log"`` (gaussian, gamma,
        ...), ``"probit"`` and ``"cloglog"`` (bernoulli, binomial, beta, cumulative, ...), ``"inverse"``,
        ``"identity"``: a name that the family does not have is an error that lists those it has.
    weights : str, optional
        A column: the number of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``; in the gaussian
        family precisions as in lme4, a row's residual sd being ``sigma / sqrt(weight)`` (exact engine only).
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them: they are given columns as arrays of numbers and
        give one number a row. They are called again, on the new rows alone, for a prediction.
    priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        Replacements by name; `default_priors` shows names and numbers. "bambi": Bambi's own defaults.
    lkj_eta : float
        Of the LKJ prior of a correlated block.
    residual : {"shared", "separate"}
        One residual sd for all rows; with ``"separate"``, no pooling has one for each group, as if each group were
        fitted apart (gaussian family).
    method : {"auto", "exact", "nuts", "bambi"}
        ``"exact"`` draws without a Markov chain: gaussian models, in about a tenth of a second, and bernoulli,
        binomial, poisson, negative binomial and gamma models with one grouping factor, in about a second;
        ``"nuts"`` samples any model; ``"bambi"`` always takes Bambi's own model and sampler; ``"auto"`` takes the first
        engine that covers the model and whose diagnostic is good.
    draws, chains, tune : int
        Posterior draws per chain, chains, and (NUTS) draws per chain for warming up.
    seed : int, optional
        The same seed gives the same draws.
    progress : bool
        Say what is being done, on standard error.
    sampler_kwargs : mapping, optional
        Settings of NUTS, as ``{"nuts": {"target_accept": 0.95}}``, also ``maxdepth``; with ``method="bambi"`` whatever
        `bambi.Model.fit` takes.

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
    options = checked_options(method, draws, chains, tune, seed, progress, sampler_kwargs)
    models = resolve(
        formula, data, poolings=(pooling,), family=family, link=link, weights=weights, functions=functions,
        priors=priors, lkj_eta=lkj_eta, residual=residual,
    )  # fmt: skip
    with interruptible(lambda: f"fitting {LABEL[pooling]}"):
        return run_engines(models[pooling], method, options)


def fit_pooling(
    formula: str | Formula, data: Any, *, poolings: Sequence[Pooling] = POOLINGS,
    family: str = "gaussian", link: str | None = None, weights: str | None = None, functions: Functions | None = None,
    priors: GivenPriors | None = None, lkj_eta: float = 1.0, residual: Residual = "shared",
    method: Method = "auto", draws: int = 1000, chains: int = 4, tune: int = 1000, seed: int | None = None,
    progress: bool = True, sampler_kwargs: Mapping[str, Any] | None = None,
) -> PoolingFits:  # fmt: skip
    """Fit complete, no and partial pooling of one formula, side by side.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model; the other strategies are made from it.
    poolings : sequence of {"complete", "none", "partial"}
        Which strategies; always fitted and shown in this order.
    data, family, link, weights, functions, priors, lkj_eta, residual, method
        As in `fit`.
    draws, chains, tune, seed, progress, sampler_kwargs
        As in `fit`. A prior is used in every strategy that has a parameter of its name.

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
    chosen = chosen_poolings(poolings)
    options = checked_options(method, draws, chains, tune, seed, progress, sampler_kwargs)
    models = resolve(
        formula, data, poolings=chosen, family=family, link=link, weights=weights, functions=functions,
        priors=priors, lkj_eta=lkj_eta, residual=residual, comparing=True,
    )  # fmt: skip
    fits: dict[str, Fit] = {}
    with interruptible(lambda: f"fitting {LABEL[chosen[len(fits)]]}, strategy {len(fits) + 1} of {len(chosen)}"):
        for pooling, model in models.items():
            fits[pooling] = run_engines(model, method, options)
        return PoolingFits(fits)


def checked_options(
    method: str, draws: int, chains: int, tune: int, seed: int | None, progress: bool,
    sampler_kwargs: Mapping[str, Any] | None,
) -> Options:  # fmt: skip
    """What the caller asked for, checked before anything expensive starts."""
    check_choice("method", method, get_args(Method))
    check_whole("chains", chains, least=1, most=_MOST_CHAINS)
    check_whole("draws", draws, least=4, most=_MOST_DRAWS // chains)
    check_whole("tune", tune, least=1, most=_MOST_DRAWS)
    check_seed(seed)
    check_flag("progress", progress)
    check_mapping("sampler_kwargs", sampler_kwargs, "{'nuts': {'target_accept': 0.95}}")
    return Options(draws, chains, tune, seed, progress, sampler_kwargs)


def chosen_poolings(poolings: Sequence[Pooling]) -> list[Pooling]:
    """The strategies that the caller asked for, in the order in which they are fitted and shown."""
    wanted = check_list("poolings", poolings, "['none', 'partial']")
    if not wanted:
        raise FitError(f"poolings is a list of some of {', '.join(map(repr, POOLINGS))}, not {poolings!r}.")
    for pooling in wanted:
        check_choice("pooling", pooling, POOLINGS)
    return [pooling for pooling in POOLINGS if pooling in wanted]
