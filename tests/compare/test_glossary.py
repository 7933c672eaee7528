"""Every column of every table has its line."""

from __future__ import annotations

import pandas as pd
import pytest

from hlm.checks.check_spread import check_spread
from hlm.compare.compare_loo import compare_loo
from hlm.compare.compare_slopes import compare_slopes
from hlm.compare.glossary import GLOSSARY, glossary
from hlm.compare.pooling_factors import pooling_factors
from hlm.compare.rank_groups import rank_groups
from hlm.compare.shrinkage import shrinkage
from hlm.compare.slope_differences import slope_differences
from hlm.compare.verdict import verdict
from hlm.errors import DataError
from hlm.fits.results import PoolingFits


def test_all_tables_and_no_line_too_many(sleepstudy: PoolingFits) -> None:
    tables = [
        compare_slopes(sleepstudy), shrinkage(sleepstudy), shrinkage(sleepstudy, why=True), pooling_factors(sleepstudy), compare_loo(sleepstudy),
        slope_differences(sleepstudy), rank_groups(sleepstudy, "Days"), check_spread(sleepstudy, seed=1),
        verdict(sleepstudy).evidence,
    ]  # fmt: skip
    for table in tables:
        assert list(table.attrs["glossary"]) == list(table.columns)
        assert list(glossary(table)["column"]) == list(table.columns)
    assert {name for table in tables for name in table.columns} == set(GLOSSARY)


def test_somebody_elses_table() -> None:
    with pytest.raises(DataError, match="No column of this table \\(a, b\\)"):
        glossary(pd.DataFrame({"a": [1], "b": [2]}))
