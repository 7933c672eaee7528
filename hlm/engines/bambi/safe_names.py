"""Column names that Bambi and formulae cannot take: the model is sampled under others, the draws get theirs back."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from hlm.formula.formula import ALL_OTHERS, Block, Formula, Response, Term
from hlm.model import names
from hlm.model.design import Design
from hlm.model.model import Model
from hlm.model.priors import Priors
from hlm.model.resolve import strategy

if TYPE_CHECKING:
    import xarray as xr

# Bambi's own variables end in _offset
_UNSAFE_IN_A_COLUMN = re.compile(r"[|`]|\A[_:]|(:|_offset)\Z")
_UNSAFE_INSIDE_A_CALL = re.compile(r"[|:`\[\]]|_offset\Z")


def unsafe_variables(model: Model, *, sampled: bool = False) -> tuple[str, ...]:
    """The variables of the formula whose names Bambi cannot take; or, where sampled, nutpie's dims of labels."""
    bases = (made for name, made in model.data.expansions.items() if name != ALL_OTHERS)  # poly(x, 2)1, poly(x, 2)2
    computed = {*model.written.computed, *chain.from_iterable(bases)}
    unsafe = dict.fromkeys(computed, _UNSAFE_INSIDE_A_CALL)
    columns, grouping = model.data.columns, model.written.group_variables
    return tuple(
        v
        for v in model.written.variables
        if unsafe.get(v, _UNSAFE_IN_A_COLUMN).search(v)
        or (sampled and "," in v and (v in grouping or columns[v].dtype == "category"))  # nutpie splits dims there
    )


def under_safe_names(model: Model) -> Model:
    """The same model with other names for these variables; its parameters are in the same order."""
    new = {variable: f"variable_{i + 1}" for i, variable in enumerate(unsafe_variables(model, sampled=True))}
    formula = _renamed_formula(model.written, new)
    columns = {old.name: _renamed(old, new).name for old in model.written.groups}
    contrasts = {new.get(factor, factor): own for factor, own in model.data.contrasts.items()}
    data = replace(model.data, columns=model.data.columns.rename(columns=new | columns), contrasts=contrasts)
    found = strategy(Design(formula, data), model.pooling, model.family, model.residual)
    priors = {
        safe.prior_name: model.priors[own.prior_name]
        for own, safe in zip(model.parameters, found.parameters, strict=True)
        if own.prior_name in model.priors
    }
    new_names = {own.name: safe.name for own, safe in zip(model.parameters, found.parameters, strict=True)}
    as_written = frozenset(new_names[name] for name in model.as_written)
    return replace(found, priors=Priors(priors, model.priors.notes), as_written=as_written)


def with_own_names(idata: xr.DataTree, model: Model, safe: Model) -> xr.DataTree:
    """The draws of the safe model under the names of the model itself."""
    import xarray as xr

    new = {names.in_posterior(safe.written.response.variable): names.in_posterior(model.written.response.variable)}
    labels = (names.labels_dim(one.written.response.variable) for one in (safe, model))
    new[next(labels)] = next(labels)
    for own, other in zip(model.parameters, safe.parameters, strict=True):
        new |= {other.name: own.name, **dict(zip(other.dims, own.dims, strict=True))}
    groups = {name: node.to_dataset() for name, node in idata.children.items()}
    for name, group in groups.items():
        groups[name] = group.rename({old: own for old, own in new.items() if old in {*group.variables, *group.dims}})
    return xr.DataTree.from_dict(groups)


def _renamed_formula(formula: Formula, new: dict[str, str]) -> Formula:
    variable, trials = formula.response.variable, formula.response.trials
    return replace(
        formula,
        response=Response(new.get(variable, variable), new.get(trials or "", trials)),
        common=tuple(_renamed(term, new) for term in formula.common),
        blocks=tuple(
            Block(tuple(_renamed(e, new) for e in block.effects), _renamed(block.group, new), block.correlated)
            for block in formula.blocks
        ),
        offsets=tuple(new.get(variable, variable) for variable in formula.offsets),
    )


def _renamed(term: Term, new: dict[str, str]) -> Term:
    return Term(tuple(new.get(variable, variable) for variable in term.variables))
