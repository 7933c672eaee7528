"""What each formula means, or the exact message and place where it cannot be read."""

from __future__ import annotations

import pytest

from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Block, Response, Term
from hlm.formula.parser import parse
from hlm.formula.response import as_counts

READINGS = [
    # intercepts and common terms
    ("y ~ x", "y ~ x"),
    ("y ~ 1 + x", "y ~ x"),
    ("y~1", "y ~ 1"),
    ("y ~ 0 + x", "y ~ 0 + x"),
    ("y ~ x - 1", "y ~ 0 + x"),
    ("y ~ -1 + x", "y ~ 0 + x"),
    ("y ~ 0 + x + 1", "y ~ x"),
    ("y ~ x - 0", "y ~ x"),
    ("y ~ 0", "y ~ 0"),
    ("y ~ x + x", "y ~ x"),
    ("y ~ x + + z", "y ~ x + z"),
    ("y ~ (x + z)", "y ~ x + z"),
    # R's algebra
    ("y ~ x*z", "y ~ x + z + x:z"),
    ("y ~ x:z + x", "y ~ x + x:z"),
    ("y ~ b:a + a:b", "y ~ b:a"),
    ("y ~ a/b", "y ~ a + a:b"),
    ("y ~ (a + b)/c", "y ~ a + b + a:b:c"),
    ("y ~ (a + b + c)^2", "y ~ a + b + c + a:b + a:c + b:c"),
    ("y ~ (a + b + c)^2 - a:b", "y ~ a + b + c + a:c + b:c"),
    ("y ~ a*b - b:a", "y ~ a + b"),
    ("y ~ a*b*c - a:b:c", "y ~ a + b + c + a:b + a:c + b:c"),
    ("y ~ (a + b):c", "y ~ a:c + b:c"),
    ("y ~ a %in% b", "y ~ a:b"),
    ("y ~ a %in% (b + c)", "y ~ a:b:c"),
    ("y ~ b %in% a:c", "y ~ b:a:c"),
    ("y ~ a + b %in% a", "y ~ a + b:a"),
    ("y ~ a/b/c", "y ~ a + a:b + a:b:c"),
    ("y ~ a/(b + c)", "y ~ a + a:b + a:c"),
    ("y ~ (a + b)^2", "y ~ a + b + a:b"),
    ("y ~ (a + b)^3", "y ~ a + b + a:b"),
    ("y ~ (a + b)*(c + d)", "y ~ a + b + c + d + a:c + a:d + b:c + b:d"),
    ("y ~ (a + b + c)^2 - a", "y ~ b + c + a:b + a:c + b:c"),
    ("y ~ a*b %in% c", "y ~ a + b:c + a:b:c"),
    ("y ~ x:x", "y ~ x"),
    # a product is spelled as the ones before it that are in it
    ("y ~ x:z + z:x:c", "y ~ x:z + x:z:c"),
    ("y ~ z*x + (x:z|g)", "y ~ z + x + z:x + (z:x|g)"),
    ("y ~ (x:z|g) + (0 + z:x|h)", "y ~ 1 + (x:z|g) + (0 + x:z|h)"),
    ("y ~ c:x + b:x:c", "y ~ c:x + c:x:b"),
    ("y ~ x - z", "y ~ x"),
    ("y ~ -x + z", "y ~ z"),
    ("y ~ x - x", "y ~ 1"),
    ("y ~ x + z - (x + z)", "y ~ 1"),
    ("y ~ 1 - 1", "y ~ 0"),
    ("y ~ x - 1 + 1", "y ~ x"),
    ("y ~ x + 0", "y ~ 0 + x"),
    ("y ~ a*b - 1", "y ~ 0 + a + b + a:b"),
    ("y ~ x^2", "y ~ x"),
    # the last 0 or 1 decides, wherever it stands, and a minus turns it around: R 4.2's terms()
    ("y ~ (0 + x)", "y ~ 0 + x"),
    ("y ~ ((0) + x)", "y ~ 0 + x"),
    ("y ~ x + (z - 1)", "y ~ 0 + x + z"),
    ("y ~ x + -1", "y ~ 0 + x"),
    ("y ~ (0 + 1) + x", "y ~ x"),
    ("y ~ (1 + 0)", "y ~ 0"),
    ("y ~ 0 + (x + 1)", "y ~ x"),
    ("y ~ x - (1 + z)", "y ~ 0 + x"),
    ("y ~ 0 + x - (0 + z)", "y ~ x"),
    ("y ~ 0 + x - (z - 1)", "y ~ x"),
    ("y ~ (0 + x)^2", "y ~ 0 + x"),
    ("y ~ (x - 1):z", "y ~ 0 + x:z"),
    ("y ~ x*(0 + z)", "y ~ 0 + x + z + x:z"),
    ("y ~ 0 + (1 + x)*z", "y ~ x + z + x:z"),
    ("y ~ (1 + x)^2", "y ~ x"),
    ("y ~ x*1 + z/1", "y ~ x + z"),
    ("y ~ x + ((0 + x)|g)", "y ~ x + (0 + x|g)"),
    ("y ~ x + ((x - 1)||g)", "y ~ x + (0 + x||g)"),
    # bars
    ("y ~ (1|g)", "y ~ 1 + (1|g)"),
    ("post ~ pre + (pre | school)", "post ~ pre + (pre|school)"),
    ("post ~ pre + (1 + pre | school)", "post ~ pre + (pre|school)"),
    ("y ~ x + (0 + x|g)", "y ~ x + (0 + x|g)"),
    ("y ~ x + (x - 1|g)", "y ~ x + (0 + x|g)"),
    ("y ~ x + (-1 + x|g)", "y ~ x + (0 + x|g)"),
    ("y ~ x + (x||g)", "y ~ x + (x||g)"),
    ("y ~ x + (0 + x + z||g)", "y ~ x + (0 + x + z||g)"),
    ("y ~ x + (1|g) + (0 + x|g)", "y ~ x + (1|g) + (0 + x|g)"),
    ("y ~ (1|a/b)", "y ~ 1 + (1|a) + (1|a:b)"),
    ("y ~ (1|a/b/c)", "y ~ 1 + (1|a) + (1|a:b) + (1|a:b:c)"),
    ("y ~ x + (x|a/b)", "y ~ x + (x|a) + (x|a:b)"),
    ("y ~ (1|a:b)", "y ~ 1 + (1|a:b)"),
    ("y ~ (1|(a:b))", "y ~ 1 + (1|a:b)"),
    ("y ~ (1|g) + (1|h)", "y ~ 1 + (1|g) + (1|h)"),
    ("y ~ (1|g) + x + (1|h)", "y ~ x + (1|g) + (1|h)"),
    ("y ~ x*z + (x*z|g)", "y ~ x + z + x:z + (x + z + x:z|g)"),
    ("y ~ (x:z|g)", "y ~ 1 + (x:z|g)"),
    ("y ~ 0 + x + (1|g)", "y ~ 0 + x + (1|g)"),
    # names and responses
    ("y ~ `a b` + (1|`my g`)", "y ~ `a b` + (1|`my g`)"),
    ("`my y` ~ x.1 + .z", "`my y` ~ x.1 + .z"),
    ("größe ~ länge + (länge|ort)", "größe ~ länge + (länge|ort)"),
    ("p(k, n) ~ t + (1|herd)", "p(k, n) ~ t + (1|herd)"),
    ("prop(k, n) ~ t", "p(k, n) ~ t"),
    ("y\n  ~ x\n  + (1 | g)", "y ~ x + (1|g)"),
    # functions, under the text that R prints
    ("y ~ I(x^2)", "y ~ I(x^2)"),
    ("y ~ I( x ^ 2 )+x", "y ~ I(x^2) + x"),
    ("y ~ I(x*z+1)", "y ~ I(x * z + 1)"),
    ("y ~ I(x / 2)", "y ~ I(x/2)"),
    ("y ~ I(x %/% 2) + I(x %% 2)", "y ~ I(x%/%2) + I(x%%2)"),
    ("y ~ I(-x) + I(x>3)", "y ~ I(-x) + I(x > 3)"),
    ("y ~ I((x - 1)/2)", "y ~ I((x - 1)/2)"),
    ("y ~ I(x<=1) + I(x==2) + I(x!=3)", "y ~ I(x <= 1) + I(x == 2) + I(x != 3)"),
    ("y ~ log(x) + exp(x) + sqrt(x) + abs(x)", "y ~ log(x) + exp(x) + sqrt(x) + abs(x)"),
    ("y ~ log10(x)+log2(x)+log1p(x)+expm1(x)", "y ~ log10(x) + log2(x) + log1p(x) + expm1(x)"),
    ("y ~ log(x+1)*z", "y ~ log(x + 1) + z + log(x + 1):z"),
    ("y ~ (log(x) + z)^2", "y ~ log(x) + z + log(x):z"),
    ("y ~ log(x) + log( x )", "y ~ log(x)"),
    ("y ~ scale(x) - 1", "y ~ 0 + scale(x)"),
    ("y ~ scale(x) + z - scale(x)", "y ~ z"),
    ("y ~ scale(log(x)) + I(scale(x)^2)", "y ~ scale(log(x)) + I(scale(x)^2)"),
    ("y ~ scale(x, scale=FALSE) + center(z)", "y ~ scale(x, scale = FALSE) + center(z)"),
    ("y ~ factor(x) + as.factor(z) + C(c)", "y ~ factor(x) + as.factor(z) + C(c)"),
    ("y ~ factor(x):z", "y ~ factor(x):z"),
    ("y ~ poly(x,2)", "y ~ poly(x, 2)"),
    ("y ~ poly(x, 3, raw=TRUE)", "y ~ poly(x, 3, raw = TRUE)"),
    ("y ~ poly(x, degree=2)*c", "y ~ poly(x, degree = 2) + c + poly(x, degree = 2):c"),
    ("y ~ bs(x, df=5) + bs(z, 4, degree=2)", "y ~ bs(x, df = 5) + bs(z, 4, degree = 2)"),
    ("y ~ ns(x, df=3) + ns(log(z), 2)", "y ~ ns(x, df = 3) + ns(log(z), 2)"),
    ("y ~ ns(x,3):c", "y ~ ns(x, 3):c"),
    ("y ~ I(x.1^2) + I(größe*2)", "y ~ I(x.1^2) + I(größe * 2)"),
    # functions in bars
    ("y ~ scale(x) + (scale(x)|g)", "y ~ scale(x) + (scale(x)|g)"),
    ("y ~ (1|factor(g))", "y ~ 1 + (1|factor(g))"),
    ("y ~ (log(x)|g)", "y ~ 1 + (log(x)|g)"),
    ("y ~ (0+log(x)||factor(g):h)", "y ~ 1 + (0 + log(x)||factor(g):h)"),
    ("y ~ (poly(x,2)|a/b)", "y ~ 1 + (poly(x, 2)|a) + (poly(x, 2)|a:b)"),
    ("y ~ (1|interaction(a, b))", "y ~ 1 + (1|a:b)"),
    ("y ~ (1|a/factor(b))", "y ~ 1 + (1|a) + (1|a:factor(b))"),
    ("y ~ (factor(c)||g)", "y ~ 1 + (factor(c)||g)"),
    ("y ~ (1|I(x > 3))", "y ~ 1 + (1|I(x > 3))"),
    # offsets
    ("y ~ x + offset(z)", "y ~ x + offset(z)"),
    ("y ~ offset(log(n)) + x + (1|g)", "y ~ x + offset(log(n)) + (1|g)"),
    ("y ~ x + offset(2*n)", "y ~ x + offset(I(2 * n))"),
    ("y ~ 0 + offset(z)", "y ~ 0 + offset(z)"),
    # responses
    ("log(y) ~ x", "log(y) ~ x"),
    ("I(after-before) ~ before + (1|g)", "I(after - before) ~ before + (1|g)"),
    ("scale(y) ~ x", "scale(y) ~ x"),
    ("cbind(k, n-k) ~ x", "cbind(k, n - k) ~ x"),
    ("cbind(k,f) ~ x + (1|g)", "cbind(k, f) ~ x + (1|g)"),
    ("k / n ~ x", "k/n ~ x"),
    # all other columns
    ("y ~ .", "y ~ ."),
    ("y ~ . + (1|g)", "y ~ . + (1|g)"),
    ("y ~ . - id - 1", "y ~ 0 + . - id"),
    ("y ~ . - a:b", "y ~ . - a:b"),
    ("y ~ . - id + id", "y ~ . + id"),
    ("y ~ x + .:z + .", "y ~ x + . + .:z"),
    ("log(y) ~ . + log(x) + (log(x)|g)", "log(y) ~ . + log(x) + (log(x)|g)"),
]


