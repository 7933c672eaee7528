"""An effective sample size that cannot be computed is no good one."""

from __future__ import annotations

import arviz_stats
import numpy as np
import pytest
import xarray as xr

from hlm.engines.sampling.chain_diagnostics import diagnose


@pytest.mark.parametrize("missing", ["bulk", "tail"])
def test_nan_counts_as_the_smallest(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = np.random.default_rng(1).normal(size=(4, 500))
    idata = xr.DataTree.from_dict({"posterior": xr.Dataset({"a": (("chain", "draw"), draws)})})
    assert diagnose(idata, ()).ok
    computed = arviz_stats.ess

    def ess(values: xr.Dataset, *, method: str) -> xr.Dataset:
        found = computed(values, method=method)
        return found * np.nan if method == missing else found

    monkeypatch.setattr(arviz_stats, "ess", ess)
    found = diagnose(idata, ())
    assert not found.ok and np.isnan(found.ess) and found.ess_at == "a"
