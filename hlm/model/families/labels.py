"""Families of labels: several linear predictors, or thresholds between ordered labels."""

from __future__ import annotations

from hlm.model.families.family import Family
from hlm.model.families.links import CLOGLOG, LOGIT, PROBIT, SOFTMAX

_PLACE = "the position of {y} among its thresholds"

LABELS: tuple[Family, ...] = (
    Family(
        name="categorical", parent="p", links=(SOFTMAX,), support="labels",
        distribution="Categorical", arguments=("p",), meaning="one of several labels",
        describes="the log-odds of each label of {y} against the first", bars=(0.3, 0.5, 0.2), brms="categorical()",
    ),
    Family(
        name="cumulative", parent="p", links=(LOGIT, PROBIT, CLOGLOG), support="ordered",
        distribution="Cumulative", arguments=("p",), meaning="one of several ordered labels",
        describes=_PLACE, bars=(0.15, 0.3, 0.35, 0.2), brms="cumulative()",
    ),
    Family(
        name="sratio", parent="p", links=(LOGIT, PROBIT, CLOGLOG), support="ordered",
        distribution="StoppingRatio", arguments=("p",), meaning="one of several ordered labels",
        describes=_PLACE, bars=(0.3, 0.3, 0.25, 0.15), brms="sratio()",
    ),
)  # fmt: skip