@pytest.mark.parametrize(("text", "reading"), READINGS)
def test_reading(text: str, reading: str) -> None:
    assert str(parse(text)) == reading


@pytest.mark.parametrize(("text", "reading"), READINGS)
def test_what_is_printed_reads_back_as_the_same(text: str, reading: str) -> None:
    assert parse(reading) == parse(text)


ERRORS = [
    ("y ~ x | g", "|", "must stand inside parentheses. To let the intercept vary by g write (1|g)"),
    ("y ~ x + 1|g", "|", "must stand inside parentheses"),
    ("y ~ x || g", "||", "must stand inside parentheses"),
    ("y ~ ((1|g))", "|", "must stand inside parentheses"),
    ("y ~ x:(1|g)", "x:(1|g)", "can only be added"),
    ("y ~ x:(1 + z)", "x:(1 + z)", "The 1 of the intercept cannot stand in a product with ':'"),
    ("y ~ z + 1 %in% x", "1 %in% x", "The 1 of the intercept cannot stand in a product with '%in%'"),
    ("y ~ x + 1/z", "1/z", "There is no term before '/'"),
    ("y ~ (x - x)/z", "(x - x)/z", "There is no term before '/'"),
    ("y ~ x*(1|g)", "x*(1|g)", "can only be added"),
    ("y ~ x - (1|g)", "x - (1|g)", "cannot be subtracted"),
    ("y ~ x + (1|g) + (x|g)", "(x|g)", "Write (x|g) (correlated) or (x||g) (not correlated)"),
    ("y ~ x + (x|g) + (0 + x|g)", "(0 + x|g)", "effect of x varies by g twice"),
    ("y ~ (1|g) + (1|g)", "(1|g)", "stands twice"),
    ("y ~ (1|a:b) + (1|b:a)", "(1|b:a)", "stands twice"),
    ("y ~ (1|id|g)", "(1|id|g)", "brms's name between two bars"),
    ("y ~ (0|g)", "0", "Nothing varies"),
    ("y ~ (1|2)", "2", "a grouping column"),
    ("y ~ (1|g + h)", "g + h", "lme4 refuses g + h too. Write one bar each, as in (1|g) + (1|h), or (1|g:h)"),
    ("y ~ (1|g*h)", "g*h", "(1|g) + (1|h), or (1|g:h)"),
    ("y ~ (1|poly(g, 2))", "poly(g, 2)", "cannot be a grouping factor"),
    ("y ~ (1|.)", ".", "After the bar stands a grouping column"),
    ("y ~ (.|g)", ".", "cannot vary by a group: name the columns"),
    ("y ~ (offset(x)|g)", "offset(x)", "added to the common terms"),
    ("y ~ (factor(g)|factor(g))", "(factor(g)|factor(g))", "factor(g) stands on both sides"),
    ("y ~ log(x) + (log(x)|g) + (log(x)|g)", "(log(x)|g)", "stands twice"),
    ("y ~ (g|g)", "(g|g)", "both sides of the bar"),
    ("y ~ x + (1|g", "(", "never closed"),
    ("y ~ x)", ")", "never opened"),
    ("y ~ (|g)", "|", "missing before '|'"),
    ("y ~ (x|)", ")", "missing before ')'"),
    ("y ~ ", "", "ends where a name is expected"),
    ("y ~ x +", "", "ends where a name is expected"),
    ("y ~ x z", "x z", "An operator such as + or : is missing"),
    ("y ~ x ~ z", "~", "one '~' only"),
    ("y", "y", "There is no '~'"),
    ("~ x", "~ x", "response is missing"),
    ("y ~ y + x", "y + x", "also stands on the right"),
    ("y ~ x + (y|g)", "x + (y|g)", "also stands on the right"),
    ("y + z ~ x", "y + z", "For arithmetic write I(y + z)"),
    ("y/2 ~ x", "y/2", "For arithmetic write I(y/2)"),
    ("factor(y) ~ x", "factor(y)", "cannot be a response"),
    ("poly(y, 2) ~ x", "poly(y, 2)", "cannot be a response"),
    (". ~ x", ".", "The response must be one column"),
    ("y ~ log(y)", "log(y)", "The response y also stands on the right"),
    ("log(y) ~ x + log(y)", "x + log(y)", "The response log(y) also stands on the right"),
    ("cbind(k) ~ x", "cbind(k)", "Write cbind(k, n - k)"),
    ("cbind(k, n, m) ~ x", "cbind(k, n, m)", "Write cbind(k, n - k)"),
    ("cbind(k, 'a') ~ x", "'a'", "no meaning inside a function"),
    ("cbind(k, n - k) ~ k", "k", "The response k also stands"),
    ("p(k) ~ x", "p(k)", "p(k, n)"),
    ("p(k, 2) ~ x", "p(k, 2)", "p(k, n)"),
    ("y ~ x - .", ".", "cannot be subtracted: name the columns"),
    ("y ~ .^2", ".^2", "cannot interact with itself: name the columns"),
    ("y ~ .*.", ".*.", "cannot interact with itself"),
    ("y ~ tan(x)", "tan(x)", "tan() is not a function of formulas. There are I, log, log10, log2,"),
    ("y ~ x + cut(x, 3)", "cut(x, 3)", "Compute cut(x, 3) as a new column of the data and use its name"),
    ("y ~ Log(x)", "Log(x)", "or, in Python, pass functions={'Log': ...}"),
    ("y ~ log()", "log()", "log() needs a column first"),
    ("y ~ log(x, 2)", "log(x, 2)", "Write log(x)."),
    ("y ~ log(2)", "log(2)", "holds no column"),
    ("y ~ log(x=1)", "log(x=1)", "needs a column first"),
    ("y ~ poly(x, 2, 3, 4)", "poly(x, 2, 3, 4)", "Write poly(x, degree = 2, raw = TRUE)"),
    ("y ~ poly(x, z)", "z", "degree is a whole number"),
    ("y ~ poly(x, 2.5)", "2.5", "degree is a whole number"),
    ("y ~ poly(x, 99)", "99", "degree must be between 1 and 20"),
    ("y ~ poly(x, raw=yes)", "yes", "raw is TRUE or FALSE"),
    ("y ~ poly(x, degree=2, degree=3)", "poly(x, degree=2, degree=3)", "Write poly(x"),
    ("y ~ bs(x, knots=3)", "bs(x, knots=3)", "Write bs(x, df = 2, degree = 2), or less of it"),
    ("y ~ ns(x, df=0)", "0", "df must be between 1 and 50"),
    ("y ~ factor(x, labels=z)", "factor(x, labels=z)", "Write factor(x)."),
    ("y ~ scale(x, scale=2)", "2", "scale is TRUE or FALSE"),
    ("y ~ I(poly(x, 2))", "poly(x, 2)", "poly() cannot stand inside another function"),
    ("y ~ log(factor(x))", "factor(x)", "factor() cannot stand inside another function"),
    ("y ~ I(a:b)", "a:b", "':' has no meaning inside a function"),
    ("y ~ I(a %in% b)", "a %in% b", "'%in%' has no meaning inside a function"),
    ("y ~ I(y ~ x)", "y ~ x", "'~' has no meaning inside a function"),
    ("y ~ I('x')", "'x'", "no meaning inside a function"),
    ("y ~ I(.)", ".", "no meaning inside a function"),
    ("y ~ I(TRUE + x)", "TRUE", "no meaning inside a function"),
    ("y ~ `log(x)`", "`log(x)`", "log(x) in back-quotes reads as the function: rename this column"),
    ("y ~ log(x|g)", "|", "must stand inside parentheses"),
    ("y ~ interaction(a, b)", "interaction(a, b)", "as in a:b"),
    ("y ~ x:offset(z)", "offset(z)", "An offset is added"),
    ("y ~ x - offset(z)", "x - offset(z)", "Write + offset(x)"),
    ("y ~ x > 3", "x > 3", "Write y ~ I(x > 3)"),
    ("y ~ x %% 3", "%%", "write I(x %% 3)"),
    (
        "y ~ x + s(x)",
        "s(x)",
        "s() is a smooth of mgcv and brms. Write a curve with a fixed number of pieces, ns(x, df = 4)",
    ),
    ("y ~ t2(x, z)", "t2(x, z)", "Write ns(x, df = 3) * ns(z, df = 3)"),
    ("y ~ te(x, z)", "te(x, z)", "tensor-product smooth"),
    ("y ~ mo(x)", "mo(x)", "brms's monotonic effect. Write factor(x)"),
    ("y ~ me(x, sd)", "me(x, sd)", "measurement error. Write x itself"),
    ("y ~ mi(x)", "mi(x)", "imputation"),
    ("y ~ (1|gr(g))", "gr(g)", "Write the grouping column itself, as in (1|school)"),
    ("y ~ (1|mm(g, h))", "mm(g, h)", "one bar for each membership"),
    ("y | se(s) ~ x", "se(s)", "Write y ~ x, and give precisions apart"),
    ("y ~ se(x)", "se(x)", "known standard errors"),
    ("y ~ cs(x)", "cs(x)", "one effect for all thresholds"),
    ("y ~ gp(x)", "gp(x)", "Gaussian process"),
    ("y ~ ar(x)", "ar(x)", "a column with the response before"),
    ("y ~ ma(x)", "ma(x)", "a column with the response before"),
    ("y ~ trials(n)", "trials(n)", "cbind(k, n - k)"),
    ("y ~ 2*x", "2", "Only 0 and 1"),
    ("y ~ x^z", "x^z", "whole number"),
    ("y ~ x^9", "x^9", "between 1 and 8"),
    ("y ~ 'x'", "'x'", "A column has no quotes: write x."),
    ('y ~ "my x" + (1|g)', '"my x"', "A column has no quotes: write `my x`."),
    ("y ~ d$x", "$", "x for d$x"),
    ("y ~ x $ z", "$", "has no meaning"),
    ("y ~ x[1]", "[", "round parentheses"),
    ("y ~ `x", "`", "never closed"),
    ("y ~ ``", "``", "empty"),
    ("y ~ 'x", "'", "never closed"),
    ("y ~ x; z", ";", "has no meaning"),
    ("y ~ f(a=1)", "f(a=1)", "f() is not a function"),
    ("y ~ a = 1", "=", "'=' does not follow here"),
    ("y ~ a @ b", "@", "has no meaning"),
    ("y ~ " + "(" * 200 + "x" + ")" * 200, "(", "more than 100 levels"),
]


