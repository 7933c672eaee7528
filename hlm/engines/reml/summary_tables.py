"""The parts of a summary as lme4 prints them: tables of text, in a terminal and in Jupyter."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_FIGURES = 4  # of the smallest number in a column, as lme4 shows them
_MOST_FIGURES = 8  # of the largest
_MOST_COEFFICIENTS = 20  # beyond, lme4 does not show their correlations either
_LABELS = ("Groups", "Name", "")  # columns of text, flush left


@dataclass(frozen=True, slots=True)
class Table:
    """One part of the summary, its cells as text."""

    title: str
    header: list[str]
    body: list[list[str]]
    below: str = ""


def as_text(head: Sequence[str], tables: Sequence[Table], foot: Sequence[str]) -> str:
    """A summary as lines."""
    lines = list(head)
    for table in tables:
        lines += ["", f"{table.title}:", *_aligned(table), *filter(None, [table.below])]
    return "\n".join([*lines, *[""] * bool(foot), *foot])


def as_html(head: Sequence[str], tables: Sequence[Table], foot: Sequence[str]) -> str:
    """A summary for Jupyter."""
    parts = [f"<div><code>{html.escape(line)}</code></div>" for line in head]
    for table in tables:
        rows = [_html_row(table.header, table, "th"), *(_html_row(cells, table, "td") for cells in table.body)]
        parts += [f"<div><b>{html.escape(table.title)}</b></div>", f"<table>{''.join(rows)}</table>"]
        parts += [f"<div><small>{html.escape(table.below)}</small></div>"] * bool(table.below)
    parts += [f"<div><small>{html.escape(line)}</small></div>" for line in foot]
    return f"<div>{''.join(parts)}</div>"


def fixed_effects(estimates: pd.Series, covariance: pd.DataFrame, ratio: str) -> list[Table]:
    """The common coefficients with their standard errors, and their correlations.

    ratio: the name of an estimate over its standard error: ``z value`` comes with a p-value.
    """
    names = list(estimates.index)
    if not names:
        return []
    se = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore"):  # infinite estimates have infinite errors
        ratios = estimates.to_numpy() / se
    columns = [numbers(estimates), numbers(se), [f"{value:.2f}" for value in ratios]]
    header = ["", "Estimate", "Std. Error", ratio]
    if ratio == "z value":
        from scipy.special import erfc

        columns.append([f"{p:.3g}" for p in erfc(np.abs(ratios) / np.sqrt(2))])
        header.append("Pr(>|z|)")
    tables = [Table("Fixed effects", header, list(map(list, zip(names, *columns, strict=True))))]
    if 1 < len(names) <= _MOST_COEFFICIENTS:
        with np.errstate(invalid="ignore"):
            values = covariance.to_numpy() / np.outer(se, se)
        below = [[f"{values[i, j]:.3f}" if j < i else "" for j in range(len(names) - 1)] for i in range(len(names))]
        body = [[name, *row] for name, row in zip(names, below, strict=True)][1:]
        tables.append(Table("Correlation of fixed effects", ["", *names[:-1]], body))
    return tables


def random_effects(table: pd.DataFrame, rows: int, groups: Mapping[str, int]) -> Table:
    """Variances and standard deviations, each with its correlations with the effects above it."""
    pairs, sds = table[table["effect2"].notna()], table[table["effect2"].isna()]
    known = {(p.group, p.effect2, p.effect1): f"{p.sdcor:.2f}" for p in pairs.itertuples()}
    names = list(zip(sds["group"], sds["effect1"].fillna(""), strict=True))
    correlations = [[known[g, e, other] for _, other in names if (g, e, other) in known] for g, e in names]
    width = max(map(len, correlations))
    pairs_of = zip(numbers(sds["sdcor"] ** 2), numbers(sds["sdcor"]), strict=True)
    body = [
        ["" if own else group, effect, *pair, *own, *[""] * (width - len(own))]
        for (group, effect), pair, own in zip(names, pairs_of, correlations, strict=True)
    ]
    header = ["Groups", "Name", "Variance", "Std.Dev.", *["Corr"] * width]
    sizes = "; ".join(f"{name}, {count}" for name, count in groups.items())
    return Table("Random effects", header, body, f"Number of obs: {rows}, groups: {sizes}")


def numbers(values: Iterable[float]) -> list[str]:
    """One number of decimals for a column: enough for the smallest, not too many for the largest."""
    sizes = [abs(v) for v in values if v != 0 and np.isfinite(v)] or [10.0 ** (_FIGURES - 1)]  # if none, no decimals
    wanted = _FIGURES - 1 - int(np.floor(np.log10(min(sizes))))
    most = _MOST_FIGURES - 1 - int(np.floor(np.log10(max(sizes))))
    decimals = max(0, min(wanted, most))
    return [f"{v:.{_FIGURES}g}" if 0 < abs(v) < 0.5 * 10.0**-decimals else f"{v:.{decimals}f}" for v in values]


def _aligned(table: Table) -> list[str]:
    """The rows of a table as lines; text flush left, numbers flush right."""
    rows = [table.header, *table.body]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    sides = [str.ljust if name in _LABELS else str.rjust for name in table.header]
    lines = ([side(*cell) for side, cell in zip(sides, zip(row, widths, strict=True), strict=True)] for row in rows)
    return ["  ".join(cells).rstrip() for cells in lines]


def _html_row(cells: list[str], table: Table, tag: str) -> str:
    sides = ["left" if name in _LABELS else "right" for name in table.header]
    shown = (f'<{tag} style="text-align:{s}">{html.escape(c)}</{tag}>' for c, s in zip(cells, sides, strict=True))
    return f"<tr>{''.join(shown)}</tr>"
