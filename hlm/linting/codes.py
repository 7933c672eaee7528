"""What `hlm.lint` can find: every code with its severity, and every threshold with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number at which a finding begins, and why it is that number."""

    value: float
    reason: str


CODES: Mapping[str, Severity] = MappingProxyType(
    {
        # from the text alone
        "cannot-be-read": "error", "unknown-function": "error", "bar-without-parentheses": "error",
        "duplicate-block": "error", "overlapping-blocks": "error", "response-on-both-sides": "error",
        "no-groups": "note", "slope-without-common-effect": "warning",
        "interaction-without-main-effects": "warning", "group-also-common": "warning",
        "slope-without-intercept": "note", "nested-slopes": "note", "correlated-slopes": "note",
        "dropped-arithmetic": "warning",
        # the columns
        "missing-column": "error", "unusable-data": "error", "function-without-value": "error",
        "cannot-be-fitted": "error", "constant-column": "error", "constant-predictor": "warning",
        "missing-values": "note", "many-missing-values": "warning",
        "no-common-intercept": "warning", "collinear": "warning", "nearly-collinear": "note", "wild-scales": "note",
        "far-from-zero": "warning", "intercepts-outside-data": "note", "rare-level": "note", "many-levels": "note",
        "more-coefficients-than-rows": "warning",
        # the labels and cells of factors
        "blanks-in-labels": "error", "labels-differ-by-case": "warning", "blank-label": "warning",
        "dates-as-text": "warning", "ordered-factor": "note", "empty-cells": "note", "separation": "warning",
        # the groups
        "one-group": "error", "few-groups": "warning", "numeric-group": "note", "fractional-group": "warning",
        "one-row-per-group": "warning", "small-groups": "note", "constant-within-groups": "warning",
        "rarely-varies": "note", "double-bar-factor": "warning", "reused-ids": "warning", "reversed-nesting": "warning",
        "crossed-or-nested": "note", "same-groups": "warning",
        # the response
        "response-outside-family": "error", "binary-as-gaussian": "warning", "count-as-gaussian": "warning",
        "success-label": "note", "order-of-labels": "warning", "separated-groups": "note",
        "many-response-labels": "warning",
    }
)  # fmt: skip

THRESHOLDS: Mapping[str, Threshold] = MappingProxyType(
    {
        "few groups": Threshold(5, "an sd estimated from fewer values than this is mostly its prior"),
        "names shown": Threshold(5, "more names are counted, not listed"),
        "rows per group": Threshold(1.1, "with fewer rows than this, groups are nearly all of one row"),
        "share of groups that vary": Threshold(0.5, "below this, most groups say nothing about their own slope"),
        "share of rows missing": Threshold(
            0.1, "a tenth of the rows can change an answer if they differ from the rest"
        ),
        "correlation of predictors": Threshold(0.95, "standard errors are then about three times as wide"),
        "ratio of scales": Threshold(1000, "the limit at which lme4, too, asks to rescale"),
        "mean in sds": Threshold(3, "a line's intercept and slope then correlate by -0.95 because of the origin alone"),
        "rows per level": Threshold(5, "a coefficient of fewer rows is mostly noise"),
        "levels of a common factor": Threshold(20, "so many levels are a population, which partial pooling describes"),
        "labels of a response": Threshold(20, "so many numbers measure something; labels are few"),
        "zero below the mean, in sds": Threshold(3, "nearer to zero, a normal puts visible weight on negative counts"),
        "rank correlation of ids": Threshold(-0.5, "numbers given anew in each parent start low: low ones recur more"),
        "rank correlation in standard errors": Threshold(3, "beyond it, chance is one in a thousand"),
        "share of ids that recur": Threshold(0.2, "fewer look like movers, not like numbers given anew"),
        "share of gaps in ids": Threshold(0.02, "ids 1, 2, 3, ... of each parent; a lost one is no other numbering"),
        "share of cells filled": Threshold(0.9, "nearly all combinations observed is a crossed design"),
    }
)


def threshold(name: str) -> float:
    """The number of one row of the table."""
    return THRESHOLDS[name].value
