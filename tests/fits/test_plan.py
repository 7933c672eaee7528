"""The plan is what a fit does, and costs nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.errors import FitError, FormulaError
from hlm.explanation.explain import explain
from hlm.explanation.parameter_counts import strategy_coefficients
from hlm.fits.plan import plan
from hlm.fits.results import PoolingFits


def test_engines_and_counts_are_those_of_the_fits(sleepstudy: PoolingFits, penicillin: PoolingFits) -> None:
    for fits, data in ((sleepstudy, "sleepstudy"), (penicillin, "penicillin")):
        table = plan(fits.formula, load_data(data)).set_index("pooling")
        assert table["engine"].to_dict() == {pooling: fit.engine for pooling, fit in fits.items()}
        assert table["formula"].to_dict() == {pooling: fit.formula for pooling, fit in fits.items()}
    assert table["coefficients"].to_dict() == {"complete": 1, "none": 29, "partial": 31}  # 24 plates, 6 samples
    explained = strategy_coefficients(explain(penicillin.formula, load_data("penicillin")).model)
    assert explained == table["coefficients"].to_dict()
    assert plan(sleepstudy.formula, load_data("sleepstudy"))["parameters"].tolist() == [1, 1, 4]


def test_why_not_the_exact_engine(counts: pd.DataFrame) -> None:
    row = plan("count ~ x + (1|g)", counts, family="poisson", poolings=["partial"]).iloc[0]
    assert row["engine"] == "quadrature" and row["why"].startswith("The family is poisson")
    refused = plan("x ~ hit + (1|g)", counts, family="t", poolings=["partial"], method="exact").iloc[0]
    assert refused["engine"] == "none" and "does not cover this model. The family is t" in refused["why"]


def test_what_fit_pooling_refuses_it_refuses(counts: pd.DataFrame) -> None:
    with pytest.raises(FitError, match="pooling is one of 'complete', 'none', 'partial', not 'half'"):
        plan("count ~ x + (1|g)", counts, poolings=["half"])  # type: ignore[list-item]
    with pytest.raises(FormulaError, match="nothing to pool"):
        plan("count ~ x", counts, poolings=["complete"])
