"""`plan`: which engine would fit each pooling strategy, and what that takes, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import TYPE_CHECKING, Any

from hlm.data.transforms import Functions
from hlm.engines.interface import Options
from hlm.errors import FitError
from hlm.fits.fit import checked_options, chosen_poolings
from hlm.fits.run_engines import chosen_engine
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import POOLINGS, Pooling, Residual
from hlm.model.model import Model
from hlm.model.resolve import resolve
from hlm.support.options import Method

if TYPE_CHECKING:
    import pandas as pd


from hlm.model.priors import GivenPriors


def plan(
    formula: str | Formula, data: Any, *, poolings: Sequence[Pooling] = POOLINGS,
    family: str = "gaussian", link: str | None = None, weights: str | None = None, functions: Functions | None = None,
    priors: GivenPriors | None = None, lkj_eta: float = 1.0, residual: Residual = "shared",
    method: Method = "auto", draws: int = 1000, chains: int = 4, tune: int = 1000,
) -> pd.DataFrame:  # fmt: skip
    """What `fit_pooling` would do: nothing is fitted.

    Parameters
    ----------
    formula, data, poolings, family, link, weights, functions, priors, lkj_eta, residual, method, draws, chains, tune
        As in `fit_pooling`.

    Returns
    -------
    pandas.DataFrame
        One row per strategy: ``pooling, formula, engine, why, coefficients, parameters, memory_mb, seconds``.
        ``engine`` is the one that would be tried first, ``why`` says why that one (and why not one before it);
        ``coefficients`` are those of common terms and of all groups; ``parameters`` are the standard deviations,
        correlations and the family's own. ``memory_mb`` and ``seconds`` are rough: a factor of three is no surprise,
        and the first fit of a process compiles or loads compiled code besides.

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data or options cannot be used.

    Examples
    --------
    >>> from hlm import load_data, plan
    >>> plan("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))[["pooling", "engine", "coefficients"]]
        pooling engine  coefficients
    0  complete  exact             2
    1      none  exact            36
    2   partial  exact            38
    """
    import pandas as pd

    chosen = chosen_poolings(poolings)
    options = checked_options(method, draws, chains, tune, seed=None, progress=False, sampler_kwargs=None)
    models = resolve(
        formula, data, poolings=chosen, family=family, link=link, weights=weights, functions=functions, priors=priors,
        lkj_eta=lkj_eta, residual=residual, comparing=True,
    )  # fmt: skip
    return pd.DataFrame([_row(model, method, options) for model in models.values()])


def _row(model: Model, method: Method, options: Options) -> dict[str, Any]:
    counts = {
        "coefficients": len(model.common.labels) + _of_groups(model),
        "parameters": sum(max(len(p.labels), 1) for p in model.of_kind("sd", "residual", "family"))
        + sum(len(p.labels) * (len(p.labels) - 1) // 2 for p in model.of_kind("correlation")),
    }
    head = {"pooling": model.pooling, "formula": model.text}
    try:
        engine, why = chosen_engine(model, method)
    except FitError as reason:
        return {**head, "engine": "none", "why": str(reason), **counts, "memory_mb": nan, "seconds": nan}
    cost = engine.cost(model, options)
    return {
        **head, "engine": engine.name, "why": why, **counts, "memory_mb": round(cost.memory / 1e6, 1),
        "seconds": float(f"{cost.seconds:.2g}"),
    }  # fmt: skip


def _of_groups(model: Model) -> int:
    """The groups' coefficients that are not fixed at 0."""
    zeros = model.design.no_pooling.zeros if model.pooling == "none" else 0
    return sum(factor.size * factor.width for factor in model.factors) - zeros
