"""Hierarchical linear models from lme4-style formulas: complete, no and partial pooling, side by side.

Everything public is loaded when it is first used, so that ``import hlm`` takes a few milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlm.checks.check_spread import check_spread as check_spread
    from hlm.compare.compare_loo import compare_loo as compare_loo
    from hlm.compare.compare_slopes import compare_slopes as compare_slopes
    from hlm.compare.glossary import glossary as glossary
    from hlm.compare.pooling_factors import pooling_factors as pooling_factors
    from hlm.compare.pooling_path import pooling_path as pooling_path
    from hlm.compare.rank_groups import rank_groups as rank_groups
    from hlm.compare.recovery import recovery as recovery
    from hlm.compare.shrinkage import shrinkage as shrinkage
    from hlm.compare.slope_differences import slope_differences as slope_differences
    from hlm.compare.verdict import verdict as verdict
    from hlm.data.packaged_sets import list_data as list_data
    from hlm.data.packaged_sets import load_data as load_data
    from hlm.data.simulation import simulate as simulate
    from hlm.engines.bambi.build import build as build
    from hlm.engines.reml.reml import reml as reml
    from hlm.errors import DataError as DataError
    from hlm.errors import FitError as FitError
    from hlm.errors import FormulaError as FormulaError
    from hlm.errors import HlmError as HlmError
    from hlm.explanation.cheatsheet import cheatsheet as cheatsheet
    from hlm.explanation.explain import explain as explain
    from hlm.fits.fit import fit as fit
    from hlm.fits.fit import fit_pooling as fit_pooling
    from hlm.fits.group_coefficients import coefficients as coefficients
    from hlm.fits.predict import predict as predict
    from hlm.formula.parser import parse as parse
    from hlm.linting.lint import lint as lint
    from hlm.model.default_priors import default_priors as default_priors
    from hlm.model.priors import Prior as Prior
    from hlm.plots.plot_data import plot_data as plot_data
    from hlm.plots.plot_lines import plot_lines as plot_lines
    from hlm.plots.plot_loo import plot_loo as plot_loo
    from hlm.plots.plot_path import plot_path as plot_path
    from hlm.plots.plot_plane import plot_plane as plot_plane
    from hlm.plots.plot_ranks import plot_ranks as plot_ranks
    from hlm.plots.plot_recovery import plot_recovery as plot_recovery
    from hlm.plots.plot_shrinkage import plot_shrinkage as plot_shrinkage
    from hlm.plots.plot_slopes import plot_slopes as plot_slopes

_HOME = {
    "DataError": "hlm.errors",
    "FitError": "hlm.errors",
    "FormulaError": "hlm.errors",
    "HlmError": "hlm.errors",
    "Prior": "hlm.model.priors",
    "build": "hlm.engines.bambi.build",
    "cheatsheet": "hlm.explanation.cheatsheet",
    "check_spread": "hlm.checks.check_spread",
    "coefficients": "hlm.fits.group_coefficients",
    "compare_loo": "hlm.compare.compare_loo",
    "compare_slopes": "hlm.compare.compare_slopes",
    "default_priors": "hlm.model.default_priors",
    "explain": "hlm.explanation.explain",
    "fit": "hlm.fits.fit",
    "fit_pooling": "hlm.fits.fit",
    "glossary": "hlm.compare.glossary",
    "lint": "hlm.linting.lint",
    "list_data": "hlm.data.packaged_sets",
    "load_data": "hlm.data.packaged_sets",
    "parse": "hlm.formula.parser",
    "plot_data": "hlm.plots.plot_data",
    "plot_lines": "hlm.plots.plot_lines",
    "plot_loo": "hlm.plots.plot_loo",
    "plot_path": "hlm.plots.plot_path",
    "plot_plane": "hlm.plots.plot_plane",
    "plot_ranks": "hlm.plots.plot_ranks",
    "plot_recovery": "hlm.plots.plot_recovery",
    "plot_shrinkage": "hlm.plots.plot_shrinkage",
    "plot_slopes": "hlm.plots.plot_slopes",
    "pooling_factors": "hlm.compare.pooling_factors",
    "pooling_path": "hlm.compare.pooling_path",
    "predict": "hlm.fits.predict",
    "rank_groups": "hlm.compare.rank_groups",
    "recovery": "hlm.compare.recovery",
    "reml": "hlm.engines.reml.reml",
    "shrinkage": "hlm.compare.shrinkage",
    "simulate": "hlm.data.simulation",
    "slope_differences": "hlm.compare.slope_differences",
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
