"""What lme4 builds from the same formulas on the same rows (tests/reference/lme4_readings.R)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import CleanData, formula_and_data
from hlm.formula.function_calls import shown
from hlm.model.design import Design
from hlm.model.design_columns import Columns

READINGS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "reference" / "lme4_readings.json").read_text()
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The rows that lme4_readings.R makes."""
    i = np.arange(72)
    made = pd.DataFrame(
        {
            "x": (i * 7) % 24 / 4 + 0.5, "z": (i * i) % 13 - 6, "k": i % 5, "n": 5 + i % 4,
            "c": np.take(["p", "q", "r"], i % 3), "d": np.take(["k", "l"], i // 3 % 2), "g": 10 + i // 12,
            "h": np.take(["u", "v", "w", "s"], i // 2 % 4), "b": np.take(["A", "B", "C"], i // 24),
            "m": 1 + i // 12 % 2, "pos": np.exp(np.sin(i)),
        }
    )  # fmt: skip
    return made.assign(y=made["x"] + made["z"] / 3 + np.sin(i))


@pytest.mark.parametrize("r", READINGS, ids=[r["formula"] for r in READINGS])
def test_columns_and_blocks_are_lme4s(r: dict[str, Any], frame: pd.DataFrame) -> None:
    formula, data = formula_and_data(r["formula"], frame)
    design = Design(formula, data)
    names = rs_names(design.common, data)
    assert sorted(names) == sorted(several(r["fixed"]))
    theirs = dict(zip(several(r["fixed"]), np.array(r["X"], dtype=np.float64).T, strict=True))
    for name, column in zip(names, design.common.matrix.T, strict=True):
        # stored with 10 decimals; raw cubes reach 250
        np.testing.assert_allclose(column, theirs[name], rtol=1e-9, atol=1e-9, err_msg=name)
    ours = sorted(
        (rs_group(block.group.variables), len(data.levels(block.group)), sorted(rs_names(effects, data)))
        for block, effects in design.blocks
    )
    assert ours == sorted(
        (rs_group(b["group"].replace("(", "").replace(")", "").split(":")), b["levels"], sorted(several(b["effects"])))
        for b in r["blocks"]
    )


def test_there_are_enough_of_them() -> None:
    assert len({r["formula"] for r in READINGS}) >= 45


def rs_names(design: Columns, data: CleanData) -> list[str]:
    """R's names of our columns: ``Intercept`` is ``(Intercept)``, and ``x:c[q]`` is ``x:cq``, a level by its factor."""
    names = []
    for term, label in zip(design.terms, design.labels, strict=True):
        levels = iter(label.removeprefix(f"{term.name}[").removesuffix("]").split(", "))
        parts = [v + next(levels) if data.columns[v].dtype == "category" else v for v in term.variables]
        names.append(shown(":".join(parts)) or "(Intercept)")
    return names


def rs_group(variables: Any) -> str:
    """Cells whatever the order of their factors: lme4 writes ``a/b`` as ``b:a``."""
    return ":".join(sorted(variables))


def several(value: Any) -> list[str]:
    """JSON of R has a vector of one as the value itself."""
    return value if isinstance(value, list) else [value]
