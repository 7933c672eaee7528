"""The compact table of a fit or several: strategies side by side, in a terminal and in Jupyter."""

from __future__ import annotations

import html
from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hlm.engines.interface import Diagnostics, PointwiseLoo
from hlm.fits.posterior_coefficients import common_coefficients, draws_first
from hlm.fits.verdict_sentence import judge
from hlm.formula.function_calls import shown
from hlm.model.families import chosen_link, order_of_labels
from hlm.model.model import Model

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

_BLANK = "-"
_ELPD = "elpd (se)"  # nothing is computed here that takes longer than printing: leave-one-out only where it is there


class ShownFit(Protocol):
    """What a table reads of a fit; `hlm.fits.results.Fit` has it."""

    @property
    def resolved(self) -> Model: ...
    @property
    def idata(self) -> xr.DataTree: ...
    @property
    def loo(self) -> PointwiseLoo | None: ...
    @property
    def diagnostics(self) -> Diagnostics: ...
    @property
    def notes(self) -> tuple[str, ...]: ...


def table_of_fits(fits: Mapping[str, ShownFit]) -> pd.DataFrame:
    """Posterior mean and sd of every population parameter, and the predictive density.

    result: index ``parameter``; columns ``(pooling, "mean")`` and ``(pooling, "sd")``. For ``elpd`` the sd column holds
        the standard error. NaN where a strategy does not have the parameter.
    """
    import pandas as pd

    rows = _rows(fits)
    columns = pd.MultiIndex.from_product([list(fits), ["mean", "sd"]], names=["pooling", None])
    numbers = np.array([[number for pair in pairs for number in pair] for pairs in rows.values()])
    return pd.DataFrame(numbers, index=pd.Index(list(rows), name="parameter"), columns=columns)


def text_of_fits(fits: Mapping[str, ShownFit]) -> str:
    """The table for a terminal, with formulas above and what must be known below."""
    header, *body = _cells(fits)
    widths = [max(len(row[i]) for row in [header, *body]) for i in range(len(header))]
    lines = [
        "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]).rstrip()
        for name, *cells in [header, *body]
    ]
    rule = "-" * max(map(len, lines))
    return "\n".join([*_head(fits), "", lines[0], rule, *lines[1:], rule, *_foot(fits)])


def html_of_fits(fits: Mapping[str, ShownFit]) -> str:
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


def _numbers(fit: ShownFit) -> dict[str, tuple[float, float]]:
    """Name to (mean, sd) of one strategy's population parameters."""
    if not fit.resolved.family.has_linear_predictor:  # several linear predictors, or thresholds
        return _every_variable(fit) | _predictive(fit)
    posterior, common = fit.idata["posterior"].to_dataset(), fit.resolved.common
    coefficients = common_coefficients(posterior, common)
    found = {label: _mean_sd(values) for label, values in zip(common.labels, coefficients.T, strict=True)}
    for parameter in fit.resolved.of_kind("residual", "family"):
        if not parameter.dims:
            found[parameter.name] = _mean_sd(draws_first(posterior[parameter.name]))
    return found | _group_level(fit) | _predictive(fit)


def _every_variable(fit: ShownFit) -> dict[str, tuple[float, float]]:
    """Every population variable of the posterior by name and label."""
    groups = {parameter.name for parameter in fit.resolved.of_kind("group effect", "correlation")}
    found = {}
    for name, values in fit.idata["posterior"].to_dataset().data_vars.items():
        if name in groups:
            continue
        array = values.transpose("chain", "draw", ...)
        labels = product(*(array[dim].values for dim in array.dims[2:]))
        flat = draws_first(array)
        for label, draws in zip(labels, flat.reshape(len(flat), -1).T, strict=True):
            shown = f"[{', '.join(map(str, label))}]" if label else ""
            found[f"{name}{shown}"] = _mean_sd(draws)
    return found


def _predictive(fit: ShownFit) -> dict[str, tuple[float, float]]:
    """Leave-one-out where it is there, with the numbers of rows and of draws that are not to be trusted."""
    found: dict[str, tuple[float, float]] = {}
    if fit.loo is not None:
        found |= {_ELPD: (fit.loo.total, fit.loo.se), "p_loo": (fit.loo.p_loo, np.nan)}
        if len(fit.loo.bad):
            found["rows with bad Pareto k"] = (float(len(fit.loo.bad)), np.nan)
    if not fit.diagnostics.ok:
        sizes = fit.idata["posterior"].sizes
        found["draws not reliable"] = (float(sizes["chain"] * sizes["draw"]), np.nan)
    return found


