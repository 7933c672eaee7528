"""The loops over groups and rows, compiled: the joint mode of all coefficients, the groups' integrals, their effects.

Rows are sorted by group. A row stands for all rows of its group with equal columns: ``s`` is the sum of their responses
and ``c`` their number (of trials, for successes). Its log density, less what does not depend on the linear predictor::

    logit     s eta - c log(1 + e^eta)                  probit   s log Phi(eta) + (c - s) log Phi(-eta)
    cloglog   s log(1 - exp(-e^eta)) - (c - s) e^eta    poisson  s eta - c e^eta
    negative binomial   s t - (s + c phi) log(1 + e^t),  t = eta - log phi
    gamma               -phi (c eta + s e^-eta)

All are concave in eta. Given the common coefficients b and the root L of the effects' covariance matrix, the integral
of a group is I = integral of exp(sum of log densities at x'b + z'L v + offset) N(v; 0, 1) dv, by Gauss-Hermite
quadrature at the group's own mode and curvature (Liu & Pierce 1994, Biometrika 81:624-629).

No compiled function here calls one of another file: numba would not notice a change there.
"""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import compiled

LOGIT, PROBIT, CLOGLOG, POISSON, NEGATIVE_BINOMIAL, GAMMA = range(6)

_ROUGH = 1e-6  # Newton's decrement at a joint mode that only proposes
_MOST_STEPS = 60
_NEAR = 0.02  # Newton's decrement at which a group's mode is near enough for the nodes
_GROUP_STEPS = 60
_LONGEST = 4.0  # step of a group's mode, in sds of the group-level distribution
_LARGEST = 600.0  # exponent of a product of 1 + e^eta
_POWERS = 16  # trials up to which a power is a product
_DOF = 6.0  # of the t from which effects are proposed; its chi-square is made of _DOF / 2 exponential variables
_MOST_PROPOSALS = 20_000
_SLACK = 0.1  # of the largest log ratio, above that of the nodes
_ROOT_HALF, _LOG_ROOT_2PI = math.sqrt(0.5), 0.5 * math.log(2.0 * math.pi)


@compiled
def _log_phi(x):
    """Log of the normal distribution function."""
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x * _ROOT_HALF))
    y = 1.0 / (x * x)
    return -0.5 * x * x - math.log(-x) - _LOG_ROOT_2PI + math.log1p(-y * (1.0 - 3.0 * y * (1.0 - 5.0 * y)))


@compiled
def _row(kind, s, c, eta, phi):
    """The log density of a row, its first derivative, and minus its second."""
    if kind == LOGIT:
        e = math.exp(-abs(eta))
        p = 1.0 / (1.0 + e) if eta >= 0 else e / (1.0 + e)
        return s * eta - c * (max(eta, 0.0) + math.log1p(e)), s - c * p, c * e / ((1.0 + e) * (1.0 + e))
    if kind == POISSON:
        m = c * math.exp(eta)
        return s * eta - m, s - m, m
    if kind == NEGATIVE_BINOMIAL:
        t, whole = eta - math.log(phi), s + c * phi
        e = math.exp(-abs(t))
        p = 1.0 / (1.0 + e) if t >= 0 else e / (1.0 + e)
        return s * t - whole * (max(t, 0.0) + math.log1p(e)), s - whole * p, whole * e / ((1.0 + e) * (1.0 + e))
    if kind == GAMMA:
        m = phi * s * math.exp(-eta)
        return -phi * c * eta - m, m - phi * c, m
    value, slope, weight = 0.0, 0.0, 0.0
    if kind == PROBIT:
        if s > 0.0:
            log = _log_phi(eta)
            r = math.exp(-0.5 * eta * eta - _LOG_ROOT_2PI - log)
            value, slope, weight = s * log, s * r, s * r * (eta + r)
        if c > s:
            log = _log_phi(-eta)
            r = math.exp(-0.5 * eta * eta - _LOG_ROOT_2PI - log)
            value, slope, weight = value + (c - s) * log, slope - (c - s) * r, weight + (c - s) * r * (r - eta)
        return value, slope, weight
    rate = math.exp(min(eta, 700.0))
    if s > 0.0:
        if rate < 1e-8:
            value, slope, weight = s * (eta - 0.5 * rate), s * (1.0 - 0.5 * rate), s * 0.5 * rate
        else:
            g = rate / math.expm1(rate) if rate < 700.0 else 0.0
            value, slope, weight = s * math.log(-math.expm1(-rate)), s * g, s * g * (rate + g - 1.0)
    if c > s:
        value, slope, weight = value - (c - s) * rate, slope - (c - s) * rate, weight + (c - s) * rate
    return value, slope, weight


