"""lme4's stored models written in other ways that mean the same: contrasts, `us()`, `diag()`, `**`, a package's prefix.

A factor with other contrasts spans the same columns, X_new = X M: the maximum likelihood is the same, REML's changes by
log |det M|, and M times the new coefficients are lme4's. M is taken from the columns; that the contrasts' numbers are R's
is another test (tests/data/test_contrasts.py).
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from lme4_cases import NOT_UNIQUE, STOPPED_EARLY, WRITTEN_FOR_R, Case, data_of, key, lme4_cases  # tests/reference
from pandas.api.types import is_numeric_dtype

from hlm import parse, reml
from hlm.data.clean_data import formula_and_data
from hlm.model.design_columns import columns

LOGLIK = 1e-6  # lme4's bobyqa stops at 1e-9 in theta, and 12 digits are stored
COEFFICIENT = 1e-4  # of a standard error: two searches stop at slightly different sds
CONTRASTS = ("Sum", "Helmert", "Poly", 'Treatment("{last}")', "contr.sum", "contr.treatment(base = 2)")


def usable() -> list[Case]:
    return [case for case in lme4_cases() if key(case) not in STOPPED_EARLY and key(case) != NOT_UNIQUE]


def own_text(case: Case) -> str:
    text = case.formula
    for r, own in WRITTEN_FOR_R.items():
        text = text.replace(r, own)
    return text


def factors(case: Case) -> list[str]:
    """The predictors that are labels and no grouping factors."""
    formula, data = parse(own_text(case)), data_of(case)
    found = [v for v in formula.predictors if v in data and not is_numeric_dtype(data[v])]
    return [v for v in found if v not in formula.group_variables and v.isidentifier()]


def with_contrasts(case: Case) -> list[tuple[Case, str]]:
    """Each factor in turn with each of the contrasts, wherever it stands."""
    found = []
    for factor in factors(case):
        last = sorted(data_of(case)[factor].dropna().astype(str).unique())[-1]
        for contrast in CONTRASTS:
            call = f"C({factor}, {contrast.format(last=last)})"
            found.append((case, re.sub(rf"\b{re.escape(factor)}\b", lambda _, call=call: call, own_text(case))))
    return found


RECODED = [pair for case in usable() for pair in with_contrasts(case)]


def rewritten(text: str) -> str:
    """The response in parentheses, bars as glmmTMB's structures, powers as Python's, functions with R's packages."""
    response, _, right = text.partition("~")
    right = re.sub(r"\(([^()|]*(?:\([^()]*\)[^()|]*)*)\|\|", r"diag(\1|", right)
    right = re.sub(r"(?<!diag)\(([^()|]*(?:\([^()]*\)[^()|]*)*)\|(?!\|)", r"us(\1|", right)
    right = re.sub(r"\bpoly\(", "stats::poly(", re.sub(r"\b(log|I|factor)\(", r"base::\1(", right)).replace("^", "**")
    return f"({response.strip()}) ~ {right}"


def test_there_are_enough_of_them() -> None:
    assert len({text for _, text in RECODED}) >= 60
    assert len({rewritten(own_text(case)) for case in usable()}) >= 60


@pytest.mark.parametrize(("case", "text"), RECODED, ids=[f"{case.name}: {text}" for case, text in RECODED])
def test_contrasts_give_lme4_s_fit(case: Case, text: str) -> None:
    data, said = data_of(case), case.answer
    designs = []
    for written in (own_text(case), text):
        formula, clean = formula_and_data(written, data, weights=case.weights)
        designs.append(columns(formula.common, clean).matrix)
    old, new = designs
    to_new = np.linalg.lstsq(old, new)[0]
    np.testing.assert_allclose(old @ to_new, new, atol=1e-8 * np.abs(new).max())  # the same span, up to rounding
    found, likely = (reml(text, data, reml=restricted, weights=case.weights) for restricted in (True, False))
    shift = np.linalg.slogdet(to_new)[1]
    assert found.loglik + shift == pytest.approx(said["loglik_reml"], abs=LOGLIK)
    assert likely.loglik == pytest.approx(said["loglik_ml"], abs=LOGLIK)
    back, plain = to_new @ found.fixef.to_numpy(), reml(own_text(case), data, weights=case.weights)
    difference = (back - plain.fixef.to_numpy()) / plain.fixef_se.to_numpy()
    assert np.abs(difference).max() < COEFFICIENT  # the plain fit is held to lme4's by its own test
    assert sorted(plain.fixef) == pytest.approx(sorted((said["fixef"] or {}).values()), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("case", usable(), ids=lambda case: rewritten(own_text(case)))
def test_other_spellings_are_the_same_formula(case: Case) -> None:
    plain, other = parse(own_text(case)), parse(rewritten(own_text(case)))
    assert (other.common, other.blocks, other.response.variable) == (
        plain.common,
        plain.blocks,
        plain.response.variable,
    )
    found = reml(rewritten(own_text(case)), data_of(case), weights=case.weights)
    assert found.loglik == pytest.approx(case.answer["loglik_reml"], abs=LOGLIK)
