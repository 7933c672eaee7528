"""Random formulas: each reads as lme4 reads it, or is refused with a place, for a reason that is counted.

`tests/reference/generated_readings.py` has the grammar; lme4's readings of 400 formulas are stored beside it.
"""

from __future__ import annotations

import importlib.util
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.errors import FormulaError
from hlm.formula.function_calls import shown
from hlm.formula.parser import parse
from hlm.model.design import Design
from hlm.model.design_columns import Columns

REFERENCE = Path(__file__).parents[1] / "reference"
SPEC = importlib.util.spec_from_file_location("generated_readings", REFERENCE / "generated_readings.py")
assert SPEC is not None and SPEC.loader is not None
GRAMMAR = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GRAMMAR)
READINGS: list[dict[str, Any]] = json.loads((REFERENCE / "generated_readings.json").read_text())
FRAME: pd.DataFrame = GRAMMAR.frame()
WEIGHT = np.cos(np.arange(1, 73))  # a column is stored as its sum with these weights
ROUNDED = 2e-6  # sums are stored with 6 decimals

# part of the message -> its kind: all that a formula of this grammar may be refused for
REFUSALS = {
    "stands on both sides of the bar": "a factor varies by itself",
    "stands twice: leave one out": "the same bar twice",
    "its two standard deviations cannot be told apart": "an effect varies twice by one factor",
    "The 1 of the intercept cannot stand in a product": "1 in a product",
    "There is no term before '/'": "nothing to nest in",
    "Nothing varies in this bar": "an empty bar",
}
# part of the formula -> what lme4 1.1-31 stops at, though it says what is meant
NOT_LME4S = {"(1||": "(1||g)", "|factor(k)": "factor(g) as a group", "|(b/m)": "a group in parentheses"}
AS_LME4 = "read as lme4 reads it"


def test_what_became_of_the_formulas() -> None:
    """A change of these counts is a change of the dialect: say it in the CHANGELOG."""
    assert Counter(outcome(r) for r in READINGS) == {
        AS_LME4: 302,
        "read here, not by lme4: (1||g)": 42,
        "read here, not by lme4: factor(g) as a group": 3,
        "read here, not by lme4: a group in parentheses": 3,
        "every level, where R leaves one out because of a longer term": 3,
        "a factor varies by itself": 22,
        "an effect varies twice by one factor": 16,
        "the same bar twice": 4,
        "1 in a product": 4,
        "an empty bar": 1,
    }


def outcome(r: dict[str, Any]) -> str:
    """Compares a reading with lme4's, and says what it was."""
    text = r["formula"]
    try:
        formula, data = formula_and_data(text, FRAME)
        design = Design(formula, data)
        fixed, blocks = design.common, design.blocks
    except FormulaError as problem:
        return refusal(problem)
    if "error" in r:
        return f"read here, not by lme4: {next(why for part, why in NOT_LME4S.items() if part in squeezed(text))}"
    if longer_term_decides(fixed, data, r):
        return "every level, where R leaves one out because of a longer term"
    check_columns(fixed, data, r)
    offset = 0.0 if data.offset is None else data.offset @ WEIGHT
    assert offset == pytest.approx(r["offset"], abs=ROUNDED), text
    assert len(blocks) == len(r["blocks"]), text
    for (block, effects), theirs in zip(blocks, matching(blocks, data, r), strict=True):
        check_columns(effects, data, theirs)
        assert len(data.levels(block.group)) == theirs["levels"], text
        # the same rows together, whatever the groups are called
        partition = (np.bincount(data.codes(block.group), WEIGHT) ** 2).sum()
        assert partition == pytest.approx(theirs["partition"], abs=ROUNDED), text
    return AS_LME4


def refusal(problem: FormulaError) -> str:
    """The kind of a refusal; one without a place, or for a reason that is not in the table, fails."""
    assert problem.formula, problem
    assert 0 <= problem.start < problem.stop <= len(problem.formula), problem
    return next(kind for message, kind in REFUSALS.items() if message in problem.message)


def matching(blocks: Any, data: CleanData, r: dict[str, Any]) -> list[dict[str, Any]]:
    """lme4's block for each of ours: the same factor, and our effects among its own."""
    found = []
    for block, effects in blocks:
        names, group = set(rs_names(effects, data)), rs_group(":".join(block.group.variables))
        same = [b for b in r["blocks"] if rs_group(b["group"]) == group and names <= set(map(alike, b["fixed"]))]
        assert len(same) == 1, (r["formula"], group, names)
        found.append({**same[0], "formula": r["formula"]})
    return found


def longer_term_decides(ours: Columns, data: CleanData, r: dict[str, Any]) -> bool:
    """R codes c in x:c by contrasts as soon as a longer term before it holds x, as z:x does; then the model depends on
    the order of the terms and on which level is the first. Here x:c has every level unless x itself is a term."""
    return {alike(e) for e in r["fixed"]} < set(rs_names(ours, data))


def check_columns(ours: Columns, data: CleanData, r: dict[str, Any]) -> None:
    """Names and values; without an intercept R gives the first factor one column more, which adds nothing to the span."""
    names = rs_names(ours, data)
    theirs = dict(zip(map(alike, r["fixed"]), r["sums"], strict=True))
    assert len(theirs) == len(r["fixed"]) and set(names) <= set(theirs), r["formula"]
    sums = ours.matrix.T @ WEIGHT
    np.testing.assert_allclose(sums, [theirs[name] for name in names], atol=ROUNDED, rtol=0, err_msg=r["formula"])
    rank = np.linalg.matrix_rank(ours.matrix) if names else 0
    assert rank == r["rank"], r["formula"]
    # columns that others explain are left out here; lme4 leaves them out after this point
    assert len(names) in (len(theirs), rank) or "(Intercept)" not in names, r["formula"]


def rs_names(design: Columns, data: CleanData) -> list[str]:
    """R's names of our columns, made `alike`."""
    names = []
    for term, label in zip(design.terms, design.labels, strict=True):
        levels = iter(label.removeprefix(f"{term.name}[").removesuffix("]").split(", "))
        parts = [v + next(levels) if data.columns[v].dtype == "category" else v for v in term.variables]
        names.append(alike(shown(":".join(parts)) or "(Intercept)"))
    return names


def alike(name: str) -> str:
    """A name whatever the order of its factors, R's back-quotes and its spelling of true."""
    plain = name.replace("`", "").replace(" %in% ", ":").replace("TRUE", "True").replace("FALSE", "False")
    return ":".join(sorted(plain.split(":")))


def rs_group(name: str) -> str:
    """Cells whatever the order of their factors: lme4 writes ``a/b/c`` as ``c:(b:a)``."""
    return ":".join(sorted(name.replace("(", "").replace(")", "").split(":")))


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(st.randoms(use_true_random=False))
def test_what_is_printed_reads_back_as_the_same(rng: random.Random) -> None:
    text = GRAMMAR.random_formula(rng)
    try:
        formula = parse(text)
    except FormulaError as problem:
        refusal(problem)
        return
    assert parse(str(formula)) == formula
    assert str(parse(str(formula))) == str(formula)
    spaced = text.replace("\t", "\n").replace(" ", "   ").replace("my   col", "my col")
    assert parse(f" {spaced} ") == formula
