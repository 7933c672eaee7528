"""Hierarchical linear models from lme4-style formulas: complete, no and partial pooling, side by side.

Everything public is loaded when it is first used, so that ``import hlm`` takes a few milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlm.compare.differences import slope_differences as slope_differences
    from hlm.compare.glossary import glossary as glossary
    from hlm.compare.loo import compare_loo as compare_loo
    from hlm.compare.path import pooling_path as pooling_path
    from hlm.compare.pooling_factors import pooling_factors as pooling_factors
    from hlm.compare.ranks import rank_groups as rank_groups
    from hlm.compare.recovery import recovery as recovery
    from hlm.compare.shrinkage import shrinkage as shrinkage
    from hlm.compare.slopes import compare_slopes as compare_slopes
    from hlm.compare.spread import check_spread as check_spread
    from hlm.compare.verdict import verdict as verdict
    from hlm.datasets import list_data as list_data
    from hlm.datasets import load_data as load_data
    from hlm.errors import DataError as DataError
    from hlm.errors import FitError as FitError
    from hlm.errors import FormulaError as FormulaError
    from hlm.errors import HlmError as HlmError
    from hlm.explanation.cheatsheet import cheatsheet as cheatsheet
    from hlm.explanation.explain import explain as explain
    from hlm.fitting.fit import fit as fit
    from hlm.fitting.fit import fit_pooling as fit_pooling
    from hlm.fitting.reml import reml as reml
    from hlm.formula.parser import parse as parse
    from hlm.linting.lint import lint as lint
    from hlm.model.build import build as build
    from hlm.plots.data import plot_data as plot_data
    from hlm.plots.lines import plot_lines as plot_lines
    from hlm.plots.loo import plot_loo as plot_loo
    from hlm.plots.path import plot_path as plot_path
    from hlm.plots.plane import plot_plane as plot_plane
    from hlm.plots.ranks import plot_ranks as plot_ranks
    from hlm.plots.recovery import plot_recovery as plot_recovery
    from hlm.plots.shrinkage import plot_shrinkage as plot_shrinkage
    from hlm.plots.slopes import plot_slopes as plot_slopes
    from hlm.predictive.predict import predict as predict
    from hlm.prior import Prior as Prior
    from hlm.priors import default_priors as default_priors
    from hlm.simulation import simulate as simulate
    from hlm.totals import coefficients as coefficients

_HOME = {
    "DataError": "hlm.errors",
    "FitError": "hlm.errors",
    "FormulaError": "hlm.errors",
    "HlmError": "hlm.errors",
    "Prior": "hlm.prior",
    "build": "hlm.model.build",
    "cheatsheet": "hlm.explanation.cheatsheet",
    "check_spread": "hlm.compare.spread",
    "coefficients": "hlm.totals",
    "compare_loo": "hlm.compare.loo",
    "compare_slopes": "hlm.compare.slopes",
    "default_priors": "hlm.priors",
    "explain": "hlm.explanation.explain",
    "fit": "hlm.fitting.fit",
    "fit_pooling": "hlm.fitting.fit",
    "glossary": "hlm.compare.glossary",
    "lint": "hlm.linting.lint",
    "list_data": "hlm.datasets",
    "load_data": "hlm.datasets",
    "parse": "hlm.formula.parser",
    "plot_data": "hlm.plots.data",
    "plot_lines": "hlm.plots.lines",
    "plot_loo": "hlm.plots.loo",
    "plot_path": "hlm.plots.path",
    "plot_plane": "hlm.plots.plane",
    "plot_ranks": "hlm.plots.ranks",
    "plot_recovery": "hlm.plots.recovery",
    "plot_shrinkage": "hlm.plots.shrinkage",
    "plot_slopes": "hlm.plots.slopes",
    "pooling_factors": "hlm.compare.pooling_factors",
    "pooling_path": "hlm.compare.path",
    "predict": "hlm.predictive.predict",
    "rank_groups": "hlm.compare.ranks",
    "recovery": "hlm.compare.recovery",
    "reml": "hlm.fitting.reml",
    "shrinkage": "hlm.compare.shrinkage",
    "simulate": "hlm.simulation",
    "slope_differences": "hlm.compare.differences",
    "verdict": "hlm.compare.verdict",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'hlm' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
