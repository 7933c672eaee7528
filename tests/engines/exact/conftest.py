"""Small designs of every awkward kind, as the engine's inputs and as dense matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from hlm.engines.exact.likelihood.marginal import Theta
from hlm.engines.exact.sums.one_factor import CrossProducts, cross_products
from hlm.engines.exact.sums.several_factors import CrossedProducts, crossed_products
from hlm.engines.normal_coefficients import NormalPrior
from hlm.formula.formula import INTERCEPT, Term
from hlm.model.design_columns import Columns


@dataclass(frozen=True)
class Case:
    """A model y = X beta + Z b[group] + noise with numbers in it."""

    common: Columns
    effects: Columns
    codes: np.ndarray
    y: np.ndarray
    prior: NormalPrior
    theta: Theta

    @property
    def sums(self) -> CrossProducts:
        return cross_products(self.common, self.effects, self.codes, self.y)

    @property
    def x_centred(self) -> np.ndarray:
        """X as the prior of the intercept sees it: the other columns about their means beside an intercept."""
        x = self.common.matrix.copy()
        if INTERCEPT in self.common.terms:
            others = [t != INTERCEPT for t in self.common.terms]
            x[:, others] -= x[:, others].mean(axis=0)
        return x

    @property
    def z_dense(self) -> np.ndarray:
        """Z with a block of columns for each group, shape (rows, K q)."""
        q = self.effects.matrix.shape[1]
        z = np.zeros((len(self.y), (self.codes.max() + 1) * q))
        for j in range(q):
            z[np.arange(len(self.y)), self.codes * q + j] = self.effects.matrix[:, j]
        return z


def _columns(values: dict[str, np.ndarray]) -> Columns:
    terms = tuple(INTERCEPT if name == "1" else Term((name.split("[")[0],)) for name in values)
    return Columns(np.column_stack(list(values.values())), terms, tuple(values))


def make_case(
    sizes: list[int], *, common: str = "1 x", effects: str = "1 x", sds: tuple[float, ...] = (0.8, 0.5),
    correlation: float = 0.4, sigma: float = 0.7, seed: int = 0, level: float = 0.0,
) -> Case:  # fmt: skip
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    n = len(codes)
    pool = {"1": np.ones(n), "x": 3 + rng.normal(size=n), "u": rng.normal(size=len(sizes))[codes]}
    c = rng.integers(0, 2, size=n)
    pool |= {"c[a]": (c == 0) * 1.0, "c[b]": (c == 1) * 1.0}
    x, z = (_columns({name: pool[name] for name in text.split()}) for text in (common, effects))
    q = len(z.terms)
    root = np.diag(sds) @ np.linalg.cholesky(np.full((q, q), correlation) + (1 - correlation) * np.eye(q))
    b = rng.normal(size=(len(sizes), q)) @ root.T
    y = level + x.matrix.sum(axis=1) + np.einsum("ij,ij->i", z.matrix, b[codes]) + sigma * rng.normal(size=n)
    p = len(x.terms)
    prior = NormalPrior(mean=rng.normal(size=p), sd=1 + rng.uniform(size=p))
    scale = np.array([1.0, 0.6, 1.7])
    return Case(x, z, codes, y, prior, Theta(sigma * scale, scale[::-1, None, None] * root))


CASES = {
    "correlated slopes": make_case([5, 9, 4, 7]),
    "intercepts only": make_case([3, 6, 2], effects="1", sds=(1.2,)),
    "fewer rows than effects": make_case([1, 2, 1, 3, 6], common="1 x u", effects="1 x u", sds=(0.8, 0.5, 0.3)),
    "one row per group": make_case([1] * 7, effects="1", sds=(0.9,)),
    "two groups": make_case([8, 6]),
    "sds of nearly 0": make_case([4, 5, 6], sds=(1e-9, 1e-9)),
    "an sd of 0": make_case([4, 5, 6], sds=(0.0, 0.5)),
    "correlation of 1": make_case([4, 5, 6], correlation=1 - 1e-13),
    "an sd a million times sigma": make_case([4, 5, 6], sds=(7e5, 3e5)),
    "two blocks": make_case([4, 5, 6, 3], correlation=0.0),
    "a factor's effects": make_case([6, 7, 5, 8], effects="c[a] c[b]"),
    "slopes without intercepts": make_case([6, 7, 5, 8], common="1 x", effects="x", sds=(0.5,)),
    "no common intercept": make_case([6, 7, 5], common="x", effects="1 x"),
}


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=[name for name in CASES if name != "an sd a million times sigma"])
def ordinary_case(request: pytest.FixtureRequest) -> Case:
    """Those whose V a dense matrix can hold; the other stands against exact fractions."""
    return CASES[request.param]


@dataclass(frozen=True)
class Crossing:
    """y = X beta + Z1 b1[g1] + Z2 b2[g2] + ... + noise with numbers in it."""

    common: Columns
    factors: list[tuple[Columns, np.ndarray]]
    y: np.ndarray
    prior: NormalPrior
    theta: Theta

    @property
    def sums(self) -> CrossedProducts:
        return crossed_products(self.common, self.factors, self.y)

    @property
    def x(self) -> np.ndarray:
        """Centred beside the intercept, which is the first column here."""
        x = self.common.matrix.copy()
        x[:, 1:] -= x[:, 1:].mean(axis=0)
        return x

    def z(self, t: int) -> np.ndarray:
        """All factors' dummies times their L: columns with standard normal coefficients, factor by factor."""
        parts, at = [], 0
        for design, codes in self.factors:
            q, groups = design.matrix.shape[1], int(codes.max()) + 1
            dense = np.zeros((len(self.y), groups * q))
            for j in range(q):
                dense[np.arange(len(self.y)), codes * q + j] = design.matrix[:, j]
            parts.append(dense @ np.kron(np.eye(groups), self.theta.factor[t, at : at + q, at : at + q]))
            at += q
        return np.hstack(parts)


