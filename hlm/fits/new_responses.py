"""From linear predictors to expected and to new responses, for every family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from hlm.errors import DataError, FitError
from hlm.fits.posterior_coefficients import draws_first, linear_predictor, residual_sd
from hlm.formula.function_calls import shown, source_columns
from hlm.model import names

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_LARGEST_COUNT = 9e18  # beyond, NumPy has no count


def parents(fit: Fit, eta: dict[str, np.ndarray]) -> np.ndarray:
    """The parameter that the formula describes, shape (draws, rows); of labels all probabilities, (..., K)."""
    family = fit.resolved.family
    if family.has_linear_predictor:
        with np.errstate(divide="ignore", invalid="ignore"):
            return family.undo_link(eta[""])
    if family.has_predictor_per_label:  # the first label's predictor is 0
        return family.undo_link(np.stack([np.zeros_like(next(iter(eta.values()))), *eta.values()], axis=2))
    thresholds = draws_first(fit.idata["posterior"].to_dataset()[names.THRESHOLDS])
    below = family.undo_link(thresholds[:, None, :] - eta[""][:, :, None])
    edge = np.ones((*below.shape[:2], 1))
    if family.name == "cumulative":
        return np.diff(np.concatenate([0 * edge, below, edge], axis=2), axis=2)
    reached = np.concatenate([edge, np.cumprod(1 - below, axis=2)], axis=2)  # a label, given that none before it was it
    return np.asarray(reached * np.concatenate([below, edge], axis=2))


def labels_drawn(probabilities: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A 1 at one label of each draw and row, else 0, of the shape of the probabilities, (draws, rows, K)."""
    cumulative = probabilities.cumsum(axis=2)[:, :, :-1]
    chosen = (generator.random((*probabilities.shape[:2], 1)) > cumulative).sum(axis=2)
    return np.asarray(chosen[:, :, None] == np.arange(probabilities.shape[2]), dtype=np.float64)


def new_responses(
    fit: Fit, rows: pd.DataFrame, parent: np.ndarray, kind: Literal["mean", "response"],
    generator: np.random.Generator, draws: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Expected responses, or responses drawn anew, shape (draws, rows).

    draws: which posterior draws ``parent`` is of; all by default.
    """
    family = fit.resolved.family
    if kind == "response" or family.link in ("inverse", "inverse_squared"):
        _check_possible(fit, parent)
    if kind == "mean":
        return expected_responses(fit, rows, parent, draws)
    own = _own_parameters(fit, rows, slice(None) if draws is None else draws)
    assert family.draw is not None  # only families of labels have none
    if family.support == "count" and not parent.max(initial=0.0) < _LARGEST_COUNT:
        raise FitError(f"Some draws have a mean of {parent.max():.3g}, too large for a count: take kind='mean'.")
    return family.draw(generator, parent, _trials(fit, rows), own).astype(np.float64)


def expected_responses(
    fit: Fit, rows: pd.DataFrame, parent: np.ndarray, draws: np.ndarray | None = None
) -> np.ndarray:  # fmt: skip
    """Expected responses, shape (draws, rows), of the parameter that the formula describes."""
    family = fit.resolved.family
    if family.expected is None:
        return parent
    return family.expected(parent, _own_parameters(fit, rows, slice(None) if draws is None else draws))


def replicated(fit: Fit, draws: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """New responses of the fit's own rows and groups, shape (len(draws), rows).

    draws: which posterior draws.
    FitError: in a family of labels, whose responses are no numbers.
    """
    model = fit.resolved
    if not model.family.has_linear_predictor:
        raise FitError(f"The responses of the {fit.family} family are labels: there are no replicated numbers.")
    groups = tuple(replace(part, values=part.values[draws]) for part in fit.parts.groups)
    some = replace(fit.parts, shared=fit.parts.shared[draws], groups=groups)
    eta = linear_predictor(some, model.data, slice(0, model.rows))
    rows = model.data.columns
    if model.data.weights_column is not None:
        rows = rows.assign(**{model.data.weights_column: model.data.weights})
    return new_responses(fit, rows, parents(fit, {"": eta}), "response", generator, draws)


def _check_possible(fit: Fit, parent: np.ndarray) -> None:
    """Raise a `FitError` where a link gives a parameter that the family cannot have."""
    family = fit.resolved.family
    low, high = family.parent_limits
    impossible = ~((parent >= low) & (parent <= high))
    if family.keeps_limits or not impossible.any():
        return
    row = int(np.flatnonzero(impossible.any(axis=0))[0])
    instead = "" if family.safe_link is None else f" Under link={family.safe_link!r} that cannot be."
    raise FitError(
        f"In {impossible[:, row].sum():,} of {len(parent):,} draws the {family.link} link gives row {row} (counting "
        f"from 0) a {family.parent} outside of {low:g} to {high:g}, which the {family.name} family does not have."
        f"{instead}"
    )


def _own_parameters(fit: Fit, rows: pd.DataFrame, draws: slice | np.ndarray) -> dict[str, np.ndarray]:
    posterior = fit.idata["posterior"].to_dataset()
    own = {p.name: draws_first(posterior[p.name])[:, None][draws] for p in fit.resolved.of_kind("family")}
    if fit.resolved.of_kind("residual"):
        own[names.RESIDUAL_SD] = _sigma(fit, rows)[draws]
    return own


def _sigma(fit: Fit, rows: pd.DataFrame) -> np.ndarray:
    """The residual sd of each row, shape (draws, 1) or (draws, rows); without a column of weights each weighs 1."""
    posterior, factor = fit.idata["posterior"].to_dataset(), fit.resolved.separate
    column, codes = fit.resolved.data.weights_column, None
    if factor is not None:
        place = {level: k for k, level in enumerate(factor.levels)}
        labels = rows[factor.name].astype(str)
        unknown = [label for label in labels if label not in place]
        if unknown:
            raise DataError(f"The {factor.name} {unknown[0]!r} is new: with residual='separate' it has no residual sd.")
        codes = np.array([place[label] for label in labels])
    sigma = residual_sd(posterior, fit.resolved, codes)
    return sigma if column not in rows else np.asarray(sigma / np.sqrt(rows[column].to_numpy(dtype=np.float64)))


def _trials(fit: Fit, rows: pd.DataFrame) -> np.ndarray | None:
    response = fit.resolved.written.response
    if not fit.resolved.family.has_trials:
        return None
    if response.trials is None or response.trials not in rows:
        needed = " and ".join(map(repr, source_columns(response.trials or "", fit.resolved.written.functions)))
        raise DataError(
            f"New {fit.family} responses need the number of trials, {shown(response.trials or '')}: give the new rows "
            f"the column {needed}."
        )
    return rows[response.trials].to_numpy().astype(np.int64)
