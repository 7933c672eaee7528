"""Parameters from their priors, data from the parameters: what calibration.py fits, made without hlm.

Nothing here uses hlm's design columns, its priors' densities or its parametrisation of correlations: sds come from
NumPy's generators, correlation matrices from the cube of all pairs by rejection (density det^(eta - 1)), columns from
the formula as a reader would write them down. So an error of hlm's cannot cancel itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from hlm import Prior


@dataclass(frozen=True, slots=True)
class Bar:
    """The effects that vary by one grouping factor, as ``(1 + x|g)``: effects ``("1", "x")``."""

    group: str
    effects: tuple[str, ...] = ("1",)
    correlated: bool = True
    orthogonalised: bool = False  # whether the priors belong to its columns, each less what those before it explain


@dataclass(frozen=True, slots=True)
class Shape:
    """A model to check.

    Attributes
    ----------
    name, formula : str
    common : tuple of str
        The common terms beside the intercept.
    bars : tuple of Bar
    priors : mapping of str to Prior
        Of every parameter. That of ``Intercept`` is about centred predictors.
    design : callable
        The frame without its response; the same for every data set.
    factor, term : str
        Whose total coefficients are tabulated.
    """

    name: str
    formula: str
    common: tuple[str, ...]
    bars: tuple[Bar, ...]
    priors: Mapping[str, Prior]
    design: Callable[[], pd.DataFrame]
    factor: str
    term: str
    family: str = "gaussian"


@dataclass(frozen=True, slots=True)
class Truth:
    """What a data set was made from: every parameter by hlm's name for it, and the groups' departures."""

    values: dict[str, float]
    effects: dict[tuple[str, str], pd.Series] = field(repr=False)
    log_likelihood: float = 0.0


def from_the_prior(shape: Shape, rng: np.random.Generator) -> tuple[pd.DataFrame, Truth]:
    """Parameters from their priors, effects from the parameters, data from both."""
    frame = shape.design()
    values = {name: drawn(prior, rng) for name, prior in shape.priors.items() if prior.name != "LKJ"}
    columns = {name: column(frame, name) for name in shape.common}
    values["Intercept"] -= sum(values[name] * columns[name].mean() for name in shape.common)
    mean = values["Intercept"] + sum(values[name] * columns[name] for name in shape.common)
    effects = {}
    for bar in shape.bars:
        of_row = labels(frame, bar.group)
        levels = sorted(set(of_row))
        names = [f"{effect}|{bar.group}_sigma" for effect in bar.effects]
        scale = np.diag([values[name] for name in names])
        root = scale @ np.linalg.cholesky(_correlation(bar, shape, rng, values))
        if bar.orthogonalised:
            root = _orthogonal(np.column_stack([column(frame, effect) for effect in bar.effects])) @ root
            values |= _sds_and_correlations(root @ root.T, names, f"{bar.group}_corr")
        departures = rng.normal(size=(len(levels), len(bar.effects))) @ root.T
        for j, effect in enumerate(bar.effects):
            own = pd.Series(departures[:, j], index=levels)
            effects[bar.group, effect] = own
            mean = mean + own[of_row].to_numpy() * column(frame, effect)
    y, log_likelihood = _response(shape, frame, mean, values, rng)
    return frame.assign(y=y), Truth(values, effects, log_likelihood)


def true_totals(shape: Shape, frame: pd.DataFrame, truth: Truth, *, pooling: str) -> pd.Series:
    """Each group's total of the tabulated coefficient, by level.

    No pooling's intercepts are at the average of a crossed factor's levels, whose departures do not add up to 0: there
    it is asked for another number than partial pooling.
    """
    of_row = labels(frame, shape.factor)
    total = pd.Series(truth.values[shape.term], index=sorted(set(of_row)))
    for name in shape.common:  # a cross-level interaction is part of each group's slope
        if name.startswith(f"{shape.term}:"):
            other = pd.Series(column(frame, name.removeprefix(f"{shape.term}:"))).groupby(of_row).first()
            total += truth.values[name] * other
    effect = "1" if shape.term == "Intercept" else shape.term
    for bar in shape.bars:
        if effect in bar.effects:
            own = truth.effects[bar.group, effect]
            outer = pd.Series(labels(frame, bar.group)).groupby(of_row).agg(["first", "nunique"])
            if (outer["nunique"] == 1).all():  # the factor itself, or one that contains it
                total += own[outer["first"]].to_numpy()
            elif pooling == "none":
                total += own.mean()
    return total


def drawn(prior: Prior, rng: np.random.Generator) -> float:
    """One value from a prior, in PyMC's parametrisation."""
    return float(_DRAWS[prior.name](rng, **prior.args))


