"""Predictive densities of rows and of groups given theta and the common coefficients, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import compiled, part_of_kernels
from hlm.engines.quadrature.kernels.group_integrals import whitened
from hlm.engines.quadrature.kernels.matrices import backward, times_root
from hlm.engines.quadrature.kernels.row_density import row

COMPILED_WITH = {"group_integrals": "baf26593ff79", "matrices": "c74d36df5eaf", "row_density": "8c3eafefde76"}


@part_of_kernels
def _log_sum(share, values, size, sign):
    """Log of the sum of ``exp(share + sign values)``; shares of 0 count nothing, whatever their value."""
    top, total = -np.inf, 0.0
    for node in range(size):
        if share[node] > -np.inf:
            top = max(top, share[node] + sign * values[node])
    for node in range(size):
        if share[node] > -np.inf:
            total += math.exp(share[node] + sign * values[node] - top)
    return top + math.log(total)


@compiled
def left_out_kernel(kind, phi, rows, start, z, factor, nodes, rule, u, v, root, at_nodes, responses, found, work):
    """Log predictive densities of responses given all others of their group, and given all.

    u, v, root, at_nodes: shapes (T, 1, p), (T, 1, K, q), (T, 1, K, q, q) and (T, 1, nodes), from the integrals' kernel.
    responses: the row, y and trials of every different response, shape (m,) each; (K + 1,): where each group's begin.
    found: a response without and with itself, (T, m) each; all responses of a group given themselves, (T, K).
    work: as for the integrals' kernel.
    """
    offset, x = rows[2], rows[3]
    without, inside, group_inside = found
    _, _, grids, log_weights, _, first_node = nodes
    zl, a, row_numbers, node_numbers, few, _ = work
    groups, q = len(start) - 1, z.shape[1]
    base, at, share, values = row_numbers[0], row_numbers[1], node_numbers[0], node_numbers[1]
    effect = few[0, :q]
    for t in range(len(phi)):
        times_root(z, factor[t], zl)
        for n in range(len(offset)):
            base[n] = offset[n]
            for j in range(u.shape[2]):
                base[n] += x[n, j] * u[t, 0, j]
        first = 0
        for k in range(groups):
            here, mode = first_node[rule[k]], v[t, 0, k]
            size = first_node[rule[k] + 1] - here
            whitened(zl, start[k], start[k + 1], root[t, 0, k], mode, base, at, a)
            for node in range(size):  # the log probability of each node given the group's responses
                values[node] = at_nodes[t, 0, first + node]
                share[node] = values[node] + log_weights[here + node]
                for d in range(q):
                    effect[d] = grids[here + node, d]
                backward(root[t, 0, k], effect)
                for d in range(q):
                    share[node] -= 0.5 * (mode[d] + effect[d]) ** 2
            first += size
            of_all = _log_sum(share, share, size, 0.0)
            for node in range(size):
                share[node] -= of_all
            group_inside[t, k] = _log_sum(share, values, size, 1.0)
            for r in range(responses[3][k], responses[3][k + 1]):
                n = responses[0][r]
                for node in range(size):
                    eta = at[n]
                    for d in range(q):
                        eta += a[n, d] * grids[here + node, d]
                    values[node] = row(kind, responses[1][r], responses[2][r], eta, phi[t])[0]
                inside[t, r] = _log_sum(share, values, size, 1.0)
                without[t, r] = -_log_sum(share, values, size, -1.0)
