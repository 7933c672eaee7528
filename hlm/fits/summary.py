"""The compact table of a fit or several: arms side by side, in a terminal and in Jupyter."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from hlm.fits.judgement import judge
from hlm.model.families import get_family

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_BLANK = "-"


def summary_table(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Posterior mean and sd of every population parameter, and the predictive density.

    Returns
    -------
    pandas.DataFrame
        Index ``parameter``; columns ``(pooling, "mean")`` and ``(pooling, "sd")``. For ``elpd`` the sd column holds
        the standard error. NaN where an arm does not have the parameter.
    """
    import pandas as pd

    numbers = {arm: _numbers(fit) for arm, fit in fits.items()}
    rows = list(dict.fromkeys(name for arm in _partial_first(numbers) for name in numbers[arm]))
    columns = pd.MultiIndex.from_product([list(fits), ["mean", "sd"]], names=["pooling", None])
    table = pd.DataFrame(np.nan, index=pd.Index(rows, name="parameter"), columns=columns)
    for arm, found in numbers.items():
        for name, (mean, sd) in found.items():
            table.loc[name, (arm, "mean")] = mean
            table.loc[name, (arm, "sd")] = sd
    return table


def summary_text(fits: Mapping[str, Fit]) -> str:
    """The table for a terminal, with formulas above and what must be known below."""
    header, *body = _cells(fits)
    widths = [max(len(row[i]) for row in [header, *body]) for i in range(len(header))]
    lines = [
        "  ".join(_pad(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in [header, *body]
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([*_head(fits), "", lines[0], rule, *lines[1:], rule, *_foot(fits)])


def summary_html(fits: Mapping[str, Fit]) -> str:
    """The same table for Jupyter."""
    header, *body = _cells(fits)

    def row(cells: list[str], tag: str) -> str:
        first, *others = map(html.escape, cells)
        rest = "".join(f'<{tag} style="text-align:right">{cell}</{tag}>' for cell in others)
        return f'<tr><th style="text-align:left">{first}</th>{rest}</tr>'

    head = "".join(f"<div><code>{html.escape(line)}</code></div>" for line in _head(fits))
    foot = "".join(f"<div><small>{html.escape(line)}</small></div>" for line in _foot(fits))
    table = f"<table>{row(header, 'th')}{''.join(row(cells, 'td') for cells in body)}</table>"
    return f"<div>{head}{table}{foot}</div>"


def _numbers(fit: Fit) -> dict[str, tuple[float, float]]:
    """Name to (mean, sd) of one arm's population parameters."""
    posterior = fit.idata["posterior"].to_dataset()
    if not get_family(fit.family).has_linear_predictor:
        return _every_variable(fit)
    found: dict[str, tuple[float, float]] = {}
    for label, values in zip(fit.parts.common.labels, fit.parts.shared.T, strict=True):
        found[label] = (float(values.mean()), float(values.std(ddof=1)))
    for name in get_family(fit.family).auxiliary if fit.separate is None else ():
        found[name] = _mean_sd(posterior[name].to_numpy())
    if fit.pooling == "partial":
        found |= _group_level(fit)
    return found | _predictive(fit)


def _every_variable(fit: Fit) -> dict[str, tuple[float, float]]:
    """Every population variable of the posterior by name and label."""
    posterior = fit.idata["posterior"].to_dataset()
    own = [g.name for g in fit.written.groups]
    found = {}
    for name, values in posterior.data_vars.items():
        if any(f"{group}__factor_dim" in values.dims for group in own) or "_corr" in str(name):
            continue
        array = values.transpose("chain", "draw", ...)
        labels = product(*(array[dim].values for dim in array.dims[2:]))
        flat = array.to_numpy().reshape(*array.shape[:2], -1)
        for j, label in enumerate(labels):
            shown = f"[{', '.join(map(str, label))}]" if label else ""
            found[f"{name}{shown}"] = _mean_sd(flat[:, :, j])
    return found | _predictive(fit)


def _predictive(fit: Fit) -> dict[str, tuple[float, float]]:
    """Leave-one-out, with the numbers of rows and of draws that are not to be trusted."""
    loo = fit.loo
    found = {"elpd (se)": (loo.total, loo.se)}
    found["p_loo"] = (loo.p, np.nan)
    if len(loo.bad):
        found["rows with bad Pareto k"] = (float(len(loo.bad)), np.nan)
    if not fit.diagnostics.ok:
        sizes = fit.idata["posterior"].sizes
        found["draws not reliable"] = (float(sizes["chain"] * sizes["draw"]), np.nan)
    return found


def _group_level(fit: Fit) -> dict[str, tuple[float, float]]:
    """The sds and correlations of the varying effects."""
    posterior = fit.idata["posterior"].to_dataset()
    found = {}
    for part in fit.parts.groups:
        for effect in dict.fromkeys(part.design.terms):
            draws = posterior[f"{effect.name}|{part.group.name}_sigma"].to_numpy()
            for j, label in enumerate(part.design.labels_of(effect)):
                values = draws if draws.ndim == 2 else draws[:, :, j]
                found[f"sd {label} | {part.group.name}"] = _mean_sd(values)
    for name in (n for n in fit.priors if "_corr" in n and n in posterior):
        array = posterior[name]
        labels = [str(v) for v in array[array.dims[2]].values]
        for i in range(1, len(labels)):
            for j in range(i):
                what = f"cor {labels[j]}, {labels[i]} | {name.rpartition('_corr')[0]}"
                found[what] = _mean_sd(array.to_numpy()[:, :, i, j])
    return found


def _mean_sd(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1))


def _partial_first(numbers: Mapping[str, object]) -> list[str]:
    return sorted(numbers, key=lambda arm: arm != "partial")


def _cells(fits: Mapping[str, Fit]) -> list[list[str]]:
    table = summary_table(fits)
    body = []
    for name in table.index:
        cells = [
            _cell(name, fit, table.loc[name, (arm, "mean")], table.loc[name, (arm, "sd")]) for arm, fit in fits.items()
        ]
        body.append([str(name), *cells])
    return [["", *fits], *body]


def _cell(name: str, fit: Fit, mean: float, sd: float) -> str:
    if np.isnan(mean):
        owners = _owners(fit, name)
        return f"by {owners}" if owners else _BLANK
    if name == "elpd (se)":
        return f"{mean:.1f} ({sd:.1f})"
    if np.isnan(sd):
        return f"{mean:.1f}" if name == "p_loo" else f"{mean:.0f}"
    digits = max(0, min(6, 1 - int(np.floor(np.log10(sd))))) if sd > 0 else 3  # two figures of the sd
    return f"{mean:.{digits}f} ({sd:.{digits}f})"


def _owners(fit: Fit, label: str) -> str:
    """In no pooling: whose own coefficients these are."""
    if label == "sigma" and fit.separate is not None:
        return fit.separate.name
    if fit.pooling != "none" or not get_family(fit.family).has_linear_predictor:
        return ""
    return ", ".join(dict.fromkeys(part.group.name for part in fit.parts.groups if label in part.design.labels))


def _pad(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _head(fits: Mapping[str, Fit]) -> list[str]:
    some = next(iter(fits.values()))
    groups = "".join(f", {g.name} ({len(some.data.levels(g))})" for g in some.written.groups)
    width = max(map(len, fits))
    arms = [f"{arm:<{width}}  {fit.formula}" for arm, fit in fits.items()]
    return [f"{some.family}, {some.data.rows} rows{groups}. Posterior means (sds).", *arms]


def _foot(fits: Mapping[str, Fit]) -> list[str]:
    some = next(iter(fits.values()))
    notes = [f"{arm}: {fit.diagnostics.sentence}" for arm, fit in fits.items()]
    notes += [f"{arm}: {note}." for arm, fit in fits.items() for note in fit.notes]
    notes += [some.data.message] if some.data.message else []
    judged = judge({arm: fit.loo for arm, fit in fits.items()}, {arm: fit.pooling for arm, fit in fits.items()})
    if judged is not None:
        notes.append("elpd: expected log predictive density of a new row of a known group; larger is better.")
        notes.append(
            f"Verdict for a new row of a known group: {judged.sentence}. New groups and why: hlm.verdict(fits)."
        )
    return notes