@compiled
def _cholesky(a):
    """The lower root of a matrix in its place; False where it has none."""
    n = len(a)
    for i in range(n):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                a[i, i] = math.sqrt(total)
            else:
                a[i, j] = total / a[j, j]
    return True


@compiled
def _forward(root, x):
    """``root^-1 x`` in the place of x."""
    for i in range(len(x)):
        for j in range(i):
            x[i] -= root[i, j] * x[j]
        x[i] /= root[i, i]


@compiled
def _backward(root, x):
    """``root'^-1 x`` in the place of x."""
    for i in range(len(x) - 1, -1, -1):
        for j in range(i + 1, len(x)):
            x[i] -= root[j, i] * x[j]
        x[i] /= root[i, i]


@compiled
def _joint_mode(kind, phi, rows, start, weight, zl, beta, v, mode, tolerance):
    """Newton's method for the common coefficients and all groups' effects from where they are; groups are eliminated.

    rows: s, c, offset, x.
    weight: shape (p, p); prior precision of the common coefficients, whose prior mean is 0.
    zl: shape (n, q); Z L.
    beta, v: shapes (p,) and (K, q); they become the mode.
    mode: what is left there: roots of M_k, shape (K, q, q), M_k^-1/2 B_k, (K, q, p), root of A, (p, p).
    tolerance: of Newton's decrement; the log determinant is off by its square root.
    result: the log density at the mode and half the log determinant; minus infinity where there is none.
    """
    s, c, offset, x = rows
    roots, half, a = mode
    groups, q = v.shape
    p = len(beta)
    last_beta, last_v, step_beta, step_v = beta.copy(), v.copy(), np.zeros(p), np.zeros((groups, q))
    best, length, r, gradient = -np.inf, 1.0, np.empty(p), np.empty((groups, q))
    for _step in range(_MOST_STEPS):
        height, log_det, decrement = 0.0, 0.0, 0.0
        for i in range(p):
            r[i] = 0.0
            for j in range(p):
                a[i, j] = weight[i, j]
                r[i] -= weight[i, j] * beta[j]
            height += 0.5 * r[i] * beta[i]
        good = True
        for k in range(groups):
            m, b, g = roots[k], half[k], gradient[k]
            for i in range(q):
                g[i] = -v[k, i]
                height -= 0.5 * v[k, i] * v[k, i]
                for j in range(q):
                    m[i, j] = 1.0 if i == j else 0.0
                for j in range(p):
                    b[i, j] = 0.0
            for n in range(start[k], start[k + 1]):
                eta = offset[n]
                for j in range(p):
                    eta += x[n, j] * beta[j]
                for j in range(q):
                    eta += zl[n, j] * v[k, j]
                value, slope, w = _row(kind, s[n], c[n], eta, phi)
                height += value
                for i in range(q):
                    wz = w * zl[n, i]
                    g[i] += slope * zl[n, i]
                    for j in range(i + 1):
                        m[i, j] += wz * zl[n, j]
                    for j in range(p):
                        b[i, j] += wz * x[n, j]
                for i in range(p):
                    r[i] += slope * x[n, i]
                    wx = w * x[n, i]
                    for j in range(i + 1):
                        a[i, j] += wx * x[n, j]
            if not _cholesky(m):
                good = False
                break
            for i in range(q):  # M^-1/2 of B and g
                for d in range(i):
                    g[i] -= m[i, d] * g[d]
                    for j in range(p):
                        b[i, j] -= m[i, d] * b[d, j]
                g[i] /= m[i, i]
                log_det += math.log(m[i, i])
                decrement += g[i] * g[i]
                for j in range(p):
                    b[i, j] /= m[i, i]
                for j in range(p):
                    r[j] -= b[i, j] * g[i]
                    for d in range(j + 1):
                        a[j, d] -= b[i, j] * b[i, d]
        if not (good and height > best - 1e-9 * (1.0 + abs(best))) or not math.isfinite(height):
            length *= 0.5  # too far: half of the last step
            if length < 1e-9 or not math.isfinite(best):
                return -np.inf, 0.0
            for i in range(p):
                beta[i] = last_beta[i] + length * step_beta[i]
            for k in range(groups):
                for i in range(q):
                    v[k, i] = last_v[k, i] + length * step_v[k, i]
            continue
        if not _cholesky(a):
            return -np.inf, 0.0
        _forward(a, r)
        for i in range(p):
            decrement += r[i] * r[i]
            log_det += math.log(a[i, i])
        if decrement < tolerance:
            return height, log_det
        _backward(a, r)
        best, length = height, 1.0
        for i in range(p):
            last_beta[i], step_beta[i] = beta[i], r[i]
            beta[i] += r[i]
        for k in range(groups):
            for i in range(q):
                step_v[k, i] = gradient[k, i]
                for j in range(p):
                    step_v[k, i] -= half[k, i, j] * r[j]
            _backward(roots[k], step_v[k])
            for i in range(q):
                last_v[k, i] = v[k, i]
                v[k, i] += step_v[k, i]
    return -np.inf, 0.0


