"""`build`: a formula, a pooling strategy and data as a `bambi.Model`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.new_rows import prepare
from hlm.data.pandas_polars_arrow import narwhalize
from hlm.data.transforms import Functions
from hlm.engines.bambi.correlated_effects import CorrelatedEffects
from hlm.engines.bambi.formula_text import formulae_text, grouped_text
from hlm.engines.bambi.memory_check import check_memory_of_model
from hlm.engines.bambi.own_intercepts import OwnIntercepts
from hlm.engines.bambi.safe_names import unsafe_variables
from hlm.engines.bambi.sampled_coefficients import orthogonalise
from hlm.engines.bambi.term_codings import common_coding, group_coding
from hlm.errors import DataError, FitError
from hlm.formula.formula import INTERCEPT, Block, Formula, Term
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model import names
from hlm.model.grouping_factors import CovarianceBlock, Effect
from hlm.model.model import Model
from hlm.model.own_intercepts import means_of_groups, own_intercepts_at_means
from hlm.model.priors import GivenPriors
from hlm.model.resolve import resolve

if TYPE_CHECKING:
    import bambi
    import pandas as pd

    from hlm.engines.bambi.adapter import HlmModel


def build(
    formula: str | Formula,
    data: Any,
    *,
    pooling: Pooling = "partial",
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
    priors: GivenPriors | None = None,
    lkj_eta: float = 1.0,
    residual: Residual = "shared",
) -> bambi.Model:
    """Build one strategy as a Bambi model in which ``(x|g)`` is correlated, as in lme4.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model; the strategy is made from it.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads.
    pooling : {"partial", "complete", "none"}
    family : str
        Any univariate family of Bambi.
    link : str, optional
        The family's link function (see `fit`).
    weights : str, optional
        The number of trials of a binomial proportion (see `fit`).
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them (see `fit`).
    priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        Replacements by name (see `default_priors` for the names).
    lkj_eta : float
        Of the LKJ prior of a correlated block.
    residual : {"shared", "separate"}
        With "separate" each group has a residual sd of its own in no pooling (gaussian family), ``sigma_school``.

    Returns
    -------
    bambi.Model
        Built, with its own ``fit``, ``predict`` (also for new groups), ``prior_predictive``,
        ``compute_log_likelihood`` and ``graph``; Bambi's ``interpret`` works on it. A correlated block adds
        ``school_corr`` (dims ``school_effect``, ``school_effect_bis``) to the posterior.

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data or priors cannot be used.

    Examples
    --------
    >>> from hlm import build, load_data
    >>> model = build("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))
    >>> "Subject_corr" in model.backend.model.named_vars
    True
    """
    models = resolve(
        formula, data, poolings=(pooling,), family=family, link=link, weights=weights, functions=functions,
        priors=priors, lkj_eta=lkj_eta, residual=residual,
    )  # fmt: skip
    return bambi_model(models[pooling])


def bambi_model(model: Model, *, for_sampling: bool = False) -> HlmModel:
    """The Bambi model of a resolved one, built.

    for_sampling: whether common coefficients are those of orthogonalised columns inside; there is no prior predictive
        then.

    DataError: for column names that Bambi cannot take.
    FitError: for gaussian weights, priors that PyMC does not know, and what does not fit into memory.
    """
    if model.data.weights is not None:
        raise FitError(
            "Bambi cannot build a gaussian model with weights: it multiplies log densities by them, where lme4 divides "
            "the residual variance. Models of the exact engine take them: method='auto', Normal priors, identity link."
        )
    for variable in unsafe_variables(model):
        raise DataError(
            f"Bambi cannot take a column named {variable!r}: rename it, for example x1. (hlm.fit takes any name.)"
        )
    check_memory_of_model(model)
    import bambi

    from hlm.engines.bambi.adapter import LOCK, HlmModel, coding_of_hlm

    text, priors = _translate(model)
    link: dict[str, Any] | str = model.family.link
    if model.separate is not None:  # Bambi has no name for the identity link of sigma
        text = bambi.Formula(text, f"sigma ~ 0 + {grouped_text(model.separate.group)}")
        link = {"mu": "identity", "sigma": bambi.Link("identity")}
        priors[names.RESIDUAL_SD] = {model.separate.name: priors[names.RESIDUAL_SD]}
    frame = model.data.columns.reset_index(drop=True).rename(columns=names.in_posterior)
    try:
        contrasts = {names.in_posterior(factor): own for factor, own in model.data.contrasts.items()}
        with coding_of_hlm(common_coding(model), group_coding(model), contrasts):
            built = HlmModel(text, frame, family=model.family.name, link=link, priors=priors)
        built.read_new_data = partial(_new_rows, model)
        if for_sampling:
            orthogonalise(built, model)
        with LOCK:
            built.build()
    except (TypeError, ValueError) as problem:  # a prior's name, or numbers, that PyMC does not know
        raise FitError(f"Bambi cannot build this model: {problem}. Is every prior a distribution of PyMC?") from problem
    return built


def _translate(model: Model) -> tuple[Any, dict[str, Any]]:
    """The strategy's formula as Bambi reads it, and its priors by Bambi's names."""
    import bambi

    from hlm.engines.bambi.adapter import bambi_prior, effect_prior

    own = {e.coefficients.name: (factor, e.term) for factor in model.factors for e in factor.effects if e.sd is None}
    terms = ["1" if INTERCEPT in model.formula.common else "0"]
    at_means = own_intercepts_at_means(model)  # they come last, since their priors ask for the other coefficients
    for term in sorted(model.formula.common, key=lambda term: term.name in at_means):
        if term.name in own:
            factor, inner = own[term.name]
            terms.append(":".join(filter(None, [grouped_text(factor.group), formulae_text(inner)])))
        elif term != INTERCEPT and term in model.common.terms:
            terms.append(formulae_text(term))
    terms += [f"offset({formulae_text(Term((variable,)))})" for variable in model.written.offsets]
    # a coefficient for each group: its prior has one number per effect column, repeated for every group
    priors = {
        effect.coefficients.name: bambi_prior(
            model.priors[effect.coefficients.name], factor.size, factor.free(effect.columns)
        )
        for factor in model.factors
        for effect in factor.effects
        if effect.sd is None
    }
    for name in at_means:
        own_prior = bambi.Prior(
            "OwnIntercepts", False, OwnIntercepts(means_of_groups(model, name)), **priors[name].args
        )
        priors[name] = own_prior
    for parameter in model.of_kind("common", "residual", "family"):
        priors[parameter.prior_name] = bambi_prior(model.priors[parameter.prior_name])
    for group, block in ((factor.group, block) for factor in model.factors for block in factor.blocks):
        varying = [effect.term for effect in block.effects]
        texts = ["1" if INTERCEPT in varying else "0", *filter(None, map(formulae_text, varying))]
        terms.append(f"({' + '.join(texts)}|{grouped_text(group)})")
        for effect in block.effects:
            assert effect.sd is not None
            sd = model.priors[effect.sd.name]
            priors[effect.coefficients.name] = effect_prior(sd, _correlated(model, block, effect, effect.sd.dims))
    response = [formulae_text(Term((variable,))) for variable in model.written.response.variables]
    left = response[0] if model.written.response.trials is None else f"p({', '.join(response)})"
    return f"{left} ~ {' + '.join(terms)}", priors


def _new_rows(model: Model, rows: Any) -> pd.DataFrame:
    """New rows as the model was built on: the columns of this strategy, under the names that it has for them.

    rows: with the columns of the data; or, as `bambi.interpret` makes them, with columns of the model's own data.
    """
    own = {effect.coefficients.name for factor in model.factors for effect in factor.effects if effect.sd is None}
    common = tuple(term for term in model.formula.common if term.name not in own)
    varying = tuple(Block(tuple(e.term for e in factor.effects), factor.group) for factor in model.factors)
    view = narwhalize(rows)
    known = {names.in_posterior(name): name for name in map(str, model.data.columns)}
    view = view.rename({name: known[name] for name in view.columns if known.get(name, name) != name})
    frame: pd.DataFrame = prepare(replace(model.written, common=common, blocks=varying), model.data, view)
    return frame.rename(columns=names.in_posterior)


def _correlated(
    model: Model, block: CovarianceBlock, effect: Effect, own_dims: tuple[str, ...]
) -> CorrelatedEffects | None:
    """The distribution of one term of a correlated block; None for a term that varies alone."""
    if block.correlation is None:
        return None
    prior, name = model.priors[block.correlation.name], block.correlation.name
    eta = prior.args.get("eta")
    if prior.name not in ("LKJ", "LKJCorr", "LKJCholeskyCov") or not isinstance(eta, float):
        raise FitError(f"The prior of {name!r} must be Prior('LKJ', eta=...), not {prior}.")
    if eta <= 0:
        raise FitError(f"The eta of the LKJ prior must be positive, not {eta:g}.")
    rows = tuple(range(effect.columns.start - block.columns.start, effect.columns.stop - block.columns.start))
    transformation, sds = model.transformations.get(name), ()
    if transformation is not None:
        numbers = [np.broadcast_to(model.priors[e.sd.name].args["sigma"], len(e.labels)) for e in block.effects if e.sd]
        sds = tuple(np.concatenate(numbers).tolist())
    return CorrelatedEffects(
        name, block.correlation.dims, block.correlation.labels, rows, eta, bool(own_dims), transformation, sds
    )
