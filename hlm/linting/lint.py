"""`lint`: what stands in a formula that its writer may not mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hlm.errors import DataError, FormulaError, closest, nearest
from hlm.families import get_family
from hlm.formula.formula import Formula
from hlm.formula.parser import parse
from hlm.frame import clean
from hlm.linting.case import Case, DataCase
from hlm.linting.columns import COLUMN_CHECKS
from hlm.linting.findings import Finding, Findings, sorted_findings
from hlm.linting.groups import GROUP_CHECKS
from hlm.linting.ids import ID_CHECKS
from hlm.linting.repair import unreadable
from hlm.linting.response import RESPONSE_CHECKS, trials_and_family
from hlm.linting.rewrite import renamed
from hlm.linting.syntax import SYNTAX_CHECKS
from hlm.reading import narwhalize


def lint(formula: str | Formula, data: Any = None, *, family: str = "gaussian") -> Findings:
    """Say what a formula means that its writer may not have meant, and what to write instead. Nothing is fitted.

    Parameters
    ----------
    formula : str
        In lme4's dialect; a formula that cannot be read is a finding, too.
    data : data frame, optional
        pandas, polars, pyarrow, or anything narwhals reads. Without it only the formula is checked.
    family : str
        Bambi's name of the response distribution.

    Returns
    -------
    Findings
        A sequence of `Finding`, errors first: ``code``, ``severity`` (``"error"``: cannot be fitted as written,
        ``"warning"``: probably not what is meant, ``"note"``: good to know), ``place`` and ``text`` in the formula,
        ``message``, ``instead`` (a formula, or None). Each code has a section in ``docs/lint.md``. No finding does not
        mean that the model is right.

    Raises
    ------
    FormulaError
        If the formula is no text, or is empty.
    DataError
        If the data are no data frame.
    FitError
        If there is no such family.

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
    chosen = get_family(family)
    frame = None if data is None else narwhalize(data)
    text = formula if isinstance(formula, str) else str(parse(formula))
    try:
        read = parse(formula)
    except FormulaError as problem:
        if not text.strip():
            raise
        return Findings(text, sorted_findings(unreadable(text, problem)), with_data=data is not None)
    case = Case(text, read, chosen)
    found = list(trials_and_family(case))
    if frame is None:
        found += [finding for check in SYNTAX_CHECKS for finding in check(case)]
    else:
        found += _with_data(case, frame)
    return Findings(text, sorted_findings(found), with_data=data is not None)


def _with_data(case: Case, frame: Any) -> Iterator[Finding]:
    """All checks on the complete rows; where the columns cannot be had, why, and the checks of the formula alone."""
    try:
        data = clean(case.formula, frame, family=case.family.name, must_vary=False)
    except (DataError, FormulaError) as problem:
        yield from _unusable(case, list(frame.columns), str(problem))
        yield from (finding for check in SYNTAX_CHECKS for finding in check(case))
        return
    whole = DataCase(case.text, case.formula, case.family, data, frame)
    checks = (*SYNTAX_CHECKS, *COLUMN_CHECKS, *GROUP_CHECKS, *ID_CHECKS, *RESPONSE_CHECKS)
    yield from (finding for check in checks for finding in check(whole))


def _unusable(case: Case, available: list[str], problem: str) -> Iterator[Finding]:
    missing = [name for name in case.formula.variables if name not in available]
    near = {name: found[0] for name in missing if (found := closest(name, available))}
    instead = renamed(case.text, near) if len(near) == len(missing) else None
    for name in missing:
        message = f"The data have no column {name!r}. {nearest(name, available)}"
        yield case.finding("missing-column", message, at=name, instead=instead)
    if not missing:
        named = next((name for name in case.formula.variables if repr(name) in problem), None)
        yield case.finding("unusable-data", problem, at=named)
