"""`compare_loo`: which arm predicts new rows best, with the caveats beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.errors import FitError
from hlm.predictive.loo import GOOD_K, PointwiseLoo

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fitting.results import Fit

_SHOWN = 5


def compare_loo(fits: Any, *, unit: str = "observation") -> pd.DataFrame:
    """Compare the arms by leave-one-out predictive density.

    Parameters
    ----------
    fits : PoolingFits
    unit : {"observation"}
        What is left out: a single row, so that the question is about a new row of a known group.

    Returns
    -------
    pandas.DataFrame
        Best first: ``pooling, elpd, se, elpd_diff, se_diff, p, bad_k, weight, unit, note``. ``elpd`` is the sum of log
        predictive densities, larger is better; ``elpd_diff`` is 0 for the best and negative for the rest, ``se_diff``
        its standard error from the paired rows; ``p`` the effective number of parameters; ``bad_k`` the number of
        rows whose Pareto k is above 0.7, so that their share of ``elpd`` cannot be trusted (the note names their
        groups); ``weight`` the stacking weight. Differences of less than about 4, or less than two standard errors,
        decide nothing.

    Raises
    ------
    FitError
        For fewer than two arms or an unknown unit.

    Notes
    -----
    Pareto-smoothed importance sampling: Vehtari, Gelman & Gabry (2017), Statistics and Computing 27:1413-1432.
    Stacking: Yao, Vehtari, Simpson & Gelman (2018), Bayesian Analysis 13:917-1007, as computed by ArviZ.

    Examples
    --------
    >>> from hlm import compare_loo, fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> compare_loo(fits)["pooling"].iloc[-1]
    'complete'
    """
    import pandas as pd

    if not isinstance(fits, Mapping) or len(fits) < 2:
        raise FitError("compare_loo compares arms: give it what fit_pooling returns, with two arms at least.")
    if unit != "observation":
        raise FitError(f"unit is 'observation', not {unit!r}.")
    best = max(fits.values(), key=lambda fit: fit.loo.total)
    weights = _stacking_weights({arm: fit.loo for arm, fit in fits.items()})
    rows = [
        {
            "pooling": arm, "elpd": fit.loo.total, "se": fit.loo.se, **_difference(fit.loo, best.loo),
            "p": fit.loo.p, "bad_k": len(fit.loo.bad), "weight": weights[arm], "unit": unit, "note": _note(fit),
        }
        for arm, fit in fits.items()
    ]  # fmt: skip
    return pd.DataFrame(rows).sort_values("elpd", ascending=False, ignore_index=True)


def _difference(loo: PointwiseLoo, best: PointwiseLoo) -> dict[str, float]:
    """To the best arm, row by row, so that what all arms find hard cancels."""
    paired = loo.elpd - best.elpd
    return {"elpd_diff": float(paired.sum()), "se_diff": float(np.sqrt(len(paired) * paired.var()))}


def _note(fit: Fit) -> str:
    """Which groups the untrustworthy rows belong to."""
    if not len(fit.loo.bad):
        return ""
    where = []
    for group in fit.written.groups:
        labels = np.asarray(fit.data.levels(group))[fit.data.codes(group)[fit.loo.bad]]
        names = list(dict.fromkeys(labels.tolist()))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        where.append(f"{group.name} {', '.join(names[:_SHOWN])}{more}")
    return f"elpd not to be trusted at {len(fit.loo.bad)} row(s) with Pareto k > {GOOD_K}: {'; '.join(where)}"


def _stacking_weights(loos: Mapping[str, PointwiseLoo]) -> dict[str, float]:
    """The mixture of arms that would predict best, from ArviZ."""
    import arviz_stats
    import xarray as xr

    compared = {
        arm: arviz_stats.ELPDData(
            elpd=loo.total, se=loo.se, p=loo.p, n_samples=1000, n_data_points=len(loo.elpd), scale="log",
            warning=False, good_k=GOOD_K, elpd_i=xr.DataArray(loo.elpd, dims="__obs__"),
            pareto_k=xr.DataArray(loo.pareto_k, dims="__obs__"),
        )
        for arm, loo in loos.items()
    }  # fmt: skip
    table = arviz_stats.compare(compared, method="stacking", round_to="none")
    return {str(arm): float(table.loc[arm, "weight"]) for arm in compared}
