"""brms's stored posteriors beside hlm's, number by number: read by the tests and by make_page.py."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import arviz_stats
import numpy as np
import xarray as xr

from hlm import fit, load_data
from hlm.fits.results import Fit

STORED = json.loads((Path(__file__).parent / "brms.json").read_text())
MODELS = {
    "exam": ("post ~ pre + (pre|school)", "gaussian"),
    "sleepstudy": ("Reaction ~ Days + (Days|Subject)", "gaussian"),
    "radon": ("log_radon ~ floor + log_uranium + (floor|county)", "gaussian"),
    "penicillin": ("diameter ~ 1 + (1|plate) + (1|sample)", "gaussian"),
    "pastes": ("strength ~ 1 + (1|batch/cask)", "gaussian"),
    "cbpp": ("p(incidence, size) ~ period + (1|herd)", "binomial"),
}
QUANTILES = {"q5": 0.05, "q50": 0.5, "q95": 0.95}


@dataclass(frozen=True, slots=True)
class Number:
    """A summary of one parameter's draws, of both, and its Monte Carlo standard error, of both together."""

    parameter: str
    summary: str
    theirs: float
    ours: float
    error: float

    @property
    def distance(self) -> float:
        """In Monte Carlo standard errors."""
        return abs(self.ours - self.theirs) / self.error


def fitted(name: str, *, seed: int = 2) -> Fit:
    """Our fit with Bambi's priors, which brms was given: 20,000 joint draws by the exact engine, 4,000 by NUTS."""
    formula, family = MODELS[name]
    draws = 5000 if family == "gaussian" else 1000
    return fit(formula, load_data(name), family=family, priors="bambi", draws=draws, seed=seed, progress=False)


def numbers(name: str, ours: Fit) -> Iterator[Number]:
    """Mean, sd and three quantiles of every parameter that brms's answer has."""
    posterior = ours.idata["posterior"].to_dataset()
    for row in STORED["models"][name]["posterior"]:
        draws = _draws(row["variable"], posterior)
        for summary, theirs in row.items():
            if summary in ("mean", "sd", *QUANTILES):
                value, error = _summary(draws, summary, ours)
                yield Number(row["variable"], summary, theirs, value, float(np.hypot(error, row[f"mcse_{summary}"])))


def _draws(variable: str, posterior: xr.Dataset) -> xr.DataArray:
    """Our draws of a parameter by brms's name for it."""
    if variable in ("b_Intercept", "sigma"):
        return posterior[variable.removeprefix("b_")]
    if found := re.fullmatch(r"sd_(.*)__(.*)", variable):
        return posterior[f"{_effect(found[2])}|{found[1]}_sigma"]
    if found := re.fullmatch(r"cor_(.*)__(.*)__(.*)", variable):
        return posterior[f"{found[1]}_corr"].sel({f"{found[1]}_effect": found[2], f"{found[1]}_effect_bis": found[3]})
    if found := re.fullmatch(r"r_(.*)\[(.*),(.*)\]", variable):
        level = found[2].replace("_", ":")
        return posterior[f"{_effect(found[3])}|{found[1]}"].sel({f"{found[1]}__factor_dim": level})
    if found := re.fullmatch(r"b_period(\d)", variable):
        return posterior["period"].sel(period_dim=found[1])
    return posterior[variable.removeprefix("b_")]


def _effect(name: str) -> str:
    return "1" if name == "Intercept" else name


def _summary(draws: xr.DataArray, summary: str, ours: Fit) -> tuple[float, float]:
    """One summary of our draws with its Monte Carlo standard error."""
    values = draws.values.ravel()
    if summary == "mean":
        return float(values.mean()), float(values.std() / np.sqrt(_effective(draws, ours, "mean")))
    if summary == "sd":
        sd = float(values.std())
        kurtosis = float(((values - values.mean()) ** 4).mean()) / sd**4
        return sd, sd * float(np.sqrt((kurtosis - 1) / 4 / _effective(draws, ours, "sd")))
    at = QUANTILES[summary]
    spread = np.sqrt(at * (1 - at) / _effective(draws, ours, "quantile", at))  # of the share of draws below
    below, value, above = np.quantile(values, [at - spread, at, at + spread])
    return float(value), float(above - below) / 2


def _effective(draws: xr.DataArray, ours: Fit, method: str, prob: float | None = None) -> float:
    """Independent draws that say as much: of the exact engine, as many as were taken of the effective points."""
    if ours.method == "exact":
        return 1 / (1 / draws.size + 1 / ours.diagnostics.ess)
    return float(arviz_stats.ess(draws, method=method, prob=prob))
