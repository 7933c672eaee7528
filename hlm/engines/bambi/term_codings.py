"""How the factors of each term are coded, and which of its columns stay, by Bambi's names of the terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.model import names
from hlm.model.design_columns import Columns
from hlm.model.model import Model

if TYPE_CHECKING:
    from hlm.engines.bambi.adapter import TermCoding


def common_coding(model: Model) -> dict[str, TermCoding]:
    """By Bambi's name of a common term, or of own coefficients: its factors' coding, and which columns stay."""
    common, whole = model.common, model.design.columns_of(model.written.common)
    found: dict[str, TermCoding] = {}
    for term in dict.fromkeys(common.terms):
        coding = {names.in_posterior(v): full for v, full in common.coding.get(term, {}).items()}
        found[names.coefficient(term)] = coding, _kept(common, whole, term)
    for factor in model.factors:
        for effect in factor.effects:
            if effect.sd is None:
                inner, free = factor.design.coding.get(effect.term, {}), factor.free(effect.columns)
                coding = {names.in_posterior(v): full for v, full in {factor.name: True, **inner}.items()}
                found[effect.coefficients.name] = coding, None if free.all() else np.flatnonzero(free)
    return found


def group_coding(model: Model) -> dict[str, TermCoding]:
    """The same by Bambi's name of a varying effect: which factors have a column for every level, as R decides it."""
    found: dict[str, TermCoding] = {}
    for block, design in model.design.blocks:
        whole = model.design.columns_of(block.effects)
        for effect in block.effects:
            if effect != INTERCEPT:
                kept = _kept(design, whole, effect)
                found[names.group_effect(effect, block.group)] = design.coding.get(effect, {}), kept
    return found


def _kept(some: Columns, whole: Columns, term: Term) -> np.ndarray | None:
    """The places of a term's columns that stay; None where all do."""
    places = np.array([place for other, place in some.names if other == term])
    return None if len(places) == whole.terms.count(term) else places
