"""An axis of coefficients: which one, what it is called, and what part of the axis shows the groups well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hlm.compare.compare_slopes import model_of, varying_terms
from hlm.errors import FitError
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import Model
from hlm.plots.observed_response import response_label

_FAR = 3.0  # interquartile ranges beyond the quartiles: Tukey's "far out" (1977, Exploratory Data Analysis, 2D)
_MARGIN = 0.04  # share of the axis, on either side
_ROOM_FOR_NUMBERS = 0.1  # share of the axis, on a side where groups are off the scale


@dataclass(frozen=True, slots=True)
class View:
    """What part of the horizontal axis is shown."""

    ends: tuple[float, float]
    marks: tuple[float, float]  # where the triangles stand, just inside
    off: np.ndarray  # shape (K,); -1 and 1 for open circles beyond the left and the right end, else 0


def model_with(fits: Fits, poolings: Sequence[Pooling], message: str) -> Model:
    """The model of fits that have these strategies; ``message`` has a place for one that is missing."""
    for pooling in poolings:
        if pooling not in fits_by_label(fits):
            raise FitError(message.format(repr(pooling)))
    return model_of(fits)


def default_term(model: Model, factor: Term) -> str:
    """The first slope that varies by the factor, else the intercept."""
    return first_slope(varying_terms(model, factor, None))


def first_slope(labels: Sequence[str]) -> str:
    """The first of some terms that is no intercept, if there is one."""
    return next((label for label in labels if label != "Intercept"), labels[0])


def noun(model: Model, term: str) -> str:
    """What kind of coefficient a term has."""
    if term == "Intercept":
        return "intercept"
    return "slope" if term in model.data.columns else "coefficient"


def coefficient_label(model: Model, term: str) -> str:
    """What the numbers are, and on which scale."""
    response, link = response_label(model.written), model.family.link
    of = {"intercept": response, "slope": f"{response} on {term}", "coefficient": term}[noun(model, term)]
    return f"{noun(model, term)} of {of}" + ("" if link == "identity" else f" ({link} scale)")


def usual(values: np.ndarray, *, far: float = _FAR) -> np.ndarray:
    """Which numbers are not far from all others, by interquartile ranges; False for NaN."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.25, 0.75]) if len(known) else (0.0, 0.0)
    return np.asarray((values >= low - far * (high - low)) & (values <= high + far * (high - low)))


def view_of(table: pd.DataFrame) -> View:
    """Everything is shown but no-pooling estimates that are far from all others and would flatten the rest."""
    none = table["none"].to_numpy()
    together = table.assign(none=np.where(usual(none), none, np.nan)).to_numpy()
    low, high = np.nanmin(together), np.nanmax(together)
    slack = (high - low) / 2  # what is hardly further out than the rest may as well be seen
    off = (none > high + slack).astype(int) - (none < low - slack)
    shown = table.assign(none=np.where(off, np.nan, none)).to_numpy()
    left, right = float(np.nanmin(shown)), float(np.nanmax(shown))
    width = right - left or 1.0
    left -= (_MARGIN + _ROOM_FOR_NUMBERS * (off < 0).any()) * width
    right += (_MARGIN + _ROOM_FOR_NUMBERS * (off > 0).any()) * width
    return View((left, right), (left + _MARGIN / 2 * width, right - _MARGIN / 2 * width), off)
