"""Common columns that those before them explain are left out, as in lme4: an empty cell, a sum of others."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns
from hlm.model.factor_coding import factor_width, first_level
from hlm.support.independent_columns import independent_columns


def independent(columns: Columns) -> list[int]:
    """The places of the columns that those before them do not explain, in R's order of columns.

    As many columns as rows explain everything: what comes after them stays, since priors tell it apart.
    """
    order = in_rs_order(columns)
    found = [order[j] for j in independent_columns(columns.matrix[:, order])]
    if len(found) == len(columns.matrix):
        found += [j for j in order[order.index(found[-1]) + 1 :] if columns.matrix[:, j].any()]
    return sorted(found)


def in_rs_order(columns: Columns) -> list[int]:
    """The places of all columns as R's model matrix has them: in a product the first factor's levels vary fastest."""
    return [j for mine, at in _by_term(columns) for j in sorted(mine, key=lambda j: at[j][::-1])]


def first_levels_last(columns: Columns) -> list[int]:
    """The places of all columns, in each term those of the first level of a factor with all of its levels last."""
    found: list[int] = []
    for mine, at in _by_term(columns):
        full = tuple(columns.coding.get(columns.terms[mine[0]], {}).values())
        found += sorted(mine, key=lambda j: sum(every and i == 0 for every, i in zip(full, at[j], strict=True)))
    return found


def why_left_out(columns: Columns, place: int) -> str:
    """One sentence about a column."""
    label, term = columns.labels[place], columns.terms[place]
    name, full = "the intercept" if term == INTERCEPT else label, columns.coding.get(term, {})
    if columns.matrix[:, place].any():
        return f"{name} is left out: the common columns before it already contain it"
    if len(full) < len(term.variables) or columns.contrasts.keys() & full.keys():
        return f"{name} is left out: it is 0 in every row"
    cell = next(at for mine, at in _by_term(columns) if place in mine)[place]
    levels = [columns.factors[v][first_level(full[v]) + i] for v, i in zip(full, cell, strict=True)]
    where = " and ".join(f"{factor} = {level}" for factor, level in zip(full, levels, strict=True))
    return f"{name} is left out: no row has {where}"


def _by_term(columns: Columns) -> Iterator[tuple[list[int], dict[int, tuple[int, ...]]]]:
    """The places of each term's columns, which stand together, and for each those of its levels, factor by factor."""
    for term, places in groupby(range(len(columns.terms)), key=lambda j: columns.terms[j]):
        widths = [
            factor_width(columns.factors[v], every, columns.contrasts.get(v))
            for v, every in columns.coding.get(term, {}).items()
        ]
        cells = list(product(*map(range, widths)))
        mine = list(places)
        yield mine, {j: cells[columns.places[j]] for j in mine}
