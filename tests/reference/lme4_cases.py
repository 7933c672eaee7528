"""lme4's stored answers beside `hlm.reml`'s, number by number: read by the tests and by make_page.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from hlm import load_data, reml
from hlm.engines.reml.result import Reml

HERE = Path(__file__).parent
FILES = {"lme4.json": None, "lme4_reml.json": "lme4_reml", "lme4_r.json": "lme4_r"}  # and the folder of their CSVs
# R takes Time as a number in one place and as a label in another; hlm wants to be told. R knows pi; hlm has columns only
WRITTEN_FOR_R = {"(1 | Time)": "(1 | factor(Time))", "2 * pi": "6.283185307179586"}
WITH_LEVELS = ("factor(", "poly(", "C(")  # what gives several columns
# (data, formula): by how much our REML and ML log-likelihoods are higher; lme4's optimiser, which works in the units of
# the columns, stopped before the maximum: an intercept in the year 0 hides the slopes of years around 2003, and sds of
# 50,000 sigma leave the criterion flat in places
STOPPED_EARLY = {
    ("years", "y ~ x + z + c + (x | g)"): (25.88, 25.83),
    ("years", "y ~ x + z + c + (x || g)"): (0.04, 0.0),
    ("large_tau", "y ~ x + z + c + (x | g)"): (0.0, 0.0),
}
# several covariance matrices give the same distribution (a note says so): lme4's may be another one than ours
NOT_UNIQUE = ("factors", "y ~ x + c + (x + c || g)")

# of a number's unit: 1, or its standard error, or the sd that it moves with (`Number.scale`)
TOLERANCES = {
    "log-likelihood": 1e-6,  # lme4's bobyqa stops at 1e-9 in theta, and 12 digits are stored
    "criterion": 1e-5,  # twice the log-likelihood's
    "coefficient": 1e-4,  # theta agrees to 1e-4 or so; what a coefficient moves with it is a small part of its error
    "standard error": 1e-4,
    "sd": 1e-3,  # lme4's error in theta is 1e-5 or so; where it gives 0, a tenth is the unit
    "correlation": 1e-3,
    "sigma": 1e-4,
    "group's coefficient": 1e-3,  # the effects move with the sds, which agree to 1e-3
}


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One model: lme4's formula, the folder of its data (None: packaged), and all that lme4 said."""

    folder: str | None
    name: str
    formula: str
    kind: str
    weights: str | None
    answer: dict[str, Any]

    @property
    def title(self) -> str:
        weights = f", weights = {self.weights}" if self.weights else ""
        return f"{self.name}: {self.formula}{weights}"


@dataclass(frozen=True, slots=True)
class Number:
    """One number of both. A difference is judged in units of ``scale``: a standard error, an sd, or 1."""

    kind: str
    label: str
    theirs: float
    ours: float
    scale: float

    @property
    def difference(self) -> float:
        return 0.0 if np.isnan(self.theirs) and np.isnan(self.ours) else abs(self.ours - self.theirs) / self.scale


@cache
def lme4_cases() -> tuple[Case, ...]:
    """All gaussian models of all files."""
    found = []
    for file, folder in FILES.items():
        stored = json.loads((HERE / file).read_text())
        for row in stored if folder is None else stored["models"]:
            if row.get("family", "gaussian") == "gaussian":
                kind = row.get("kind", "packaged data" if folder is None else "awkward")
                found.append(Case(folder, row["name"], row["formula"], kind, row.get("weights"), row))
    return tuple(found)


@cache
def documented_cases() -> tuple[Case, ...]:
    """The gaussian models of help pages and books (documented_models/)."""
    stored = json.loads((HERE / "documented_models" / "answers.json").read_text())
    return tuple(
        Case("documented_models/data", row["name"], row["formula"], row["kind"], row.get("weights"), row)
        for row in stored["models"]
        if row["family"] == "gaussian"
    )


def key(case: Case) -> tuple[str, str]:
    """The data and the formula of a model."""
    return case.name, case.formula


@cache
def ours(case: Case, *, restricted: bool = True) -> Reml:
    """What `hlm.reml` says, from the file that lme4 read."""
    return reml(written(case), data_of(case), reml=restricted, weights=case.weights)


def written(case: Case) -> str:
    """The formula for hlm."""
    formula = case.formula.replace("poly(Days, 2)", "linear + squared") if case.folder is None else case.formula
    for r, own in WRITTEN_FOR_R.items():
        formula = formula.replace(r, own)
    return formula


def numbers(case: Case) -> Iterator[Number]:
    """Every number that lme4 gave for a model, with ours."""
    found, said = ours(case), case.answer
    likelihoods = (found.loglik, ours(case, restricted=False).loglik)
    for name, value in zip(("REML", "ML"), likelihoods, strict=True):
        yield Number("log-likelihood", f"log-likelihood, {name}", said[f"loglik_{name.lower()}"], value, 1.0)
    for name in ("aic", "bic"):
        if name in said:
            yield Number("criterion", name.upper(), said[name], getattr(found, name), 1.0)
    in_r = names_in_r(case)
    yield from _coefficients(found, said, in_r)
    yield from _sizes(found, said, in_r)
    yield from _totals(found, said, in_r)


