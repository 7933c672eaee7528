"""The radon models of Gelman & Hill (2007), chapters 12 and 13: the book's printed numbers are ours, to the digit."""

from __future__ import annotations

import numpy as np
import pytest
from gelman_hill import STORED, book_radon, comparisons  # tests/reference

from hlm.data.packaged_sets import load_data
from hlm.engines.reml.reml import reml

ROWS = list(STORED["models"])


def test_the_book_is_reproduced():
    rows = list(comparisons())
    assert len(rows) == sum(len(row["printed"]) for row in ROWS) == 48
    errors = {(name, label): today for name, _, label, _, today, _ in rows}
    for name, _, label, printed, today, ours in rows:
        assert round(today, 2) == printed, (name, label)
        if "|" not in _formula(name):
            # 40,000 draws: 4 errors of a mean are 0.02 of its sd; of an sd or of sigma 1.4 %, and the prior 0.2 %
            sd = errors.get((name, f"se {label}"))
            error = 0.016 * today if sd is None else 0.02 * sd
            assert ours == pytest.approx(today, abs=error), (name, label)
        else:
            assert ours == pytest.approx(today, rel=2e-5), (name, label)  # lme4's optimiser leaves 1e-6 in an sd
            assert round(ours, 2) == printed, (name, label)


def _formula(name: str) -> str:
    return next(row["formula"] for row in ROWS if row["name"] == name)


def test_how_the_packaged_response_differs_from_the_books():
    """0.1 is added to every reading, not only to the three of 0: the sds are a little smaller, the intercept higher."""
    book, packaged = book_radon(), load_data("radon")
    shift = packaged["log_radon"] - book["y"]
    shift, zeros = shift.to_numpy(), np.isclose(packaged["log_radon"], np.log(0.1), atol=1e-12)
    assert zeros.sum() == 3
    assert np.abs(shift[zeros]).max() < 1e-12
    assert (np.exp(packaged["log_radon"]) - np.exp(book["y"]))[~zeros].to_numpy() == pytest.approx(0.1, abs=1e-9)
    found = reml("log_radon ~ floor + (1|county)", packaged)
    # lme4.json has the same; the book's M1 is 1.46, -0.69, 0.33, 0.76
    assert [*found.fixef.round(2), *found.varcorr["sdcor"].round(2)] == [1.49, -0.66, 0.32, 0.73]
