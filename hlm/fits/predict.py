"""`predict`: what a fit says about new rows, of known groups and of new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from scipy.special import expit

from hlm.data.clean_data import CleanData, offsets
from hlm.data.new_rows import prepare
from hlm.errors import DataError, FitError
from hlm.fits.failed_diagnostics import cautions
from hlm.fits.posterior_coefficients import GroupPart, linear_predictor, residual_sd
from hlm.fits.results import check_fit
from hlm.formula.formula import Formula, Term
from hlm.formula.pooling_formulas import complete_formula
from hlm.model.design_columns import Columns
from hlm.support.linear_algebra import lower_roots
from hlm.support.memory import check_memory
from hlm.support.options import check_choice, check_prob, check_seed
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from hlm.fits.results import Fit

Kind = Literal["mean", "linear", "response"]
NewGroups = Literal["gaussian", "zero", "resample"]
_RESULTS = ("estimate", "sd", "lower", "upper", "prob", "new_group", "note")
DEFAULT_PROB = 0.89  # ArviZ's default
_INVERSE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda eta: eta, "bernoulli": expit, "binomial": expit, "poisson": np.exp, "negativebinomial": np.exp,
}  # fmt: skip


def predict(
    fit: Fit,
    newdata: Any = None,
    *,
    kind: Kind = "mean",
    new_groups: NewGroups = "gaussian",
    prob: float = DEFAULT_PROB,
    seed: int | None = None,
) -> pd.DataFrame:
    """Predict new rows.

    Parameters
    ----------
    fit : Fit
        One arm, for example ``fits["partial"]``.
    newdata : data frame, optional
        With the predictors and grouping columns; the rows of the fit by default.
    kind : {"mean", "linear", "response"}
        The expected response (for binomial: the probability), the linear predictor, or a new response with all of its
        variation.
    new_groups : {"gaussian", "zero", "resample"}
        Effects of groups that the data did not have: drawn from their Normal(0, Sigma), one draw for all rows of a
        group; zero, the common line; or, for each draw, those of one known group.
    prob : float
        Probability of the central intervals.
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
    _check(fit, kind, new_groups, prob)
    check_seed(seed)
    formula = complete_formula(fit.written) if fit.pooling == "complete" else fit.written
    rows = _original(fit, formula) if newdata is None else prepare(formula, fit.data, newdata)
    generator = stream(seed, "prediction")
    _check_names(rows)
    new = _new_rows(formula, fit.data, rows)
    if fit.pooling == "none" and new.any():
        raise FitError(
            f"No pooling has no prediction for a new group (row {int(np.flatnonzero(new)[0])}, counting from 0): "
            f"only its prior would speak. Use the partial or the complete fit."
        )
    _check_room(fit, len(rows))
    values = _linear(fit, formula, rows, new_groups, generator)
    if kind != "linear":
        values = _INVERSE[fit.family](values)
    if kind == "response":
        values = _respond(fit, rows, values, generator)
    tail = (1 - prob) / 2
    return rows.assign(
        estimate=values.mean(axis=0), sd=values.std(axis=0, ddof=1), lower=np.quantile(values, tail, axis=0),
        upper=np.quantile(values, 1 - tail, axis=0), prob=prob, new_group=new, note="; ".join(cautions(fit).values()),
    )  # fmt: skip


def _check(fit: Fit, kind: str, new_groups: str, prob: float) -> None:
    check_fit(fit, "such as fits['partial']")
    check_choice("kind", kind, get_args(Kind))
    check_choice("new_groups", new_groups, get_args(NewGroups))
    check_prob(prob)
    if fit.family not in _INVERSE:
        raise FitError(f"predict covers {', '.join(_INVERSE)}; for {fit.family} use fit.model.predict(fit.idata, ...).")


def _check_names(rows: pd.DataFrame) -> None:
    """The columns that stand beside the prediction must not be overwritten by it."""
    taken = next((name for name in rows.columns if name in _RESULTS), None)
    if taken is not None:
        raise DataError(
            f"The column {taken!r} has the name of a column of predict's table ({', '.join(_RESULTS)}): "
            f"rename it before fitting, for example {taken}_x."
        )


def _check_room(fit: Fit, rows: int) -> None:
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
    return fit.data.columns[[*names]].reset_index(drop=True)


def _new_rows(formula: Formula, data: CleanData, rows: pd.DataFrame) -> np.ndarray:
    """Rows with a group that the data did not have."""
    new = np.zeros(len(rows), dtype=bool)
    for group in formula.groups:
        new |= ~rows[group.name].astype(str).isin(data.levels(group)).to_numpy()
    return new


def _linear(
    fit: Fit, formula: Formula, rows: pd.DataFrame, new_groups: NewGroups, generator: np.random.Generator
) -> np.ndarray:
    """The linear predictor of new rows, shape (draws, rows)."""
    arm = fit.parts
    eta = arm.shared @ new_columns(arm.common, fit.data, rows).T
    chosen: dict[Term, np.ndarray] = {}
    for index, part in enumerate(arm.groups):
        design = new_columns(part.design, fit.data, rows)
        levels = {level: i for i, level in enumerate(fit.data.levels(part.group))}
        labels = rows[part.group.name].astype(str).to_numpy()
        unseen = [label for label in dict.fromkeys(labels) if label not in levels]
        values = part.values
        if unseen and new_groups != "zero":
            drawn = _draw_new(fit, index, part, len(unseen), new_groups, generator, chosen)
            values = np.concatenate([values, drawn], axis=1)
        elif unseen:
            values = np.concatenate([values, np.zeros((len(values), len(unseen), values.shape[2]))], axis=1)
        places = levels | {label: len(levels) + i for i, label in enumerate(unseen)}
        codes = np.array([places[label] for label in labels])
        eta += np.einsum("drq,rq->dr", values[:, codes], design)
    offset = offsets(formula, rows)
    return np.asarray(eta if offset is None else eta + offset)


