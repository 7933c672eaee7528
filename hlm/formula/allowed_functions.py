"""The functions that a formula may call: names and arguments. What they compute is in `hlm.data.transforms`.

This table is the whole list: nothing else can be called from the text of a formula.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

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
        "scale": Function("minus the mean, divided by the sd", options={"center": None, "scale": None}),
        "center": Function("minus the mean"),
        "factor": Function("numbers as labels", "factor"),
        "as.factor": Function("the same as factor", "factor"),
        "C": Function("the same as factor", "factor"),
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
        "se": "brms's known standard errors. Model the rows that the estimates were made from, as in y ~ x + (x|study)",
        "cs": "brms's category-specific effect. Write x itself: one effect for all thresholds",
        "gp": "brms's Gaussian process. Write a curve with a fixed number of pieces, ns(x, df = 4) or bs(x, df = 5)",
        "ar": "brms's autoregression of residuals. Write a column with the response before as a predictor",
        "ma": "brms's moving average of residuals. Write a column with the response before as a predictor",
        "trials": "brms's number of trials. Write the response as p(k, n) or cbind(k, n - k)",
    }
)
