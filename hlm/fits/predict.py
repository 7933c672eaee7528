"""`predict`: what a fit says about new rows, of known groups and of new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from hlm.data.clean_data import offsets
from hlm.data.new_rows import prepare
from hlm.errors import DataError, FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.posterior_coefficients import GroupPart, draws_first, group_covariance, linear_predictor, residual_sd
from hlm.fits.results import check_fit
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import complete_formula
from hlm.model import names
from hlm.model.families import FAMILIES
from hlm.support.linear_algebra import lower_roots
from hlm.support.memory import check_memory
from hlm.support.options import check_choice, check_seed, checked_prob
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

Kind = Literal["mean", "linear", "response"]
NewGroups = Literal["gaussian", "zero", "resample"]
_RESULTS = ("estimate", "sd", "lower", "upper", "prob", "new_group", "note")


def predict(
    fit: Fit, newdata: Any = None, *, kind: Kind = "mean", new_groups: NewGroups = "gaussian",
    prob: float | None = None, seed: int | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Predict new rows.

    Parameters
    ----------
    fit : Fit
        One strategy, for example ``fits["partial"]``.
    newdata : data frame, optional
        With the predictors and grouping columns; the rows of the fit by default.
    kind : {"mean", "linear", "response"}
        The expected response (for binomial: the probability), the linear predictor, or a new response with all of its
        variation.
    new_groups : {"gaussian", "zero", "resample"}
        Effects of groups that the data did not have: drawn from their Normal(0, Sigma), one draw for all rows of a
        group; zero, the common line; or, for each draw, those of one known group.
    prob : float, optional
        Probability of the central intervals; 0.89 by default.
    seed : int, optional
        For ``kind="response"`` and for new groups.

    Returns
    -------
    pandas.DataFrame
        The columns of the formula as predicted from, then ``estimate`` (posterior mean), ``sd``, ``lower``, ``upper``,
        ``prob``, in units of the response (``kind="linear"``: of the linear predictor), ``new_group``, and ``note``,
        why not to rely on the fit's draws, if so.

    Raises
    ------
    DataError
        For a missing column or value, a factor level that the data did not have, or a column of the formula that has
        the name of one of the above.
    FitError
        For a new group in no pooling, which has nothing to say about it, and for unknown options.

    Examples
    --------
    >>> import pandas as pd
    >>> from hlm import fit, load_data, predict
    >>> lines = fit("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...             draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> days = pd.DataFrame({"Days": [0, 9], "Subject": ["308", "somebody new"]})
    >>> predict(lines, days, seed=1)["new_group"].tolist()
    [False, True]
    """
    _check(fit, kind, new_groups)
    probability = checked_prob(prob)
    check_seed(seed)
    formula = complete_formula(fit.resolved.written) if fit.pooling == "complete" else fit.resolved.written
    rows = _original(fit, formula) if newdata is None else prepare(formula, fit.resolved.data, newdata)
    generator = stream(seed, "prediction")
    taken = next((name for name in rows.columns if name in _RESULTS), None)
    if taken is not None:
        raise DataError(
            f"The column {taken!r} has the name of a column of predict's table ({', '.join(_RESULTS)}): "
            f"rename it before fitting, for example {taken}_x."
        )
    new = np.zeros(len(rows), dtype=bool)  # rows with a group that the data did not have
    for group in formula.groups:
        new |= ~rows[group.name].astype(str).isin(fit.resolved.data.levels(group)).to_numpy()
    if fit.pooling == "none" and new.any():
        raise FitError(
            f"No pooling has no prediction for a new group (row {int(np.flatnonzero(new)[0])}, counting from 0): "
            f"only its prior would speak. Use the partial or the complete fit."
        )
    _check_memory(fit, len(rows))
    values = _linear(fit, formula, rows, new_groups, generator)
    if kind != "linear":
        values = fit.resolved.family.undo_link(values)
    if kind == "response":
        values = _respond(fit, rows, values, generator)
    tail = (1 - probability) / 2
    return rows.assign(
        estimate=values.mean(axis=0), sd=values.std(axis=0, ddof=1), lower=np.quantile(values, tail, axis=0),
        upper=np.quantile(values, 1 - tail, axis=0), prob=probability, new_group=new,
        note="; ".join(failed_diagnostics(fit).values()),
    )  # fmt: skip


def _check(fit: Fit, kind: str, new_groups: str) -> None:
    check_fit(fit, "such as fits['partial']")
    check_choice("kind", kind, get_args(Kind))
    check_choice("new_groups", new_groups, get_args(NewGroups))
    if fit.resolved.family.draw is None:
        covered = ", ".join(name for name, family in FAMILIES.items() if family.draw is not None)
        raise FitError(f"predict covers {covered}; for {fit.family} use fit.model.predict(fit.idata, ...).")


