"""Every formula that a message of `hlm.formula` proposes can be read: those in its source, and those made for an input.

Where the whole formula is proposed, it also passes `lint` without an error and is fitted.
"""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import hlm
from hlm.errors import FormulaError
from hlm.formula.allowed_functions import BESIDE_THE_RESPONSE, FUNCTIONS, REFUSED
from hlm.formula.parser import parse

FOLDER = Path(hlm.__file__).parent / "formula"
# what follows these words, up to the end of the piece, is to be typed
ANNOUNCED = re.compile(r"\b(?:[Ww]rite|as in|write for example)\s+(?:\+ )?")


def balanced(text: str, start: int) -> str | None:
    """The text from an opening bracket to the one that closes it."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return text[start : i + 1]
    return None


def pieces(message: str) -> Iterator[str]:
    """The formulas in a message, and its bars and calls as formulas."""
    for found in re.finditer(
        r"(?:`[^`]+`|[\w.]+(?:\([^()]*\))?) ?~ ?[^'\"~]*?(?=[,;]? (?:with|for|and|or|to|where)\b|[.;:,]?$|[.:;] |, )",
        message,
    ):
        yield found.group()
    for found in re.finditer(r"([\w.]*)\(", message):
        call = balanced(message, found.end() - 1)
        if call is None:
            continue
        if "|" in call and found[1] in ("", "us", "diag"):
            yield f"response ~ 1 + {call}"
        elif found[1] in FUNCTIONS and len(call) > 2 and found[1] not in ("offset", "interaction"):
            yield f"response ~ {found[1]}{call}"
        elif found[1] in ("p", "cbind"):
            yield f"{found[1]}{call} ~ 1"


def texts_in_source() -> Iterator[str]:
    """The texts of all messages: those that raise, and those of the tables; what is filled in stands as x."""
    for file in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(file.read_text())
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {ast.get_docstring(n, clean=False) for n in ast.walk(tree) if isinstance(n, documented)}
        inside = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            elif not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in inside:
                continue
            elif node.value not in docstrings:
                yield re.sub(r"\{\w+(?:!r)?\}", "x", node.value.replace("{y}", "y").replace("{right}", "1 + (1|g)"))


SOURCE = sorted({piece for text in texts_in_source() if ANNOUNCED.search(text) for piece in pieces(text)})


def test_the_source_has_many_hints() -> None:
    assert len(SOURCE) >= 35


@pytest.mark.parametrize("hint", SOURCE)
def test_hints_in_the_source_are_read(hint: str) -> None:
    hlm.parse(hint)


WRONG = [
    "bdi = week + (1|g)", "bdi == week + (1|g)", "bdi score ~ week + (1|g)", "bdi score = week + (1|g)",
    "y ~ log(my x) + (1|g)", "y ~ x + (1|my group)", "y ~ x | g", "y ~ (1|g + h)", "y ~ (1|g) + (x|g)", "y + z ~ x",
    "y | se(s) ~ 1 + (1|g)", "y | weights(n) ~ x + (1|g)", "k | trials(n) ~ x + (1|g)", "y | mi() ~ x + (1|g)",
    "y | cens(c) ~ x", "y | rate(n) ~ x + (1|g)", "y | subset(c) ~ x + (1|g)", "y | g ~ x", "y | thres(3) ~ x + (1|g)",
    "y ~ a:1", "y ~ x^0.5", "y ~ x^n", "y ~ x > 2", "y ~ x %% 2", "y ~ interaction(a, b)", "y ~ x + z*offset(x)",
    "p(k) ~ x", "cbind(k) ~ x", "y/2 ~ x", "y ~ 2*x", "y ~ dummy(f)", "y ~ mean_by(x)", "y ~ C(f, foo)",
    'y ~ I(f > "a")', "y ~ foo::bar(x)", "y ~ ns(x, 3, 4)", "y ~ (|g)", "y ~ cs(1|g)", "y ~ ar1(time|g)", "y ~ trials(n)",
    "y ~ (x|i|g)", "y ~ (0|g)", "y ~ (factor(g)|g:poly(x, 2))", "y ~ x + (x|)", "y", "", "~ x", "y ~ x ~ z",
    "k | trials(10) ~ x", "y | se(sqrt(v)) ~ x + (1|g)", "a:b ~ x", "y > 3 ~ x", "-y ~ x", "y ~ x + 'a'",
    *(f"y ~ {name}(x, z) + (1|g)" for name in (*REFUSED, *BESIDE_THE_RESPONSE)),
    *(f"y | {name}(sqrt(n)) ~ x + (1|g)" for name in BESIDE_THE_RESPONSE),
    *(f"y ~ x + {name}(0 + x|g)" for name in ("exp", "gau", "mat", "propto", "equalto", "ar1", "toep", "foo")),
    *(row[0] for row in runpy.run_path(str(Path(__file__).with_name("test_parser.py")))["ERRORS"]),
    *runpy.run_path(str(Path(__file__).parents[1] / "bad_input" / "test_formulas.py"))["CASES"],
    *(f"y ~ {name}({inside})" for name in FUNCTIONS for inside in ("", "x = 2", "'a'", "x, y, z, 4", "x, 'a', 2")),
]  # fmt: skip


def refusal(text: str) -> FormulaError | None:
    try:
        hlm.parse(text)
    except FormulaError as error:
        return error
    return None


def test_hints_for_an_input_are_read() -> None:
    errors = [error for error in map(refusal, dict.fromkeys(WRONG)) if error is not None]
    hints = [
        (error.message, hint)
        for error in errors
        for hint in pieces(error.message)
        if hint.removeprefix("response ~ ") not in error.formula  # what was typed
    ]
    hints += [(error.message, error.instead) for error in errors if error.instead is not None]
    assert len(errors) > 280 and len(hints) > 250
    assert [pair for pair in hints if refusal(pair[1]) is not None] == []


WHOLE = {  # what is typed, and what its message proposes
    "bdi = week + (1|g)": "bdi ~ week + (1|g)",
    "bdi == week + (1|g)": "bdi ~ week + (1|g)",
    "bdi score ~ week + (1|g)": "`bdi score` ~ week + (1|g)",
    "bdi score = week no + (week no|therapy group 1)": "`bdi score` ~ `week no` + (`week no`|`therapy group 1`)",
    "bdi ~ sqrt(week no) + (1|g)": "bdi ~ sqrt(`week no`) + (1|g)",
    "bdi <- week + (1|g)": "bdi ~ week + (1|g)",
    "bdi \N{TILDE OPERATOR} week \N{EN DASH} 1 + (1|g)": "bdi ~ week - 1 + (1|g)",
    "bdi ~ I(g == \N{LEFT DOUBLE QUOTATION MARK}a\N{RIGHT DOUBLE QUOTATION MARK}) + (1\N{DIVIDES}g2)": 'bdi ~ I(g == "a") + (1|g2)',
    "bdi ~ week (week|g)": "bdi ~ week + (week|g)",
    "bdi ~ us (week|g)(1|g2)": "bdi ~ us (week|g) + (1|g2)",
    "bdi = I(week / 2) (1|g) (1|g2)": "bdi ~ I(week / 2) + (1|g) + (1|g2)",
    "bdi | se(s) ~ week + (1|g)": "bdi ~ week + (1|g)",
    "bdi | weights(s) ~ week + (1|g)": "bdi ~ week + (1|g)",
    "bdi | mi() ~ week + (1|g)": "bdi ~ week + (1|g)",
    "bdi | rate(s) ~ week + (1|g)": "bdi ~ offset(log(s)) + week + (1|g)",
    "bdi ~ week > 2 + (1|g)": "bdi ~ I(week > 2) + (1|g)",
    'bdi ~ week + g2 == "w1" + (1|g)': 'bdi ~ week + I(g2 == "w1") + (1|g)',
    "bdi ~ week no > +1 + (1 + week == 2|g)": "bdi ~ I(`week no` > +1) + (1 + I(week == 2)|g)",
    "bdi ~ week + (week|id|g)": "bdi ~ week + (week|g)",
    "bdi ~ 'week' + (1|g)": "bdi ~ week + (1|g)",
}


CALLS = {
    "y ~ ordered(f) + (1|g)": "y ~ C(f, Poly) + (1|g)", "y ~ contr.sum(f) + (1|g)": "y ~ C(f, Sum) + (1|g)",
    "y ~ rcs(x, 4) + (1|g)": "y ~ ns(x, df = 4) + (1|g)", "y ~ lo(x) + (1|g)": "y ~ ns(x, df = 4) + (1|g)",
    "y ~ as.integer(x) + (1|g)": "y ~ x + (1|g)", "y ~ lag(x) + (1|g)": None, "y ~ relevel(f, 'v') + (1|g)": None,
    "y ~ ar1(x + 0|g)": None, "y ~ as.numeric(x) + (1|g)": "y ~ x + (1|g)", "y ~ x + (1|gr(g))": "y ~ x + (1|g)",
    "y ~ x + exp(x|g)": None, "y ~ weights(x) + f + (1|g)": "y ~ f + (1|g)", "y ~ f*weights(x) + (1|g)": None, "y ~ x + se(x) + (1|g)": None, "y ~ x + f*interaction(f, g)": "y ~ x + f*f:g",
}  # fmt: skip


@pytest.mark.parametrize("text", CALLS)
def test_a_call_of_another_program_has_a_proposal_that_means_the_same_or_none(text: str) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"g": np.repeat(list("abcdef"), 12), "f": np.tile(list("uvw"), 24), "x": rng.normal(size=72)})
    frame["y"] = rng.normal(size=72)
    finding = hlm.lint(text, frame)[0]
    assert finding.severity == "error" and finding.instead == CALLS[text]
    if finding.instead is not None:
        assert not hlm.lint(finding.instead, frame).errors


@pytest.mark.parametrize("text", WHOLE)
def test_a_whole_formula_that_is_proposed_passes_lint_and_fits(text: str) -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"g": np.repeat(list("abcdefghij"), 8), "week": np.tile(np.arange(8), 10), "s": 0.5})
    frame["g2"] = frame["week"].map("w{}".format)
    frame["bdi"] = rng.normal(size=10)[np.repeat(np.arange(10), 8)] + 0.2 * frame["week"] + rng.normal(size=80)
    frame = frame.assign(**{"bdi score": frame["bdi"], "week no": frame["week"], "therapy group 1": frame["g"]})
    with pytest.raises(FormulaError) as caught:
        hlm.parse(text)
    instead = WHOLE[text]
    (found,) = hlm.lint(text)
    assert found.severity == "error" and found.instead == instead == caught.value.instead
    assert not [finding for finding in hlm.lint(instead, frame) if finding.severity == "error"]
    assert np.isfinite(hlm.predict(hlm.fit(instead, frame, draws=100, seed=1), frame)["estimate"]).all()


def test_a_column_with_a_bracket_in_its_name_is_asked_for() -> None:
    with pytest.raises(FormulaError, match=r"Then write `Score \(points\)`, in back-quotes"):
        parse("Score (points) ~ x + (1|g)")
    assert parse("`Score (points)` ~ x + (1|g)").columns[0] == "Score (points)"
    with pytest.raises(FormulaError) as caught:
        parse("y ~ nonsense(x) + (1|g)")
    assert "back-quotes" not in str(caught.value)
