"""Whether a response can come from a family: which column and row cannot, if one cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.data.pandas_polars_arrow import check_rows
from hlm.errors import DataError
from hlm.model.families.family import Family

if TYPE_CHECKING:
    from hlm.data.clean_data import CleanData
    from hlm.formula.formula import Formula
    from hlm.formula.response import Support


def check_response(family: Family, formula: Formula, data: CleanData) -> None:
    """Raise a `DataError` naming column and row where the response cannot come from the family."""
    check_trials(family, formula, data)
    name, trials_name = formula.response.variable, formula.response.trials
    if not family.has_linear_predictor:
        return
    column = data.columns[name]
    values = column.to_numpy()
    check_rows(
        name, column, _outside(values, family.support), f"the {family.name} family needs {_NEEDS[family.support]}"
    )
    if trials_name is not None:
        trials = data.columns[trials_name]
        n = trials.to_numpy()
        check_rows(trials_name, trials, (n < 1) | (n != np.floor(n)), "the number of trials must be 1, 2, 3, ...")
        counts = formula.response.written
        if counts and (values > n).any() and not (values % n).any():  # counts beside weights=
            raise DataError(
                f"{counts!r} holds counts up to {(values / n).max():.0f}, and weights= are the trials of a proportion: "
                f"write p({counts}, {trials_name}) ~ ..., without weights=."
            )
        check_rows(name, column, values > n, f"there are more successes than trials in {trials_name!r}")


def check_trials(family: Family, formula: Formula, data: CleanData | None = None) -> None:
    """Raise a `DataError` for successes without trials, and for trials in a family that has none."""
    response = formula.response
    if family.has_trials and response.trials is None:
        counts = "k" if response.written else response.variable
        if data is not None and data.columns[response.variable].isin((0, 1)).all():
            link = "" if family.link == "logit" else f", link={family.link!r}"
            raise DataError(
                f"{response.variable!r} is 0 or 1 in every row, so that each row is one trial: write "
                f"family='bernoulli'{link}. The {family.name} family is for successes out of trials, "
                f"p({counts}, n) ~ ..."
            )
        raise DataError(
            f"The {family.name} family needs successes and trials: write p({counts}, n) ~ ... or "
            f"cbind({counts}, n - {counts}) ~ ...; of a proportion, give the column of trials, weights='n'. For 0 "
            f"and 1 in each row write family='bernoulli'."
        )
    if not family.has_trials and response.trials is not None:
        raise DataError(f"{response} is a response for the binomial family: add family='binomial'.")


_NEEDS = {
    "real": "numbers",
    "binary": "0 and 1",
    "count": "counts 0, 1, 2, ...",
    "trials": "counts 0, 1, 2, ...",
    "positive": "numbers above 0",
    "nonnegative": "numbers of 0 or more",
    "unit": "numbers between 0 and 1",
}


def _outside(values: np.ndarray, support: Support) -> np.ndarray:
    """Which values a support does not contain."""
    match support:
        case "binary":
            return ~np.isin(values, (0, 1))
        case "count" | "trials":
            return np.asarray((values < 0) | (values != np.floor(values)))
        case "positive":
            return values <= 0
        case "nonnegative":
            return values < 0
        case "unit":
            return (values <= 0) | (values >= 1)
        case _:
            return np.zeros(len(values), dtype=bool)


def order_of_labels(family: Family, formula: Formula, data: CleanData) -> str:
    """The labels of an ordered response, the lowest first; empty for other families."""
    if family.support != "ordered":
        return ""
    return " < ".join(data.columns[formula.response.variable].cat.categories)
