"""`build`: a formula, an arm and data as a `bambi.Model`. Only this folder knows Bambi."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.data.new_rows import prepare
from hlm.data.transforms import Functions
from hlm.engines.bambi.correlated_effects import CorrelatedEffects
from hlm.engines.bambi.formula_text import formulae_text, grouped_text
from hlm.engines.bambi.memory_check import check_room
from hlm.errors import DataError, FitError
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import POOLINGS, Pooling, Residual, check_has_groups, complete_formula, none_formula
from hlm.model.default_priors import correlated_blocks, default_priors
from hlm.model.design_columns import Columns, block_columns
from hlm.model.families import Family, check_response, get_family
from hlm.model.no_pooling import none_arm, separate_by
from hlm.model.priors import Prior, Priors, replace_priors
from hlm.support.options import check_choice

if TYPE_CHECKING:
    import bambi

_RESERVED = ("chain", "draw", "__obs__", "Intercept")


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
    """Build one arm as a Bambi model in which ``(x|g)`` is correlated, as in lme4.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model; the arm is made from it.
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
    check_pooling(pooling)
    kind = get_family(family)
    read, table = formula_and_data(formula, data, family=kind, weights=weights, functions=functions)
    check_response(kind, read, table)
    defaults = default_priors(read, table, pooling=pooling, family=family, lkj_eta=lkj_eta)
    chosen = replace_priors(defaults, priors)
    check_names(read, kind)
    check_residual(residual, pooling, kind)
    if table.weights is not None:
        raise FitError(
            "Bambi cannot build a gaussian model with weights: it multiplies log densities by them, where lme4 divides "
            "the residual variance. Models of the collapsed engine take them: method='auto', Normal priors."
        )
    check_room(read, table, pooling)
    text, bambi_priors = _translate(read, table, pooling, chosen)
    separate = separate_by(read, table) if residual == "separate" else None
    return _assemble(read, table, text, family, bambi_priors, separate)


def arm_formula(formula: Formula, data: CleanData, pooling: Pooling) -> Formula:
    """The formula of one arm, in lme4's dialect."""
    if pooling == "partial":
        return formula
    if pooling == "complete":
        return complete_formula(formula)
    check_has_groups(formula)
    arm = none_arm(formula, data)
    return none_formula(formula, arm.own, arm.dropped)


def check_names(formula: Formula, family: Family) -> None:
    """Raise a `DataError` for a column whose name would collide with the model's own variables."""
    own = {*_RESERVED, family.parent, *family.auxiliary, *_names_by_group(formula)}
    for name in formula.variables:
        if name in own and name != formula.response.variable:
            raise DataError(f"The column {name!r} has the name of a model parameter: rename it, for example {name}_x.")
        if name in formula.group_variables and name in ("pooling", "term"):
            raise DataError(f"The grouping column {name!r} has the name of a column in hlm's results: rename it.")
        if "|" in name or "/" in name:
            raise DataError(f"The column {name!r} has a {'bar' if '|' in name else 'slash'} in its name: rename it.")


def _names_by_group(formula: Formula) -> set[str]:
    """The dimensions of the varying effects, and the correlations between them."""
    names = {f"{group.name}{end}" for group in formula.groups for end in ("__factor_dim", "_dim", "_corr")}
    for block in formula.expanded_blocks():
        if len(block.effects) > 1:
            names |= {f"{block.group.name}_effect", f"{block.group.name}_effect_bis"}
    return names


def check_pooling(pooling: str) -> None:
    """Raise a `FitError` for a label that is not an arm's."""
    check_choice("pooling", pooling, POOLINGS)


def check_residual(residual: str, pooling: str, family: Family) -> None:
    """Raise a `FitError` for an unknown choice, and for an arm that cannot have a residual sd for each group."""
    check_choice("residual", residual, get_args(Residual))
    if residual == "separate" and (pooling != "none" or not family.is_gaussian):
        raise FitError(
            f"residual='separate' gives each group its own residual standard deviation in no pooling, gaussian family: "
            f"not for pooling={pooling!r}, family={family.name!r}."
        )


def _translate(
    formula: Formula, data: CleanData, pooling: Pooling, priors: Priors
) -> tuple[str, dict[str, dict[str, Any]]]:
    """The arm as Bambi's formula text, and its priors as keyword arguments of `bambi.Prior` by Bambi's names."""
    if pooling == "none":
        check_has_groups(formula)
        return _translate_none(formula, data, priors)
    text = _common_text(formula)
    translated = {name: _plain(prior) for name, prior in priors.items() if not _is_group_level(name, formula)}
    if pooling == "complete":
        return f"{_response_text(formula)} ~ {text}", translated
    correlations = {index: name for name, index in correlated_blocks(formula, data).items()}
    bars = []
    for index, (block, design) in enumerate(block_columns(formula, data)):
        effects = [formulae_text(e) for e in block.effects if e != INTERCEPT]
        bars.append(f"({' + '.join(['1' if block.has_intercept else '0', *effects])}|{grouped_text(block.group)})")
        for effect in block.effects:
            sigma = priors[f"{effect.name}|{block.group.name}_sigma"]
            name = correlations.get(index)
            correlated = None if name is None else _correlated(name, design, effect, priors[name])
            translated[f"{effect.name}|{block.group.name}"] = {"sigma": sigma, "correlated": correlated}
    return f"{_response_text(formula)} ~ {' + '.join([text, *bars])}", translated


