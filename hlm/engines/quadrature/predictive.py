"""Predictive densities of responses and groups with the groups' effects integrated out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.quadrature.gauss_hermite import Rules
from hlm.engines.quadrature.grouped_rows import GroupedRows
from hlm.engines.quadrature.in_threads import in_threads
from hlm.engines.quadrature.integrals import integrals, numbers_of_integrals, work_arrays
from hlm.engines.quadrature.joint_modes import Theta
from hlm.engines.quadrature.kernels.left_out import left_out_kernel


@dataclass(frozen=True, slots=True)
class Predictive:
    """Log predictive densities given theta and u, less the constants of the rows."""

    # without, inside: shape (T, m); of a response given the others of its group, and given all of them; m differ
    without: np.ndarray
    inside: np.ndarray
    # group, group_inside: shape (T, K); the same of all responses of a group
    group: np.ndarray
    group_inside: np.ndarray
    place: np.ndarray  # shape (rows,); which of the m each row of the data is


def different_responses(grouped: GroupedRows) -> tuple[np.ndarray, np.ndarray]:
    """The summed row, y and trials of every different response, shape (m, 3), and which of them each row is."""
    columns = np.column_stack([grouped.place, grouped.response, grouped.trials])
    different, place = np.unique(columns, axis=0, return_inverse=True)
    return different, place.ravel()


def predictive_densities(
    grouped: GroupedRows, theta: Theta, u: np.ndarray, rules: Rules, chosen: np.ndarray, *, with_rows: bool = True
) -> Predictive:
    """Densities of the responses (or without these) and of the groups for pairs of theta and u, shape (T, p)."""
    different, place = different_responses(grouped)
    if not with_rows:
        different = different[:0]
    rows = different[:, 0].astype(np.int64)
    responses = rows, different[:, 1].copy(), different[:, 2].copy(), np.searchsorted(rows, grouped.start)
    times, m, groups = len(theta), len(different), grouped.groups
    found = Predictive(
        np.empty((times, m)), np.empty((times, m)), np.empty((times, groups)), np.empty((times, groups)), place
    )

    def work(some: slice) -> None:
        here, values = theta.some(some), np.ascontiguousarray(u[some, None])
        starts = np.zeros((len(here), 1, groups, grouped.z.shape[1]))
        of_groups = integrals(grouped, here, values, rules, chosen, starts, keep_nodes=True)
        found.group[some] = of_groups.log[:, 0]
        left_out_kernel(
            grouped.kind, here.phi, grouped.rows, grouped.start, grouped.z, here.factor, rules.tables, chosen, values,
            of_groups.modes, of_groups.roots, of_groups.at_nodes, responses,
            (found.without[some], found.inside[some], found.group_inside[some]), work_arrays(grouped, rules, chosen),
        )  # fmt: skip

    nodes = int(rules.sizes[chosen].sum())
    in_threads(work, times, 2 * m, numbers_of_integrals(grouped) + nodes)
    of_row = np.searchsorted(grouped.start, np.arange(grouped.start[-1]), side="right") - 1
    sizes = np.bincount(of_row[grouped.place], minlength=groups)
    alone = sizes[of_row[rows]] == 1  # nothing is left without it: nodes around its own mode do not reach that far
    found.without[:, alone] = found.group[:, of_row[rows[alone]]]
    return found
