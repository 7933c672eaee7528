"""Every code with its place, its numbers and the formula to write instead, on small frames; and what is left alone."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlm.data.packaged_sets import load_data
from hlm.errors import DataError, FitError, FormulaError
from hlm.fits.fit import fit
from hlm.formula.parser import parse
from hlm.linting.lint import lint

RNG = np.random.default_rng(5)
BASE = pd.DataFrame(
    {
        "g": np.repeat(list("abcdef"), 6),
        "x": np.tile([-2.0, -1.0, 0.0, 0.5, 1.0, 1.5], 6),
        "c": np.tile(list("uuvvww"), 6),
        "size": np.repeat([1.0, 4.0, 2.0, 3.0, 7.0, 5.0], 6),
        "z": RNG.normal(size=36),
        "y": RNG.normal(size=36),
    }
)
BINARY = BASE.assign(y=np.arange(36) % 2)

# formula, code, text at the place, part of the message, instead
TEXT = [
    ("y ~ x + (1|g", "cannot-be-read", "(", "never closed", "y ~ x + (1|g)"),
    ("y ~ x + (1|g) +", "cannot-be-read", "", "ends where a name", "y ~ x + (1|g)"),
    ("y ~ x + ((1|g))", "cannot-be-read", "|", "inside parentheses", "y ~ x + (1|g)"),
    ("y ~ logg(x)", "unknown-function", "logg(x)", "as a new column", "y ~ log(x)"),
    ("y ~ np.log(x) + (1|g)", "unknown-function", "np.log(x)", "is not a function of formulas", "y ~ log(x) + (1|g)"),
    ("y ~ s(x) + (1|g)", "unknown-function", "s(x)", "a smooth of mgcv and brms", "y ~ ns(x, df = 4) + (1|g)"),
    ("y ~ t2(x, z) + (1|g)", "unknown-function", "t2(x, z)", "ns(x, df = 3) * ns(z, df = 3)", None),
    ("y ~ mo(x) + (1|gr(g, by = z))", "unknown-function", "mo(x)", "brms's monotonic", None),
    ("y ~ x + (1|gr(g, by = z))", "unknown-function", "gr(g, by = z)", "Write the grouping column", "y ~ x + (1|g)"),
    ("y | se(s) ~ x + (1|g)", "unknown-function", "se(s)", "brms's known standard errors", "y ~ x + (1|g)"),
    ("y ~ eval(x) + (1|g)", "unknown-function", "eval(x)", "is not a function of formulas", None),
    ("y ~ x.mean() + (1|g)", "unknown-function", "x.mean()", "is not a function of formulas", None),
    ("y ~ poly(x) + poly(x, z)", "cannot-be-read", "z", "degree is a whole number", None),
    ("y ~ log(x) + (log(x) | g)", "correlated-slopes", "(log(x) | g)", "(intercept, log(x))", "y ~ log(x) + (log(x)||g)"),
    ("y ~ x + (poly( x,2 )|g)", "slope-without-common-effect", "(poly( x,2 )|g)", "poly(x, 2) varies by g but",
     "y ~ x + poly(x, 2) + (poly(x, 2)|g)"),
    ("log(y) ~ log(y) + x + (1|g)", "response-on-both-sides", "log(y)", "explain itself", "log(y) ~ x + (1|g)"),
    ("y ~ I(x/2):z + z", "interaction-without-main-effects", "I(x/2):z", "without I(x/2)", "y ~ z + I(x/2) + I(x/2):z"),
    ("y ~ factor(g) + x + (1|factor(g))", "group-also-common", "factor(g)", "every factor(g)", "y ~ x + (1|factor(g))"),
    ("y ~ x + (0 + scale(x)|g)", "slope-without-intercept", "(0 + scale(x)|g)", "at scale(x) = 0", "y ~ x + (scale(x)|g)"),
    ("cbind(k, n - k) ~ x + (1|g)", "response-outside-family", "cbind(k, n - k)", "family='binomial'", None),
    ("y ~ x | g", "bar-without-parentheses", "|", "all of 'x' varies by 'g'", "y ~ x + (x|g)"),
    ("y ~ x + 1|g", "bar-without-parentheses", "|", "To let x vary as well, write (x|g).", "y ~ x + (1|g)"),
    ("y ~ x + z || g", "bar-without-parentheses", "||", "'x + z' varies", "y ~ x + z + (x + z||g)"),
    ("y ~ 1|g + 1|h", "bar-without-parentheses", "|", "'g + 1|h'", "y ~ (1|g) + (1|h)"),
    ("y ~ 1|g + x", "bar-without-parentheses", "|", "'g + x'", "y ~ 1 + (1|g) + x"),
    ("y ~ x + (1|h) + z|g", "bar-without-parentheses", "|", "by 'g'", "y ~ x + (1|h) + z + (x + z|g)"),
    ("y ~ (1|g) + (1|g)", "duplicate-block", "(1|g)", "stands twice", "y ~ 1 + (1|g)"),
    ("y ~ (1|a:b) + (1|b:a)", "duplicate-block", "(1|b:a)", "stands twice", "y ~ 1 + (1|a:b)"),
    ("y ~ x + (1|g) + (x|g)", "overlapping-blocks", "(x|g)", "(intercept) varies by g", "y ~ x + (x|g)"),
    ("y ~ x + (x||g) + (1|g)", "overlapping-blocks", "(1|g)", "(intercept)", "y ~ x + (x||g)"),
    ("y ~ 0 + x + (x|g) + (0+x|g)", "overlapping-blocks", "(0+x|g)", "(x) varies", "y ~ 0 + x + (x|g)"),
    ("y ~ y + x + (1|g)", "response-on-both-sides", "y", "explain itself", "y ~ x + (1|g)"),
    ("y ~ x + (y|g)", "response-on-both-sides", "y", "response y", "y ~ x + (1|g)"),
    ("y ~ x", "no-groups", "", "add for example y ~ x + (1|group)", None),
    ("y ~ z + (x|g)", "slope-without-common-effect", "(x|g)", "x varies by g but is no", "y ~ z + x + (x|g)"),
    ("y ~ x:z", "interaction-without-main-effects", "x:z", "without x, z", "y ~ x + z + x:z"),
    ("y ~ x + x:z", "interaction-without-main-effects", "x:z", "without z", "y ~ x + z + x:z"),
    ("y ~ g + x + (1|g)", "group-also-common", "g", "every g would have", "y ~ x + (1|g)"),
    ("y ~ 0 + g + g:x + (x|g)", "group-also-common", "g", "g, g:x is a common", "y ~ 1 + (x|g)"),
    ("y ~ x + (0 + x|g)", "slope-without-intercept", "(0 + x|g)", "at x = 0", "y ~ x + (x|g)"),
    ("y ~ x + (x||a/b)", "nested-slopes", "(x||a/b)", "by a:b and by a coarser", "y ~ x + (x||a) + (1||a:b)"),
    ("y ~ x + ( x | g )", "correlated-slopes", "( x | g )", "2 standard deviations and 1 corr", "y ~ x + (x||g)"),
    ("p(k, n) ~ x + (1|g)", "response-outside-family", "p(k, n)", "family='binomial'", None),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "code", "text", "message", "instead"), TEXT)
def test_the_formula_alone(formula: str, code: str, text: str, message: str, instead: str | None) -> None:
    found = next(f for f in lint(formula) if f.code == code)
    assert found.text == text
    assert found.place is None or formula[slice(*found.place)] == text
    assert message in found.message
    assert found.instead == instead
    assert instead is None or not lint(instead).errors


LEFT_ALONE = [
    "y ~ x + (1|g)", "y ~ x + (x||g)", "y ~ x + (1|g) + (0 + x|g)", "y ~ 1 + (1|a/b)", "y ~ x*z + (x||g)",
    "y ~ a/x + (1|g)", "y ~ a + (1|a:b)", "y ~ (1|g) + (1|h)", "y ~ x + z + x:z + (1|g)",
]  # fmt: skip


@pytest.mark.parametrize("formula", LEFT_ALONE)
def test_nothing_to_say(formula: str) -> None:
    assert lint(formula).codes == ()


GAPS = BASE.assign(x=BASE["x"].mask(BASE.index == 3), z=BASE["z"].mask(BASE.index < 2))
STUDENTS = pd.DataFrame(  # six schools of 3 to 18 students, numbered from 1 in each
    [(s, k) for s, size in enumerate([3, 6, 9, 12, 15, 18]) for k in range(1, size + 1)] * 2,
    columns=["school", "student"],
)
STUDENTS["y"] = RNG.normal(size=len(STUDENTS))
DATA = [
    (BASE.rename(columns={"x": "X"}), "y ~ x + (1|g)", "missing-column", "x", "Did you mean 'X'", "y ~ X + (1|g)"),
    (BASE, "y ~ zz + (1|gg)", "missing-column", "zz", "no column 'zz'", "y ~ z + (1|g)"),
    (BASE, "y ~ unheard + (1|g)", "missing-column", "unheard", "There are: g, x", None),
    (BASE.assign(x=np.inf), "y ~ x + (1|g)", "unusable-data", "x", "inf in row 0", None),
    (BASE.assign(x=np.nan), "y ~ x + (1|g)", "unusable-data", "", "No row is complete", None),
    (BASE.assign(y=list("ab") * 18), "y ~ x + (1|g)", "unusable-data", "y", "family='bernoulli'", None),
    (BASE.assign(z=3), "y ~ x + z + (1|g)", "constant-predictor", "z", "its column is left out", "y ~ x + (1|g)"),
    (BASE.assign(z=3), "y ~ 0 + z + x + (1|g)", "constant-predictor", "z", "it stands for the intercept", "y ~ x + (1|g)"),
    (BASE.assign(z=3), "y ~ x + (z|g)", "constant-column", "z", "3 in all 36 rows", "y ~ x + (1|g)"),
    (BASE.assign(y=2.5), "y ~ x + (1|g)", "constant-column", "y", "2.5 in all 36 rows", None),
    (GAPS, "y ~ x + z + (1|g)", "missing-values", "z", "3 of 36 rows left out for missing values: x (1), z (2). That is 8.3 %", None),
    (GAPS.assign(x=GAPS["x"].mask(GAPS.index > 33)), "y ~ x + z + (1|g)", "many-missing-values", "x", "13.9 %", None),
    (BASE, "y ~ 0 + x + (1|g)", "no-common-intercept", "(1|g)", "vary around zero", "y ~ x + (1|g)"),
    (BASE.assign(w=2 * BASE["x"] - 1), "y ~ x + w + (1|g)", "collinear", "w", "contained in the intercept, x", "y ~ x + (1|g)"),
    (BASE.assign(w=BASE["c"] == "w"), "y ~ w + c + (1|g)", "collinear", "w", "contained in c", "y ~ c + (1|g)"),
    (BASE.assign(w=BASE["x"] + 0.01 * BASE["z"]), "y ~ x + w + (1|g)", "nearly-collinear", "w", "correlated by 1.000", None),
    (BASE.assign(z=5000 * BASE["x"]), "y ~ x + z + (1|g)", "wild-scales", "z", "of z is 5.95e+03, that of x 1.19", "y ~ scale(x) + scale(z) + (1|g)"),
    (BASE.assign(x=BASE["x"] + 4), "y ~ x + (x||g)", "far-from-zero", "(x||g)", "mean 4 and standard deviation 1.19", "y ~ center(x) + (center(x)||g)"),
    (BASE.assign(c=["rare", "rare", *list("uv") * 17]), "y ~ c + (1|g)", "rare-level", "c", "fewer than 5 rows: rare (2)", None),
    (BASE.assign(c=[f"n{i % 20}" for i in range(36)]), "y ~ x + c + (1|g)", "many-levels", "c", "c has 20 levels", "y ~ x + (1|g) + (1|c)"),
    (BASE[::9], "y ~ x + z + size + (1|g)", "more-coefficients-than-rows", "", "4 coefficients, the data only 4 rows", None),
    (BASE[::2], "y ~ x + z + (x + z|g)", "more-coefficients-than-rows", "(x + z|g)", "6 x 3 = 18 group-level effects, the data only 18", None),
    (BASE[:6], "y ~ x + (1|g)", "one-group", "(1|g)", "one group only (a)", "y ~ x"),
    (BASE[:24], "y ~ x + (x||g)", "few-groups", "(x||g)", "4 groups (a, b, c, d)", "y ~ x + g + g:x"),
    (STUDENTS, "y ~ 1 + (1|school)", "numeric-group", "school", "labels of 6 groups", None),
    (BASE.assign(g=BASE.index // 6 + 0.25), "y ~ x + (1|g)", "fractional-group", "g", "such as 0.25", None),
    (BASE[::6], "y ~ 1 + (1|g)", "one-row-per-group", "(1|g)", "6 groups on 6 rows, one row each", "y ~ 1"),
    (BASE[4:], "y ~ x + (x|g)", "small-groups", "(x|g)", "1 of 6 groups has no more rows than (x|g) has effects (2): g a (2)", None),
    (BASE, "y ~ size + (size|g)", "constant-within-groups", "(size|g)", "no g can show a slope", "y ~ size + (1|g)"),
    (BASE.assign(x=BASE["x"].where(BASE["g"] < "c", 0)), "y ~ x + (x|g)", "rarely-varies", "(x|g)", "within 2 of the 6 groups", None),
    (BASE, "y ~ c + (c||g)", "double-bar-factor", "(c||g)", "c brings 3 effects per g", "y ~ c + (c|g)"),
    (BASE, "y ~ x + c + (x + c||g)", "double-bar-factor", "(x + c||g)", "(1|g) + (0 + x|g) + (0 + c|g)", "y ~ x + c + (c|g) + (0 + x|g)"),
    (STUDENTS, "y ~ 1 + (1|student)", "reused-ids", "(1|student)", "student 1 occurs in 6 of the 6 groups of school", "y ~ 1 + (1|school) + (1|school:student)"),
    (STUDENTS, "y ~ 1 + (1|school) + (1|student)", "reused-ids", "(1|student)", "numbered anew", "y ~ 1 + (1|school) + (1|school:student)"),
    (BASE.assign(c=list("uvwrst") * 6), "y ~ 1 + (1|g) + (1|c)", "crossed-or-nested", "(1|c)", "c r is the same c in every g", "y ~ 1 + (1|g)"),
    (BASE.assign(h=BASE["g"] + "!"), "y ~ x + (1|g) + (1|h)", "same-groups", "(1|h)", "the same 6 groups", "y ~ x + (1|g)"),
    # what functions make of columns
    (BASE, "y ~ log(x) + (1|g)", "function-without-value", "log(x)", "log(x) is nan in row 0", None),
    (BASE, "y ~ sqrt( z ) + I(1/x) + (1|g)", "function-without-value", "sqrt( z )", "sqrt(z) is nan in row", None),
    (BASE.assign(x=BASE["x"] + 2), "y ~ log(x) + (1|g)", "function-without-value", "log(x)", "log(x) is -inf in row 0", "y ~ log1p(x) + (1|g)"),
    (BASE, "y ~ scale(c) + (1|g)", "function-without-value", "scale(c)", "holds labels ('u', ...): a function needs numbers", None),
    (BASE.assign(z=1.0), "y ~ x + scale(z) + (1|g)", "function-without-value", "scale(z)", "z is constant", None),
    (BASE, "y ~ ns(c, df = 3) + (1|g)", "function-without-value", "ns(c, df = 3)", "holds labels", None),
    (BASE.assign(z=BASE["x"] > 9), "y ~ x + factor(z) + (1|g)", "constant-column", "factor(z)", "False in all 36 rows", "y ~ x + (1|g)"),
    (BASE, "y ~ x + I(x/2) + (1|g)", "collinear", "I(x/2)", "contained in x", "y ~ x + (1|g)"),
    (BASE, "y ~ poly(x, 2) + poly(x, 2, raw = TRUE) + (1|g)", "collinear", "poly(x, 2, raw = TRUE)", "poly(x, 2)", "y ~ poly(x, 2) + (1|g)"),
    (BASE.assign(x=BASE["x"] + 40), "y ~ x + I(x^2) + (1|g)", "nearly-collinear", "I(x^2)", "correlated by 1.000", None),
    (BASE.assign(x=BASE["x"] + 40), "y ~ z + log(x) + (log(x)|g)", "intercepts-outside-data", "(log(x)|g)", "center(log(x)) subtracts", "y ~ z + center(log(x)) + (center(log(x))|g)"),
    (BASE.assign(z=5000 * BASE["x"]), "y ~ scale(x) + I(z * 2) + (1|g)", "wild-scales", "I(z * 2)", "of I(z * 2) is", "y ~ scale(x) + scale(I(z * 2)) + (1|g)"),
    (BASE, "y ~ poly(size, 2) + (poly(size, 2)|g)", "constant-within-groups", "(poly(size, 2)|g)", "poly(size, 2) is the same", "y ~ poly(size, 2) + (1|g)"),
    (BASE.assign(k=np.arange(36) % 3), "y ~ x + factor(k) + (factor(k)||g)", "double-bar-factor", "(factor(k)||g)", "factor(k) brings 3 effects", "y ~ x + factor(k) + (factor(k)|g)"),
    (BASE[::2], "y ~ x + (poly(x, 2)|g)", "more-coefficients-than-rows", "(poly(x, 2)|g)", "6 x 3 = 18", None),
    (BASE.assign(w=2 * BASE["x"]), "y ~ . + (1|g)", "collinear", ".", "w is already contained in x", "y ~ x + c + size + z + (1|g)"),
    (BASE, "y ~ exp(zz) + (1|g)", "missing-column", "zz", "no column 'zz'", "y ~ exp(z) + (1|g)"),
    (BASE, "y ~ log(zz) + (1|g)", "missing-column", "zz", "no column 'zz'", None),
    (GAPS, "y ~ x + I(z^2) + (1|g)", "missing-values", "z", "z (2)", None),
    (BINARY, "y ~ x + (1|g)", "binary-as-gaussian", "y", "18 times 1", None),
    (BASE.assign(y=np.arange(36) % 4), "y ~ x + (1|g)", "count-as-gaussian", "y", "0 to 3 with mean 1.5", None),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "formula", "code", "text", "message", "instead"), DATA)
def test_with_data(frame: pd.DataFrame, formula: str, code: str, text: str, message: str, instead: str | None) -> None:
    found = next(f for f in lint(formula, frame) if f.code == code)
    assert (found.text, found.instead) == (text, instead)
    assert message in found.message
    if instead is not None:
        again = lint(instead, frame)
        assert code not in again.codes and not again.errors
        draws = fit(instead, frame, draws=100, chains=1, seed=1, progress=False).idata["posterior"]
        assert all(np.isfinite(values).all() for values in draws.data_vars.values())


def test_the_other_families() -> None:
    apart = BINARY.assign(y=np.where(BINARY["g"] == "b", 0, np.where(BINARY["g"] == "d", 1, BINARY["y"])))
    (found,) = lint("y ~ x + (1|g)", apart, family="bernoulli")
    assert found.code == "separated-groups"
    assert "2 of 6 groups have no success or no failure: g b (all 0), d (all 1)." in found.message
    (found,) = lint("y ~ x + (1|g)", BASE, family="poisson").errors
    assert found.message.startswith("Column 'y' is") and "the poisson family needs counts 0, 1, 2" in found.message
    (found,) = lint("y ~ x + (1|g)", BASE, family="binomial").errors
    assert "write p(y, n)" in found.message


# near the thresholds, on the quiet side: frame, formula, code
NEAR_MISSES = [
    (BASE, "y ~ x + poly(z, 2) + (1|g)", "collinear"),
    (BASE, "y ~ x + (1|factor(size))", "numeric-group"),  # said by factor() already
    (BASE.assign(x=BASE["x"] + 40), "y ~ center(x) + (center(x)|g)", "far-from-zero"),
    (BASE.assign(x=BASE["x"] + 40), "y ~ poly(x, 2) + (poly(x, 2)|g)", "far-from-zero"),
    (BASE.assign(z=5000 * BASE["x"]), "y ~ x + log1p(abs(z)) + (1|g)", "wild-scales"),
    (BASE.assign(y=np.arange(36) % 4), "log1p(y) ~ x + (1|g)", "count-as-gaussian"),
    (BASE, "y ~ log(abs(z)) + (1|g)", "function-without-value"),
    (BASE.assign(w=2 * BASE["x"]), "y ~ . - w + (1|g)", "collinear"),
    (BASE, "y ~ x + (1|g)", "few-groups"),  # six groups
    (BASE.assign(c=list("uv") * 18), "y ~ x + (c|g)", "double-bar-factor"),
    (BASE, "y ~ x + z + (0 + c|g)", "slope-without-intercept"),  # the levels of c are intercepts
    (BASE, "y ~ c + c:x + (1|g)", "interaction-without-main-effects"),  # a line for each level
    (BASE, "y ~ 0 + c + (1|g)", "no-common-intercept"),
    (BASE.assign(x=BASE["x"] + 3), "y ~ x + (x|g)", "far-from-zero"),  # 2.5 sds
    (BASE.assign(z=500 * BASE["x"]), "y ~ x + z + (1|g)", "wild-scales"),
    (BASE.assign(y=20 + np.arange(36) % 4), "y ~ x + (1|g)", "count-as-gaussian"),  # whole numbers, far from 0
    (BASE.assign(y=np.arange(36) % 4 + 0.5), "y ~ x + (1|g)", "count-as-gaussian"),
    (BASE[3:], "y ~ x + (x|g)", "small-groups"),  # three rows, two effects
    (BASE[::6], "y ~ x + (0 + x|g)", "one-row-per-group"),  # no intercept to confuse with the residual
    (BASE.assign(x=BASE["x"].where(BASE["g"] < "d", 0)), "y ~ x + (x|g)", "rarely-varies"),  # half of them
    (STUDENTS.assign(student=np.arange(len(STUDENTS)) % 63), "y ~ 1 + (1|student)", "reused-ids"),  # unique numbers
    (STUDENTS, "y ~ 1 + (1|school/student)", "reused-ids"),
    (STUDENTS, "y ~ 1 + (1|school/student)", "crossed-or-nested"),
    (BASE.assign(h=BASE["g"] + "!"), "y ~ x + (1|g) + (0 + x|h)", "same-groups"),  # nothing in common
    (BASE, "y ~ x + z + (1|g)", "nearly-collinear"),
]  # fmt: skip


@pytest.mark.parametrize(("frame", "formula", "code"), NEAR_MISSES)
def test_just_not(frame: pd.DataFrame, formula: str, code: str) -> None:
    assert code not in lint(formula, frame).codes


# what is really there, and nothing graver than a note
GOOD = [
    ("exam", "post ~ pre + (pre|school)", ("correlated-slopes", "small-groups")),
    ("exam", "post ~ pre + (pre||school)", ("small-groups",)),
    ("exam", "post ~ pre + (1|school)", ()),
    ("exam", "post ~ pre + (0 + pre|school)", ("slope-without-intercept",)),
    ("exam", "post ~ pre + sex + schgend + (pre||school)", ("small-groups",)),
    ("sleepstudy", "Reaction ~ Days + (Days|Subject)", ("correlated-slopes",)),
    ("radon", "log_radon ~ floor + log_uranium + (floor|county)", ("correlated-slopes", "small-groups")),
    ("radon", "log_radon ~ floor + (1|county)", ("small-groups",)),
    ("pastes", "strength ~ 1 + (1|batch/cask)", ()),
    ("pastes", "strength ~ 1 + (1|batch) + (1|sample)", ()),
    ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", ("crossed-or-nested",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "formula", "codes"), GOOD)
def test_good_formulas_are_not_accused(name: str, formula: str, codes: tuple[str, ...]) -> None:
    found = lint(formula, load_data(name))
    assert found.codes == codes
    assert {f.severity for f in found} <= {"note"}


def test_a_binomial_model() -> None:
    found = lint("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"), family="binomial")
    assert [(f.code, f.message[:31]) for f in found] == [("small-groups", "1 of 15 groups has no more rows")]


def test_students_of_the_exam_are_numbered_within_schools() -> None:
    """data/README.md: 322 of the 650 numbers occur in more than one school, one of them in 34."""
    found = lint("post ~ pre + (1|student)", load_data("exam"))[0]
    assert (found.code, found.instead) == ("reused-ids", "post ~ pre + (1|school)")
    assert "occurs in 34 of the 65 groups of school" in found.message


def test_raters_who_meet_many_films_are_not_numbered_anew() -> None:
    """A sparse crossed design whose labels carry no order."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"film": rng.integers(0, 200, 4000), "rater": rng.integers(0, 400, 4000)})
    frame["y"] = rng.normal(size=4000)
    assert "reused-ids" not in lint("y ~ 1 + (1|rater)", frame).codes
    assert "reused-ids" not in lint("y ~ 1 + (1|rater) + (1|film)", frame).codes


