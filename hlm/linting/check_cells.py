"""A check of the cells of factors: combinations without rows."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from hlm.linting.case import DataCase, listed
from hlm.linting.findings import Finding

_MOST_COMBINATIONS = 1_000_000  # more are not listed one by one


def empty_cells(case: DataCase) -> Iterator[Finding]:
    """An interaction of factors that the data lack some combinations of."""
    terms = [*case.formula.common, *(effect for block in case.formula.blocks for effect in block.effects)]
    told: list[set[str]] = []
    for term in sorted(dict.fromkeys(terms), key=lambda term: term.degree):
        factors = case.factors_of(term)
        if len(factors) < 2 or any(known <= set(factors) for known in told):
            continue
        widths = [len(case.levels(name)) for name in factors]
        cells, combinations = cells_of(factors, case), prod(widths)
        if combinations > _MOST_COMBINATIONS or len(np.unique(cells)) == combinations:
            continue
        told.append(set(factors))
        places = np.unravel_index(np.setdiff1d(np.arange(combinations), cells), widths)
        levels = [case.levels(name) for name in factors]
        names = [
            f"({', '.join(f'{v} = {own[k]}' for v, own, k in zip(factors, levels, place, strict=True))})"
            for place in zip(*places, strict=True)
        ]
        message = (
            f"{len(names)} of the {combinations} combinations of {' and '.join(factors)} "
            f"{'have' if len(names) > 1 else 'has'} no rows: {listed(names)}. {term} cannot say what happens there: a "
            f"fit leaves out the columns that the data say nothing about, and the other coefficients are those of the "
            f"cells that were observed."
        )
        yield case.finding("empty-cells", message, at=term if term in case.formula.common else term.variables[0])


def cells_of(factors: tuple[str, ...], case: DataCase) -> np.ndarray:
    """The combination of each row as one integer, shape (rows,)."""
    widths = [len(case.levels(name)) for name in factors]
    return np.ravel_multi_index([case.codes(name) for name in factors], widths)


CELL_CHECKS = (empty_cells,)
