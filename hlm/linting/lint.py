"""`lint`: what stands in a formula that its writer may not mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.clean_data import CleanData, clean
from hlm.data.missing_values import complete_rows
from hlm.data.pandas_polars_arrow import narwhalize
from hlm.data.transforms import Functions, learn
from hlm.errors import DataError, FormulaError, closest, nearest
from hlm.formula.expansion import expanded
from hlm.formula.formula import ALL_OTHERS, Formula, quote
from hlm.formula.function_calls import read_call, shown
from hlm.formula.parser import parse
from hlm.formula.response import with_weights
from hlm.formula.tokens import Token
from hlm.linting.case import Case, DataCase
from hlm.linting.check_arithmetic import dropped_arithmetic
from hlm.linting.check_cells import CELL_CHECKS
from hlm.linting.check_columns import COLUMN_CHECKS
from hlm.linting.check_groups import GROUP_CHECKS
from hlm.linting.check_labels import LABEL_CHECKS
from hlm.linting.check_nesting import NESTING_CHECKS
from hlm.linting.check_response import RESPONSE_CHECKS, trials_and_family
from hlm.linting.check_separation import SEPARATION_CHECKS
from hlm.linting.check_several_factors import FACTOR_CHECKS
from hlm.linting.check_syntax import SYNTAX_CHECKS
from hlm.linting.collinear_columns import is_small
from hlm.linting.findings import Finding, Findings, sorted_findings
from hlm.linting.proposals import Question, with_proposals_that_hold
from hlm.linting.rewritten_formulas import renamed
from hlm.linting.unreadable_formulas import unreadable
from hlm.model.families import get_family
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import check_functions

if TYPE_CHECKING:
    import pandas as pd


FORMULA_CHECKS = (trials_and_family, *SYNTAX_CHECKS, dropped_arithmetic)
DATA_CHECKS = (
    *FORMULA_CHECKS, *COLUMN_CHECKS, *LABEL_CHECKS, *CELL_CHECKS, *SEPARATION_CHECKS, *GROUP_CHECKS, *NESTING_CHECKS,
    *FACTOR_CHECKS, *RESPONSE_CHECKS,
)  # fmt: skip


@one_blas_thread()
def lint(
    formula: str | Formula,
    data: Any = None,
    *,
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
) -> Findings:
    """Say what a formula means that its writer may not have meant, and what to write instead. Nothing is fitted.

    Parameters
    ----------
    formula : str
        In lme4's dialect; a formula that cannot be read is a finding, too.
    data : data frame, optional
        pandas, polars, pyarrow, or anything narwhals reads. Without it only the formula is checked.
    family : str
        Bambi's name of the response distribution.
    link : str, optional
        The family's link function, as in `fit`; by default its own.
    weights : str, optional
        The column of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``.
    functions : mapping of str to callable, optional
        Your own functions by the names that the formula calls them, as in `fit`; without data only their names count.

    Returns
    -------
    Findings
        A sequence of `Finding`, errors first: ``code``, ``severity`` (``"error"``: cannot be fitted as written,
        ``"warning"``: probably not what is meant, ``"note"``: good to know), ``place`` and ``text`` in the formula,
        ``message``, ``instead`` (a formula that can be read and, with data, fitted to them; or None). Each code has a
        section in ``docs/lint.md``. No finding does not mean that the model is right.

    Raises
    ------
    FormulaError
        If the formula is not text, or is empty.
    DataError
        If the data are no data frame.
    FitError
        If there is no such family or link, or no use for the weights.

    Examples
    --------
    >>> print(lint("y ~ x + (0 + z|g)"))
    y ~ x + (0 + z|g): 1 warning, 1 note (formula alone; with the data more can be checked).
    <BLANKLINE>
    warning: slope-without-common-effect
        y ~ x + (0 + z|g)
                ^^^^^^^^^
      z varies by g but is no common term: the groups' slopes then vary around zero, and partial
      pooling pulls each of them to zero instead of to their mean.
      write: y ~ x + z + (0 + z|g)
    <BLANKLINE>
    note: slope-without-intercept
        y ~ x + (0 + z|g)
                ^^^^^^^^^
      The slope of z varies by g but the intercept does not: the lines of all groups go through one
      point, at z = 0. Without '0 +' the intercepts vary, too.
      or: y ~ x + (z|g)
    >>> lint("y ~ x | g")[0].instead
    'y ~ x + (x|g)'
    """
    chosen = get_family(family, link)
    frame = None if data is None else narwhalize(_as_given(formula, data) if isinstance(data, CleanData) else data)
    read = formula if isinstance(formula, str) else parse(formula)
    if not str(read).strip():
        parse(read)  # says that it is empty
    check_functions(functions)
    found, asked = _asked(read, Question(chosen, functions or {}, weights, frame))
    kept = with_proposals_that_hold(found, asked, lambda text, question: _asked(text, question)[0])
    return Findings(str(read), sorted_findings(list(kept)), with_data=data is not None)


def _as_given(formula: str | Formula, data: CleanData) -> pd.DataFrame:
    """Clean data as a frame, with the labels of a response that was made 0 and 1."""
    import pandas as pd

    columns = data.columns.reset_index(drop=True)
    for label in columns.select_dtypes("category"):
        columns[label] = columns[label].cat.as_unordered()
    response = str(formula).partition("~")[0].strip()
    if data.labels and (name := next((c for c in columns if response in (c, quote(str(c)))), None)):
        columns[name] = pd.Categorical.from_codes(columns[name].astype(int).tolist(), pd.Index(data.labels))
    return columns


def _asked(formula: str | Formula, question: Question) -> tuple[list[Finding], Question]:
    """All findings of a formula, and the question with what the data told about it."""
    text = str(formula)
    try:
        read = parse(formula, functions=tuple(question.functions))
        read = with_weights(read, question.weights, question.family)
    except FormulaError as problem:
        return unreadable(text, problem, tuple(question.functions)), question
    case = Case(text, read, question.family)
    if question.frame is None:
        return [finding for check in FORMULA_CHECKS for finding in check(case)], question
    try:
        whole = _with_columns(case, question)
    except (DataError, FormulaError) as problem:
        found = list(_unusable(case, question, problem))
        return [*found, *(finding for check in FORMULA_CHECKS for finding in check(case))], question
    question = replace(question, small=is_small(whole))
    with np.errstate(over="ignore", invalid="ignore"):  # products of numbers near float64's limit
        found = [finding for check in DATA_CHECKS for finding in check(whole)]
    if not any(finding.severity == "error" for finding in found) and (why := question.problem(text, whole.data)):
        found.append(case.finding("cannot-be-fitted", why))
    return found, question


def _with_columns(case: Case, question: Question) -> DataCase:
    """The case with the complete rows of its data."""
    precisions = question.weights if question.family.weights == "precisions" else None
    data = clean(
        case.formula, question.frame, family=question.family, weights=precisions, functions=question.functions,
        must_vary=False,
    )  # fmt: skip
    named = {name: found for name, found in data.expansions.items() if name == ALL_OTHERS}
    return DataCase(case.text, expanded(case.formula, named), case.family, data, question.frame)


def _unusable(case: Case, question: Question, problem: DataError | FormulaError) -> Iterator[Finding]:
    """Why the columns cannot be had: misspelt, outside of what a function takes, or something else."""
    available = list(question.frame.columns)
    missing = [name for name in case.formula.columns if name not in available]
    near = {name: found[0] for name in missing if (found := closest(name, available))}
    instead = renamed(case.text, near) if len(near) == len(missing) else None
    for name in missing:
        message = f"The data have no column {name!r}. {nearest(name, available)}"
        yield case.finding("missing-column", message, at=name, instead=instead)
    without = [] if missing else list(_without_value(case, question))
    yield from without
    if not missing and not without:
        named = next((name for name in case.formula.columns if repr(name) in str(problem)), None)
        yield case.finding("unusable-data", str(problem), at=named, instead=problem.instead)


def _without_value(case: Case, question: Question) -> Iterator[Finding]:
    """``log(x)`` where x is 0: every function that has no finite value in some row."""
    if not set(case.formula.functions) <= set(question.functions):
        return  # the caller's own were not passed
    try:
        _, sources, _ = complete_rows(case.formula, case.formula.columns, question.frame)
    except (DataError, FormulaError):
        return  # there is another reason
    for variable in case.formula.computed:
        try:
            learn(variable, sources, question.functions)
        except DataError as problem:
            instead = _log1p(variable, case, sources)
            yield case.finding("function-without-value", str(problem), at=variable, instead=instead)


def _log1p(variable: str, case: Case, sources: pd.DataFrame) -> str | None:
    """``log1p(x)`` for the logarithm of a column with zeros, but nothing below."""
    call = read_call(variable)
    inner = call.args[0]
    if call.name != "log" or not isinstance(inner, Token):
        return None
    column = sources[inner.text]
    if column.dtype == "category" or float(column.min()) < 0:
        return None
    return case.text.replace(shown(variable), f"log1p({inner.text})")