def test_names_in_messages_are_five_at_most() -> None:
    frame = pd.DataFrame({"g": [f"s{i:02}" for i in range(20) for _ in range(2 + (i > 8))]})
    frame["x"], frame["y"] = RNG.normal(size=(2, len(frame)))
    found = next(f for f in lint("y ~ x + (x|g)", frame) if f.code == "small-groups")
    assert "9 of 20 groups have" in found.message
    assert "g s00 (2), s01 (2), s02 (2), s03 (2), s04 (2) and 4 more." in found.message


def test_any_frame_and_unusual_names() -> None:
    frame = pl.DataFrame({"my y": BASE["y"].tolist(), "x 1": BASE["x"].tolist(), "g": BASE["g"].tolist()})
    found = lint("`my y` ~ (`x 1`|g)", frame)
    assert found[0].instead == "`my y` ~ `x 1` + (`x 1`|g)"
    assert lint(found[0].instead, frame).codes == ("correlated-slopes",)


def test_the_frame_is_not_changed() -> None:
    frame = GAPS.copy()
    lint("y ~ x + z + (x|g)", frame)
    pd.testing.assert_frame_equal(frame, GAPS)


HUGE = BASE.assign(x=BASE["x"] * 1e99, z=BASE["z"] * 1e99, size=BASE["size"] * 1e99)


