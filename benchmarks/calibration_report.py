"""The tables of calibration.py, from the counts that it keeps."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from calibration_shapes import SHAPES
from harness import markdown
from scipy import stats
from uniformity import sketch, uniform_p

RISK = 0.01  # that any of all the numbers is called wrong where all are right
NOMINAL = (0.5, 0.89)
_COLUMNS = {
    "partial": ("exact", "partial"), "partial, NUTS": ("nuts", "partial"), "none": ("exact", "none"),
    "complete": ("exact", "complete"),
}  # fmt: skip
_SAME = {"quadrature": "exact"}  # the posterior without a Markov chain, of other families
_INTEGRALS = {"quadrature": "quadrature", "Laplace alone": "laplace"}
_WITHIN = 5, 95  # ranks of a 90 % interval, of 0 to 99
_LABEL = {"partial": "partial pooling", "none": "no pooling"}

type Run = dict[str, Any]


def ranks_table(runs: list[Run]) -> str:
    """One row per shape and engine: the quantity whose ranks are least uniform."""
    threshold = RISK / sum(len(shape["ranks"]) for run in runs for shape in run["shapes"].values())
    rows = []
    for name, run in _by_shape(runs):
        shape = run["shapes"][name]
        p = {quantity: uniform_p(np.array(counts)) for quantity, counts in shape["ranks"].items()}
        worst = min(p, key=lambda quantity: p[quantity])
        rows.append(
            {
                "model": name, "engine": run["engine"], "data sets": shape["data_sets"],
                "doubtful": shape["doubtful"],
                "divergent": shape.get("divergent"),
                "quantities": len(p), "smallest p": f"{p[worst]:.2g}",
                "of": worst, "its ranks": sketch(np.array(shape["ranks"][worst])),
                "calibrated": "yes" if p[worst] > threshold else "NO",
            }
        )  # fmt: skip
    return markdown(rows)


def coverage_table(runs: list[Run]) -> str:
    """One row per shape and group size: coverage of each strategy's intervals, and how wide no pooling's are."""
    rows = []
    for name in dict.fromkeys(name for name, _ in _by_shape(runs)):
        found = {
            (_SAME.get(run["engine"], run["engine"]), *key.split()): one
            for run in runs
            for key, one in run["shapes"].get(name, {"coverage": {}})["coverage"].items()
        }
        for size in sorted({size for *_, size in found}, key=int):
            row: dict[str, str | float | None] = {"model": name, "rows": int(size)}
            for label, key in _COLUMNS.items():
                one = found.get((*key, size))
                for k, nominal in enumerate(NOMINAL):
                    row[f"{label} {nominal:.0%}"] = "-" if one is None else _percent(one["covers"][k], one["sets"])
            none = found.get((*_COLUMNS["none"], size))
            row["none / partial width"] = None if none is None else float(np.exp(none["log_width"] / none["widths"]))
            rows.append(row)
    return markdown(rows)


def sds_table(runs: list[Run]) -> str:
    """One row per standard deviation between groups, by quadrature, and one by Laplace's approximation alone."""
    rows = []
    for name in dict.fromkeys(name for name, _ in _by_shape(runs)):
        of_engine = {run["engine"]: run["shapes"][name]["ranks"] for run in runs if name in run["shapes"]}
        integrals = {label: of_engine[engine] for label, engine in _INTEGRALS.items() if engine in of_engine}
        sds = [quantity for ranks in integrals.values() for quantity in ranks if quantity.endswith("_sigma")]
        for sd, (label, ranks) in product(dict.fromkeys(sds), integrals.items()):
            counts = np.array(ranks[sd])
            places, (low, high) = np.arange(len(counts)), _WITHIN
            rows.append(
                {
                    "model": name, "sd": sd, "integrals": label, "data sets": int(counts.sum()),
                    "mean rank": f"{counts @ places / counts.sum():.1f} ± {places.std() / np.sqrt(counts.sum()):.1f}",
                    "p": f"{uniform_p(counts):.2g}", "its ranks": sketch(counts),
                    "truth below": _percent(counts[:low].sum(), counts.sum()),
                    "inside 90 %": _percent(counts[low:high].sum(), counts.sum()),
                    "above": _percent(counts[high:].sum(), counts.sum()),
                }
            )  # fmt: skip
    return markdown(rows)


def verdicts(runs: list[Run]) -> str:
    """Whether all is within what chance explains, with the thresholds."""
    p = [
        uniform_p(np.array(counts))
        for run in runs
        for shape in run["shapes"].values()
        for counts in shape["ranks"].values()
    ]
    z = {pooling: _departures(runs, pooling) for pooling in _LABEL}
    lines = [
        f"- Ranks: the smallest of {len(p)} p-values is {min(p):.2g}, wanted above {RISK / len(p):.2g} "
        f"({RISK:g} / {len(p)}): {_holds(min(p) > RISK / len(p))}"
    ]
    for pooling in _LABEL:
        if len(z[pooling]):
            most = stats.norm.isf(RISK / 2 / len(z[pooling]))
            lines.append(
                f"- Coverage, {_LABEL[pooling]}: of {len(z[pooling])} numbers the furthest from nominal is "
                f"{np.abs(z[pooling]).max():.1f} standard errors off, chance explains {most:.1f}: "
                f"{_holds(np.abs(z[pooling]).max() < most)}"
            )
    return "\n".join(lines)


def _departures(runs: list[Run], pooling: str) -> np.ndarray:
    """Coverage minus nominal in standard errors of the nominal."""
    return np.array(
        [
            (one["covers"][k] / one["sets"] - nominal) / np.sqrt(nominal * (1 - nominal) / one["sets"])
            for run in runs
            for shape in run["shapes"].values()
            for key, one in shape["coverage"].items()
            for k, nominal in enumerate(NOMINAL)
            if key.split()[0] == pooling
        ]
    )


def _by_shape(runs: list[Run]) -> list[tuple[str, Run]]:
    return [(name, run) for name in SHAPES for run in runs if name in run["shapes"]]


def _percent(covers: int, sets: int) -> str:
    share = covers / sets
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / sets):.1f}"


def _holds(yes: bool) -> str:
    return "holds" if yes else "DOES NOT HOLD"