def column(frame: pd.DataFrame, name: str) -> np.ndarray:
    """A column of the design: a number, a factor's second level, a product, or ones."""
    found = np.ones(len(frame))
    for part in name.split(":") if name != "1" else ():
        values = frame[part]
        found = found * (values.to_numpy() if values.dtype.kind in "if" else (values == "second").to_numpy())
    return found


def labels(frame: pd.DataFrame, group: str) -> np.ndarray:
    """Each row's level of a factor; cells of nested factors as hlm writes them."""
    parts = [frame[name].astype(str) for name in group.split(":")]
    return np.array([":".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _orthogonal(z: np.ndarray) -> np.ndarray:
    """T with b = T b_c, where b_c are the coefficients of the columns, each less its regression on those before it."""
    left = [column - z[:, :j] @ np.linalg.lstsq(z[:, :j], column)[0] for j, column in enumerate(z.T)]
    return np.linalg.lstsq(z, np.column_stack(left))[0]


def _sds_and_correlations(covariance: np.ndarray, names: list[str], correlation: str) -> dict[str, float]:
    sds = np.sqrt(np.diag(covariance))
    below = zip(*np.tril_indices(len(sds), -1), strict=True)
    pairs = {f"{correlation}[{i},{j}]": float(covariance[i, j] / (sds[i] * sds[j])) for i, j in below}
    return dict(zip(names, sds.tolist(), strict=True)) | pairs


def _correlation(bar: Bar, shape: Shape, rng: np.random.Generator, values: dict[str, float]) -> np.ndarray:
    """LKJ(eta) by rejection from the cube; its entries are put among the values."""
    q = len(bar.effects)
    if q == 1 or not bar.correlated:
        return np.eye(q)
    eta = float(shape.priors[f"{bar.group}_corr"].args["eta"])
    below = np.tril_indices(q, -1)
    while True:
        matrix = np.eye(q)
        matrix[below] = rng.uniform(-1, 1, size=len(below[0]))
        matrix = np.maximum(np.abs(matrix), np.abs(matrix.T)) * np.sign(matrix + matrix.T)
        if np.linalg.eigvalsh(matrix)[0] > 0 and rng.uniform() < np.linalg.det(matrix) ** (eta - 1):
            values |= {f"{bar.group}_corr[{i},{j}]": float(matrix[i, j]) for i, j in zip(*below, strict=True)}
            return matrix


def _response(
    shape: Shape, frame: pd.DataFrame, mean: np.ndarray, values: dict[str, float], rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    distribution = _distribution(shape, frame, mean, values)
    y = distribution.rvs(random_state=rng)
    log_p = distribution.logpdf if shape.family == "gaussian" else distribution.logpmf
    return y, float(log_p(y).sum())


def _distribution(shape: Shape, frame: pd.DataFrame, eta: np.ndarray, values: dict[str, float]) -> Any:
    """The responses' distribution, in SciPy's parametrisation."""
    if shape.family == "gaussian":
        return stats.norm(eta, values["sigma"])
    if shape.family in ("bernoulli", "binomial"):
        return stats.binom(frame["n"].to_numpy() if shape.family == "binomial" else 1, 1 / (1 + np.exp(-eta)))
    mean = np.exp(eta) * (frame["exposure"].to_numpy() if "exposure" in shape.formula else 1.0)
    if shape.family == "poisson":
        return stats.poisson(mean)
    return stats.nbinom(values["alpha"], values["alpha"] / (values["alpha"] + mean))


_DRAWS: Mapping[str, Callable[..., Any]] = {
    "Normal": lambda rng, mu, sigma: rng.normal(mu, sigma),
    "HalfNormal": lambda rng, sigma: abs(rng.normal(0, sigma)),
    "HalfStudentT": lambda rng, nu, sigma: sigma * abs(rng.standard_t(nu)),
    "HalfCauchy": lambda rng, beta: beta * abs(rng.standard_cauchy()),
    "Exponential": lambda rng, lam: rng.exponential(1 / lam),
    "Gamma": lambda rng, alpha, beta: rng.gamma(alpha, 1 / beta),
    "InverseGamma": lambda rng, alpha, beta: beta / rng.gamma(alpha),
    "LogNormal": lambda rng, mu, sigma: rng.lognormal(mu, sigma),
    "Uniform": lambda rng, lower, upper: rng.uniform(lower, upper),
}