@pytest.mark.parametrize("formula", ["y ~ x*z*size + (x:z:size|g)", "y ~ x + (z*x*size|g)"])
def test_products_beyond_float64_are_told(formula: str) -> None:
    (error,) = lint(formula, HUGE).errors
    assert error.code == "cannot-be-fitted" and "use other units" in error.message


@pytest.mark.parametrize("formula", ["y ~ 0 + (x|g)", "y ~ 0 + (0 + c|g)"])
def test_no_common_term_at_all(formula: str) -> None:
    assert "slope-without-common-effect" in lint(formula, BASE).codes


def test_a_formula_that_was_read() -> None:
    assert lint(parse("y ~ x + (0 + x | g)")).formula == "y ~ x + (0 + x|g)"


def test_what_cannot_be_linted_is_refused() -> None:
    for empty in ("", " "):
        with pytest.raises(FormulaError, match="empty"):
            lint(empty)
    with pytest.raises(FormulaError, match="not int"):
        lint(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="must be a data frame"):
        lint("y ~ x", "exam")
    with pytest.raises(FitError, match="no family 'normal'"):
        lint("y ~ x", family="normal")


OWN = {"late": lambda x: x > 0.7}
PIECES = [
    "late(x)",
    "log(",
    "scale(x)",
    "poly(x, 2)",
    ".",
    "offset(z)",
    "s(x)",
    "I(x > 0)",
    "factor(c)",
    "y",
    "x",
    "c",
    "g",
    "size",
    "q",
    "~",
    "|",
    "||",
    "(",
    ")",
    "+",
    "-",
    "*",
    ":",
    "/",
    "1",
    "0",
    "^",
    "2",
    "`",
]