@compiled
def laplace_kernel(kind, phi, rows, start, z, weight, factor, beta, v, tolerance, result):
    """The log density at the joint mode less half the log determinant of its curvature, for each theta.

    phi, factor: shapes (T,) and (T, q, q).
    beta, v: shapes (p,) and (K, q); where each search starts.
    result: shape (T,); overwritten.
    """
    groups, q = v.shape
    p = len(beta)
    zl = np.empty(z.shape)
    mode = np.empty((groups, q, q)), np.empty((groups, q, p)), np.empty((p, p))
    for t in range(len(result)):
        _rows_times_root(z, factor[t], zl)
        height, log_det = _joint_mode(kind, phi[t], rows, start, weight, zl, beta.copy(), v.copy(), mode, tolerance)
        result[t] = height - log_det


@compiled
def _rows_times_root(z, root, zl):
    for n in range(len(z)):
        for j in range(z.shape[1]):
            zl[n, j] = 0.0
            for i in range(j, z.shape[1]):
                zl[n, j] += z[n, i] * root[i, j]


@compiled
def _group_mode(kind, phi, s, c, base, zl, v, root, g, near):
    """The mode of a group's effects from where they are, the root of the curvature there; False where there is none.

    Newton's method may step back and forth between both sides of a mode: a step that leads down is halved.
    """
    q = len(v)
    best, share, step = -np.inf, 1.0, np.zeros(q)
    for _ in range(_GROUP_STEPS):
        height = 0.0
        for i in range(q):
            g[i] = -v[i]
            height -= 0.5 * v[i] * v[i]
            for j in range(q):
                root[i, j] = 1.0 if i == j else 0.0
        for n in range(len(s)):
            eta = base[n]
            for j in range(q):
                eta += zl[n, j] * v[j]
            value, slope, w = _row(kind, s[n], c[n], eta, phi)
            height += value
            for i in range(q):
                g[i] += slope * zl[n, i]
                wz = w * zl[n, i]
                for j in range(i + 1):
                    root[i, j] += wz * zl[n, j]
        if best > -np.inf and not height > best - 1e-12 * abs(best):
            for i in range(q):
                v[i] -= 0.5 * share * step[i]
            share *= 0.5
            if share < 1e-6:
                return False
            continue
        if not _cholesky(root):
            return False
        _forward(root, g)
        decrement = 0.0
        for i in range(q):
            decrement += g[i] * g[i]
        _backward(root, g)
        longest = 0.0
        for i in range(q):
            longest = max(longest, abs(g[i]))
        best, share = height, min(1.0, _LONGEST / longest) if longest > 0.0 else 1.0
        for i in range(q):
            step[i] = g[i]
            v[i] += share * g[i]
        if decrement < near:
            return True
    return True


