"""The numbers behind `plot_plane`: two coefficients of every group, and what partial pooling expects of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hlm.compare.compare_slopes import compare_slopes, model_of
from hlm.compare.group_information import varying_effects
from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term


@dataclass(frozen=True, slots=True)
class Plane:
    """Two coefficients of every group."""

    # none, partial: shape (K, 2); posterior means; NaN where a group's own rows cannot determine one. Where a predictor
    # of the groups shifts what partial pooling expects of each, that shift is taken off both.
    none: np.ndarray
    partial: np.ndarray
    complete: np.ndarray  # shape (2,); NaN without that strategy; the average over the groups
    center: np.ndarray  # shape (2,); what partial pooling expects, averaged over the groups
    covariance: np.ndarray  # shape (2, 2); posterior mean of Sigma
    levels: list[str]

    @property
    def distances(self) -> tuple[np.ndarray, np.ndarray]:
        """How far from the centre each group is in no and in partial pooling, in sds of Sigma; each (K,)."""
        precision = np.linalg.pinv(self.covariance, hermitian=True)
        found = []
        for points in (self.none, self.partial):
            away = points - self.center
            found.append(np.sqrt(np.einsum("ki,ij,kj->k", away, precision, away)))
        return found[0], found[1]


def plane_of(fits: Fits, factor: Term, pair: tuple[str, str]) -> Plane:
    """The points, the centre and the covariance of two coefficients.

    pair: the horizontal and the vertical coefficient.
    """
    model = model_of(fits)
    table = compare_slopes(fits, group=factor.name)
    levels = model.data.levels(factor)
    by_label = {}
    for pooling in ("none", "partial", "complete"):
        rows = table[table["pooling"] == pooling].pivot(index="level", columns="term", values="estimate")
        by_label[pooling] = rows.reindex(index=levels, columns=list(pair)).to_numpy(dtype=np.float64)
    partial, target = fits_by_label(fits)["partial"], model.design.group_coefficients
    shared = replace(partial.parts, groups=())
    columns = [target.labels.index(term) for term in pair]
    expected = group_coefficients(shared, factor, partial.resolved).mean(axis=0)[:, columns]
    center, shift = expected.mean(axis=0), expected - expected.mean(axis=0)
    complete = by_label["complete"].mean(axis=0)
    kept, draws = varying_effects(partial, factor, target)
    covariance = np.zeros((len(target.labels), len(target.labels)))
    covariance[np.ix_(kept, kept)] = draws.mean(axis=0)
    covariance = covariance[np.ix_(columns, columns)]
    return Plane(by_label["none"] - shift, by_label["partial"] - shift, complete, center, covariance, levels)