@pytest.mark.parametrize(("text", "marked", "message"), ERRORS)
def test_error_names_the_place_and_what_to_write(text: str, marked: str, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert text[caught.value.start : caught.value.stop] == marked
    carets = str(caught.value).splitlines()[-1]
    assert carets.index("^") == 4 + caught.value.start
    assert carets.count("^") == max(1, len(marked))


@pytest.mark.parametrize(("given", "message"), [("", "empty"), ("  ", "empty"), (3, "not int"), (None, "not NoneType")])
def test_not_a_formula(given: object, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        parse(given)  # type: ignore[arg-type]


def test_the_table_is_the_whole_dialect() -> None:
    assert len({text for text, *_ in [*READINGS, *ERRORS]}) >= 200


def test_names_of_callers_functions_are_read_and_written() -> None:
    formula = parse("y ~ clip(x, 3) + (clip(x, 3)|g)", functions=["clip"])
    assert formula.common == (INTERCEPT, Term(("clip(x, 3)",)))
    assert str(formula) == "y ~ clip(x, 3) + (clip(x, 3)|g)"
    assert parse(str(formula), functions=["clip"]) == formula
    assert formula.columns == ("y", "x", "g")
    assert str(parse("y ~ `Height(cm)`")) == "y ~ `Height(cm)`"  # a column, where there is no such function
    with pytest.raises(FormulaError, match="'log' is a function of formulas already"):
        parse("y ~ x", functions=["log"])
    with pytest.raises(FormulaError, match=r"'os.system\(1\)' is not a plain name"):
        parse("y ~ x", functions=["os.system(1)"])


def test_counts_and_proportions() -> None:
    assert parse("cbind(k, n - k) ~ x").response == Response("k", "n", "cbind(k, n - k)")
    assert parse("cbind(k, f) ~ x").response == Response("k", "I(k + f)", "cbind(k, f)")
    assert parse("cbind(k, n - j) ~ x").response == Response("k", "I(k + (n - j))", "cbind(k, n - j)")
    ratio = parse("k/n ~ x").response
    assert as_counts(ratio, "n") == Response("k", "n", "k/n")
    assert as_counts(Response("q"), "n") == Response("I(q * n)", "n", "q")
    assert str(as_counts(ratio, "m")) == "k/n"


def test_columns_are_those_of_the_data() -> None:
    formula = parse("log(y) ~ poly(x, 2) + I(a - b) + offset(log(n)) + (scale(x)|factor(g))")
    assert formula.columns == ("y", "x", "a", "b", "g", "n")
    assert formula.predictors == ("poly(x, 2)", "I(a - b)", "scale(x)")
    assert formula.offsets == ("log(n)",)
    assert formula.computed == ("log(y)", "poly(x, 2)", "I(a - b)", "scale(x)", "factor(g)", "log(n)")


def test_a_long_sum_is_read() -> None:
    terms = [f"x{i}" for i in range(900)]
    assert parse(f"y ~ {' + '.join(terms)}").predictors == tuple(terms)


def test_blocks_say_what_varies_by_what_and_whether_correlated() -> None:
    formula = parse("y ~ x + c + (x|g) + (0 + c||a:b)")
    assert formula.blocks == (
        Block((INTERCEPT, Term(("x",))), Term(("g",)), correlated=True),
        Block((Term(("c",)),), Term(("a", "b")), correlated=False),
    )
    assert formula.has_intercept
    assert formula.variables == ("y", "x", "c", "g", "a", "b")
    assert formula.group_variables == ("g", "a", "b")


def test_double_bar_expands_as_in_lme4() -> None:
    blocks = parse("y ~ x + (x + z||g)").expanded_blocks()
    assert [str(block) for block in blocks] == ["(1|g)", "(0 + x|g)", "(0 + z|g)"]
    assert all(block.correlated for block in blocks)


def test_a_formula_that_was_read_is_passed_through() -> None:
    formula = parse("y ~ x + (x|g)")
    assert parse(formula) is formula


def test_formula_is_frozen_and_hashable() -> None:
    formula = parse("y ~ x + (x|g)")
    assert hash(formula) == hash(parse("y ~ x + (1 + x | g)"))
    with pytest.raises(AttributeError):
        formula.common = ()  # type: ignore[misc]
