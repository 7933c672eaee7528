"""Prints hlm's posterior means beside glmer's for the models of documented_models/ that are not gaussian.

Run in the project's folder: `PYTHONPATH=. .uv/bin/uv run python tests/reference/documented_families.py`. Half a minute a
model, so this is no test; documented_models/README.md has the distances that it printed.
"""

from __future__ import annotations

import json

import numpy as np
from lme4_cases import HERE, Case, data_of, in_order, names_in_r

from hlm import fit


def main() -> None:
    for row in json.loads((HERE / "documented_models" / "answers.json").read_text())["models"]:
        if row["family"] == "gaussian":
            continue
        case = Case("documented_models/data", row["name"], row["formula"], row["kind"], None, row)
        found = fit(row["formula"], data_of(case), family=row["family"], chains=2, seed=1, progress=False)
        theirs = {in_order(name).removesuffix("TRUE"): value for name, value in row["fixef"].items()}
        draws, labels = found.parts.shared, [names_in_r(case).of(label) for label in found.parts.common.labels]
        away = np.abs(draws.mean(axis=0) - [theirs[label] for label in labels]) / draws.std(axis=0)
        worst = labels[int(away.argmax())]
        print(f"{row['name']}: {row['formula']}: {away.max():.2f} ({worst}); {found.diagnostics}", flush=True)


if __name__ == "__main__":
    main()
