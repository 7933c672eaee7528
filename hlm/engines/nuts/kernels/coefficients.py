"""The coefficients from standard normal variables, and slopes the way back, compiled."""

# mypy: disable-error-code="no-untyped-def"
from __future__ import annotations

import math

import numpy as np

from hlm.engines.compiled import inlined, part_of_kernels


@inlined
def mixed(ints, reals, x, t):
    """(beta - its mode, a) from w: a triangle for those in the dense middle, and a block for each group besides."""
    d, dense, bordered, widest = ints[8], ints[10], ints[12], ints[13]
    triangle, blocks, border, factors = ints[31], ints[32], ints[33], ints[27]
    for j in range(dense):
        total = 0.0
        for k in range(dense):
            total += reals[triangle + j * dense + k] * x[d + k]
        t[j] = total
    at = dense
    for f in range(ints[6]):
        base = factors + 4 * f
        q, groups, start = ints[base + 1], ints[base + 2], ints[base + 3]
        if start < dense:
            continue
        for _g in range(groups):
            for j in range(q):
                total = 0.0
                for k in range(q):
                    total += reals[blocks + (at + j - dense) * widest + k] * x[d + at + k]
                if at + j - dense < bordered:
                    for k in range(dense):
                        total -= reals[border + (at + j - dense) * dense + k] * x[d + k]
                t[at + j] = total
            at += q


@inlined
def mixed_back(ints, reals, by_t, out):
    """The slopes by w from those by (beta, a)."""
    d, dense, bordered, widest = ints[8], ints[10], ints[12], ints[13]
    triangle, blocks, border, factors = ints[31], ints[32], ints[33], ints[27]
    for k in range(d, len(out)):
        out[k] = 0.0
    for j in range(dense):
        for k in range(dense):
            out[d + k] += reals[triangle + j * dense + k] * by_t[j]
    at = dense
    for f in range(ints[6]):
        base = factors + 4 * f
        q, groups, start = ints[base + 1], ints[base + 2], ints[base + 3]
        if start < dense:
            continue
        for _g in range(groups):
            for j in range(q):
                for k in range(q):
                    out[d + at + k] += reals[blocks + (at + j - dense) * widest + k] * by_t[at + j]
                if at + j - dense < bordered:
                    for k in range(dense):
                        out[d + k] -= reals[border + (at + j - dense) * dense + k] * by_t[at + j]
            at += q


@part_of_kernels
def effects(ints, reals, lower, t, v, chol, pull, b):
    """(beta, b) from (beta - its mode, a); what `effects_back` needs is kept. The log determinant of v by a."""
    p, widest, total = ints[5], ints[13], 0.0
    factors, told, centre, mode = ints[27], ints[29], ints[30], ints[34]
    product = np.empty((widest, widest))
    for j in range(p):
        b[j] = reals[mode + j] + t[j]
    for f in range(ints[6]):
        base = factors + 4 * f
        c0, q, groups, at = ints[base], ints[base + 1], ints[base + 2], ints[base + 3]
        for _g in range(groups):
            for i in range(q):  # J L
                for j in range(q):
                    one = 0.0
                    for k in range(j, q):
                        one += reals[told + (at - p + i) * widest + k] * lower[c0 + k, c0 + j]
                    product[i, j] = one
            for i in range(q):  # C
                for j in range(i + 1):
                    one = 1.0 if i == j else 0.0
                    for k in range(i, q):
                        one += lower[c0 + k, c0 + i] * product[k, j]
                    for k in range(j):
                        one -= chol[at + i, k] * chol[at + j, k]
                    chol[at + i, j] = math.sqrt(one) if i == j else one / chol[at + j, j]
                total -= math.log(chol[at + i, i])
            for i in range(q):  # C^-1 L' h
                one = 0.0
                for k in range(i, q):
                    one += lower[c0 + k, c0 + i] * reals[centre + at - p + k]
                for k in range(i):
                    one -= chol[at + i, k] * pull[at + k]
                pull[at + i] = one / chol[at + i, i]
            for i in range(q - 1, -1, -1):
                one = t[at + i] + pull[at + i]
                for k in range(i + 1, q):
                    one -= chol[at + k, i] * v[at + k]
                v[at + i] = one / chol[at + i, i]
            for i in range(q):
                one = 0.0
                for k in range(i + 1):
                    one += lower[c0 + i, c0 + k] * v[at + k]
                b[at + i] = one
            at += q
    return total


@part_of_kernels
def effects_back(ints, reals, lower, v, chol, pull, by_b, by_lower, by_t):
    """The slopes by a, and by L, from those by b; with those of the log determinant and of the prior of v."""
    p, widest = ints[5], ints[13]
    factors, told, centre = ints[27], ints[29], ints[30]
    by_chol, product = np.empty((widest, widest)), np.empty((widest, widest))
    tail = np.empty(widest)
    for f in range(ints[6]):
        base = factors + 4 * f
        c0, q, groups, at = ints[base], ints[base + 1], ints[base + 2], ints[base + 3]
        for _g in range(groups):
            for i in range(q):  # by a: C^-1 (L' by_b - v)
                one = -v[at + i]
                for k in range(i, q):
                    one += lower[c0 + k, c0 + i] * by_b[at + k]
                for k in range(i):
                    one -= chol[at + i, k] * by_t[at + k]
                by_t[at + i] = one / chol[at + i, i]
            if ints[14]:  # L is known
                at += q
                continue
            for i in range(q - 1, -1, -1):  # by L' h
                one = by_t[at + i]
                for k in range(i + 1, q):
                    one -= chol[at + k, i] * tail[k]
                tail[i] = one / chol[at + i, i]
            for i in range(q):
                for j in range(i + 1):
                    one = by_b[at + i] * v[at + j] + reals[centre + at - p + i] * tail[j]
                    by_lower[c0 + i, c0 + j] += one
                    by_chol[i, j] = -v[at + i] * by_t[at + j] - tail[i] * pull[at + j]
                by_chol[i, i] -= 1.0 / chol[at + i, i]
            for i in range(q):  # the lower half of C' by_chol, its diagonal halved
                for j in range(i + 1):
                    one = 0.0
                    for k in range(i, q):
                        one += chol[at + k, i] * by_chol[k, j]
                    product[i, j] = 0.5 * one if i == j else one
                for j in range(i + 1, q):
                    product[i, j] = 0.0
            for j in range(q):  # C'^-1 times it
                for i in range(q - 1, -1, -1):
                    one = product[i, j]
                    for k in range(i + 1, q):
                        one -= chol[at + k, i] * product[k, j]
                    product[i, j] = one / chol[at + i, i]
            for i in range(q):  # times C^-1
                for j in range(q - 1, -1, -1):
                    one = product[i, j]
                    for k in range(j + 1, q):
                        one -= product[i, k] * chol[at + k, j]
                    product[i, j] = one / chol[at + j, j]
            for i in range(q):  # L (that, made symmetric)
                for j in range(q):
                    one = 0.0
                    for k in range(i + 1):
                        both = product[k, j] + product[j, k]
                        one += lower[c0 + i, c0 + k] * both
                    by_chol[i, j] = one
            for i in range(q):
                for j in range(i + 1):
                    one = 0.0
                    for k in range(q):
                        one += reals[told + (at - p + i) * widest + k] * by_chol[k, j]
                    by_lower[c0 + i, c0 + j] += one
            at += q