@compiled
def _whitened(zl, root, v, base, at, a):
    """The linear predictor at the mode and its change along whitened directions: eta = at + a'x at v + root'^-1 x."""
    q = len(v)
    for n in range(len(base)):
        at[n] = base[n]
        for j in range(q):
            at[n] += zl[n, j] * v[j]
            a[n, j] = zl[n, j]
            for i in range(j):
                a[n, j] -= root[j, i] * a[n, i]
            a[n, j] /= root[j, j]


@compiled
def _node_values(kind, phi, s, c, at, a, x, values, product, power, grid):
    """The sum of the rows' log densities at every node, in ``values``, shape (m^q,); the last direction varies fastest.

    e^eta is a product over the directions, so that exponentials are taken once for each direction's node and not for
    every node; logarithms are taken of products of 1 + e^eta.
    """
    m, q = len(x), a.shape[1]
    size = m**q
    values[:size] = 0.0
    if kind in (PROBIT, CLOGLOG):
        for n in range(len(s)):
            for node in range(size):
                eta, rest = at[n], node
                for j in range(q - 1, -1, -1):
                    eta += a[n, j] * x[rest % m]
                    rest //= m
                values[node] += _row(kind, s[n], c[n], eta, phi)[0]
        return
    product[:size] = 1.0
    sign = -1.0 if kind == GAMMA else 1.0
    shift = math.log(phi) if kind == NEGATIVE_BINOMIAL else 0.0
    total = 0.0  # bound of the logarithm of the products
    linear = 0.0
    slopes = np.zeros(q)
    for n in range(len(s)):
        eta = sign * (at[n] - shift)
        times = s[n] if kind != GAMMA else phi * c[n]
        linear += times * eta
        top = eta
        for j in range(q):
            slopes[j] += times * sign * a[n, j]
            top += abs(a[n, j]) * x[m - 1]
            if n == 0 or a[n, j] != a[n - 1, j]:
                for i in range(m // 2):
                    power[j, i] = math.exp(sign * a[n, j] * x[i])
                    power[j, m - 1 - i] = 1.0 / power[j, i]
                if m % 2 == 1:
                    power[j, m // 2] = 1.0
        if top > 300.0:  # too large for products
            for node in range(size):
                e, rest = eta, node
                for j in range(q - 1, -1, -1):
                    e += sign * a[n, j] * x[rest % m]
                    rest //= m
                if kind == POISSON:
                    values[node] -= c[n] * math.exp(e)
                elif kind == GAMMA:
                    values[node] -= phi * s[n] * math.exp(e)
                else:
                    whole = c[n] if kind == LOGIT else s[n] + c[n] * phi
                    values[node] -= whole * (max(e, 0.0) + math.log1p(math.exp(-abs(e))))
            continue
        grid[0] = math.exp(eta)
        length = 1
        for j in range(q):
            for node in range(length - 1, -1, -1):
                e = grid[node]
                for i in range(m - 1, -1, -1):
                    grid[node * m + i] = e * power[j, i]
            length *= m
        if kind == POISSON:
            for node in range(size):
                values[node] -= c[n] * grid[node]
        elif kind == GAMMA:
            for node in range(size):
                values[node] -= phi * s[n] * grid[node]
        elif kind == LOGIT and c[n] <= _POWERS and c[n] == math.floor(c[n]):
            each = max(top, 0.0) + 0.7
            for _ in range(int(c[n])):
                total += each
                if total > _LARGEST:
                    for node in range(size):
                        values[node] -= math.log(product[node])
                        product[node] = 1.0
                    total = each
                for node in range(size):
                    product[node] *= 1.0 + grid[node]
        else:
            whole = c[n] if kind == LOGIT else s[n] + c[n] * phi
            for node in range(size):
                values[node] -= whole * math.log1p(grid[node])
    for node in range(size):
        e, rest = linear, node
        for j in range(q - 1, -1, -1):
            e += slopes[j] * x[rest % m]
            rest //= m
        values[node] += e - math.log(product[node])


@compiled
def _integral(x, log_w, v, root, values, peak):
    """Log of a group's integral from the values at the nodes.

    values: become the log densities of the effects at the nodes.
    peak: becomes the largest log ratio of that density to the t's from which effects are proposed; log shares of
        proposals that are accepted, from the group level's distribution and from the t (0 where the largest ratio is
        at the border of the nodes, so that a larger one may lie beyond).
    """
    m, q = len(x), len(v)
    top, total, log_det = -np.inf, 0.0, 0.0
    for i in range(q):
        log_det += math.log(root[i, i])
    u, peak[0], at_border = np.empty(q), -np.inf, False
    for node in range(m**q):
        rest, squares, log_weight, border = node, 0.0, 0.0, False
        for j in range(q - 1, -1, -1):
            i = rest % m
            rest //= m
            border |= i in (0, m - 1)
            u[j] = x[i]
            squares += x[i] * x[i]
            log_weight += log_w[i]
        _backward(root, u)
        for j in range(q):
            values[node] -= 0.5 * (v[j] + u[j]) ** 2
        ratio = values[node] + 0.5 * (_DOF + q) * math.log1p(squares / _DOF)
        if ratio > peak[0]:
            peak[0], at_border = ratio, border
        f = values[node] + log_weight + 0.5 * squares
        if f > top:
            total = total * math.exp(top - f) + 1.0
            top = f
        else:
            total += math.exp(f - top)
    found = top + math.log(total) - log_det
    peak[0] += _SLACK
    peak[1] = found - values[(m**q - 1) // 2]
    size = math.lgamma(0.5 * _DOF) - math.lgamma(0.5 * (_DOF + q)) + 0.5 * q * math.log(0.5 * _DOF)
    peak[2] = -np.inf if at_border else found + log_det - peak[0] - size
    return found


@compiled
def _group_integral(
    kind, phi, s, c, base, zl, at, a, nodes, rule, v, root, g, near, values, product, power, grid, peak
):
    """Log integral of a group, NaN where it has none; v becomes its mode, root the root of the curvature there."""
    if not _group_mode(kind, phi, s, c, base, zl, v, root, g, near):
        return np.nan
    _whitened(zl, root, v, base, at, a)
    m = nodes[2][rule]
    x, log_w = nodes[0][rule, :m], nodes[1][rule, :m]
    _node_values(kind, phi, s, c, at, a, x, values, product, power, grid)
    return _integral(x, log_w, v, root, values, peak)


@compiled
def _uniform(state):
    """A number between 0 and 1 (SplitMix64: Steele, Lea & Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (float(z >> np.uint64(11)) + 0.5) / 9007199254740992.0


@compiled
def _sum(kind, phi, s, c, at, a, x):
    """The sum of the rows' log densities at one value of the whitened effects."""
    total, product = 0.0, 1.0
    for n in range(len(s)):
        eta = at[n]
        for j in range(len(x)):
            eta += a[n, j] * x[j]
        if kind == LOGIT and c[n] == 1.0 and abs(eta) < 300.0:  # one logarithm of many rows
            total += s[n] * eta
            product *= 1.0 + math.exp(eta)
            if product > 1e150:
                total -= math.log(product)
                product = 1.0
        else:
            total += _row(kind, s[n], c[n], eta, phi)[0]
    return total - math.log(product)


@compiled
def _draw(kind, phi, s, c, base, zl, at, a, v, root, peak, state, x, result):
    """One draw of a group's effects by rejection; the number of proposals.

    From a t at the mode, where the largest ratio of the densities is inside of the nodes: it is taken with some slack,
    and a proposal that exceeds it becomes the largest (Caffo, Booth & Davis 2002, Biometrika 89:745-754). Elsewhere,
    and where more proposals are accepted, from a normal distribution with the group level's own covariance: the log
    likelihood is concave and lies below its tangent plane, so that the ratio is bounded everywhere.
    """
    q = len(v)
    from_t = peak[2] > peak[1]
    slope, middle = np.zeros(q), 0.0
    if not from_t:
        for n in range(len(s)):
            value, one, _ = _row(kind, s[n], c[n], at[n], phi)
            middle += value
            for j in range(q):
                slope[j] += one * zl[n, j]
    for tried in range(_MOST_PROPOSALS):
        stretch = 1.0
        if from_t:
            chi_square = 0.0
            for _ in range(int(_DOF / 2)):
                chi_square -= 2.0 * math.log(_uniform(state))
            stretch = math.sqrt(_DOF / chi_square)
        squares = 0.0
        for j in range(q):
            x[j] = stretch * math.sqrt(-2.0 * math.log(_uniform(state))) * math.cos(2.0 * math.pi * _uniform(state))
            squares += x[j] * x[j]
        if from_t:
            value = 0.5 * (_DOF + q) * math.log1p(squares / _DOF) + _sum(kind, phi, s, c, at, a, x)
            _backward(root, x)
            for j in range(q):
                result[j] = v[j] + x[j]
                value -= 0.5 * result[j] ** 2
            accepted = value >= peak[0] + math.log(_uniform(state))
            peak[0] = max(peak[0], value)
        else:  # the tangent plane of the log likelihood times the prior is a normal density around the slope
            value = -middle
            for j in range(q):
                result[j] = slope[j] + x[j]
                value -= slope[j] * (result[j] - v[j])
            accepted = value + _sum(kind, phi, s, c, base, zl, result) >= math.log(_uniform(state))
        if accepted:
            return tried + 1
    return _MOST_PROPOSALS + 1


@compiled
def pairs_kernel(
    kind,
    phi,
    rows,
    start,
    z,
    weight,
    factor,
    beta,
    v,
    nodes,
    rule,
    normals,
    seeds,
    found,
    draws,
    log_target,
    log_root,
    proposals,
):
    """Common coefficients near the joint mode of each theta, the exact density there, and a draw of all effects.

    phi, factor: shapes (T,) and (T, q, q).
    nodes: x and log w of every rule, shape (rules, most), and the number of its nodes, (rules,).
    rule: shape (K,); the rule of each group.
    normals: shape (T, R, p); standard numbers, of any distribution.
    found: shape (T, R, p); overwritten with the mode plus A^-1/2 normals.
    draws: shape (T, R, K, q); overwritten, or empty.
    log_target: shape (T, R); the log of prior and integrals there, overwritten.
    log_root: shape (T,); the log determinant of the root of A.
    proposals: shape (T,); the most that one draw took.
    """
    s, c, offset, x = rows
    groups, q = v.shape
    p = len(beta)
    zl, base, at, a = np.empty(z.shape), np.empty(len(s)), np.empty(len(s)), np.empty(z.shape)
    half, joint = np.empty((groups, q, p)), np.empty((groups, q, q))
    mode = joint, half, np.empty((p, p))
    most = 1
    for k in range(groups):
        most = max(most, nodes[2][rule[k]] ** q)
    values, product, grid = np.empty(most), np.empty(most), np.empty(most)
    power, root, g, step, own = (
        np.empty((q, nodes[0].shape[1])),
        np.empty((q, q)),
        np.empty(q),
        np.empty(q),
        np.empty(q),
    )
    peak, state, steps, u = np.empty(3), np.empty(1, np.uint64), np.empty((normals.shape[1], p)), np.empty(q)
    for t in range(len(phi)):
        _rows_times_root(z, factor[t], zl)
        centre, effects = beta.copy(), v.copy()
        height, _ = _joint_mode(kind, phi[t], rows, start, weight, zl, centre, effects, mode, _ROUGH)
        state[0] = seeds[t]
        proposals[t] = 0.0
        log_root[t] = 0.0
        for i in range(p):
            log_root[t] += math.log(mode[2][i, i])
        for r in range(normals.shape[1]):
            log_target[t, r] = 0.0 if math.isfinite(height) else -np.inf
            for i in range(p):
                steps[r, i] = normals[t, r, i]
            _backward(mode[2], steps[r])
            for i in range(p):
                found[t, r, i] = centre[i] + steps[r, i]
            for i in range(p):
                for j in range(p):
                    log_target[t, r] -= 0.5 * found[t, r, i] * weight[i, j] * found[t, r, j]
        if not math.isfinite(height):
            continue
        for k in range(groups):
            i, j = start[k], start[k + 1]
            value = 0.0
            for r in range(normals.shape[1]):
                if p > 0 or r == 0:  # without common coefficients the groups are the same for all
                    for n in range(i, j):
                        base[n] = offset[n]
                        for d in range(p):
                            base[n] += x[n, d] * found[t, r, d]
                    for d in range(q):
                        step[d] = 0.0
                        for e in range(p):
                            step[d] += half[k, d, e] * steps[r, e]
                    _backward(joint[k], step)
                    for d in range(q):
                        own[d] = effects[k, d] - step[d]
                    value = _group_integral(
                        kind,
                        phi[t],
                        s[i:j],
                        c[i:j],
                        base[i:j],
                        zl[i:j],
                        at[i:j],
                        a[i:j],
                        nodes,
                        rule[k],
                        own,
                        root,
                        g,
                        _NEAR,
                        values,
                        product,
                        power,
                        grid,
                        peak,
                    )
                log_target[t, r] += value
                if draws.size > 0 and math.isfinite(log_target[t, r]):
                    tried = _draw(
                        kind,
                        phi[t],
                        s[i:j],
                        c[i:j],
                        base[i:j],
                        zl[i:j],
                        at[i:j],
                        a[i:j],
                        own,
                        root,
                        peak,
                        state,
                        u,
                        draws[t, r, k],
                    )
                    proposals[t] = max(proposals[t], tried)


@compiled
def mode_kernel(kind, phi, rows, start, z, weight, factor, beta, v):
    """The joint mode given one theta, in the place of beta and v; True where it was found."""
    groups, q = v.shape
    p = len(beta)
    zl = np.empty(z.shape)
    mode = np.empty((groups, q, q)), np.empty((groups, q, p)), np.empty((p, p))
    _rows_times_root(z, factor, zl)
    height, _ = _joint_mode(kind, phi, rows, start, weight, zl, beta, v, mode, 1e-14)
    return math.isfinite(height)


@compiled
def integrals_kernel(kind, phi, rows, start, z, factor, nodes, rule, beta, near, result):
    """Log integral of each group given theta and the common coefficients.

    phi, factor, beta: shapes (T,), (T, q, q) and (T, p).
    near: Newton's decrement at which a group's mode is near enough.
    result: shape (T, K); overwritten; NaN where there is none.
    """
    s, c, offset, x = rows
    groups, q = len(start) - 1, z.shape[1]
    zl, base, at, a = np.empty(z.shape), np.empty(len(s)), np.empty(len(s)), np.empty(z.shape)
    most = 1
    for k in range(groups):
        most = max(most, nodes[2][rule[k]] ** q)
    values, product, grid = np.empty(most), np.empty(most), np.empty(most)
    power, root, own, g, peak = (
        np.empty((q, nodes[0].shape[1])),
        np.empty((q, q)),
        np.empty(q),
        np.empty(q),
        np.empty(3),
    )
    for t in range(len(phi)):
        _rows_times_root(z, factor[t], zl)
        for n in range(len(s)):
            base[n] = offset[n]
            for j in range(beta.shape[1]):
                base[n] += x[n, j] * beta[t, j]
        for k in range(groups):
            i, j = start[k], start[k + 1]
            own[:] = 0.0
            result[t, k] = _group_integral(
                kind,
                phi[t],
                s[i:j],
                c[i:j],
                base[i:j],
                zl[i:j],
                at[i:j],
                a[i:j],
                nodes,
                rule[k],
                own,
                root,
                g,
                near,
                values,
                product,
                power,
                grid,
                peak,
            )


@compiled
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
def left_out_kernel(
    kind, phi, rows, start, z, factor, nodes, rule, beta, of_group, responses, without, inside, group, group_inside
):
    """Predictive densities of rows and of groups given theta and the common coefficients, less their constants.

    of_group: shape (K + 1,); where each group's responses begin.
    responses: the row, y and trials of every different response, shape (m,) each.
    without, inside: shape (T, m); log density of a response given all others of its group, and given all.
    group, group_inside: shape (T, K); the same of all responses of a group.
    """
    s, c, offset, x = rows
    groups, q = len(start) - 1, z.shape[1]
    zl, base, at, a = np.empty(z.shape), np.empty(len(s)), np.empty(len(s)), np.empty(z.shape)
    most = 1
    for k in range(groups):
        most = max(most, nodes[2][rule[k]] ** q)
    values, product, grid, share = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    power, root, u = np.empty((q, nodes[0].shape[1])), np.empty((q, q)), np.empty(q)
    own, g, peak = np.empty(q), np.empty(q), np.empty(3)
    for t in range(len(phi)):
        _rows_times_root(z, factor[t], zl)
        for n in range(len(s)):
            base[n] = offset[n]
            for j in range(beta.shape[1]):
                base[n] += x[n, j] * beta[t, j]
        for k in range(groups):
            i, j = start[k], start[k + 1]
            own[:] = 0.0
            group[t, k] = _group_integral(
                kind,
                phi[t],
                s[i:j],
                c[i:j],
                base[i:j],
                zl[i:j],
                at[i:j],
                a[i:j],
                nodes,
                rule[k],
                own,
                root,
                g,
                _NEAR,
                values,
                product,
                power,
                grid,
                peak,
            )
            m = nodes[2][rule[k]]
            top, total = -np.inf, 0.0
            for node in range(m**q):  # the log probability of each node given the group's responses
                rest, squares, log_weight = node, 0.0, 0.0
                for d in range(q - 1, -1, -1):
                    u[d] = nodes[0][rule[k], rest % m]
                    log_weight += nodes[1][rule[k], rest % m]
                    rest //= m
                    squares += u[d] * u[d]
                share[node] = values[node] + log_weight + 0.5 * squares
                top = max(top, share[node])
                _backward(root, u)
                for d in range(q):
                    values[node] += 0.5 * (own[d] + u[d]) ** 2
            for node in range(m**q):
                total += math.exp(share[node] - top)
            top += math.log(total)
            for node in range(m**q):
                share[node] -= top
            group_inside[t, k] = _log_sum(share, values, m**q, 1.0)
            for r in range(of_group[k], of_group[k + 1]):
                n = responses[0][r]
                for node in range(m**q):
                    rest, eta = node, at[n]
                    for d in range(q - 1, -1, -1):
                        eta += a[n, d] * nodes[0][rule[k], rest % m]
                        rest //= m
                    grid[node] = _row(kind, responses[1][r], responses[2][r], eta, phi[t])[0]
                inside[t, r] = _log_sum(share, grid, m**q, 1.0)
                without[t, r] = -_log_sum(share, grid, m**q, -1.0)