def new_columns(design: Columns, data: CleanData, rows: pd.DataFrame) -> np.ndarray:
    """Design columns of new rows, coded as the data's: evaluated below them, so that all levels are there."""
    import pandas as pd

    names = list(dict.fromkeys(v for term in design.together for v in term.variables))
    if not names:
        return np.ones((len(rows), len(design.labels)))
    below = pd.concat([data.columns[names], rows[names]], ignore_index=True)
    return design.on(CleanData(below, len(below))).matrix[-len(rows) :]


def _draw_new(
    fit: Fit, index: int, part: GroupPart, count: int, how: NewGroups,
    generator: np.random.Generator, chosen: dict[Term, np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Effects of new groups, shape (draws, count, q)."""
    draws, groups, q = part.values.shape
    if how == "resample":  # the same known group in all of a factor's blocks, since they belong together
        picked = chosen.setdefault(part.group, generator.integers(groups, size=(draws, count)))
        return np.take_along_axis(part.values, picked[:, :, None], axis=1)
    sds, correlation = group_covariance(fit, index, part)
    factor = lower_roots(correlation + 1e-12 * np.eye(q))
    standard = generator.standard_normal((draws, count, q))
    return np.asarray(np.einsum("dij,dcj->dci", factor, standard) * sds[:, None, :])


def group_covariance(fit: Fit, index: int, part: GroupPart) -> tuple[np.ndarray, np.ndarray]:
    """Sds, shape (draws, q), and correlations, shape (draws, q, q), of one block's effects."""
    from hlm.model.default_priors import correlated_blocks

    posterior: xr.Dataset = fit.idata["posterior"].to_dataset()
    draws, _, q = part.values.shape
    sds = [
        posterior[f"{effect.name}|{part.group.name}_sigma"].to_numpy().reshape(draws, -1)
        for effect in dict.fromkeys(part.design.terms)
    ]
    names = {place: name for name, place in correlated_blocks(fit.written, fit.data).items()}
    if index not in names:
        return np.concatenate(sds, axis=1), np.broadcast_to(np.eye(q), (draws, q, q))
    correlation = posterior[names[index]].to_numpy().reshape(draws, q, q)
    known = np.where(np.isnan(correlation), np.eye(q), correlation)  # NaN beside an sd of 0
    return np.concatenate(sds, axis=1), known


def replicated(fit: Fit, draws: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """New responses of the fit's own rows and groups, shape (len(draws), rows).

    Parameters
    ----------
    fit : Fit
    draws : numpy.ndarray of int
        Which posterior draws.
    generator : numpy.random.Generator

    Raises
    ------
    FitError
        In a family that `predict` does not cover.
    """
    _check(fit, "response", "gaussian", DEFAULT_PROB)
    arm = fit.parts
    groups = tuple(replace(part, values=part.values[draws]) for part in arm.groups)
    eta = linear_predictor(replace(arm, shared=arm.shared[draws], groups=groups), fit.data, slice(0, fit.data.rows))
    return _respond(fit, fit.data.columns, _INVERSE[fit.family](eta), generator, draws)


def _respond(
    fit: Fit, rows: pd.DataFrame, mean: np.ndarray, generator: np.random.Generator, draws: np.ndarray | None = None
) -> np.ndarray:
    """New responses around their mean, shape (draws, rows); of some draws, or all."""
    chosen = slice(None) if draws is None else draws
    posterior = fit.idata["posterior"]
    match fit.family:
        case "gaussian":
            values = generator.normal(mean, _sigma(fit, rows)[chosen])
        case "bernoulli":
            values = generator.binomial(1, mean)
        case "binomial":
            trials = fit.written.response.trials
            if trials is None or trials not in rows:
                raise DataError(f"New binomial responses need the column of trials, {trials!r}.")
            values = generator.binomial(rows[trials].to_numpy().astype(np.int64), mean)
        case "poisson":
            values = generator.poisson(mean)
        case _:
            alpha = posterior["alpha"].to_numpy().reshape(-1, 1)[chosen]
            values = generator.negative_binomial(alpha, alpha / (alpha + mean))
    return np.asarray(values, dtype=np.float64)


def _sigma(fit: Fit, rows: pd.DataFrame) -> np.ndarray:
    posterior, group = fit.idata["posterior"].to_dataset(), fit.separate
    if group is None:
        return residual_sd(posterior, None, None)
    codes = {level: k for k, level in enumerate(fit.data.levels(group))}
    labels = rows[group.name].astype(str)
    unknown = [label for label in labels if label not in codes]
    if unknown:
        raise DataError(f"The {group.name} {unknown[0]!r} is new: with residual='separate' it has no residual sd.")
    return residual_sd(posterior, np.array([codes[label] for label in labels]), group)
