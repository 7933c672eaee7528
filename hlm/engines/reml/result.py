"""`Reml`: the estimates, with the summary that lme4's users know, in a terminal and in Jupyter."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

_FIGURES = 4  # of the smallest number in a column, as lme4 shows them
_MOST_FIGURES = 8  # of the largest
_MOST_COEFFICIENTS = 20  # beyond, lme4 does not show their correlations either
_LABELS = ("Groups", "Name", "")  # columns of text, flush left
_SINGULAR = "Singular fit: a standard deviation is 0 or a correlation is exact; fit() shows what else the data allow."


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reml:
    """Estimates of a gaussian hierarchical model by (restricted) maximum likelihood; `hlm.reml` makes it.

    Attributes
    ----------
    formula : str
    reml : bool
        False for maximum likelihood.
    fixef : pandas.Series
        Common coefficients ("fixed effects") by term: ``Intercept``, ``pre``, ``sex[M]``.
    fixef_cov : pandas.DataFrame
        Their covariance matrix, given the estimated standard deviations and correlations.
    varcorr : pandas.DataFrame
        Columns ``group, effect1, effect2, sdcor``: for each covariance matrix the standard deviations (``effect2``
        missing), then the correlations (NaN beside a standard deviation of 0); the residual standard deviation last.
        In units of the response per unit of the effect's column.
    sigma : float
        Residual standard deviation, in units of the response.
    loglik : float
        The log-likelihood at the maximum, or the restricted one; these two cannot be compared with each other.
    coef, ranef : Mapping of str to pandas.DataFrame
        By grouping factor, a row per level: the total coefficients, common plus the level's own effects; and the
        effects alone ("random effects"), at their most probable values.
    singular : bool
        Whether a standard deviation is 0, or effects are exactly correlated: some combination of them does not vary.
    n : int
        Rows that were used.
    parameters : int
        Common coefficients, standard deviations and correlations.
    scaled_residuals : pandas.Series
        Quantiles of the residuals divided by sigma: ``Min, 1Q, Median, 3Q, Max``.
    notes : tuple of str
        What must be known to read the numbers.
    """

    formula: str
    reml: bool
    fixef: pd.Series
    fixef_cov: pd.DataFrame
    varcorr: pd.DataFrame
    sigma: float
    loglik: float
    coef: Mapping[str, pd.DataFrame]
    ranef: Mapping[str, pd.DataFrame]
    singular: bool
    n: int
    parameters: int
    scaled_residuals: pd.Series
    notes: tuple[str, ...] = ()

    @property
    def fixef_se(self) -> pd.Series:
        """Standard errors of the common coefficients; uncertainty of the standard deviations is not in them."""
        return pd.Series(np.sqrt(np.diagonal(self.fixef_cov)), index=self.fixef.index, name="se")

    @property
    def criterion(self) -> float:
        """Minus twice the log-likelihood: lme4's REML criterion, or its deviance with ``reml=False``."""
        return -2.0 * self.loglik

    @property
    def aic(self) -> float:
        """As lme4's AIC; with ``reml=True`` only for models with the same common terms."""
        return self.criterion + 2.0 * self.parameters

    @property
    def bic(self) -> float:
        """As lme4's BIC, with the number of rows; with ``reml=True`` only for models with the same common terms."""
        return float(self.criterion + np.log(self.n) * self.parameters)

    @property
    def groups(self) -> Mapping[str, int]:
        """Number of levels by grouping factor."""
        return {name: len(effects) for name, effects in self.ranef.items()}

    def __repr__(self) -> str:
        lines = _head(self)
        for table in _tables(self):
            lines += ["", f"{table.title}:", *_aligned(table), *filter(None, [table.below])]
        foot = _foot(self)
        return "\n".join([*lines, *[""] * bool(foot), *foot])

    def _repr_html_(self) -> str:
        parts = [f"<div><code>{html.escape(line)}</code></div>" for line in _head(self)]
        for table in _tables(self):
            rows = [_html_row(table.header, table, "th"), *(_html_row(cells, table, "td") for cells in table.body)]
            parts += [f"<div><b>{html.escape(table.title)}</b></div>", f"<table>{''.join(rows)}</table>"]
            parts += [f"<div><small>{html.escape(table.below)}</small></div>"] * bool(table.below)
        parts += [f"<div><small>{html.escape(line)}</small></div>" for line in _foot(self)]
        return f"<div>{''.join(parts)}</div>"


@dataclass(frozen=True, slots=True)
class _Table:
    """One part of the summary, its cells as text."""

    title: str
    header: list[str]
    body: list[list[str]]
    below: str = ""


def _head(result: Reml) -> list[str]:
    how, name = ("REML", "REML criterion") if result.reml else ("maximum likelihood", "deviance")
    numbers = f"log-likelihood {result.loglik:.1f}, AIC {result.aic:.1f}, BIC {result.bic:.1f}"
    fit_by = f"Linear mixed model fit by {how}"
    return [fit_by, f"Formula: {result.formula}", f"{name} {result.criterion:.1f}, {numbers}"]


def _foot(result: Reml) -> list[str]:
    return [*[_SINGULAR] * result.singular, *result.notes]


def _tables(result: Reml) -> list[_Table]:
    quantiles, names = result.scaled_residuals, list(result.fixef.index)
    tables = [_Table("Scaled residuals", list(quantiles.index), [_numbers(quantiles)]), _random(result)]
    if names:
        t = [f"{value:.2f}" for value in result.fixef / result.fixef_se]
        cells = zip(names, _numbers(result.fixef), _numbers(result.fixef_se), t, strict=True)
        tables.append(_Table("Fixed effects", ["", "Estimate", "Std. Error", "t value"], list(map(list, cells))))
    if 1 < len(names) <= _MOST_COEFFICIENTS:
        se = result.fixef_se.to_numpy()
        values = result.fixef_cov.to_numpy() / np.outer(se, se)
        below = [[f"{values[i, j]:.3f}" if j < i else "" for j in range(len(names) - 1)] for i in range(len(names))]
        body = [[name, *row] for name, row in zip(names, below, strict=True)][1:]
        tables.append(_Table("Correlation of fixed effects", ["", *names[:-1]], body))
    return tables


def _random(result: Reml) -> _Table:
    """Variances and standard deviations, each with its correlations with the effects above it."""
    table = result.varcorr
    pairs, sds = table[table["effect2"].notna()], table[table["effect2"].isna()]
    known = {(p.group, p.effect2, p.effect1): f"{p.sdcor:.2f}" for p in pairs.itertuples()}
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


def _numbers(values: Iterable[float]) -> list[str]:
    """One number of decimals for a column: enough for the smallest, not too many for the largest."""
    sizes = [abs(v) for v in values if v != 0 and np.isfinite(v)] or [10.0 ** (_FIGURES - 1)]  # if none, no decimals
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


def _html_row(cells: list[str], table: _Table, tag: str) -> str:
    sides = ["left" if name in _LABELS else "right" for name in table.header]
    shown = (f'<{tag} style="text-align:{s}">{html.escape(c)}</{tag}>' for c, s in zip(cells, sides, strict=True))
    return f"<tr>{''.join(shown)}</tr>"
