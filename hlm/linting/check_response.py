"""Checks of the response against the family."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import narwhals.stable.v2 as nw
import numpy as np

from hlm.errors import DataError
from hlm.formula.parser import parse
from hlm.linting.case import Case, DataCase, listed
from hlm.linting.codes import threshold
from hlm.linting.findings import Finding
from hlm.model.families import check_response, check_trials


def trials_and_family(case: Case) -> Iterator[Finding]:
    """``p(k, n)`` belongs to the binomial family, and the binomial family to ``p(k, n)``; data are not needed."""
    response, instead = case.formula.response, None
    try:
        check_trials(case.family, case.formula, case.data if isinstance(case, DataCase) else None)
    except DataError as problem:
        message, (successes, _, trials) = str(problem), response.written.partition("/")
        if trials:
            message = (
                f"{response.written} is a proportion, and the {case.family.name} family needs the counts: say where "
                f"the trials are, weights={trials!r}, or write successes and failures."
            )
            instead = replace(case.formula, response=parse(f"cbind({successes}, {trials} - {successes}) ~ 1").response)
        yield case.finding("response-outside-family", message, at=response.variable, instead=instead)


def outside_family(case: DataCase) -> Iterator[Finding]:
    """Values that the family cannot have produced."""
    if (case.formula.response.trials is None) == case.family.has_trials:
        return  # `trials_and_family` speaks
    try:
        check_response(case.family, case.formula, case.data)
    except DataError as problem:
        yield case.finding("response-outside-family", str(problem), at=case.formula.response.variable)


def discrete_as_gaussian(case: DataCase) -> Iterator[Finding]:
    """0/1 and small counts under a family of real numbers."""
    name = case.formula.response.variable
    if case.family.support != "real" or case.formula.response.trials is not None:
        return
    y = case.numbers(name)
    if set(np.unique(y)) == {0.0, 1.0}:
        message = (
            f"{name} is 0 or 1 in every row ({int(y.sum())} times 1), but the {case.family.name} family can predict "
            f"values between, below and above. family='bernoulli' models the probability of 1."
        )
        yield case.finding("binary-as-gaussian", message, at=name)
    elif _looks_like_counts(y):
        message = (
            f"{name} holds counts from 0 to {int(y.max())} with mean {y.mean():.3g}: the {case.family.name} family "
            f"would predict negative and broken ones. family='poisson', or 'negativebinomial' if the variance "
            f"({y.var():.3g}) is above the mean within groups, too."
        )
        yield case.finding("count-as-gaussian", message, at=name)


def success_label(case: DataCase) -> Iterator[Finding]:
    """Of two labels the second counts as success, as in R's glm."""
    name = case.formula.response.variable
    if case.family.support != "binary" or name not in case.frame.columns or case.is_constant(name):
        return
    given, rows, y = case.frame[name], case.data.columns.index.to_numpy(), case.numbers(name)
    failure, success = (str(given[int(rows[np.argmax(y == k)])]) for k in (0, 1))
    if given.dtype.is_numeric() or {failure, success} == {"False", "True"}:
        return
    message = (
        f"{name} holds labels, and the second one counts as success: what is modelled is the probability of "
        f"{success!r}, and a coefficient above 0 makes {success!r} more likely. For the other way round make a column "
        f"of 0 and 1, {_zero_one(name, success, failure, case)}."
    )
    yield case.finding("success-label", message, at=name)


def many_labels(case: DataCase) -> Iterator[Finding]:
    """Numbers as labels, so many that they are measurements."""
    name, family = case.formula.response.variable, case.family
    if family.support not in ("labels", "ordered") or name not in case.frame.columns:
        return
    labels = case.data.columns[name].nunique()
    if case.frame[name].dtype.is_numeric() and labels > threshold("labels of a response"):
        message = (
            f"{name} holds {labels} different numbers, and the {family.name} family takes each for a label of its own: "
            f"{labels - 1} {'thresholds' if family.support == 'ordered' else 'sets of coefficients'}. For numbers that "
            f"measure something write family='gaussian'; or make fewer labels of them, pd.cut(data[{name!r}], 5)."
        )
        yield case.finding("many-response-labels", message, at=name)


def _zero_one(name: str, success: str, failure: str, case: DataCase) -> str:
    """The code that makes 1 of what is failure now."""
    numbers = {failure: 1, success: 0}
    if case.frame.implementation.is_polars():
        return f"data = data.with_columns(pl.col({name!r}).cast(pl.String).replace_strict({numbers!r}))"
    return f"data[{name!r}] = data[{name!r}].astype(object).map({numbers!r})"


def order_of_labels(case: DataCase) -> Iterator[Finding]:
    """Ordered labels that are text have the order of the alphabet, which is seldom theirs."""
    name = case.formula.response.variable
    if case.family.support != "ordered" or name not in case.frame.columns or case.frame[name].dtype.is_numeric():
        return
    levels = case.levels(name)
    if nw.is_ordered_categorical(case.frame[name]) or levels != sorted(levels) or all(map(str.isdecimal, levels)):
        return
    enum = f"data = data.with_columns(pl.col({name!r}).cast(pl.Enum({levels!r})))"
    categorical = f"data[{name!r}] = pd.Categorical(data[{name!r}], categories={levels!r}, ordered=True)"
    message = (
        f"{name} is text, so that the {case.family.name} family takes its labels in the order of the alphabet: "
        f"{' < '.join(levels)}. Say their order, the lowest first, by changing the order of this list: "
        f"{enum if case.frame.implementation.is_polars() else categorical}."
    )
    yield case.finding("order-of-labels", message, at=name)


def separated_groups(case: DataCase) -> Iterator[Finding]:
    """Groups in which the response is all 0 or all 1: no estimate of their own."""
    if not case.family.is_success_or_failure:
        return
    response = case.formula.response
    k = case.numbers(response.variable)
    n = np.ones(len(k)) if response.trials is None else case.numbers(response.trials)
    for block in case.formula.blocks:
        if not block.has_intercept:
            continue
        codes, levels = case.data.codes(block.group), case.data.levels(block.group)
        hits, trials = np.bincount(codes, k, len(levels)), np.bincount(codes, n, len(levels))
        found = [f"{levels[g]} (all {'1' if hits[g] else '0'})" for g in np.flatnonzero((hits == 0) | (hits == trials))]
        if found:
            message = (
                f"{len(found)} of {len(levels)} groups have no success or no failure: {block.group} {listed(found)}. "
                f"Alone (no pooling) their log-odds are infinite but for the prior; partial pooling gives them an "
                f"estimate."
            )
            yield case.finding("separated-groups", message, at=block)


def _looks_like_counts(y: np.ndarray) -> bool:
    """Whole numbers from 0 on, too near to zero for a normal (see the thresholds)."""
    whole = bool((y >= 0).all() and (y == np.floor(y)).all() and (y == 0).any())
    return whole and bool(y.mean() < threshold("zero below the mean, in sds") * y.std()) and len(np.unique(y)) > 2


RESPONSE_CHECKS = (
    outside_family, discrete_as_gaussian, success_label, order_of_labels, many_labels, separated_groups,
)  # fmt: skip
