"""Which factor lies in which: closed cases, and random factors against a table of their cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.formula.formula import Term
from hlm.formula.parser import parse
from hlm.model.nesting import count_parents, parents, refines, same_partition

CASK, BATCH, TASTER = np.array([0, 0, 1, 2, 3, 3]), np.array([1, 1, 1, 0, 0, 0]), np.array([0, 1, 0, 1, 0, 1])


def test_nested_and_crossed() -> None:
    assert refines(CASK, BATCH) and not refines(BATCH, CASK)
    assert not refines(TASTER, BATCH) and not refines(BATCH, TASTER)
    assert parents(CASK, BATCH).tolist() == [1, 1, 0, 0]
    assert count_parents(CASK, BATCH).tolist() == [1, 1, 1, 1]
    assert count_parents(TASTER, CASK).tolist() == [3, 3]


def test_same_groups_under_other_names() -> None:
    renamed = np.array([2, 0, 3, 1])[CASK]
    assert same_partition(CASK, renamed) and refines(CASK, renamed)
    assert not same_partition(CASK, BATCH) and not same_partition(BATCH, CASK)


def test_pastes() -> None:
    """Each of the 30 samples is a cask of one of the 10 batches; the casks a, b, c occur in all of them."""
    read = parse("strength ~ 1 + (1|batch) + (1|cask) + (1|sample)")
    data = clean(read, load_data("pastes"))
    batch, cask, sample = (data.codes(Term((name,))) for name in ("batch", "cask", "sample"))
    assert refines(sample, batch) and refines(sample, cask) and not refines(cask, batch)
    assert parents(sample, batch).tolist() == np.repeat(np.arange(10), 3).tolist()
    assert count_parents(cask, batch).tolist() == [10, 10, 10]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1))
def test_random_factors(pairs: list[tuple[int, int]]) -> None:
    a, b = (pd.factorize(np.array(values))[0].astype(np.int64) for values in zip(*pairs, strict=True))
    cells = pd.crosstab(a, b).to_numpy() > 0
    assert count_parents(a, b).tolist() == cells.sum(axis=1).tolist()
    assert refines(a, b) == (cells.sum(axis=1) == 1).all()
    assert same_partition(a, b) == bool((cells.sum(axis=1) == 1).all() and (cells.sum(axis=0) == 1).all())
    assert cells[np.arange(a.max() + 1), parents(a, b)].all()
