"""`build`: a formula, a pooling strategy and data as a `bambi.Model`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.new_rows import prepare
from hlm.data.transforms import Functions
from hlm.engines.bambi.correlated_effects import CorrelatedEffects
from hlm.engines.bambi.formula_text import formulae_text, grouped_text
from hlm.engines.bambi.memory_check import check_memory_of_model
from hlm.engines.bambi.safe_names import unsafe_variables
from hlm.errors import DataError, FitError
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model import names
from hlm.model.grouping_factors import CovarianceBlock, Effect, GroupingFactor
from hlm.model.model import Model
from hlm.model.priors import Prior
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
    weights: str | None = None,
    functions: Functions | None = None,
    priors: Mapping[str, Any] | None = None,
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
    weights : str, optional
        The number of trials of a binomial proportion (see `fit`).
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them (see `fit`).
    priors : mapping of str to Prior or bambi.Prior, optional
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
        formula, data, poolings=(pooling,), family=family, weights=weights, functions=functions, priors=priors,
        lkj_eta=lkj_eta, residual=residual,
    )  # fmt: skip
    return bambi_model(models[pooling])


def bambi_model(model: Model) -> HlmModel:
    """The Bambi model of a resolved one, built.

    DataError: for column names that Bambi cannot take.
    FitError: for gaussian weights, priors that PyMC does not know, and what does not fit into memory.
    """
    if model.data.weights is not None:
        raise FitError(
            "Bambi cannot build a gaussian model with weights: it multiplies log densities by them, where lme4 divides "
            "the residual variance. Models of the exact engine take them: method='auto', Normal priors."
        )
    for variable in unsafe_variables(model):
        raise DataError(
            f"Bambi cannot take a column named {variable!r}: rename it, for example x1. (hlm.fit takes any name.)"
        )
    check_memory_of_model(model)
    text, priors = _translate_none(model) if model.pooling == "none" else _translate(model)
    return _assemble(model, text, priors)


def _translate(model: Model) -> tuple[str, dict[str, dict[str, Any]]]:
    """Complete and partial pooling as Bambi's formula, and by Bambi's names the arguments of `bambi_prior`."""
    translated: dict[str, dict[str, Any]] = {
        parameter.prior_name: {"prior": model.priors[parameter.prior_name]}
        for parameter in model.of_kind("common", "residual", "family")
    }
    bars = []
    for factor in model.factors:
        for block in factor.blocks:
            texts = [formulae_text(e.term) for e in block.effects if e.term != INTERCEPT]
            first = "1" if any(e.term == INTERCEPT for e in block.effects) else "0"
            bars.append(f"({' + '.join([first, *texts])}|{grouped_text(factor.group)})")
            for effect in block.effects:
                assert effect.sd is not None
                correlated = _correlated(model, factor, block, effect)
                translated[effect.coefficients.name] = {"sigma": model.priors[effect.sd.name], "correlated": correlated}
    first = "1" if model.written.has_intercept else "0"
    terms = [formulae_text(term) for term in model.written.common if term != INTERCEPT]
    text = " + ".join([first, *terms, *_offset_texts(model.written), *bars])
    return f"{_response_text(model.written)} ~ {text}", translated


def _translate_none(model: Model) -> tuple[str, dict[str, dict[str, Any]]]:
    own = {effect.coefficients.name: (factor, effect) for factor in model.factors for effect in factor.effects}
    texts = []
    for term in model.formula.common:
        if term.name in own:
            factor, effect = own[term.name]
            inner = [] if effect.term == INTERCEPT else [formulae_text(effect.term)]
            texts.append(":".join([grouped_text(factor.group), *inner]))
        elif term != INTERCEPT:
            texts.append(formulae_text(term))
    translated = {name: {"prior": prior} for name, prior in model.priors.items()}
    for name, (factor, _) in own.items():  # one number per effect column, repeated for every group
        prior = model.priors[name]
        args = {key: np.tile(v, factor.size) if isinstance(v, tuple) else v for key, v in prior.args.items()}
        translated[name] = {"prior": Prior(prior.name, prior.dist, **args)}
    first = "1" if INTERCEPT in model.formula.common else "0"
    text = " + ".join([first, *texts, *_offset_texts(model.written)])
    return f"{_response_text(model.written)} ~ {text}", translated


def _assemble(model: Model, text: str, priors: dict[str, dict[str, Any]]) -> HlmModel:
    """Make the Bambi model: from here on Bambi's own classes."""
    from hlm.engines.bambi.adapter import LOCK, HlmModel, bambi_prior, group_coding, residual_formula

    translated: dict[str, Any] = {name: bambi_prior(**arguments) for name, arguments in priors.items()}
    whole, link = text, None
    if model.separate is not None:
        whole, link = residual_formula(text, grouped_text(model.separate.group))
        translated[names.RESIDUAL_SD] = {model.separate.name: translated[names.RESIDUAL_SD]}
    frame = model.data.columns.reset_index(drop=True).rename(columns=names.in_posterior)
    try:
        with group_coding(_group_coding(model)):
            built = HlmModel(whole, frame, family=model.family.name, link=link, priors=translated)
        built.read_new_data = partial(_new_rows, model)
        with LOCK:
            built.build()
    except (TypeError, ValueError) as problem:  # a prior's name, or numbers, that PyMC does not know
        raise FitError(f"Bambi cannot build this model: {problem}. Is every prior a distribution of PyMC?") from problem
    return built


def _new_rows(model: Model, rows: Any) -> pd.DataFrame:
    """New rows as the model was built on: columns under the names that it has for them."""
    frame: pd.DataFrame = prepare(model.written, model.data, rows)
    return frame.rename(columns=names.in_posterior)


def _response_text(formula: Formula) -> str:
    names = [formulae_text(Term((v,))) for v in formula.response.variables]
    return names[0] if formula.response.trials is None else f"p({', '.join(names)})"


def _offset_texts(formula: Formula) -> list[str]:
    return [f"offset({formulae_text(Term((variable,)))})" for variable in formula.offsets]


def _group_coding(model: Model) -> dict[str, Mapping[str, bool]]:
    """By Bambi's name of a varying effect: which of its factors have a column for every level, as R decides it."""
    return {
        names.group_effect(effect, block.group): design.coding.get(effect, {})
        for block, design in model.design.blocks
        for effect in block.effects
        if effect != INTERCEPT
    }


def _correlated(
    model: Model, factor: GroupingFactor, block: CovarianceBlock, effect: Effect
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
    own_dims = () if effect.sd is None else effect.sd.dims
    return CorrelatedEffects(name, block.correlation.dims, block.correlation.labels, rows, eta, bool(own_dims))
