"""Checks of the columns: missing, constant, collinear, badly scaled, and factors with too few or too many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from hlm.formula.formula import INTERCEPT, Block, Term, quote
from hlm.formula.function_calls import PLAIN_NAME, is_call, shown, source_columns
from hlm.linting.case import DataCase, listed
from hlm.linting.codes import threshold
from hlm.linting.collinear_columns import dependent_terms
from hlm.linting.findings import Finding
from hlm.linting.rewritten_formulas import with_common, with_variables, without_common, without_variables


def constant_column(case: DataCase) -> Iterator[Finding]:
    """A predictor or response with one value."""
    formula = case.formula
    constant = [v for v in formula.predictors if case.is_constant(v)]
    in_bars = {v for block in formula.blocks for term in block.effects for v in term.variables}
    instead = without_variables(formula, constant)
    for name in constant:
        value = f"{name} is {case.data.columns[name].iloc[0]} in all {case.data.rows} rows"
        if name in in_bars or not _is_number(name, case):
            message = f"{value}: it has no effect that could be estimated."
            yield case.finding("constant-column", message, at=name, instead=instead)
        elif formula.has_intercept:
            message = f"{value}, as the intercept is: its column is left out."
            yield case.finding("constant-predictor", message, at=name, instead=instead)
        else:
            message = f"{value}: it stands for the intercept. Write the intercept itself."
            yield case.finding("constant-predictor", message, at=name, instead=with_common(instead, [INTERCEPT]))
    response = case.formula.response.variable
    if case.is_constant(response):
        value = case.data.columns[response].iloc[0]
        message = f"The response {response} is {value} in all {case.data.rows} rows: there is nothing to model."
        yield case.finding("constant-column", message, at=response)


def missing_values(case: DataCase) -> Iterator[Finding]:
    """How many rows the gaps cost."""
    lost = case.data.rows_given - case.data.rows
    if lost:
        share = lost / case.data.rows_given
        inside = sum(count for name, count in case.data.missing.items() if name not in _response_columns(case))
        many = inside > threshold("share of rows missing") * case.data.rows_given
        message = f"{case.data.message} That is {100 * share:.1f} % of the rows. "
        message += (
            "Leaving them out is harmless only if rows with missing values are like the others."
            if inside
            else "That is harmless if whether a response is missing depends on nothing but the predictors and the "
            "responses that are there."
        )
        code = "many-missing-values" if many else "missing-values"
        yield case.finding(code, message, at=max(case.data.missing, key=lambda name: case.data.missing[name]))


def _response_columns(case: DataCase) -> set[str]:
    formula = case.formula
    return {c for v in formula.response.variables for c in source_columns(v, formula.functions)}


def no_common_intercept(case: DataCase) -> Iterator[Finding]:
    """``0 + x + (1|g)``: intercepts vary around zero, unless a factor has a coefficient for every level."""
    formula = case.formula
    varies = next((block for block in formula.blocks if block.has_intercept), None)
    if formula.has_intercept or varies is None or any(case.factors_of(t) == t.variables for t in formula.common):
        return
    message = (
        f"The intercept varies by {varies.group} but is no common term: the groups' intercepts then vary around zero, "
        f"and partial pooling pulls each of them to zero instead of to their mean."
    )
    yield case.finding("no-common-intercept", message, at=varies, instead=with_common(formula, [INTERCEPT]))


def collinear(case: DataCase) -> Iterator[Finding]:
    """A common term that the terms before it already contain."""
    found = dependent_terms(case)
    for term, others in found.items():
        contained = listed([str(t) if t != INTERCEPT else "the intercept" for t in others]) or "other terms"
        message = (
            f"{term} is already contained in {contained}: on these data it is an exact linear combination of them, so "
            f"that it has no coefficient of its own."
        )
        yield case.finding("collinear", message, at=term, instead=without_common(case.formula, tuple(found)))


def nearly_collinear(case: DataCase) -> Iterator[Finding]:
    """Two numeric predictors that say almost the same."""
    alone = [term.variables[0] for term in case.formula.common if term.degree == 1]
    names = [name for name in alone if _is_number(name, case) and not case.is_constant(name)]
    for a, b in combinations(names, 2):
        r = float(np.corrcoef(case.numbers(a), case.numbers(b))[0, 1])
        if threshold("correlation of predictors") < abs(r) < 1 - 1e-9:  # beyond that `collinear` speaks
            message = (
                f"{a} and {b} are correlated by {r:.3f}: their coefficients can hardly be told apart, and each says "
                f"what happens while the other stays the same, which it hardly ever does."
            )
            yield case.finding("nearly-collinear", message, at=b)


def wild_scales(case: DataCase) -> Iterator[Finding]:
    """Predictors in units that differ by a factor of a thousand."""
    sds = {v: float(case.numbers(v).std()) for v in case.formula.predictors if _is_number(v, case)}
    sds = {name: sd for name, sd in sds.items() if sd > 0}
    if len(sds) > 1 and max(sds.values()) > threshold("ratio of scales") * min(sds.values()):
        wide, narrow = max(sds, key=lambda v: sds[v]), min(sds, key=lambda v: sds[v])
        message = (
            f"The predictors have very different scales: the standard deviation of {wide} is {sds[wide]:.3g}, that of "
            f"{narrow} {sds[narrow]:.3g}. The answer does not depend on units, but slopes of such different sizes are "
            f"hard to read: divide by the standard deviations, or change a unit."
        )
        scaled = {v: f"scale({v})" for v in sds if _can_stand_inside(v) and not v.startswith("scale(")}
        whole = sds.keys() <= {*scaled, *(v for v in sds if v.startswith("scale("))}
        instead = with_variables(case.formula, scaled) if whole else None
        yield case.finding("wild-scales", message, at=wide, instead=instead)


def far_from_zero(case: DataCase) -> Iterator[Finding]:
    """A varying slope of a predictor whose zero is far outside of the data, beside intercepts that vary."""
    formula = case.formula
    far = [(name, block) for block in formula.blocks for name in _far_slopes(block, case)]
    names = {name for name, _ in far}
    centred = {name: f"center({name})" for name in names if _can_stand_inside(name)}
    instead = with_variables(formula, centred) if len(centred) == len(names) else None
    for name, block in far:
        mean, sd = float(case.numbers(name).mean()), float(case.numbers(name).std())
        how = f"center({shown(name)}) subtracts" if name in centred else "Make a new column by subtracting"
        code, why = _about_the_origin(block, case, name)
        message = (
            f"{shown(name)} has mean {mean:.4g} and standard deviation {sd:.3g}: its zero, where the intercepts of "
            f"{block.group} are taken, is far outside of the data{why}. {how} the mean; intercepts are then those of "
            f"an average row."
        )
        yield case.finding(code, message, at=block, instead=instead)


def _far_slopes(block: Block, case: DataCase) -> list[str]:
    """The numbers with a varying slope whose mean is many standard deviations from 0, beside intercepts."""
    effects = case.formula.effects_of(block.group)
    if not _has_intercepts(effects, case):
        return []
    names = [e.variables[0] for e in block.effects if e.degree == 1 and _is_number(e.variables[0], case)]
    columns = {name: case.numbers(name) for name in names}
    return [name for name, x in columns.items() if abs(x.mean()) > threshold("mean in sds") * x.std() > 0]


def _about_the_origin(block: Block, case: DataCase, name: str) -> tuple[str, str]:
    """The code, and what depends on the zero of a predictor: the model, or what the intercepts mean."""
    name = shown(name)
    if block.correlated and _has_intercepts(block.effects, case):
        return "intercepts-outside-data", (
            f". The standard deviation of the intercepts and their correlation with the slopes are those at {name} = "
            f"0, too; slopes, lines and predictions do not depend on it"
        )
    return "far-from-zero", (
        f", and there the slopes of {name} are taken to be uncorrelated with the intercepts: another zero is "
        f"another model, and so far away it decides how much is pooled"
    )


def _has_intercepts(effects: Sequence[Term], case: DataCase) -> bool:
    """Whether groups have intercepts: one each, or one for each level of a factor."""
    return INTERCEPT in effects or any(case.factors_of(e) == e.variables for e in effects)


def rare_level(case: DataCase) -> Iterator[Finding]:
    """Levels of a common factor with a handful of rows."""
    fewest = threshold("rows per level")
    for name in _common_factors(case):
        counts = np.bincount(case.codes(name), minlength=len(case.levels(name)))
        rare = [f"{level} ({n})" for level, n in zip(case.levels(name), counts.tolist(), strict=True) if n < fewest]
        if rare and len(rare) < len(counts):
            message = (
                f"Levels of {name} with fewer than {fewest:.0f} rows: {listed(rare)}. Their "
                f"coefficients rest on these few rows; join levels, or let them vary: (1|{quote(name)})."
            )
            yield case.finding("rare-level", message, at=name)


def many_levels(case: DataCase) -> Iterator[Finding]:
    """A common factor that would rather be a grouping factor."""
    own = {v for group in case.formula.groups for v in group.variables}
    many = threshold("levels of a common factor")
    names = [name for name in _common_factors(case) if len(case.levels(name)) >= many and name not in own]
    terms = [term for term in case.formula.common if set(term.variables) & set(names)]
    grouped = with_common(without_common(case.formula, terms), [INTERCEPT])
    for name in names:
        message = (
            f"{name} has {len(case.levels(name))} levels, each with a coefficient of its own that learns nothing from "
            f"the others (no pooling). As a grouping factor they would be partially pooled."
        )
        blocks = (*grouped.blocks, *(Block((INTERCEPT,), term) for term in terms))
        instead = replace(grouped, blocks=blocks) if all(term.degree == 1 for term in terms) else None
        yield case.finding("many-levels", message, at=name, instead=instead)


def more_coefficients_than_rows(case: DataCase) -> Iterator[Finding]:
    """Common coefficients, or group-level effects, as many as rows."""
    rows = case.data.rows
    common = case.coefficients(case.formula.common)
    if common >= rows:
        message = f"The common terms have {common} coefficients, the data only {rows} rows: most of them are the prior."
        yield case.finding("more-coefficients-than-rows", message)
    for block in case.formula.blocks:
        groups, q = len(case.data.levels(block.group)), case.coefficients(block.effects)
        if groups * q >= rows > groups and case.family.support == "real" and _effects_seen(block, case) >= rows:
            message = (
                f"{block} has {groups} x {q} = {groups * q} group-level effects, the data only {rows} rows: the "
                f"effects cannot be told from the residuals, and lme4 refuses such a model."
            )
            yield case.finding("more-coefficients-than-rows", message, at=block)


def _effects_seen(block: Block, case: DataCase) -> int:
    """How many effects some row depends on: a level of a factor has none in the groups that are without it."""
    groups = case.data.codes(block.group)
    columns = [case.columns_of(e, full).T for e, found in case.codings(block.effects).items() for full in found]
    return sum(len(np.unique(groups[values != 0])) for several in columns for values in several)


def _common_factors(case: DataCase) -> list[str]:
    return [name for name in dict.fromkeys(v for t in case.formula.common for v in t.variables) if case.is_factor(name)]


def _is_number(variable: str, case: DataCase) -> bool:
    return not case.is_factor(variable) and not case.is_basis(variable)


def _can_stand_inside(variable: str) -> bool:
    """Whether a function can be applied: to a plain name, or to another function's numbers."""
    return is_call(variable) or PLAIN_NAME.match(variable) is not None


COLUMN_CHECKS = (
    constant_column, missing_values, no_common_intercept, collinear, nearly_collinear, wild_scales, far_from_zero,
    rare_level, many_levels, more_coefficients_than_rows,
)  # fmt: skip
