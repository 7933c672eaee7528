"""Which priors a model has: the defaults, the user's in their places, and a number for each column that stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from hlm.errors import FitError
from hlm.formula.pooling_formulas import Pooling
from hlm.model import names
from hlm.model.bambi_priors import bambi_priors
from hlm.model.default_priors import default_priors_of, prior_rules
from hlm.model.model import Model
from hlm.model.notes import far_from_zero, nearly_collinear
from hlm.model.own_intercepts import own_intercepts_at_means
from hlm.model.priors import GivenPriors, Prior, Priors, replace_priors
from hlm.support.options import offending


def with_priors(models: dict[Pooling, Model], given: GivenPriors | None, lkj_eta: float) -> dict[Pooling, Model]:
    """The models with their default priors, those of the user in their places."""
    if isinstance(given, str) and given != "bambi":
        raise FitError(f"priors is a mapping by name, or 'bambi' for Bambi's own defaults, not {offending(given)}.")
    defaults = {pooling: default_priors_of(model, prior_rules(model, lkj_eta)) for pooling, model in models.items()}
    known = tuple(name for priors in defaults.values() for name in priors)

    def chosen(model: Model, standing: Priors) -> Priors:
        own = bambi_priors(model) if isinstance(given, str) else given
        return _of_kept_columns(model, replace_priors(standing, own, sds_of_departures(model), also_known=known))

    found = {}
    for pooling, model in models.items():
        priors = chosen(model, defaults[pooling])
        own = {name for name in priors if priors[name] != defaults[pooling][name]}
        as_written = _blocks_with_own_priors(model, own) | own.intersection(own_intercepts_at_means(model))
        if as_written:
            model = replace(model, as_written=as_written)
            priors = chosen(model, default_priors_of(model, prior_rules(model, lkj_eta)))
        found[pooling] = replace(
            model, priors=priors, given_priors=dict(given) if isinstance(given, Mapping) else given,
            notes=(*model.notes, *far_from_zero(model), *nearly_collinear(model)),
        )  # fmt: skip
    return found


def _of_kept_columns(model: Model, priors: Priors) -> Priors:
    """Of a prior with a number for each column of a term, the numbers of those that the model keeps."""
    found = dict(priors)
    for name, there in _kept_columns(model):
        prior = found.get(name)
        if prior is not None and not all(there):
            chosen = {
                key: np.asarray(value)[there] if np.size(value) == len(there) else value
                for key, value in prior.args.items()
            }
            found[name] = Prior(prior.name, prior.dist, **chosen)
    return Priors(found, priors.notes)


def _kept_columns(model: Model) -> Iterator[tuple[str, list[bool]]]:
    """By the name of a common coefficient or a standard deviation: whether each of its term's columns stays."""
    every, kept = model.design.common, set(model.common.names)
    for term in dict.fromkeys(model.common.terms):
        yield names.coefficient(term), [name in kept for name in every.names if name[0] == term]
    for block, design in model.design.blocks if model.pooling == "partial" else ():
        whole, kept = model.design.columns_of(block.effects), set(design.names)
        for term in block.effects:
            yield names.group_sd(term, block.group), [name in kept for name in whole.names if name[0] == term]


def _blocks_with_own_priors(model: Model, own: set[str]) -> frozenset[str]:
    """The correlations in whose orthogonalised blocks an sd or the correlation has a prior of the user's."""
    return frozenset(
        block.correlation.name
        for factor in model.factors
        for block in factor.blocks
        if block.correlation is not None
        and block.correlation.name in model.transformations
        and own & {block.correlation.name, *(effect.sd.name for effect in block.effects if effect.sd is not None)}
    )


def sds_of_departures(model: Model) -> dict[str, str]:
    """By the name of the groups' departures: that of their standard deviation, for priors in Bambi's manner."""
    return {e.coefficients.name: e.sd.name for f in model.factors for e in f.effects if e.sd is not None}
