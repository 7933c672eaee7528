"""Hierarchical linear models from lme4-style formulas: complete, no and partial pooling, side by side."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOME = {
    "FormulaError": "errors", "HlmError": "errors", "DataError": "errors", "FitError": "errors",
    "load_data": "datasets", "list_data": "datasets", "parse": "formula.parser", "Prior": "prior",
    "default_priors": "priors", "build": "model.build", "fit": "fit.fit", "fit_pooling": "fit.fit", "coefficients": "posterior", "compare_slopes": "compare.slopes", "shrinkage": "compare.shrinkage", "compare_loo": "compare.loo", "predict": "predictive.predict",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"hlm.{_HOME[name]}"), name)
    raise AttributeError(f"module 'hlm' has no attribute {name!r}")