def _crossing(codes, *, slopes=(), sds=None, rows_apart=False, seed=0) -> Crossing:
    rng = np.random.default_rng(seed)
    n = len(codes[0])
    x = 2 + rng.normal(size=n)
    line = Columns(np.column_stack([np.ones(n), x]), (INTERCEPT, Term(("x",))), ("Intercept", "x"))
    factors = [(line if i in slopes else line.select((INTERCEPT,)), c) for i, c in enumerate(codes)]
    q = sum(len(d.terms) for d, _ in factors)
    factor = np.zeros((3, q, q))
    at = 0
    for design, _ in factors:
        width = len(design.terms)
        block = np.tril(rng.normal(size=(3, width, width)))
        block[:, range(width), range(width)] = np.abs(block[:, range(width), range(width)]) + 0.2
        factor[:, at : at + width, at : at + width] = block
        at += width
    if sds is not None:
        factor = np.repeat(np.diag(sds)[None], 3, axis=0)
    y = 1 + x + sum(rng.normal(size=c.max() + 1)[c] for c in codes) + 0.5 * rng.normal(size=n)
    prior = NormalPrior(rng.normal(size=2), 1 + rng.uniform(size=2))
    return Crossing(line, factors, y, prior, Theta(np.array([0.5, 0.9, 0.2]), factor))


def _codes(seed: int, n: int, *levels: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.concatenate([np.arange(k), rng.integers(0, k, n - k)]) for k in levels]


_OUTER, _INNER = _codes(5, 40, 9)[0] // 3, _codes(5, 40, 9)[0]
CROSSINGS = {
    "fully crossed": _crossing([np.repeat(np.arange(6), 4), np.tile(np.arange(4), 6)]),
    "unbalanced": _crossing(_codes(1, 50, 7, 5)),
    "nested": _crossing([_OUTER, _INNER]),
    "slopes by the first": _crossing(_codes(2, 60, 8, 6), slopes=(0,)),
    "slopes by the second": _crossing(_codes(2, 60, 8, 6), slopes=(1,)),
    "slopes by both": _crossing(_codes(3, 60, 6, 7), slopes=(0, 1)),
    "three factors": _crossing(_codes(4, 70, 4, 9, 5), slopes=(2,)),
    "one row per group": _crossing([np.arange(12), np.repeat(np.arange(4), 3)]),
    "an sd of 0": _crossing(_codes(1, 50, 7, 5), sds=(0.0, 0.7)),
    "large sds": _crossing(_codes(1, 50, 7, 5), sds=(300.0, 1000.0)),
    "the same factor twice": _crossing([_INNER, _INNER]),
}


@pytest.fixture(params=list(CROSSINGS))
def crossing(request: pytest.FixtureRequest) -> Crossing:
    return CROSSINGS[request.param]


@pytest.fixture(params=[name for name in CROSSINGS if name != "large sds"])
def ordinary_crossing(request: pytest.FixtureRequest) -> Crossing:
    """Those whose conditional variances a dense V still holds: with sds of 1000 they are 1e6 - 1e6."""
    return CROSSINGS[request.param]


@pytest.fixture(scope="session")
def crossings() -> dict[str, Crossing]:
    return CROSSINGS
