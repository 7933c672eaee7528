"""The functions that a formula may call: names and arguments. What they compute is in `hlm.data.transforms`.

This table is the whole list: nothing else can be called from the text of a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from hlm.formula.contrasts import USAGE

Kind = Literal["number", "basis", "factor", "offset", "cells"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the allow-list."""

    meaning: str  # in a few words
    # what it gives: a number a row (it can stand inside other functions), several columns, labels, a column added to
    # the linear predictor, the cells of several factors
    kind: Kind = "number"
    # arguments after the first, in R's order: the name to the least and largest whole number, or to None for TRUE or
    # FALSE
    options: Mapping[str, tuple[int, int] | None] = field(default_factory=lambda: MappingProxyType({}))
    many: bool = False  # whether it takes several columns
    usage: str = ""  # how it is written, where its arguments after the first are neither options nor like the first


_DEGREE, _DF = (1, 20), (1, 50)

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "I": Function("arithmetic as it stands: I(x^2), I(a - b), I(x > 3)"),
        "log": Function("natural logarithm"),
        "log10": Function("logarithm to base 10"),
        "log2": Function("logarithm to base 2"),
        "log1p": Function("log(1 + x)"),
        "exp": Function("exponential"),
        "expm1": Function("exp(x) - 1"),
        "sqrt": Function("square root"),
        "abs": Function("absolute value"),
        "sin": Function("sine of an angle in radians"),
        "cos": Function("cosine of an angle in radians"),
        "pmin": Function("the least of several, row by row: pmin(x, 3)", many=True),
        "pmax": Function("the largest of several, row by row: pmax(x, 0)", many=True),
        "mean_by": Function(
            "the mean of a row's group: mean_by(x, g)", many=True, usage="mean_by(x, g), the mean of x in each g"
        ),
        "ave": Function("the same as mean_by", many=True, usage="ave(x, g), the mean of x in each g"),
        "dummy": Function(
            'lme4\'s column of 0 and 1: dummy(f, "a")', usage='dummy(f, "a"), 1 where f has the level a, else 0'
        ),
        "scale": Function("minus the mean, divided by the sd", options={"center": None, "scale": None}),
        "center": Function("minus the mean"),
        "factor": Function("numbers as labels", "factor"),
        "as.factor": Function("the same as factor", "factor"),
        "C": Function('numbers as labels, with contrasts: C(f, Sum), C(f, Treatment("v"))', "factor", usage=USAGE),
        "poly": Function("orthogonal polynomial", "basis", {"degree": _DEGREE, "raw": None}),
        "bs": Function("B-spline", "basis", {"df": _DF, "degree": _DEGREE}),
        "ns": Function("natural cubic spline", "basis", {"df": _DF}),
        "offset": Function("added to the linear predictor with coefficient 1", "offset"),
        "interaction": Function("the cells of several factors, right of a bar", "cells", many=True),
    }
)

REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "s": "a smooth of mgcv and brms. Write a curve with a fixed number of pieces, ns(x, df = 4) or bs(x, df = 5)",
        "t2": "a tensor-product smooth of mgcv and brms. Write ns(x, df = 3) * ns(z, df = 3)",
        "te": "a tensor-product smooth of mgcv. Write ns(x, df = 3) * ns(z, df = 3)",
        "ti": "a tensor-product smooth of mgcv. Write ns(x, df = 3):ns(z, df = 3)",
        "mo": "brms's monotonic effect. Write factor(x), a coefficient for each level, or x, one number for every step",
        "me": "brms's predictor with measurement error. Write x itself: its slope will be nearer 0 than the true one",
        "mi": "brms's imputation. Write x itself: rows where it is missing are left out; impute them before if need be",
        "gr": "brms's grouping with options. Write the grouping column itself, as in (1|school)",
        "mm": "brms's multi-membership. Write one bar for each membership, as in (1|g) + (1|h)",
        "mmc": "brms's multi-membership. Write one bar for each membership, as in (x|g) + (x|h)",
        "cs": "brms's category-specific effect. Write x itself: one effect for all thresholds",
        "gp": "brms's Gaussian process. Write a curve with a fixed number of pieces, ns(x, df = 4) or bs(x, df = 5)",
        "ar1": "glmmTMB's autoregression of a group's times. Write intercepts and slopes of the time, (time|g)",
        "toep": "glmmTMB's Toeplitz covariance. Write intercepts and slopes, as in (time|g)",
        "ou": "glmmTMB's Ornstein-Uhlenbeck covariance. Write intercepts and slopes, as in (time|g)",
        "rr": "glmmTMB's covariance of reduced rank. Write (x|g), all variances and correlations",
        "homdiag": "glmmTMB's equal variances. Write (x||g), a variance for each effect",
        "arma": "brms's ARMA of residuals. Write a column with the response before as a predictor",
        "unstr": "brms's unstructured residuals. Write intercepts and slopes, as in (time|g)",
        "cosy": "brms's compound symmetry of residuals. Write (1|g), which has this covariance",
        "car": "brms's spatial effects. Write (1|place), places without neighbours",
        "ar": "brms's autoregression of residuals. Write a column with the response before as a predictor",
        "as.numeric": "R's conversion to numbers. Write x itself: a column of numbers is one",
        "mean": "one number for all rows. Write center(x), x minus its mean, or mean_by(x, g), the mean of each group",
        "ma": "brms's moving average of residuals. Write a column with the response before as a predictor",
        "lo": "a local regression of gam. Write a curve with a fixed number of pieces, ns(x, df = 4) or bs(x, df = 5)",
        "rcs": "a restricted cubic spline of rms. Write ns(x, df = 4), the same with other knots",
        "ordered": "R's ordered factor, which has polynomial contrasts. Write C(f, Poly)",
        "as.ordered": "R's ordered factor, which has polynomial contrasts. Write C(f, Poly)",
        "relevel": 'R\'s change of the reference level. Write C(f, Treatment("a")) with that level',
        "contr.treatment": 'a kind of contrasts. Write C(f, Treatment("a")) with the reference level',
        "contr.sum": "a kind of contrasts. Write C(f, Sum)",
        "contr.helmert": "a kind of contrasts. Write C(f, Helmert)",
        "contr.poly": "a kind of contrasts. Write C(f, Poly)",
        "ifelse": 'a choice by rows. Write I(x > 3) or I(f == "a"), 1 where it is true and 0 elsewhere',
        "lag": 'a value of another row. Make it a column of the data, data.groupby("g")["x"].shift()',
        "lead": 'a value of another row. Make it a column of the data, data.groupby("g")["x"].shift(-1)',
    }
)

# What brms writes left of '~', after a bar, y | se(s) ~ x: what it is, the formula to write if there is one, and what
# to add to that. {y} is the response, {x} the argument, {right} all right of '~'.
BESIDE_THE_RESPONSE: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "trials": ("brms's number of trials", "p({y}, {x}) ~ {right}", ", with family='binomial'"),
        "weights": (
            "brms's weights", "{y} ~ {right}",
            ", and give the column's name apart: weights={x!r}. There they are precisions, as in lme4",
        ),
        "se": (
            "brms's known standard errors", "{y} ~ {right}",
            ", and give precisions apart: data.assign(w=1 / data[{x!r}]**2), weights='w'. A row's residual sd is then "
            "sigma times its standard error; sigma is estimated",
        ),
        "rate": ("brms's denominator of a rate", "{y} ~ offset(log({x})) + {right}", ""),
        "cens": ("brms's censoring", "", "It is not read here: leave out the censored rows, or fit the model in brms"),
        "trunc": ("brms's truncation", "", "It is not read here: fit the model in brms"),
        "mi": ("brms's imputation", "{y} ~ {right}", ": rows where the response is missing are left out"),
        "subset": ("brms's choice of rows", "{y} ~ {right}", ", and give these rows only: data[data[{x!r}]]"),
        "thres": ("brms's number of thresholds", "{y} ~ {right}", ": the labels say how many there are"),
        "cat": ("brms's number of categories", "{y} ~ {right}", ": the labels say how many there are"),
    }
)  # fmt: skip
