"""A model as the compiled density needs it: responses, well conditioned columns, and where each group's effects stand.

The common coefficients are m0 + T beta, with m0 their prior means and T such that beta has about unit variance; the
effects of a group are m + b. Among all coefficients those of the dense middle come first: beta and the effects of small
factors; then the largest factor's, which have a block for each group and a border to the middle; then those of further
large factors, whose curvature is known by blocks alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients, group_means
from hlm.engines.nuts.coverage import FAMILIES, LINKS
from hlm.formula.formula import INTERCEPT
from hlm.model.model import Model
from hlm.model.own_intercepts import own_intercepts_at_means
from hlm.model.prior_scales import Scales
from hlm.support.linear_algebra import root_of_inverse

MOST_DENSE = 1000  # coefficients in the middle, whose triangle is multiplied at every step
MOST_BORDER = 3_000_000  # numbers of the border
_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True)
class Rows:
    """The numbers of a model; factors stand in the order of their columns of Z."""

    which: np.ndarray  # family, link, what zeros are, number of own parameters
    y: np.ndarray  # shape (n,)
    m: np.ndarray  # shape (n,); trials, or a second function of the response; see `_row` in kernels/row_density.py
    offset: np.ndarray  # shape (n,)
    x: np.ndarray  # shape (n, p)
    z: np.ndarray  # shape (n, q)
    codes: np.ndarray  # shape (n, F)
    precision: np.ndarray  # shape (p, p); prior precision of beta
    to_common: np.ndarray  # shape (p, p); T
    means: np.ndarray  # shape (p,); the columns' means where they are centred, else 0
    in_groups: tuple[np.ndarray, np.ndarray] | None  # means of X and Z in each group, where priors hold there
    # shape (F, 4) each: first column of Z, number of columns, groups, where its effects begin among all coefficients
    factors: np.ndarray
    dense: int  # coefficients in the middle
    bordered: int  # effects with a border

    @property
    def coefficients(self) -> int:
        return int(self.x.shape[1] + self.effects)

    @property
    def effects(self) -> int:
        return int((self.factors[:, 1] * self.factors[:, 2]).sum())

    @property
    def place(self) -> np.ndarray:
        """Where the effects of each row's groups begin among all coefficients, shape (n, F)."""
        return np.ascontiguousarray(self.factors[:, 3] + self.codes * self.factors[:, 1])

    def of_factor(self, f: int) -> slice:
        """A factor's effects among all coefficients."""
        _, width, groups, start = self.factors[f]
        return slice(start, start + width * groups)


def sampled_rows(model: Model, coefficients: NormalCoefficients) -> Rows:
    """The responses and columns of a model that the engine covers."""
    prior, x = coefficients.prior, coefficients.common.matrix
    means, in_groups = np.zeros(x.shape[1]), None
    if INTERCEPT in coefficients.common.terms:
        means = np.where([term == INTERCEPT for term in coefficients.common.terms], 0.0, x.mean(axis=0))
        x = x - means
    codes = np.column_stack([np.empty((model.rows, 0), dtype=np.int64), *[f.codes for f in coefficients.factors]])
    z = np.column_stack([np.empty((model.rows, 0)), *[f.design.matrix for f in coefficients.factors]])
    if coefficients.transformation is not None:
        z = z @ coefficients.transformation
    if own_intercepts_at_means(model):
        slopes = np.array([term != INTERCEPT for term in coefficients.factors[0].design.terms])
        in_groups = group_means(x, codes[:, 0]), group_means(z, codes[:, 0]) * slopes
        x, z = x - in_groups[0][codes[:, 0]], z - in_groups[1][codes[:, 0]]
    offset = x @ prior.mean + (z @ coefficients.mean if len(coefficients.mean) else 0.0)
    if model.data.offset is not None:
        offset = offset + model.data.offset
    to_common = root_of_inverse(x / Scales(model).spread, np.diag(1 / prior.sd)) if len(prior.sd) else np.empty((0, 0))
    scaled = to_common / prior.sd[:, None]
    family, zeros = FAMILIES[model.family.name]
    own = len(model.of_kind("residual", "family"))
    y, m = _responses(model)
    factors, dense, bordered = _places(coefficients, x.shape[1])
    return Rows(
        np.array([family, LINKS[model.family.link], zeros, own], dtype=np.int64), y, m, offset,
        np.ascontiguousarray(x @ to_common), np.ascontiguousarray(z), np.ascontiguousarray(codes, dtype=np.int64),
        scaled.T @ scaled, to_common, means, in_groups, factors, dense, bordered,
    )  # fmt: skip


def _responses(model: Model) -> tuple[np.ndarray, np.ndarray]:
    """The response as the rows' densities read it, and a second function of it."""
    response, family = model.written.response, model.family.name
    y = model.data.columns[response.variable].to_numpy(dtype=np.float64)
    if response.trials is not None:
        return y, model.data.columns[response.trials].to_numpy(dtype=np.float64)
    if family == "beta":
        return np.log(y), np.log1p(-y)
    if family == "lognormal":
        return np.log(y), np.ones(len(y))
    if family == "hurdle_lognormal":  # 0 marks a zero
        logs = np.log(np.maximum(y, _SMALLEST))
        return np.where(y == 0, 0.0, np.where(logs == 0, _SMALLEST, logs)), np.ones(len(y))
    if family in ("gamma", "weibull", "wald", "hurdle_gamma"):
        return y, np.log(np.maximum(y, _SMALLEST))
    return y, np.zeros(len(y)) if family == "exponential" else np.ones(len(y))


def _places(coefficients: NormalCoefficients, p: int) -> tuple[np.ndarray, int, int]:
    """The table of the factors, the size of the middle, and the number of effects with a border to it."""
    table = np.array(
        [(f.start, f.width, f.size, 0) for f in coefficients.factors], dtype=np.int64
    ).reshape(-1, 4)  # fmt: skip
    sizes = table[:, 1] * table[:, 2]
    order = np.argsort(sizes, kind="stable")
    dense = p
    small, large = [], [int(f) for f in order[-1:]]
    for f in order[:-1]:
        if dense + sizes[f] <= MOST_DENSE:
            dense += int(sizes[f])
            small.append(int(f))
        else:
            large.append(int(f))
    at = p
    for f in [*small, *large]:
        table[f, 3] = at
        at += sizes[f]
    bordered = int(sizes[large[0]]) if large else 0
    return table, dense, bordered if bordered * dense <= MOST_BORDER else 0
