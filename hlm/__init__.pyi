"""The public names of `hlm`, each with its module: type checkers read this list, and `hlm` loads from it."""

# data
from hlm.data.packaged_sets import list_data as list_data
from hlm.data.packaged_sets import load_data as load_data
from hlm.data.simulation import Truth as Truth
from hlm.data.simulation import simulate as simulate

# formulas and what they mean
from hlm.formula.formula import Formula as Formula
from hlm.formula.parser import parse as parse
from hlm.linting.lint import lint as lint
from hlm.linting.findings import Findings as Findings
from hlm.explanation.explain import Explanation as Explanation
from hlm.explanation.explain import explain as explain
from hlm.explanation.cheatsheet import Cheatsheet as Cheatsheet
from hlm.explanation.cheatsheet import cheatsheet as cheatsheet

# models and fits
from hlm.model.model import Model as Model
from hlm.model.priors import Prior as Prior
from hlm.model.priors import Priors as Priors
from hlm.model.resolve import default_priors as default_priors
from hlm.fits.plan import plan as plan
from hlm.fits.fit import fit as fit
from hlm.fits.fit import fit_pooling as fit_pooling
from hlm.fits.results import Fit as Fit
from hlm.fits.results import PoolingFits as PoolingFits
from hlm.engines.bambi.build import build as build
from hlm.engines.reml.reml import reml as reml
from hlm.engines.reml.result import Reml as Reml
from hlm.engines.quadrature.glmm import glmm as glmm
from hlm.engines.quadrature.glmm_result import Glmm as Glmm
from hlm.engines.interface import PointwiseLoo as PointwiseLoo
from hlm.fits.group_coefficients import coefficients as coefficients
from hlm.fits.predict import predict as predict

# comparison
from hlm.compare.compare_loo import compare_loo as compare_loo
from hlm.compare.compare_slopes import compare_slopes as compare_slopes
from hlm.compare.glossary import glossary as glossary
from hlm.compare.pooling_factors import pooling_factors as pooling_factors
from hlm.compare.pooling_path import PoolingPath as PoolingPath
from hlm.compare.pooling_path import pooling_path as pooling_path
from hlm.compare.rank_groups import rank_groups as rank_groups
from hlm.compare.recovery import recovery as recovery
from hlm.compare.shrinkage import shrinkage as shrinkage
from hlm.compare.slope_differences import slope_differences as slope_differences
from hlm.compare.verdict import Verdict as Verdict
from hlm.compare.verdict import verdict as verdict
from hlm.checks.check_spread import check_spread as check_spread

# pictures
from hlm.plots.plot_data import plot_data as plot_data
from hlm.plots.plot_lines import plot_lines as plot_lines
from hlm.plots.plot_loo import plot_loo as plot_loo
from hlm.plots.plot_path import plot_path as plot_path
from hlm.plots.plot_plane import plot_plane as plot_plane
from hlm.plots.plot_ranks import plot_ranks as plot_ranks
from hlm.plots.plot_recovery import plot_recovery as plot_recovery
from hlm.plots.plot_shrinkage import plot_shrinkage as plot_shrinkage
from hlm.plots.plot_slopes import plot_slopes as plot_slopes

# errors
from hlm.errors import DataError as DataError
from hlm.errors import FitError as FitError
from hlm.errors import FormulaError as FormulaError
from hlm.errors import HlmError as HlmError
