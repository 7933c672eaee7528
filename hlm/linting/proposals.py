"""Proposals that hold: what `lint` says to write can be read, and can be fitted to the same data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hlm.data.clean_data import CleanData
from hlm.data.column_checks import check_varies
from hlm.data.transforms import Functions
from hlm.errors import FormulaError, HlmError
from hlm.formula.expansion import expanded
from hlm.formula.parser import parse
from hlm.formula.response import with_weights
from hlm.linting.findings import Finding
from hlm.model.families import Family, chosen_link
from hlm.model.resolve import resolve

_MOST_STEPS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What `lint` was asked, besides the formula."""

    family: Family
    functions: Functions
    weights: str | None = None
    frame: Any = None  # behind narwhals; None without data
    small: bool = True  # whether the columns of the formula can be made in no time

    def problem(self, formula: str, data: CleanData | None = None) -> str | None:
        """Why a formula cannot be fitted as written; None where it can.

        data: those of the formula, where they are clean already but for columns that do not vary.
        """
        try:
            read = with_weights(parse(formula, functions=tuple(self.functions)), self.weights, self.family)
            if data is not None:
                check_varies(expanded(read, data.expansions), data.columns)
            if self.frame is not None and self.small:
                resolve(
                    formula, self.frame if data is None else data, family=self.family.name,
                    link=chosen_link(self.family), weights=self.weights,
                    functions=self.functions or None,
                )  # fmt: skip
        except FormulaError as problem:
            return problem.message
        except HlmError as problem:
            return str(problem)
        return None


type Find = Callable[[str, Question], Sequence[Finding]]


def with_proposals_that_hold(found: Sequence[Finding], asked: Question, find: Find) -> Iterator[Finding]:
    """The findings, each with a proposal that can be fitted, or with none.

    Where a proposal still has another error, what mends that one is written instead.

    find: gives the findings of a formula.
    """
    known: dict[str, str | None] = {}
    for finding in found:
        if finding.instead is not None and finding.instead not in known:
            known[finding.instead] = _mended(finding.instead, asked, find)
        yield finding if finding.instead is None else replace(finding, instead=known[finding.instead])


def _mended(text: str, asked: Question, find: Find) -> str | None:
    """A proposal without errors: this one, or what the findings about it say to write."""
    for _ in range(_MOST_STEPS):
        problem = asked.problem(text)
        if problem is None and asked.frame is not None and asked.small:
            return text
        try:
            errors = [finding for finding in find(text, asked) if finding.severity == "error"]
        except HlmError:  # no use for the weights
            return None
        if problem is None and not errors:
            return text
        better = next((finding.instead for finding in errors if finding.instead is not None), None)
        if better is None:
            return None
        text = better
    return None
