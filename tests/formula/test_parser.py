"""What each formula means, or the exact message and place where it cannot be read."""

from __future__ import annotations

import pytest

from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Block, Term
from hlm.formula.parser import parse

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
    ("y ~ x^2", "y ~ x"),
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
    ("y ~ x*(1|g)", "x*(1|g)", "can only be added"),
    ("y ~ x - (1|g)", "x - (1|g)", "cannot be subtracted"),
    ("y ~ x + (1|g) + (x|g)", "(x|g)", "Write (x|g) (correlated) or (x||g) (not correlated)"),
    ("y ~ x + (x|g) + (0 + x|g)", "(0 + x|g)", "effect of x varies by g twice"),
    ("y ~ (1|g) + (1|g)", "(1|g)", "stands twice"),
    ("y ~ (1|a:b) + (1|b:a)", "(1|b:a)", "stands twice"),
    ("y ~ (1|id|g)", "(1|id|g)", "brms's (x|id|g)"),
    ("y ~ (0|g)", "0", "Nothing varies"),
    ("y ~ (1|2)", "2", "a grouping column"),
    ("y ~ (1|g + h)", "g + h", "(1|g) + (1|h)"),
    ("y ~ (1|factor(g))", "factor(g)", "compute factor(g) as a new column"),
    ("y ~ (g|g)", "(g|g)", "both sides of the bar"),
    ("y ~ x + (1|g", "(", "never closed"),
    ("y ~ x)", ")", "never opened"),
    ("y ~ (|g)", "|", "missing before '|'"),
    ("y ~ (x|)", ")", "missing before ')'"),
    ("y ~ ", "", "ends where a name is expected"),
    ("y ~ x +", "", "ends where a name is expected"),
    ("y ~ x z", "z", "an operator such as + or : is missing"),
    ("y ~ x ~ z", "~", "one '~' only"),
    ("y", "y", "There is no '~'"),
    ("~ x", "~ x", "response is missing"),
    ("y ~ y + x", "y + x", "also stands on the right"),
    ("y ~ x + (y|g)", "x + (y|g)", "also stands on the right"),
    ("log(y) ~ x", "log(y)", "must be one column"),
    ("y + z ~ x", "y + z", "must be one column"),
    ("cbind(k, n - k) ~ x", "cbind(k, n - k)", "p(k, n)"),
    ("p(k) ~ x", "p(k)", "p(k, n)"),
    ("p(k, 2) ~ x", "p(k, 2)", "p(k, n)"),
    ("y ~ log(x)", "log(x)", "compute log(x) as a new column"),
    ("y ~ I(x^2)", "I(x^2)", "compute I(x^2) as a new column"),
    ("y ~ __import__('os')", "__import__('os')", "as a new column"),
    ("y ~ .", ".", "name the columns"),
    ("y ~ 2*x", "2", "Only 0 and 1"),
    ("y ~ x^z", "x^z", "whole number"),
    ("y ~ x^9", "x^9", "between 1 and 8"),
    ("y ~ 'x'", "'x'", "Only 0 and 1"),
    ("y ~ x $ z", "$", "has no meaning"),
    ("y ~ x[1]", "[", "round parentheses"),
    ("y ~ `x", "`", "never closed"),
    ("y ~ ``", "``", "empty"),
    ("y ~ 'x", "'", "never closed"),
    ("y ~ x; z", ";", "has no meaning"),
    ("y ~ f(a=1)", "=", "Named arguments"),
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
