"""A model as the quadrature engine needs it: rows sorted by group, equal ones summed, in well conditioned columns.

The common coefficients are beta = m0 + T u, with m0 their prior means and T such that u has about unit variance; the
prior of u has mean 0 and precision T'S0^-1 T. The effects are b = m + L v.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.normal_coefficients import NormalCoefficients, group_means
from hlm.engines.quadrature.coverage import KINDS
from hlm.engines.quadrature.kernels.row_density import GAMMA, NEGATIVE_BINOMIAL, POISSON
from hlm.formula.formula import INTERCEPT
from hlm.model.model import Model
from hlm.model.own_intercepts import own_intercepts_at_means
from hlm.model.prior_scales import Scales
from hlm.support.linear_algebra import root_of_inverse
from hlm.support.special_functions import betaln, gammaln


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """The numbers of a model."""

    kind: int  # of family and link; see kernels.py
    # s, c, offset, x: shapes (n,), (n,), (n,), (n, p); n rows that differ, sorted by group
    rows: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    start: np.ndarray  # shape (K + 1,); the first row of each group, and n
    z: np.ndarray  # shape (n, q)
    precision: np.ndarray  # shape (p, p); prior precision of u
    to_common: np.ndarray  # shape (p, p); T
    means: np.ndarray  # shape (p,); the columns' means where they are centred, else 0
    place: np.ndarray  # shape (rows,); the row here that each of the data's rows is part of
    response: np.ndarray  # shape (rows,); y, in the data's order
    trials: np.ndarray  # shape (rows,); 1 where there are none
    # shape (rows,); what the log density of each row of the data has besides the kernels' part; without the family's
    # own parameter
    constants: np.ndarray
    groups: int  # K; 1 without groups
    # shapes (K, p) and (K, q), or None; the means of X and Z in each group, where priors hold there: in no pooling
    in_groups: tuple[np.ndarray, np.ndarray] | None = None

    def constants_by_row(self, phi: np.ndarray) -> np.ndarray:
        """What the log density of each row has besides, of the family's own parameter, shape (T, rows), or (T, 1)."""
        y, phi = self.response, phi[:, None]
        if self.kind == NEGATIVE_BINOMIAL:
            return np.asarray(gammaln(y + phi) - gammaln(phi))
        if self.kind == GAMMA:
            return np.asarray(phi * np.log(phi) - gammaln(phi) + phi * np.log(y))
        return np.zeros((len(phi), 1))

    def own_constants(self, phi: np.ndarray) -> np.ndarray:
        """The same, summed over all rows: shape (T,)."""
        y = self.response
        if self.kind == NEGATIVE_BINOMIAL:
            values, counts = np.unique(y, return_counts=True)
            return np.asarray((gammaln(values + phi[:, None]) - gammaln(phi)[:, None]) @ counts)
        if self.kind == GAMMA:
            return np.asarray(len(y) * (phi * np.log(phi) - gammaln(phi)) + phi * np.log(y).sum())
        return np.zeros(len(phi))


def grouped_rows(model: Model, coefficients: NormalCoefficients) -> GroupedRows:
    """Sort the rows by group and sum up those that are equal."""
    kind = KINDS[model.family.name, model.family.link]
    y, trials, constants = _responses(model, kind)
    prior, x = coefficients.prior, coefficients.common.matrix
    means, in_groups = np.zeros(x.shape[1]), None
    if INTERCEPT in coefficients.common.terms:
        means = np.where([term == INTERCEPT for term in coefficients.common.terms], 0.0, x.mean(axis=0))
        x = x - means
    codes, z = np.zeros(model.rows, dtype=np.int64), np.empty((model.rows, 0))
    if coefficients.factors:
        (factor,) = coefficients.factors
        codes, z = factor.codes, factor.design.matrix
        if coefficients.transformation is not None:
            z = z @ coefficients.transformation
    if own_intercepts_at_means(model):
        slopes = np.array([term != INTERCEPT for term in coefficients.factors[0].design.terms])
        in_groups = group_means(x, codes), group_means(z, codes) * slopes
        x, z = x - in_groups[0][codes], z - in_groups[1][codes]
    offset = x @ prior.mean + z @ coefficients.mean if coefficients.mean.any() else x @ prior.mean
    if model.data.offset is not None:
        offset = offset + model.data.offset
    to_common = root_of_inverse(x / Scales(model).spread, np.diag(1 / prior.sd))
    columns = np.column_stack([x @ to_common, z, offset])
    order, first = _equal_rows(codes, columns)
    place = np.empty(model.rows, dtype=np.int64)
    place[order] = np.cumsum(first) - 1
    at = order[first]
    groups = int(codes.max()) + 1
    start = np.searchsorted(codes[at], np.arange(groups + 1))
    s, c = np.bincount(place, y, len(at)), np.bincount(place, trials, len(at))
    columns = np.ascontiguousarray(columns[at])
    p = len(means)
    scaled = to_common / prior.sd[:, None]
    return GroupedRows(
        kind, (s, c, columns[:, -1].copy(), columns[:, :p].copy()), start, columns[:, p:-1].copy(), scaled.T @ scaled,
        to_common, means, place, y, trials, constants, groups, in_groups,
    )  # fmt: skip


def _responses(model: Model, kind: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The response, the trials, and the part of each row's log density without any parameter."""
    response = model.written.response
    y = model.data.columns[response.variable].to_numpy(dtype=np.float64)
    trials = np.ones(len(y))
    if response.trials is not None:
        trials = model.data.columns[response.trials].to_numpy(dtype=np.float64)
        return y, trials, np.asarray(-betaln(trials - y + 1, y + 1) - np.log(trials + 1))
    if kind in (POISSON, NEGATIVE_BINOMIAL):
        return y, trials, np.asarray(-gammaln(y + 1))
    return y, trials, -np.log(y) if kind == GAMMA else np.zeros(len(y))


def _equal_rows(codes: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order in which equal rows of a group stand together, and which row is the first of its kind, in that order.

    Sorted by a random combination of the columns: where two different rows had the same, equal ones might be kept
    apart, which costs time and changes nothing.
    """
    numbers = np.random.default_rng(0).uniform(1, 2, size=(columns.shape[1],))
    key = np.zeros(len(columns))
    for j, number in enumerate(numbers):
        key += number * columns[:, j]
    order = np.lexsort((key, codes))
    ordered, groups = columns[order], codes[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (groups[1:] != groups[:-1]) | (ordered[1:] != ordered[:-1]).any(axis=1)
    return order, new