@settings(deadline=None)  # the first example loads pandas
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=12), st.booleans())
def test_any_text_gets_findings_whose_proposals_can_be_read(pieces: list[str], with_data: bool) -> None:
    text = " ".join(pieces)
    found = lint(text, BASE if with_data else None, functions=OWN)
    try:
        parse(text, functions=OWN)
    except FormulaError:
        assert found.errors
    for finding in found:
        assert finding.place is None or text[slice(*finding.place)] == finding.text
        assert finding.instead is None or not lint(finding.instead, BASE if with_data else None, functions=OWN).errors
    assert str(found)


def test_functions_of_one_s_own() -> None:
    late = {"late": lambda x: x > 0.7}
    assert lint("y ~ late(x) + (1|g)").codes == ("unknown-function",)
    assert lint("y ~ late(x) + (1|g)", functions=late).codes == ()
    assert lint("y ~ late(x) + (1|g)", BASE, functions=late).codes == ()
    found = lint("y ~ late(size) + (late(size)|g)", BASE, functions=late)
    constant = next(f for f in found if f.code == "constant-column")
    assert (constant.text, constant.instead) == ("late(size)", "y ~ 1 + (1|g)")
    (own,) = lint(parse("y ~ late(x) + (1|g)", functions=late), BASE).errors
    assert (own.code, "pass functions={'late': ...}" in own.message) == ("unusable-data", True)