def _translate_none(formula: Formula, data: CleanData, priors: Priors) -> tuple[str, dict[str, dict[str, Any]]]:
    arm = none_arm(formula, data)
    own = {o.term: o for o in arm.own}
    texts, translated = [], {}
    terms = none_formula(formula, arm.own, arm.dropped).common
    for term in terms:
        if term in own:
            effect = own[term].effect
            texts.append(":".join([grouped_text(own[term].group), *([formulae_text(effect)] if effect.degree else [])]))
        elif term != INTERCEPT:
            texts.append(formulae_text(term))
    for name, prior in priors.items():
        translated[name] = _plain(prior)
    for term, o in own.items():  # one number per effect column, repeated for every group
        translated[term.name] = _plain(_repeated(priors[term.name], len(data.levels(o.group))))
    first = "1" if INTERCEPT in terms else "0"
    return f"{_response_text(formula)} ~ {' + '.join([first, *texts, *_offset_texts(formula)])}", translated


def _assemble(
    formula: Formula, data: CleanData, text: str, family: str, priors: dict[str, dict[str, Any]], separate: Term | None
) -> Any:
    """Make the Bambi model: from here on Bambi's own classes."""
    from hlm.engines.bambi.adapter import LOCK, HlmModel, bambi_prior, group_coding, residual_formula

    translated: dict[str, Any] = {name: bambi_prior(**arguments) for name, arguments in priors.items()}
    whole, link = text, None
    if separate is not None:
        whole, link = residual_formula(text, grouped_text(separate))
        translated["sigma"] = {separate.name: translated["sigma"]}
    frame = data.columns.reset_index(drop=True)
    try:
        with group_coding(_group_coding(formula, data)):
            model = HlmModel(whole, frame, family=family, link=link, priors=translated)
        model.read_new_data = partial(prepare, formula, data)
        with LOCK:
            model.build()
    except (TypeError, ValueError) as problem:  # a prior's name, or numbers, that PyMC does not know
        raise FitError(f"Bambi cannot build this model: {problem}. Is every prior a distribution of PyMC?") from problem
    return model


def _response_text(formula: Formula) -> str:
    names = [formulae_text(Term((v,))) for v in formula.response.variables]
    return names[0] if formula.response.trials is None else f"p({', '.join(names)})"


def _common_text(formula: Formula) -> str:
    first = "1" if formula.has_intercept else "0"
    terms = [formulae_text(t) for t in formula.common if t != INTERCEPT]
    return " + ".join([first, *terms, *_offset_texts(formula)])


def _offset_texts(formula: Formula) -> list[str]:
    return [f"offset({formulae_text(Term((variable,)))})" for variable in formula.offsets]


def _group_coding(formula: Formula, data: CleanData) -> dict[str, Mapping[str, bool]]:
    """By Bambi's name of a varying effect: which of its factors have a column for every level, as R decides it."""
    return {
        f"{effect.name}|{block.group.name}": design.coding.get(effect, {})
        for block, design in block_columns(formula, data)
        for effect in block.effects
        if effect != INTERCEPT
    }


def _correlated(name: str, design: Columns, effect: Term, prior: Prior) -> CorrelatedEffects:
    rows = tuple(i for i, term in enumerate(design.terms) if term == effect)
    if prior.name not in ("LKJ", "LKJCorr", "LKJCholeskyCov") or not isinstance(prior.args.get("eta"), float):
        raise FitError(f"The prior of {name!r} must be Prior('LKJ', eta=...), not {prior}.")
    eta = prior.args["eta"]
    assert isinstance(eta, float)
    if eta <= 0:
        raise FitError(f"The eta of the LKJ prior must be positive, not {eta:g}.")
    return CorrelatedEffects(name, design.labels, rows, eta)


def _plain(prior: Prior) -> dict[str, Any]:
    return {"prior": prior}


def _repeated(prior: Prior, groups: int) -> Prior:
    args = {key: np.tile(v, groups) if isinstance(v, tuple) else v for key, v in prior.args.items()}
    return Prior(prior.name, prior.dist, **args)


def _is_group_level(name: str, formula: Formula) -> bool:
    return any(name.endswith(f"|{g.name}_sigma") or name.startswith(f"{g.name}_corr") for g in formula.groups)
