"""Separation: common terms that settle the response of some rows, each alone or several together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hlm.formula.formula import INTERCEPT, Term
from hlm.linting.case import DataCase, listed, spoken
from hlm.linting.check_cells import cells_of
from hlm.linting.findings import Finding
from hlm.linting.separating_terms import separating_terms


def separation(case: DataCase) -> Iterator[Finding]:
    """A common term that settles the response of some rows: its coefficient has no finite estimate."""
    bounded = case.family.is_success_or_failure or case.family.support == "count"
    if not bounded or case.family.link == "identity":
        return
    told: list[set[str]] = []
    for term in case.formula.common:
        factors = case.factors_of(term)
        if term == INTERCEPT or any(known <= set(term.variables) for known in told):
            continue
        if factors == term.variables:
            where = _settled_cells(term, case)
        else:
            where = _settled_by_number(term, case) if term.degree == 1 and not case.is_basis(term.variables[0]) else ""
        if where:
            told.append(set(term.variables))
            message = (
                f"{where}: the likelihood alone would make a coefficient of {term} infinite (separation), and its "
                f"prior decides how large it comes out. {'Join levels, leave' if factors else 'Leave'} the term out, "
                f"or give a prior that you stand for and report it."
            )
            yield case.finding("separation", message, at=term)
    if not told and (terms := separating_terms(case.formula.common, *_hits_and_misses(case), case)):
        names = spoken(terms)
        sides = (
            "on one side all counts are 0"
            if case.family.support == "count"
            else "failures on one side, successes on the other"
        )
        message = (
            f"{names}: a combination of {'their' if len(terms) > 1 else 'its'} columns divides the rows without an "
            f"exception ({sides}). The likelihood alone would make coefficients infinite (separation), and their "
            f"priors decide how large they come out. Leave a term out, or give priors that you stand for and report "
            f"them."
        )
        yield case.finding("separation", message, at=terms[-1])


def _settled_cells(term: Term, case: DataCase) -> str:
    """Levels, or cells of several factors, whose responses are all failures, all successes or all 0."""
    cells = cells_of(term.variables, case)
    _, first, own = np.unique(cells, return_index=True, return_inverse=True)
    hits, misses = _hits_and_misses(case)
    sums = np.bincount(own, hits), np.bincount(own, misses)
    settled = np.flatnonzero((sums[0] == 0) | (sums[1] == 0))
    if len(first) < 2 or not len(settled):
        return ""
    names = [", ".join(case.levels(v)[case.codes(v)[first[cell]]] for v in term.variables) for cell in settled]
    counts = case.family.support == "count"
    kinds = ["all 0" if not sums[0][cell] else "all 1" for cell in settled]
    shown = listed([name if counts else f"{name} ({kind})" for name, kind in zip(names, kinds, strict=True)])
    what = "every count is 0" if counts else "the responses are all failures or all successes"
    return f"Where {term} is {shown}, {what}"


def _settled_by_number(term: Term, case: DataCase) -> str:
    """A number on whose one side of some value all responses are alike."""
    x = case.numbers(term.variables[0])
    hits, misses = _hits_and_misses(case)
    high, low = x[hits > 0], x[misses > 0]
    if not len(high) or not len(low) or np.ptp(x) == 0:
        return ""
    if case.family.support == "count":  # counts above 0 at one value alone, and 0 on one side of it
        at = high.min()
        if high.max() == at and (x.min() == at or x.max() == at):
            return f"Counts above 0 occur at {term} = {at:.4g} only"
        return ""
    if high.min() >= low.max():
        return f"Successes begin where failures end, at {term} = {low.max():.4g}"
    if high.max() <= low.min():
        return f"Failures begin where successes end, at {term} = {high.max():.4g}"
    return ""


def _hits_and_misses(case: DataCase) -> tuple[np.ndarray, np.ndarray]:
    """Successes and failures of each row; of a count: itself, and nothing that could fail."""
    response = case.formula.response
    k = case.numbers(response.variable)
    if case.family.support == "count":
        return k, np.ones(len(k))
    n = np.ones(len(k)) if response.trials is None else case.numbers(response.trials)
    return k, n - k


SEPARATION_CHECKS = (separation,)
