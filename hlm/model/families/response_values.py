"""The families: Bambi's univariate ones, the parameter that the formula describes, and what the response must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np

from hlm.data.frame_columns import check_rows
from hlm.errors import DataError, FitError, nearest
from hlm.support.options import offending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hlm.data.clean_data import CleanData
    from hlm.formula.formula import Formula

Support = Literal["real", "binary", "count", "trials", "positive", "nonnegative", "unit", "labels", "ordered"]


@dataclass(frozen=True, slots=True)
class Family:
    """A response distribution.

    Attributes
    ----------
    name : str
        Bambi's name.
    parent : str
        The parameter that the formula describes, through ``link``.
    link : str
    support : str
        What values the response may have.
    auxiliary : Mapping
        The other parameters, each with the name of its default prior (see `hlm.model.default_priors`).
    """

    name: str
    parent: str
    link: str
    support: Support
    auxiliary: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def scaled(self) -> bool:
        """Whether the default priors follow the mean and sd of the response (Bambi: gaussian and t only)."""
        return self.name in ("gaussian", "t")


def _table(*families: Family) -> Mapping[str, Family]:
    return MappingProxyType({family.name: family for family in families})


FAMILIES: Mapping[str, Family] = _table(
    Family("gaussian", "mu", "identity", "real", {"sigma": "HalfNormal"}),
    Family("bernoulli", "p", "logit", "binary"),
    Family("binomial", "p", "logit", "trials"),
    Family("poisson", "mu", "log", "count"),
    Family("negativebinomial", "mu", "log", "count", {"alpha": "HalfCauchy"}),
    Family("t", "mu", "identity", "real", {"sigma": "HalfNormal", "nu": "Gamma"}),
    Family("gamma", "mu", "inverse", "positive", {"alpha": "HalfCauchy"}),
    Family("beta", "mu", "logit", "unit", {"kappa": "HalfCauchy"}),
    Family("beta_binomial", "mu", "logit", "trials", {"kappa": "HalfCauchy"}),
    Family("lognormal", "mu", "identity", "positive", {"sigma": "HalfNormal"}),
    Family("exponential", "mu", "log", "nonnegative"),
    Family("weibull", "mu", "log", "positive", {"alpha": "HalfCauchy"}),
    Family("wald", "mu", "inverse_squared", "positive", {"lam": "HalfCauchy"}),
    Family("laplace", "mu", "identity", "real", {"b": "HalfNormal"}),
    Family("asymmetriclaplace", "mu", "identity", "real", {"b": "HalfNormal", "kappa": "HalfNormal"}),
    Family("exgaussian", "mu", "identity", "real", {"sigma": "HalfNormal", "nu": "HalfNormal"}),
    Family("vonmises", "mu", "identity", "real", {"kappa": "HalfNormal"}),
    Family("zero_inflated_poisson", "mu", "log", "count", {"psi": "Beta"}),
    Family("zero_inflated_negativebinomial", "mu", "log", "count", {"alpha": "HalfCauchy", "psi": "Beta"}),
    Family("zero_inflated_binomial", "p", "logit", "trials", {"psi": "Beta"}),
    Family("hurdle_poisson", "mu", "log", "count", {"psi": "Beta"}),
    Family("hurdle_negativebinomial", "mu", "log", "count", {"alpha": "HalfCauchy", "psi": "Beta"}),
    Family("hurdle_gamma", "mu", "log", "nonnegative", {"alpha": "HalfCauchy", "psi": "Beta"}),
    Family("hurdle_lognormal", "mu", "identity", "nonnegative", {"sigma": "HalfNormal", "psi": "Beta"}),
    Family("categorical", "p", "softmax", "labels"),
    Family("cumulative", "p", "logit", "ordered"),
    Family("sratio", "p", "logit", "ordered"),
)


def get_family(name: str) -> Family:
    """Look a family up by Bambi's name; an unknown name is a `FitError` with the nearest names."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise FitError(f"There is no family {offending(name)}. {nearest(name, FAMILIES)}")
    return FAMILIES[name]


def check_response(family: Family, formula: Formula, data: CleanData) -> None:
    """Raise a `DataError` naming column and row where the response cannot come from the family."""
    check_trials(family, formula)
    name, trials_name = formula.response.variable, formula.response.trials
    if family.support in ("labels", "ordered"):
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
        check_rows(name, column, values > n, f"there are more successes than trials in {trials_name!r}")


def check_trials(family: Family, formula: Formula) -> None:
    """Raise a `DataError` for successes without trials, and for trials in a family that has none."""
    response = formula.response
    if family.support == "trials" and response.trials is None:
        counts = "k" if response.written else response.variable
        raise DataError(
            f"The {family.name} family needs successes and trials: write p({counts}, n) ~ ... or "
            f"cbind({counts}, n - {counts}) ~ ...; of a proportion, give the column of trials, weights='n'."
        )
    if family.support != "trials" and response.trials is not None:
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