def _check_memory(fit: Fit, rows: int) -> None:
    draws = len(fit.parts.shared)
    widths = sum(part.values.shape[2] for part in fit.parts.groups)
    check_memory(
        f"Predicting {rows:,} rows from {draws:,} draws",
        {
            "linear predictor and its sorted copy": 2.0 * draws * rows,
            "effects row by row": float(widths) * draws * rows,
        },
        "Predict fewer rows at a time, or fit with fewer draws.",
    )


def _original(fit: Fit, formula: Formula) -> pd.DataFrame:
    groups = [*formula.group_variables, *(g.name for g in formula.groups)]
    names = dict.fromkeys([*formula.predictors, *groups, *formula.offsets, *formula.response.variables])
    return fit.resolved.data.columns[[*names]].reset_index(drop=True)


def _linear(
    fit: Fit, formula: Formula, rows: pd.DataFrame, new_groups: NewGroups, generator: np.random.Generator
) -> np.ndarray:
    """The linear predictor of new rows, shape (draws, rows)."""
    parts = fit.parts
    eta = parts.shared @ parts.common.on(rows).matrix.T
    for part in parts.groups:
        design = part.factor.design.on(rows).matrix
        levels = {level: i for i, level in enumerate(part.factor.levels)}
        labels = rows[part.factor.name].astype(str).to_numpy()
        unseen = [label for label in dict.fromkeys(labels) if label not in levels]
        values = part.values
        if unseen:
            values = np.concatenate([values, _draw_new(fit, part, len(unseen), new_groups, generator)], axis=1)
        places = levels | {label: len(levels) + i for i, label in enumerate(unseen)}
        codes = np.array([places[label] for label in labels])
        eta += np.einsum("drq,rq->dr", values[:, codes], design)
    offset = offsets(formula, rows)
    return np.asarray(eta if offset is None else eta + offset)


def _draw_new(fit: Fit, part: GroupPart, count: int, how: NewGroups, generator: np.random.Generator) -> np.ndarray:
    """Effects of new groups, shape (draws, count, q)."""
    draws, groups, q = part.values.shape
    if how == "zero":
        return np.zeros((draws, count, q))
    if how == "resample":  # one known group in all of a factor's effects, since they belong together
        picked = generator.integers(groups, size=(draws, count))
        return np.take_along_axis(part.values, picked[:, :, None], axis=1)
    sds, correlation = group_covariance(fit.idata["posterior"].to_dataset(), part.factor)
    factor = lower_roots(correlation + 1e-12 * np.eye(q))
    standard = generator.standard_normal((draws, count, q))
    return np.asarray(np.einsum("dij,dcj->dci", factor, standard) * sds[:, None, :])


def replicated(fit: Fit, draws: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """New responses of the fit's own rows and groups, shape (len(draws), rows).

    draws: which posterior draws.
    FitError: in a family that `predict` does not cover.
    """
    _check(fit, "response", "gaussian")
    groups = tuple(replace(part, values=part.values[draws]) for part in fit.parts.groups)
    some = replace(fit.parts, shared=fit.parts.shared[draws], groups=groups)
    eta = linear_predictor(some, fit.resolved.data, slice(0, fit.resolved.rows))
    return _respond(fit, fit.resolved.data.columns, fit.resolved.family.undo_link(eta), generator, draws)


def _respond(
    fit: Fit, rows: pd.DataFrame, mean: np.ndarray, generator: np.random.Generator, draws: np.ndarray | None = None
) -> np.ndarray:
    """New responses around their mean, shape (draws, rows); of some draws, or all."""
    family = fit.resolved.family
    assert family.draw is not None  # `_check` has seen to it
    chosen = slice(None) if draws is None else draws
    posterior = fit.idata["posterior"].to_dataset()
    own = {p.name: draws_first(posterior[p.name])[:, None][chosen] for p in fit.resolved.of_kind("family")}
    if fit.resolved.of_kind("residual"):
        own[names.RESIDUAL_SD] = _sigma(fit, rows)[chosen]
    trials, name = None, fit.resolved.written.response.trials
    if family.has_trials:
        if name is None or name not in rows:
            raise DataError(f"New {fit.family} responses need the column of trials, {name!r}.")
        trials = rows[name].to_numpy().astype(np.int64)
    return family.draw(generator, mean, trials, own).astype(np.float64)


def _sigma(fit: Fit, rows: pd.DataFrame) -> np.ndarray:
    posterior, factor = fit.idata["posterior"].to_dataset(), fit.resolved.separate
    if factor is None:
        return residual_sd(posterior, fit.resolved, None)
    codes = {level: k for k, level in enumerate(factor.levels)}
    labels = rows[factor.name].astype(str)
    unknown = [label for label in labels if label not in codes]
    if unknown:
        raise DataError(f"The {factor.name} {unknown[0]!r} is new: with residual='separate' it has no residual sd.")
    return residual_sd(posterior, fit.resolved, np.array([codes[label] for label in labels]))
