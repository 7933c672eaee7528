"""Contrasts by NUTS: the coefficients are those of the exact engine; nutpie splits names of dims at commas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.fits.fit import fit


def levels() -> pd.DataFrame:
    """One factor of three levels, another of two; eight groups with own differences between the levels."""
    r = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat(list("abcdefgh"), 18), "x": r.normal(size=144)})
    f, h, group = np.resize([0, 1, 2], 144), np.resize([0, 0, 0, 1, 1, 1], 144), np.arange(144) // 18
    own = 0.8 * r.normal(size=(8, 3))
    y = np.array([0.0, 0.7, -0.4])[f] + 0.5 * h + own[group, f] + 0.3 * frame["x"] + 0.6 * r.normal(size=144)
    return frame.assign(f=np.array(list("uvw"))[f], h=np.array(list("pq"))[h], y=y)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ C(f, Sum) + x + (C(f, Sum)|g)",
        "y ~ C(f, Helmert)*C(h, Sum) + (1|g)",
        'y ~ C(f, Poly) + C(h, Treatment("q")):x + (0 + C(f, Poly)|g)',
    ],
)
def test_bambi_agrees_with_the_exact_engine(formula: str) -> None:
    """Means within four Monte Carlo standard errors: 4,000 exact draws, and the smallest effective number of NUTS."""
    exact, nuts = (
        fit(formula, levels(), method=method, draws=draws, seed=2, progress=False)
        for method, draws in (("exact", 1000), ("bambi", 500))
    )
    least = nuts.diagnostics.ess
    assert least > 200 and nuts.diagnostics.divergences < 10, nuts.diagnostics
    ours, theirs = (one.idata["posterior"].to_dataset() for one in (nuts, exact))
    for parameter in nuts.resolved.of_kind("common", "sd", "residual"):
        found, expected = ours[parameter.name], theirs[parameter.name]
        error = np.sqrt(found.var(("chain", "draw")) / least + expected.var(("chain", "draw")) / 4000)
        assert (abs(found.mean(("chain", "draw")) - expected.mean(("chain", "draw"))) < 4 * error).all(), parameter.name
        labels = [dim for dim in found.dims if dim not in ("chain", "draw")]
        for dim in labels:
            assert list(found[dim].values) == list(expected[dim].values)
