"""Gelman & Hill's radon models: what the book prints, and ours. Read by the tests and by make_page.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from hlm import fit, load_data, reml

STORED = json.loads((Path(__file__).parent / "gelman_hill.json").read_text())


def book_radon() -> pd.DataFrame:
    """The packaged data with the book's response: log(radon), the three readings of 0 taken as 0.1."""
    data = load_data("radon")
    activity = np.round(np.exp(data["log_radon"]) - 0.1, 1)
    return data.assign(y=np.log(np.where(activity == 0, 0.1, activity)), x=data["floor"], u=data["log_uranium"])


def comparisons() -> Iterator[tuple[str, str, str, float, float, float]]:
    """Model, formula, label, and the number: as the book prints it, as lm or lme4 gives it today, as hlm does."""
    data = book_radon()
    for row in STORED["models"]:
        ours = _partial(row["formula"], data) if "|" in row["formula"] else _arm(row["name"], data)
        for label, printed in row["printed"].items():
            yield row["name"], row["formula"], label, printed, row["lme4"][label], ours[label]


def _partial(formula: str, data: pd.DataFrame) -> dict[str, float]:
    found = reml(formula, data)
    said = {_r_name(name): float(value) for name, value in found.fixef.items()}
    said |= {f"se {_r_name(name)}": float(value) for name, value in found.fixef_se.items()}
    for _, one, two, value in found.varcorr.itertuples(index=False):
        said["sigma" if not isinstance(one, str) else "corr" if isinstance(two, str) else f"sd {_r_name(one)}"] = value
    return said


def _arm(name: str, data: pd.DataFrame) -> dict[str, float]:
    """Posterior means and sds of the complete and the no-pooling strategy; the latter's priors are wide enough to be flat."""
    pooling = {"complete pooling": "complete", "no pooling": "none"}[name]
    posterior = fit("y ~ x + (1|county)", data, pooling=pooling, draws=10_000, seed=1, progress=False).idata[
        "posterior"
    ]
    found = {"x": posterior["x"], "sigma": posterior["sigma"]}
    if pooling == "complete":
        found["(Intercept)"] = posterior["Intercept"]
    else:
        found |= {str(county): posterior["county"].sel(county_dim=county) for county in posterior["county_dim"].values}
    said = {label: float(values.mean()) for label, values in found.items()}
    return said | {f"se {label}": float(values.std()) for label, values in found.items()}


def _r_name(label: object) -> str:
    return "(Intercept)" if label == "Intercept" else str(label)
