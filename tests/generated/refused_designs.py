"""Small data sets of designs that were once refused; the numbers that lme4 1.1-31 gives for them are in the tests."""

from __future__ import annotations

import numpy as np
import pandas as pd


def empty_cell():
    """Two factors crossed, one cell (f = b, h = q) without rows."""
    r = np.random.default_rng(5)
    d = pd.DataFrame(
        [(f, h, g) for f in "abc" for h in "pq" for g in range(8) for _ in range(2) if (f, h) != ("b", "q")],
        columns=["f", "h", "g"],
    )
    d["y"] = r.normal(size=8)[d.g] + r.normal(size=len(d))
    return d


def between_within():
    """Sires inside three lines, three damages inside each sire, unbalanced."""
    r = np.random.default_rng(1)
    rows = [
        (a, f"{a}{s}", b)
        for a in "abc"
        for s in range(3)
        for b in "xyz"
        for _ in range(2)
        if (a, s, b) != ("b", 0, "x")
    ]
    d = pd.DataFrame(rows, columns=["line", "sire", "damage"])
    return d.assign(y=r.normal(size=9)[d.sire.astype("category").cat.codes] + r.normal(size=len(d)))


def items():
    """Subjects by items; A is a property of subjects, B of items."""
    r = np.random.default_rng(1)
    d = pd.DataFrame(
        [(f"s{s}", f"i{i}", "ab"[s % 2], "xy"[i % 2]) for s in range(8) for i in range(6)],
        columns=["subj", "item", "A", "B"],
    )
    return d.assign(y=r.normal(size=8)[np.arange(48) // 6] + r.normal(size=6)[np.arange(48) % 6] + r.normal(size=48))


def plots_in_plots():
    """Blocks, whole plots in blocks, subplots in whole plots; two samples each; three treatments."""
    r = np.random.default_rng(4)
    d = pd.DataFrame(
        [(b, n, m, v) for b in range(4) for n in (0, 50, 80) for m in "uvw" for v in "xyz" for _ in range(1)],
        columns=["rep", "nitro", "manage", "gen"],
    )
    u = r.normal(size=(4, 3, 3))
    i, j, k = d.rep.values, d.nitro.map({0: 0, 50: 1, 80: 2}).values, d.manage.map({"u": 0, "v": 1, "w": 2}).values
    return d.assign(y=5 + u[i, 0, 0] + u[i, j, 0] + u[i, j, k] + 0.02 * d.nitro + r.normal(size=len(d)))
