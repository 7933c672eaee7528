"""The integral of each group's responses over its effects, compiled.

Given the common coefficients b and the root L of the effects' covariance matrix, the integral of a group is
I = integral of exp(sum of log densities at x'b + z'L v + offset) N(v; 0, 1) dv, by Gauss-Hermite quadrature at the
group's own mode and curvature (Liu & Pierce 1994, Biometrika 81:624-629).
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import compiled, inlined, part_of_kernels
from hlm.engines.quadrature.kernels.matrices import backward, eliminate, times_root
from hlm.engines.quadrature.kernels.row_density import CLOGLOG, GAMMA, LOGIT, NEGATIVE_BINOMIAL, POISSON, PROBIT, row

COMPILED_WITH = {"matrices": "c74d36df5eaf", "row_density": "8c3eafefde76"}
DOF = 6.0  # of the t from which effects are proposed; its chi-square is made of DOF / 2 exponential variables
_STEPS = 60
_LONGEST = 4.0  # step of a group's mode, in sds of the group-level distribution
_LARGEST = 600.0  # exponent of a product of 1 + e^eta
_POWERS = 16  # trials up to which a power is a product
_SLACK = 0.1  # of the largest log ratio, above that of the nodes


@inlined
def _mode(kind, phi, s, c, base, zl, i0, i1, v, h, step, near):
    """The mode of a group's effects from where they are, the root of the curvature in h; False where there is none.

    Newton's method may step back and forth between both sides of a mode: a step that leads down is halved.
    """
    q = len(v)
    best, share, found = -np.inf, 1.0, True
    for _ in range(_STEPS):
        height = 0.0
        h[q, q] = 0.0
        for i in range(q):
            height -= 0.5 * v[i] * v[i]
            for j in range(i + 1):
                h[i, j] = 1.0 if i == j else 0.0
            h[q, i] = -v[i]
        for n in range(i0, i1):
            eta = base[n]
            for j in range(q):
                eta += zl[n, j] * v[j]
            value, slope, w = row(kind, s[n], c[n], eta, phi)
            height += value
            for i in range(q):
                h[q, i] += slope * zl[n, i]
                for j in range(i + 1):
                    h[i, j] += w * zl[n, i] * zl[n, j]
        if best > -np.inf and not height > best - 1e-12 * abs(best):
            share *= 0.5
            for i in range(q):
                v[i] -= share * step[i]
            if share < 1e-6:
                found = False
                break
            continue
        if not eliminate(h, q):
            found = False
            break
        best, longest = height, _LONGEST
        for i in range(q):
            step[i] = h[q, i]
        backward(h, step)
        for i in range(q):
            longest = max(longest, abs(step[i]))
        share = _LONGEST / longest
        for i in range(q):
            v[i] += share * step[i]
        if -h[q, q] < near:
            break
    return found


@part_of_kernels
def whitened(zl, i0, i1, root, v, base, at, a):
    """The linear predictor at the mode and its change along whitened directions: eta = at + a'x at v + root'^-1 x."""
    q = len(v)
    for n in range(i0, i1):
        at[n] = base[n]
        for j in range(q):
            at[n] += zl[n, j] * v[j]
            a[n, j] = zl[n, j]
            for i in range(j):
                a[n, j] -= root[j, i] * a[n, i]
            a[n, j] /= root[j, j]


@inlined
def _node_values(kind, phi, s, c, at, a, i0, i1, places, m, grids, g0, size, work, power):
    """The sum of the rows' log densities at every node, in ``work[0]``; the last direction varies fastest.

    e^eta is a product over the directions, so that exponentials are taken once for each direction's node and not for
    every node; logarithms are taken of products of 1 + e^eta.
    """
    values, product, exponential, q = work[0], work[1], work[2], a.shape[1]
    sign = -1.0 if kind == GAMMA else 1.0
    shift = math.log(phi) if kind == NEGATIVE_BINOMIAL else 0.0
    total, linear = 0.0, 0.0  # a bound of the logarithm of the products; the part that is linear in eta, at the mode
    last = -1  # the row whose powers are there
    for node in range(size):
        values[node], product[node] = 0.0, 1.0
    for j in range(q):
        power[q, j] = 0.0
    for n in range(i0, i1):
        eta = sign * (at[n] - shift)
        times, whole, top = s[n], c[n], eta
        if kind == GAMMA:
            times, whole = phi * c[n], phi * s[n]
        elif kind == NEGATIVE_BINOMIAL:
            whole = s[n] + phi * c[n]
        for j in range(q):
            top += abs(a[n, j]) * places[m - 1]
        if top > 300.0 or kind in (PROBIT, CLOGLOG):  # too large for products, or no product
            for node in range(size):
                e = at[n]
                for j in range(q):
                    e += a[n, j] * grids[g0 + node, j]
                values[node] += row(kind, s[n], c[n], e, phi)[0]
            continue
        linear += times * eta
        exponential[0], length = math.exp(eta), 1
        for j in range(q):
            power[q, j] += times * sign * a[n, j]
            if last < 0 or a[n, j] != a[last, j]:
                for i in range((m + 1) // 2):  # the nodes are symmetric
                    power[j, i] = math.exp(sign * a[n, j] * places[i])
                    power[j, m - 1 - i] = 1.0 / power[j, i]
            for node in range(length - 1, -1, -1):
                e = exponential[node]
                for i in range(m - 1, -1, -1):
                    exponential[node * m + i] = e * power[j, i]
            length *= m
        last = n
        if kind in (POISSON, GAMMA):
            for node in range(size):
                values[node] -= whole * exponential[node]
        elif kind == LOGIT and whole <= _POWERS and whole == math.floor(whole):
            each = max(top, 0.0) + 0.7
            for _ in range(int(whole)):
                total += each
                if total > _LARGEST:
                    for node in range(size):
                        values[node] -= math.log(product[node])
                        product[node] = 1.0
                    total = each
                for node in range(size):
                    product[node] *= 1.0 + exponential[node]
        else:
            for node in range(size):
                values[node] -= whole * math.log1p(exponential[node])
    for node in range(size):
        e = linear
        for j in range(q):
            e += power[q, j] * grids[g0 + node, j]
        values[node] += e - math.log(product[node])


@inlined
def _sum_of_nodes(grids, log_weights, at_border, g0, size, v, root, values, u, peak):
    """Log of a group's integral from the values at the nodes, which become the log densities of the effects there.

    peak: becomes the largest log ratio of that density to the t's from which effects are proposed; log shares of
        proposals that are accepted, from the group level's distribution and from the t (0 where the largest ratio,
        larger than a normal density's, is at the border of the nodes, so that a still larger one may lie beyond).
    """
    q = len(v)
    top, total, log_det, best = -np.inf, 0.0, 0.0, 0
    peak[0] = -np.inf
    for i in range(q):
        log_det += math.log(root[i, i])
    for node in range(size):
        squares = 0.0
        for j in range(q):
            u[j] = grids[g0 + node, j]
            squares += u[j] * u[j]
        backward(root, u)
        for j in range(q):
            values[node] -= 0.5 * (v[j] + u[j]) ** 2
        ratio = values[node] + 0.5 * (DOF + q) * math.log1p(squares / DOF)
        if ratio > peak[0]:
            peak[0], best = ratio, node
        f = values[node] + log_weights[g0 + node]
        if f > top:
            total = total * math.exp(top - f) + 1.0
            top = f
        else:
            total += math.exp(f - top)
    found, middle = top + math.log(total) - log_det, values[(size - 1) // 2]
    normal = middle + 0.5 * ((DOF + q) * math.log1p(q / DOF) - q)  # the largest log ratio of a normal density
    unknown = at_border[g0 + best] and peak[0] > normal + _SLACK
    peak[0], peak[1] = max(peak[0], normal) + _SLACK, found - middle
    of_t = math.lgamma(0.5 * DOF) - math.lgamma(0.5 * (DOF + q)) + 0.5 * q * math.log(0.5 * DOF)
    peak[2] = -np.inf if unknown else found + log_det - peak[0] - of_t
    return found


@compiled
def integrals_kernel(kind, phi, rows, start, z, factor, nodes, rule, u, near, found, at_nodes, work):
    """Log integral of each group given theta and R values of the common coefficients.

    phi, factor, u: shapes (T,), (T, q, q) and (T, R, p).
    nodes: see `hlm.engines.quadrature.gauss_hermite.Rules.tables`; rule: shape (K,); the rule of each group.
    near: Newton's decrement at which a group's mode is near enough for the nodes.
    found: the log integrals, (T, R, K), NaN where there is none; v, (T, R, K, q), from where its search starts to the
        mode; the root of the curvature there, (T, R, K, q, q); what `_sum_of_nodes` says for the draws, (T, R, K, 3).
    at_nodes: the log density of the group's rows at all nodes of all groups, (T, R, nodes), or nothing.
    work: Z L; Z L whitened; two numbers a row; three numbers a node; powers of each direction's nodes, (q + 2, most);
        curvature and gradient of a group, (q + 1, q + 1).
    """
    s, c, offset, x = rows
    integral, modes, roots, peaks = found
    places, counts, grids, log_weights, at_border, first_node = nodes
    zl, a, row_numbers, node_numbers, power, h = work
    base, at = row_numbers[0], row_numbers[1]
    groups, q = len(start) - 1, z.shape[1]
    u_of_node, step = power[q, :q], power[q + 1, :q]
    for t in range(len(phi)):
        times_root(z, factor[t], zl)
        for r in range(u.shape[1]):
            for n in range(len(s)):
                base[n] = offset[n]
                for j in range(u.shape[2]):
                    base[n] += x[n, j] * u[t, r, j]
            first = 0
            for k in range(groups):
                i, j, rule_k, v, peak = start[k], start[k + 1], rule[k], modes[t, r, k], peaks[t, r, k]
                node, size = first_node[rule_k], first_node[rule_k + 1] - first_node[rule_k]
                integral[t, r, k], peak[0] = np.nan, np.nan
                if _mode(kind, phi[t], s, c, base, zl, i, j, v, h, step, near):
                    whitened(zl, i, j, h, v, base, at, a)
                    _node_values(
                        kind, phi[t], s, c, at, a, i, j, places[rule_k], counts[rule_k], grids, node, size,
                        node_numbers, power,
                    )  # fmt: skip
                    if at_nodes.size > 0:
                        for d in range(size):
                            at_nodes[t, r, first + d] = node_numbers[0, d]
                    integral[t, r, k] = _sum_of_nodes(
                        grids, log_weights, at_border, node, size, v, h, node_numbers[0], u_of_node, peak
                    )
                    for d in range(q):
                        for e in range(d + 1):
                            roots[t, r, k, d, e] = h[d, e]
                first += size
