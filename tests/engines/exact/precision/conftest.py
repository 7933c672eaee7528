"""The model's definition in 60 digits: the second route of every test in this folder.

Nothing of hlm's algebra is used: a dense covariance matrix of all responses, its Cholesky factor, and conditioning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np
import pytest

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.exact.likelihood.marginal import Sums, Theta
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.sums.several_factors import crossed_products
from hlm.engines.normal_coefficients import NormalPrior
from hlm.formula.formula import INTERCEPT, Term
from hlm.model.design_columns import Columns
from hlm.model.grouping_factors import GroupingFactor

DIGITS = 60


@dataclass(frozen=True)
class Model:
    """y = X beta + sum of Z b[group] + noise with numbers in it; ``factors`` are (columns by name, codes)."""

    x: dict[str, np.ndarray]
    factors: tuple[tuple[dict[str, np.ndarray], np.ndarray], ...]
    y: np.ndarray
    mean: np.ndarray
    sd: np.ndarray
    sigma: float
    factor: np.ndarray
    weights: np.ndarray | None = None

    @property
    def root_weights(self) -> np.ndarray | None:
        return None if self.weights is None else np.sqrt(self.weights)

    @property
    def theta(self) -> Theta:
        return Theta(np.array([self.sigma]), np.asarray(self.factor, dtype=np.float64)[None])

    @property
    def prior(self) -> NormalPrior:
        return NormalPrior(self.mean, self.sd)

    @property
    def sums(self) -> Sums:
        if len(self.factors) > 1:
            factors = [(columns(z), codes) for z, codes in self.factors]
            return crossed_products(columns(self.x), factors, self.y, self.root_weights)
        z, codes = self.factors[0] if self.factors else ({}, np.zeros(len(self.y), dtype=int))
        return cross_products(columns(self.x), columns(z), codes, self.y, root_weights=self.root_weights)

    @property
    def gaussian(self) -> GaussianModel:
        factors, start = [], 0
        for z, codes in self.factors:
            levels = tuple(map(str, range(codes.max() + 1)))
            factors.append(GroupingFactor(Term((f"g{start}",)), codes, levels, columns(z), (), start=start))
            start += len(z)
        return GaussianModel(
            columns(self.x), self.prior, tuple(factors), np.zeros(start), None, response=self.y,
            root_weights=self.root_weights,
        )  # fmt: skip


def columns(values: dict[str, np.ndarray]) -> Columns:
    terms = tuple(INTERCEPT if name == "1" else Term((name,)) for name in values)
    matrix = np.column_stack(list(values.values())) if values else np.empty((0, 0))
    return Columns(matrix, terms, tuple(values))


class Exact:
    """Everything from the definition (STATISTICS: dense normal density), every number with 60 digits."""

    def __init__(self, model: Model) -> None:
        self.n = len(model.y)
        x = big(np.array(list(model.x.values())).reshape(len(model.x), self.n).T)
        if "1" in model.x:  # the intercept's prior is about centred columns
            for j, name in enumerate(model.x):
                if name != "1":
                    x[:, j] = x[:, j] - x[:, j].sum() / self.n
        self.x, self.y, self.sd = x, big(model.y), big(model.sd)
        weights = np.ones(self.n) if model.weights is None else model.weights
        self.noise = mpmath.mpf(float(model.sigma)) ** 2 / big(weights)
        self.spread = _spread(model)
        dense = [_dense(z, codes) for z, codes in model.factors]
        self.z = np.hstack([big(np.zeros((self.n, 0))), *(d @ s for d, s in zip(dense, self.spread, strict=True))])
        self.v = self.z @ self.z.T + (x * self.sd**2) @ x.T + np.diag(self.noise)
        self.residual = self.y - x @ big(model.mean)
        self.mean = big(model.mean)

    def log_marginal(self) -> Any:
        return log_normal(self.residual, cholesky(self.v))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of (beta, b of each factor in turn) given theta and y."""
        design, p = np.hstack([self.x, self.z]), self.x.shape[1]
        weight = np.concatenate([1 / self.sd**2, big(np.ones(self.z.shape[1]))])
        covariance = inverse((design.T / self.noise) @ design + np.diag(weight))
        right = design.T @ (self.y / self.noise)
        right[:p] = right[:p] + self.mean / self.sd**2
        back = block(big(np.eye(p)), *self.spread)
        return back @ (covariance @ right), back @ covariance @ back.T

    def left_out(self, units: list[np.ndarray]) -> list[Any]:
        """log p(y_J | all others, theta) of each unit J: Q_JJ^-1 is its covariance, Q = V^-1."""
        precision = inverse(self.v)
        pulled, found = precision @ self.residual, []
        for unit in units:
            root = cholesky(precision[np.ix_(unit, unit)])
            half = forward(root, pulled[unit])
            log_det = 2 * sum(mpmath.log(value) for value in np.diagonal(root))
            found.append(-(len(unit) * mpmath.log(2 * mpmath.pi) - log_det + half @ half) / 2)
        return found