def _group_level(fit: ShownFit) -> dict[str, tuple[float, float]]:
    """The sds and correlations of the varying effects."""
    found, posterior = {}, fit.idata["posterior"].to_dataset()
    for parameter in fit.resolved.of_kind("sd"):
        assert parameter.factor is not None
        draws = draws_first(posterior[parameter.name])
        for label, values in zip(parameter.labels, draws.reshape(len(draws), -1).T, strict=True):
            found[f"sd {label} | {parameter.factor.name}"] = _mean_sd(values)
    for parameter in fit.resolved.of_kind("correlation"):
        assert parameter.factor is not None
        matrices = draws_first(posterior[parameter.name])
        for i in range(1, len(parameter.labels)):
            for j in range(i):
                what = f"cor {parameter.labels[j]}, {parameter.labels[i]} | {parameter.factor.name}"
                found[what] = _mean_sd(matrices[:, i, j])
    return found


def _mean_sd(values: np.ndarray) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1))


def _rows(fits: Mapping[str, ShownFit]) -> dict[str, list[tuple[float, float]]]:
    """By parameter: (mean, sd) of each fit, NaN where it has none; partial pooling's parameters first."""
    numbers = {label: _numbers(fit) for label, fit in fits.items()}
    names = dict.fromkeys(n for label in sorted(numbers, key=lambda label: label != "partial") for n in numbers[label])
    return {name: [found.get(name, (np.nan, np.nan)) for found in numbers.values()] for name in names}


def _cells(fits: Mapping[str, ShownFit]) -> list[list[str]]:
    return [["", *fits]] + [
        [name, *(_cell(name, fit, *pair) for fit, pair in zip(fits.values(), pairs, strict=True))]
        for name, pairs in _rows(fits).items()
    ]


def _cell(name: str, fit: ShownFit, mean: float, sd: float) -> str:
    if np.isnan(mean):
        owners = _owners(fit, name)
        return f"by {owners}" if owners else _BLANK
    if name == _ELPD:
        return f"{mean:.1f} ({sd:.1f})"
    if np.isnan(sd):
        return f"{mean:.1f}" if name == "p_loo" else f"{mean:.0f}"
    digits = max(0, min(6, 1 - int(np.floor(np.log10(sd))))) if sd > 0 else 3  # two figures of the sd
    return f"{mean:.{digits}f} ({sd:.{digits}f})"


def _owners(fit: ShownFit, label: str) -> str:
    """In no pooling: whose own coefficients these are."""
    separate = fit.resolved.separate
    if separate is not None and any(label in parameter.labels for parameter in fit.resolved.of_kind("residual")):
        return separate.name
    if fit.resolved.pooling != "none" or not fit.resolved.family.has_linear_predictor:
        return ""
    return ", ".join(factor.name for factor in fit.resolved.factors if label in factor.design.labels)


def _head(fits: Mapping[str, ShownFit]) -> list[str]:
    model = next(iter(fits.values())).resolved
    groups = "".join(f", {group.name} ({len(model.data.levels(group))})" for group in model.written.groups)
    width = max(map(len, fits))
    formulas = [f"{label:<{width}}  {fit.resolved.text}" for label, fit in fits.items()]
    link = chosen_link(model.family)
    family = f"{model.family.name}{'' if link is None else f' ({link} link)'}{_modelled_label(model)}"
    return [f"{family}, {model.rows} rows{groups}. Posterior means (sds).", *formulas]


def _modelled_label(model: Model) -> str:
    """Of a response of two labels, which one the probability is of; of ordered labels, their order."""
    if order := order_of_labels(model.family, model.written, model.data):
        return f" ({order})"
    if not model.data.labels:
        return ""
    other, label = model.data.labels
    return f" (p: {shown(model.written.response.variable)} is {label}, not {other})"


def _foot(fits: Mapping[str, ShownFit]) -> list[str]:
    message = next(iter(fits.values())).resolved.data.message
    notes = [f"{label}: {fit.diagnostics.sentence}" for label, fit in fits.items()]
    owners: dict[str, list[str]] = {}
    for label, fit in fits.items():
        for note in fit.notes:
            owners.setdefault(note, []).append(label)
    notes += [f"{', '.join(labels)}: {note}." for note, labels in owners.items()]  # each once
    notes += [message] if message else []
    return [*notes, *_predictive_notes(fits)]


def _predictive_notes(fits: Mapping[str, ShownFit]) -> list[str]:
    loos = {label: fit.loo for label, fit in fits.items() if fit.loo is not None}
    if len(loos) < len(fits):
        call = "fit.leave_out()" if len(fits) == 1 else "hlm.compare_loo(fits)"
        return [f"elpd: not computed yet, since it takes longer than the fit; {call} computes and keeps it."]
    judged = judge(loos, {label: fit.resolved.pooling for label, fit in fits.items()})
    if judged is None:
        return []
    return [
        "elpd: expected log predictive density of a new row of a known group; larger is better.",
        f"Verdict for a new row of a known group: {judged.sentence}. New groups and why: hlm.verdict(fits).",
    ]
