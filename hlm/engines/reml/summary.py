"""The summary that lme4's users know, in a terminal and in Jupyter."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hlm.engines.reml.estimates import Estimates

_FIGURES = 4  # of the smallest number in a column, as lme4 shows them
_MOST_FIGURES = 8  # of the largest
_MOST_COEFFICIENTS = 20  # beyond, lme4 does not show their correlations either
_LABELS = ("Groups", "Name", "")  # columns of text, flush left


@dataclass(frozen=True, slots=True)
class _Table:
    """One part of the summary, its cells as text."""

    title: str
    header: list[str]
    body: list[list[str]]
    below: str = ""


def summary_text(result: Estimates) -> str:
    """All tables for a terminal."""
    lines = [*_head(result)]
    for table in _tables(result):
        lines += ["", f"{table.title}:", *_aligned(table), *filter(None, [table.below])]
    foot = _foot(result)
    return "\n".join([*lines, *([""] if foot else []), *foot])


def summary_html(result: Estimates) -> str:
    """The same tables for Jupyter."""

    def row(cells: list[str], header: list[str], tag: str) -> str:
        sides = ["left" if name in _LABELS else "right" for name in header]
        shown = (f'<{tag} style="text-align:{s}">{html.escape(c)}</{tag}>' for c, s in zip(cells, sides, strict=True))
        return f"<tr>{''.join(shown)}</tr>"

    parts = [f"<div><code>{html.escape(line)}</code></div>" for line in _head(result)]
    for table in _tables(result):
        body = "".join(row(cells, table.header, "td") for cells in table.body)
        parts.append(f"<div><b>{html.escape(table.title)}</b></div>")
        parts.append(f"<table>{row(table.header, table.header, 'th')}{body}</table>")
        parts.append(f"<div><small>{html.escape(table.below)}</small></div>" if table.below else "")
    parts += [f"<div><small>{html.escape(line)}</small></div>" for line in _foot(result)]
    return f"<div>{''.join(parts)}</div>"


def _head(result: Estimates) -> list[str]:
    how, name = ("REML", "REML criterion") if result.reml else ("maximum likelihood", "deviance")
    return [
        f"Linear mixed model fit by {how}",
        f"Formula: {result.formula}",
        f"{name} {result.criterion:.1f}, log-likelihood {result.loglik:.1f}, AIC {result.aic:.1f}, "
        f"BIC {result.bic:.1f}",
    ]


def _tables(result: Estimates) -> list[_Table]:
    quantiles = result.scaled_residuals
    tables = [_Table("Scaled residuals", list(quantiles.index), [_numbers(quantiles)]), _random(result)]
    if len(result.fixef):
        tables.append(_fixed(result))
    if 1 < len(result.fixef) <= _MOST_COEFFICIENTS:
        tables.append(_correlations(result))
    return tables


def _random(result: Estimates) -> _Table:
    """Variances and standard deviations, each with its correlations with the effects above it."""
    table = result.varcorr
    pairs = table[table["effect2"].notna()]
    known = {
        (group, later, earlier): f"{value:.2f}"
        for group, earlier, later, value in pairs[["group", "effect1", "effect2", "sdcor"]].to_numpy().tolist()
    }
    sds = table[table["effect2"].isna()]
    names = list(zip(sds["group"], sds["effect1"].fillna(""), strict=True))
    correlations = [[known[g, e, other] for _, other in names if (g, e, other) in known] for g, e in names]
    width = max(map(len, correlations))
    numbers = zip(_numbers(sds["sdcor"] ** 2), _numbers(sds["sdcor"]), strict=True)
    body = [
        ["" if own else group, effect, *pair, *own, *[""] * (width - len(own))]
        for (group, effect), pair, own in zip(names, numbers, correlations, strict=True)
    ]
    header = ["Groups", "Name", "Variance", "Std.Dev.", *["Corr"] * width]
    sizes = "; ".join(f"{name}, {count}" for name, count in result.groups.items())
    return _Table("Random effects", header, body, f"Number of obs: {result.n}, groups: {sizes}")


def _fixed(result: Estimates) -> _Table:
    t = [f"{value:.2f}" for value in result.fixef / result.fixef_se]
    cells = zip(result.fixef.index, _numbers(result.fixef), _numbers(result.fixef_se), t, strict=True)
    return _Table("Fixed effects", ["", "Estimate", "Std. Error", "t value"], [list(row) for row in cells])


def _correlations(result: Estimates) -> _Table:
    names, se = list(result.fixef.index), result.fixef_se.to_numpy()
    values = result.fixef_cov.to_numpy() / np.outer(se, se)
    body = [
        [name, *(f"{values[i, j]:.3f}" if j < i else "" for j in range(len(names) - 1))]
        for i, name in enumerate(names)
    ][1:]  # fmt: skip
    return _Table("Correlation of fixed effects", ["", *names[:-1]], body)


def _foot(result: Estimates) -> list[str]:
    note = "Singular fit: a standard deviation is 0 or a correlation is exact; fit() shows what else the data allow."
    return [*[note] * result.singular, *result.notes]


def _numbers(values: Iterable[float]) -> list[str]:
    """One number of decimals for a column: enough for the smallest, not too many for the largest."""
    sizes = [abs(v) for v in values if v != 0 and np.isfinite(v)]
    if not sizes:
        return [f"{v:.0f}" for v in values]
    wanted = _FIGURES - 1 - int(np.floor(np.log10(min(sizes))))
    most = _MOST_FIGURES - 1 - int(np.floor(np.log10(max(sizes))))
    decimals = max(0, min(wanted, most))
    return [f"{v:.{_FIGURES}g}" if 0 < abs(v) < 0.5 * 10.0**-decimals else f"{v:.{decimals}f}" for v in values]


def _aligned(table: _Table) -> list[str]:
    """The rows of a table as lines; text flush left, numbers flush right."""
    rows = [table.header, *table.body]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.header))]
    sides = [str.ljust if name in _LABELS else str.rjust for name in table.header]
    lines = ([side(*cell) for side, cell in zip(sides, zip(row, widths, strict=True), strict=True)] for row in rows)
    return ["  ".join(cells).rstrip() for cells in lines]