def _spread(model: Model) -> list[np.ndarray]:
    """L of each factor, once for each of its groups."""
    found, at = [], 0
    for z, codes in model.factors:
        here = slice(at, at + len(z))
        found.append(block(*[big(np.asarray(model.factor, dtype=float)[here, here])] * (int(codes.max()) + 1)))
        at += len(z)
    return found


def _dense(z: dict[str, np.ndarray], codes: np.ndarray) -> np.ndarray:
    values = big(np.column_stack(list(z.values())))
    dense = big(np.zeros((len(codes), (codes.max() + 1) * len(z))))
    for j in range(len(z)):
        dense[np.arange(len(codes)), codes * len(z) + j] = values[:, j]
    return dense


def big(values: np.ndarray) -> np.ndarray:
    """Numbers of 60 digits, equal to those of 16."""
    mpmath.mp.dps = DIGITS
    return np.frompyfunc(lambda value: mpmath.mpf(float(value)), 1, 1)(np.asarray(values, dtype=np.float64))


def block(*parts: np.ndarray) -> np.ndarray:
    whole = big(np.zeros((sum(len(p) for p in parts), sum(p.shape[1] for p in parts))))
    i = j = 0
    for part in parts:
        whole[i : i + len(part), j : j + part.shape[1]] = part
        i, j = i + len(part), j + part.shape[1]
    return whole


def cholesky(matrix: np.ndarray) -> np.ndarray:
    lower = big(np.zeros(matrix.shape))
    for j in range(len(matrix)):
        lower[j, j] = mpmath.sqrt(matrix[j, j] - (lower[j, :j] @ lower[j, :j] if j else 0))
        for i in range(j + 1, len(matrix)):
            lower[i, j] = (matrix[i, j] - (lower[i, :j] @ lower[j, :j] if j else 0)) / lower[j, j]
    return lower


def forward(lower: np.ndarray, right: np.ndarray) -> np.ndarray:
    found = right.copy()
    for i in range(len(lower)):
        found[i] = (found[i] - (lower[i, :i] @ found[:i] if i else 0)) / lower[i, i]
    return found


def inverse(matrix: np.ndarray) -> np.ndarray:
    half = forward(cholesky(matrix), big(np.eye(len(matrix))))
    return half.T @ half


def log_normal(residual: np.ndarray, root: np.ndarray) -> Any:
    half = forward(root, residual)
    log_det = 2 * sum(mpmath.log(value) for value in np.diagonal(root))
    return -(len(residual) * mpmath.log(2 * mpmath.pi) + log_det + half @ half) / 2


def root_of(first: float, second: float, correlation: float) -> np.ndarray:
    """L of two effects."""
    other = np.sqrt((1 - correlation) * (1 + correlation))
    return np.array([[first, 0.0], [second * correlation, second * other]])


def root_about(origin: float, root: np.ndarray) -> np.ndarray:
    """L of (intercept at 0, slope), from that of (value at ``origin``, slope)."""
    upper = np.linalg.qr((np.array([[1.0, -origin], [0.0, 1.0]]) @ root).T, mode="r")
    return upper.T * np.where(np.diagonal(upper) < 0, -1.0, 1.0)


SIZES = [1, 2, 3, 5, 6, 7]
CODES = np.repeat(np.arange(6), SIZES)


def make_model(*, origin: float = 0.0, unit: float = 1.0, level: float = 0.0, seed: int = 0, **other: Any) -> Model:
    """Lines by a factor with groups of 1 to 7 rows; x is around ``origin`` with sd ``unit``, y around ``level``."""
    rng = np.random.default_rng(seed)
    n = len(CODES)
    x, b = rng.normal(size=n), rng.normal(size=(6, 2))
    y = level + 1 + x + b[CODES, 0] + 0.5 * b[CODES, 1] * x + 0.7 * rng.normal(size=n)
    line = {"1": np.ones(n), "x": origin + unit * x}
    model = Model(
        x=line, factors=((line, CODES),), y=y, mean=np.array([level, 0.0]), sd=np.array([5.0, 5.0 / unit]), sigma=0.7,
        factor=root_about(origin, root_of(0.8, 0.5 / unit, 0.4)),
    )  # fmt: skip
    return replace(model, **other)


def crossed(model: Model, *, slopes: bool) -> Model:
    """The same rows by a second factor too, with intercepts or whole lines."""
    n = len(model.y)
    codes = np.concatenate([np.arange(4), np.random.default_rng(9).integers(0, 4, n - 4)])
    line = model.factors[0][0]
    second = line if slopes else {"1": np.ones(n)}
    factor = np.zeros((2 + len(second), 2 + len(second)))
    factor[:2, :2] = model.factor
    factor[2:, 2:] = model.factor if slopes else 0.6
    return replace(model, factors=(*model.factors, (second, codes)), factor=factor)


@pytest.fixture(scope="session")
def tools() -> Any:
    """What the tests of this folder share: a folder of tests is no package."""
    from types import SimpleNamespace

    return SimpleNamespace(
        Exact=Exact, Model=Model, make_model=make_model, crossed=crossed, root_of=root_of, root_about=root_about,
        big=big, columns=columns, codes=CODES, log_normal=log_normal, cholesky=cholesky, inverse=inverse,
    )  # fmt: skip
