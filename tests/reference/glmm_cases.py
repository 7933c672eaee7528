"""Stored answers of lme4's glmer and of glmmTMB beside `hlm.glmm`'s: read by the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from lme4_cases import HERE, Case, data_of, in_order, names_in_r  # beside this file
from scipy.stats import binom, poisson

from hlm import glmm
from hlm.engines.quadrature.glmm_result import Glmm


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a program said about a model; the log-likelihood has all constants."""

    case: Case
    by: str
    nodes: int
    link: str | None
    loglik: float
    said: Mapping[str, Any]

    @property
    def title(self) -> str:
        return f"{self.by}, {self.nodes}, {self.said['family']}: {self.case.title}"

    @cache  # noqa: B019  each is one of a module's tuples
    def ours(self) -> Glmm:
        """What `hlm.glmm` says with as many nodes."""
        return glmm(self.case.formula, data_of(self.case), family=self.said["family"], link=self.link, nagq=self.nodes)

    def coefficients(self) -> list[tuple[str, float, float, float, float]]:
        """Of each common coefficient: name, theirs and ours, standard error of theirs and ours."""
        in_r, found = names_in_r(self.case), self.ours()
        values, errors = in_r.all(found.fixef), in_r.all(found.fixef_se)
        assert len(values) == len(self.said["fixef"])
        theirs, theirs_se = self.said["fixef"], self.said["fixef_se"]
        plain = {name: in_order(name).removesuffix("TRUE") for name in theirs}
        return [(n, theirs[n], values[plain[n]], theirs_se[n], errors[plain[n]]) for n in theirs]

    def sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard deviations and correlations, theirs and ours, sorted: blocks have another order in R."""
        theirs = [np.nan if v.get("sdcor") is None else v["sdcor"] for v in self.said["varcorr"]]
        return np.sort(theirs), np.sort(self.ours().varcorr["sdcor"])


@cache
def documented() -> tuple[Answer, ...]:
    """Models of help pages and books with one effect a group, by glmer with 25 nodes."""
    stored = json.loads((HERE / "documented_models" / "answers.json").read_text())["models"]
    found = []
    for row in stored:
        if row["family"] != "gaussian" and len(row["varcorr"]) == 1:
            case = Case("documented_models/data", row["name"], row["formula"], row["kind"], None, row)
            loglik = row["loglik_reml"] + saturated(case, row["family"])
            found.append(Answer(case, "lme4", 25, None, loglik, row))
    return tuple(found)


@cache
def simulated() -> tuple[Answer, ...]:
    """The models of glmm.json; glmmTMB has Laplace's approximation, which is one node."""
    found = []
    for row in json.loads((HERE / "glmm.json").read_text())["models"]:
        case = Case("glmm", row["name"], row["formula"], row["family"], None, row)
        loglik = row["loglik"] + row["saturated"]
        found.append(Answer(case, row["by"], max(row["nodes"], 1), row["link"], loglik, row))
    return tuple(found)


def saturated(case: Case, family: str) -> float:
    """The log-likelihood of the model in which every response is its own expectation."""
    response, data = case.formula.split("~")[0].strip(), data_of(case)
    if family == "bernoulli":
        return 0.0
    if family == "poisson":
        y = data.eval(response)
        return float(poisson.logpmf(y, y).sum())
    k, rest = (data.eval(part) for part in response.removeprefix("cbind(").removesuffix(")").split(","))
    return float(binom.logpmf(k, k + rest, k / (k + rest)).sum())


def first_levels(answer: Answer) -> tuple[np.ndarray, np.ndarray]:
    """The effects of the first four groups, theirs and ours."""
    (effects,) = answer.ours().ranef.values()
    return np.array(answer.said["ranef"]), effects.head(4).to_numpy()


def frame(name: str) -> pd.DataFrame:
    """The data of a model of glmm.json."""
    return pd.read_csv(HERE / "glmm" / f"{name}.csv")