def names_in_r(case: Case) -> _Names:
    return _Names(frozenset(name for name, column in data_of(case).items() if not is_numeric_dtype(column)))


@cache
def data_of(case: Case) -> pd.DataFrame:
    if case.folder is not None:
        file = next((HERE / case.folder).glob(f"{case.name}.csv*"))
        labels = {"Chick": str, "Diet": str}
        return pd.read_csv(file, dtype=labels, keep_default_na=False, na_values=["NA"])  # "None" is a date in Alfalfa
    data = load_data(case.name)
    if "poly(Days, 2)" in case.formula:  # Vandermonde columns made orthonormal, signs as powers
        q, r = np.linalg.qr(np.vander(data["Days"], 3, increasing=True))
        data = data.assign(linear=q[:, 1] * np.sign(r[1, 1]), squared=q[:, 2] * np.sign(r[2, 2]))
    return data


@dataclass(frozen=True, slots=True)
class _Names:
    """hlm's labels as R writes them; the parts of an interaction in alphabetical order, since both order them by use."""

    factors: frozenset[str]

    def of(self, label: str) -> str:
        known = {"Intercept": "(Intercept)", "linear": "poly(Days, 2)1", "squared": "poly(Days, 2)2"}
        label = label.replace("6.283185307179586", "2 * pi")
        variables, _, levels = label.removesuffix("]").partition("[")
        left = levels.split(", ") if levels else []
        parts = [
            v + left.pop(0) if left and (v in self.factors or v.startswith(WITH_LEVELS)) else v
            for v in variables.split(":")
        ]
        return known.get(label, ":".join(sorted(parts)))

    def all(self, values: pd.Series) -> dict[str, float]:
        return {self.of(str(label)): float(value) for label, value in values.items()}


def _coefficients(found: Reml, said: dict[str, Any], in_r: _Names) -> Iterator[Number]:
    estimates, errors = in_r.all(found.fixef), in_r.all(found.fixef_se)
    assert len(estimates) == len(said["fixef"] or {})
    for name, value in (said["fixef"] or {}).items():
        se = said["fixef_se"][name]
        yield Number("coefficient", name, value, estimates[in_order(name)], se)
        yield Number("standard error", f"se of {name}", se, errors[in_order(name)], se)


def _sizes(found: Reml, said: dict[str, Any], in_r: _Names) -> Iterator[Number]:
    """Standard deviations and correlations; the residual is sigma."""
    table = found.varcorr
    mine = {
        (_factors(group), *sorted(in_r.of(e) for e in effects if isinstance(e, str))): value
        for group, *effects, value in table[["group", "effect1", "effect2", "sdcor"]].itertuples(index=False)
    }
    assert len(mine) == len(said["varcorr"])
    for entry in said["varcorr"]:
        effects = [entry[name] for name in ("var1", "var2") if entry.get(name) is not None]
        group = re.sub(r"\.\d+$", "", entry["grp"])  # lme4 numbers the blocks of a factor: school, school.1
        value = np.nan if entry.get("sdcor") is None else float(entry["sdcor"])
        own = mine[(_factors(group), *sorted(map(in_order, effects)))]
        if len(effects) == 2:
            yield Number("correlation", f"corr of {effects[0]} and {effects[1]} by {group}", value, own, 1.0)
        elif effects:
            yield Number("sd", f"sd of {effects[0]} by {group}", value, own, value if value > 1e-4 else 0.1)
        else:
            yield Number("sigma", "sigma", value, own, value)


def _totals(found: Reml, said: dict[str, Any], in_r: _Names) -> Iterator[Number]:
    """The first groups' coefficients, in units of the effect's sd, which they move with."""
    for group, levels in said.get("coef_head", {}).items():
        own, frame = next((g, f) for g, f in found.coef.items() if _factors(g) == _factors(group))
        by_level = {_cell(own, str(level)): in_r.all(totals) for level, totals in frame.iterrows()}
        for entry in levels:
            totals = by_level[_cell(group, str(entry["level"]))]
            for name in [n for n in entry if n not in ("level", "_row")]:
                scale = max(_spread(said, name), 1e-3 * abs(entry[name]))
                label = f"{name} in {group} {entry['level']}"
                yield Number("group's coefficient", label, entry[name], totals[in_order(name)], scale)


def _spread(said: dict[str, Any], name: str) -> float:
    sizes = [v["sdcor"] for v in said["varcorr"] if v.get("var1") == name and v.get("var2") is None]
    return max([float(v) for v in sizes] + [0.1 * (said["fixef_se"] or {}).get(name, 1e-2)])


def in_order(name: str) -> str:
    return ":".join(sorted(name.split(":")))


def _factors(group: str) -> tuple[str, ...]:
    return tuple(sorted(re.sub(r"[()]", "", group.replace("factor(Time)", "Time")).split(":")))


def _cell(group: str, level: str) -> tuple[tuple[str, str], ...]:
    """By factor, the label: ``b:a`` of lme4's ``cask:batch`` and ``a:b`` of ``batch:cask`` are one cell."""
    names = group.replace("factor(Time)", "Time").split(":")
    labels = level.split(":") if len(names) > 1 else [level]
    return tuple(sorted(zip(names, labels, strict=True)))
