"""What a fit says about separation: groups and common terms whose coefficients the likelihood alone makes infinite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.grouping_factors import GroupingFactor
from hlm.model.model import Model
from hlm.support.separation import separated_by_column, separating_owners

_NAMED = 5  # groups; more are counted
_MOST_CELLS = 200_000  # rows times columns: sorting out equal rows takes a tenth of a second; `lint` takes more


def separation_notes(model: Model) -> Iterator[str]:
    """One sentence for each grouping factor with separated groups, and one for common terms that separate.

    Partial and no pooling have the same sentence of the groups, since each strategy is what the other one is not.
    """
    family = model.family
    if not (family.is_success_or_failure or family.support == "count") or family.link == "identity":
        return
    hits, misses = _hits_and_misses(model)
    yield from _common_terms(model, hits, misses)
    for factor in model.factors:
        found = _separated_groups(factor, hits, misses)
        if found:
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            verb, them = ("is", "its") if len(found) == 1 else ("are", "their")
            yield (
                f"{len(found)} of {factor.size} groups of {factor.name} {verb} separated: {', '.join(found[:_NAMED])}"
                f"{more}; in no pooling {them} own estimates have no maximum and rest on the prior alone, in partial "
                f"pooling they are pulled to the other groups and finite"
            )


def _hits_and_misses(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """Successes and failures of each row; of a count: itself, and 1, since no count is too large."""
    response, columns = model.written.response, model.data.columns
    k = columns[response.variable].to_numpy(dtype=np.float64)
    if model.family.support == "count":
        return k, np.ones(len(k))
    return k, (1.0 if response.trials is None else columns[response.trials].to_numpy(dtype=np.float64)) - k


def _common_terms(model: Model, hits: np.ndarray, misses: np.ndarray) -> Iterator[str]:
    """Of the formula's common terms, also in no pooling, whose coefficients contain theirs."""
    common = model.design.common
    if not common.matrix.size or common.matrix.size > _MOST_CELLS:
        return
    found = separating_owners(common.matrix, common.terms, hits, misses, INTERCEPT)
    names = [term.name for term in found if term != INTERCEPT] or ["the intercept" for _ in found]
    if names:
        several = len(names) > 1
        yield (
            f"{', '.join(names)} {'separate' if several else 'separates'} the responses: the likelihood alone would "
            f"make {'coefficients' if several else 'a coefficient'} infinite, and the prior decides how large "
            f"{'they come' if several else 'it comes'} out"
        )


def _separated_groups(factor: GroupingFactor, hits: np.ndarray, misses: np.ndarray) -> list[str]:
    """The groups whose rows one column of the factor separates, each with how."""
    intercept = INTERCEPT in factor.design.terms
    how = np.full(factor.size, "", dtype=object)
    for x, label, term in zip(factor.design.matrix.T, factor.design.labels, factor.design.terms, strict=True):
        if term != INTERCEPT:
            found = separated_by_column(x, hits, misses, factor.codes, factor.size, free=intercept)
            how[found & (how == "")] = f"divided by {label}"
    if intercept:
        sums = [np.bincount(factor.codes, values, factor.size) for values in (hits, misses)]
        how[sums[1] == 0] = "all 1"
        how[sums[0] == 0] = "all 0"
    return [f"{level} ({kind})" for level, kind in zip(factor.levels, how, strict=True) if kind]