def test_a_proportion_and_its_trials() -> None:
    cbpp = load_data("cbpp")
    formula = "incidence/size ~ period + (1|herd)"
    (found,) = lint(formula, family="binomial").errors
    assert (found.text, found.instead) == ("incidence/size", "cbind(incidence, size - incidence) ~ period + (1|herd)")
    assert lint(found.instead, cbpp, family="binomial").codes == ("small-groups",)
    assert lint(formula, cbpp, family="binomial", weights="size").codes == ("small-groups",)
    with pytest.raises(FitError, match="only the binomial family reads weights"):
        lint(formula, cbpp, family="poisson", weights="size")


def test_precisions_are_not_among_all_other_columns() -> None:
    data = load_data("sleepstudy").assign(w=lambda d: d["Days"] + 1.0)
    assert lint("Reaction ~ . + (1|Subject)", data).codes == ("collinear",)
    assert lint("Reaction ~ . + (1|Subject)", data, weights="w").codes == ()


def test_many_rows_and_groups_are_fast() -> None:
    """No loop over groups: 400,000 rows x 4,000 groups took 0.8 s, more than half of it to read the columns."""
    rng = np.random.default_rng(1)
    n = 400_000
    frame = pd.DataFrame({"x": rng.normal(size=n), "g": rng.integers(0, 4000, n), "y": rng.normal(size=n)})
    start = time.perf_counter()
    assert lint("y ~ x + (x|g)", frame).codes == ("correlated-slopes", "numeric-group")
    assert time.perf_counter() - start < 10  # ten times what it took, for a busy machine
