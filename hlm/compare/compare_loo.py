"""`compare_loo`: which strategy predicts best what is new, with notes beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.glossary import described
from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import best_of, difference
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.results import fits_by_label
from hlm.support.interrupts import interruptible
from hlm.support.options import offending

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_SHOWN = 5
_NOTHING = float("nan")
_NO_NUMBERS = dict.fromkeys(("elpd", "se", "elpd_diff", "se_diff", "p_loo", "bad_k", "weight"), _NOTHING)


def compare_loo(fits: Mapping[str, Fit], *, unit: str = "observation") -> pd.DataFrame:
    """Compare the strategies by leave-one-out predictive density.

    Parameters
    ----------
    fits : PoolingFits
        Or any mapping of labels to `Fit` of the same rows.
    unit : str
        What is left out, and so which question is asked. ``"observation"``: a single row; how well is a new row of a
        known group predicted? The name of a grouping factor: a whole group; how well is a new group predicted?

    Returns
    -------
    pandas.DataFrame
        Best first: ``pooling, elpd, se, elpd_diff, se_diff, p_loo, bad_k, weight, unit, note``. ``elpd`` sums the log
        predictive densities, larger is better; ``elpd_diff`` is 0 for the best and negative for the rest, ``se_diff``
        its standard error from the paired units; ``p_loo`` the effective number of parameters; ``bad_k`` the number of
        units whose Pareto k is above 0.7, so that their share of ``elpd`` cannot be trusted (the note names their
        groups); ``weight`` the stacking weight. Differences of less than about 4, or less than two standard errors,
        decide nothing. No pooling cannot predict a new group: its row has no numbers, and says why.

    Raises
    ------
    FitError
        For fewer than two strategies, an unknown unit, fits of different rows, or where whole groups cannot be left out
        (several grouping factors in other families than gaussian).

    Notes
    -----
    Fits without a Markov chain: given each draw of the sds and correlations the density of a left-out unit is exact,
    every coefficient integrated out (Vehtari et al. 2016, JMLR 17(103); Merkle, Furr & Rabe-Hesketh 2019,
    Psychometrika 84:802-829, for whole groups). Other fits: conditional on the coefficients. Both by Pareto-smoothed
    importance sampling (Vehtari, Gelman & Gabry 2017, Statistics and Computing 27:1413-1432). Never add up the values
    of single rows to judge new groups. Stacking: Yao, Vehtari, Simpson & Gelman (2018), Bayesian Analysis 13:917-1007.

    Examples
    --------
    >>> from hlm import compare_loo, fit_pooling, load_data
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> compare_loo(fits)["pooling"].to_list()
    ['partial', 'none', 'complete']
    >>> compare_loo(fits, unit="Subject")["elpd"].round().to_list()
    [-886.0, -959.0, nan]
    """
    return loo_table(fits, leave_out(fits, unit), unit)


def leave_out(fits: Mapping[str, Fit], unit: str) -> dict[str, PointwiseLoo | str]:
    """By strategy: its leave-one-out, or one sentence why there is none."""
    if not isinstance(fits, Mapping) or len(fits) < 2 or not fits_by_label(fits):
        raise FitError("compare_loo compares strategies: give it what fit_pooling returns, with two of them at least.")
    _check_same_rows(fits)
    found: dict[str, PointwiseLoo | str] = {}
    with interruptible(lambda: f"leaving out each {unit}, strategy {len(found) + 1} of {len(fits)}"):
        for label, fit in fits.items():
            found[label] = _leave_out(fit, unit)
        return found


def loo_table(fits: Mapping[str, Fit], loos: Mapping[str, PointwiseLoo | str], unit: str) -> pd.DataFrame:
    """The table of `compare_loo`."""
    import pandas as pd

    known = {label: loo for label, loo in loos.items() if isinstance(loo, PointwiseLoo)}
    best = known[best_of(known)]
    weights = stacking_weights(known)
    rows = []
    for label, fit in fits.items():
        loo = loos[label]
        if isinstance(loo, PointwiseLoo):
            numbers = {"elpd": loo.total, "se": loo.se, **difference(loo, best), "p_loo": loo.p_loo}
            numbers |= {"bad_k": len(loo.bad), "weight": weights[label]}
            rows.append({"pooling": label, **numbers, "unit": unit, "note": _note(fit, loo)})
        else:
            rows.append({"pooling": label, **_NO_NUMBERS, "unit": unit, "note": loo})
    table = pd.DataFrame(rows).sort_values("elpd", ascending=False, ignore_index=True)
    return described(with_failed_diagnostics(table, fits, by_row=True))


def stacking_weights(loos: Mapping[str, PointwiseLoo]) -> dict[str, float]:
    """Weights w that maximise sum_i log sum_k w_k exp(elpd_ik) (Yao et al. 2018, Bayesian Analysis 13:917-1007).

    loos: of the same units. One whose elpd could not be computed at some unit has no weight: NaN.
    """
    from scipy.optimize import minimize

    known = [label for label, loo in loos.items() if not np.isnan(loo.total)]
    if not known:
        return dict.fromkeys(loos, float("nan"))
    log_density = np.column_stack([loos[label].elpd for label in known])
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        mixture = density @ weights
        return -float(np.log(mixture).mean()), -(density / mixture[:, None]).mean(axis=0)

    found = minimize(
        loss, np.full(len(known), 1 / len(known)), jac=True, method="SLSQP", bounds=[(0.0, 1.0)] * len(known),
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": np.ones_like}, options={"ftol": 1e-12},
    )  # fmt: skip
    weights = np.maximum(found.x, 0.0)
    return dict.fromkeys(loos, float("nan")) | dict(zip(known, (weights / weights.sum()).tolist(), strict=True))


def _check_same_rows(fits: Mapping[str, Fit]) -> None:
    """Predictive densities compare models of the same responses only."""
    (label, some), *others = fits.items()
    for other, fit in others:
        response, theirs = some.resolved.written.response.variable, fit.resolved.written.response.variable
        same = response == theirs and fit.resolved.data.columns.index.equals(some.resolved.data.columns.index)
        mine = some.resolved.data.columns[response].to_numpy()
        if not (same and (fit.resolved.data.columns[theirs].to_numpy() == mine).all()):
            raise FitError(
                f"{label!r} ({response}, {some.resolved.data.rows} rows) and {other!r} ({theirs}, "
                f"{fit.resolved.data.rows} rows) are not fits of the same rows and response: their predictive "
                f"densities cannot be compared."
            )


def _leave_out(fit: Fit, unit: str) -> PointwiseLoo | str:
    """Its leave-one-out, or one sentence why there is none."""
    names = [group.name for group in fit.resolved.written.groups]
    if not isinstance(unit, str) or unit not in ("observation", *names):
        raise FitError(f"unit is 'observation' or a grouping factor ({', '.join(names)}), not {offending(unit)}.")
    if unit == "observation":
        return fit.leave_out()
    group = fit.resolved.group(unit)
    if fit.pooling == "none":
        return f"no pooling cannot predict a new {unit}: its prior would be all that speaks"
    return fit.leave_out(group)


def _note(fit: Fit, loo: PointwiseLoo) -> str:
    """Which groups the untrustworthy units belong to."""
    if not len(loo.bad):
        return ""
    where = []
    for group in fit.resolved.written.groups if loo.unit == "observation" else (fit.resolved.group(loo.unit),):
        labels = np.asarray(fit.resolved.data.levels(group))
        labels = labels[fit.resolved.data.codes(group)[loo.bad]] if loo.unit == "observation" else labels[loo.bad]
        names = list(dict.fromkeys(labels.tolist()))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        where.append(f"{group.name} {', '.join(names[:_SHOWN])}{more}")
    what = "row(s)" if loo.unit == "observation" else "group(s)"
    return f"elpd not to be trusted at {len(loo.bad)} {what} with Pareto k > {GOOD_PARETO_K}: {'; '.join(where)}"
