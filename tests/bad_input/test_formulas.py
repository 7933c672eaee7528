"""Formulas that cannot be read: the message, the place, and what to write instead; the same on the command line."""

from __future__ import annotations

import pytest

import hlm
from hlm.cli import main
from hlm.errors import FormulaError

CASES = {
    "": "The formula is empty; write for example 'y ~ x + (x|g)'.",
    "y": "There is no '~': write the response, then '~', then the predictors, as in y ~ x.",
    "~ x": "The response is missing before '~'.",
    "y ~": "The formula ends where a name is expected.",
    "y ~ x ~ z": "A formula has one '~' only.",
    "y ~ x | g": "The bar '|' must stand inside parentheses. To let the intercept vary by g write (1|g)",
    "y ~ (x|g": "This '(' is never closed.",
    "y ~ x)": "This ')' was never opened.",
    "y ~ (x|)": "A name is missing before ')'.",
    "y ~ (|g)": "A name is missing before '|'.",
    "y ~ (x|g|h)": "One bar only inside parentheses: brms's name between two bars is not read. Write (x|h).",
    "y ~ (1|g + h)": "Write one bar each, as in (1|g) + (1|h), or (1|g:h) for their cells.",
    "y ~ x - (1|g)": "A bar cannot be subtracted: leave it out.",
    "y ~ y + (1|g)": "The response y also stands on the right of '~'.",
    "y ~ 2*x": "Only 0 and 1 (without and with intercept) can stand as numbers in a formula.",
    "y ~ x^0.5": "for a square write I(x^2).",
    "y ~ foo(x)": "or, in Python, pass functions={'foo': ...}.",
    "y ~ log(x, 2)": "Write log(x).",
    "y ~ `x": "This back-quote is never closed: a back-quoted name is written `like this`.",
    "y ~ \u200bx": "The character '\\u200b' has no meaning in a formula",
    "y ~ x\N{MINUS SIGN}z": "is not the character -. Write y ~ x-z",
    "p(k) ~ x": "Write p(k, n): the column of successes, then the column of trials.",
    "y + z ~ x": "For arithmetic write I(y + z).",
}


@pytest.mark.parametrize("text", CASES)
def test_what_cannot_be_read_is_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FormulaError) as caught:
        hlm.parse(text)
    assert CASES[text] in str(caught.value)
    assert main(["explain", text]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"hlm: {caught.value}\n"
