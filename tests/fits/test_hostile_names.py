"""Columns, groups and levels may have any name: no name of a parameter is ever taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hlm
from hlm.cli import main
from hlm.formula.pooling_formulas import POOLINGS
from hlm.model.resolve import resolve

ENDS = (
    "_corr",
    "_sigma",
    "_offset",
    "_correct",
    "_dim",
    "__factor_dim",
    "_effect",
    "|",
    ":",
    "/",
    "[x]",
    "]",
    "[",
    " ",
)
WORDS = (
    "g",
    "x",
    "1",
    "Intercept x",
    "sigma_",
    "n_correct",
    "ä b",
    "draw_",
    "term x",
    "мера",
    "x|g",
    "0",
    "elpd",
    "_",
    "a.b",
)
LEVELS = ("a", "b]", "[c", "d, e", "f|g", "h:i", "1", "Intercept", " j", "k/l", "é")

# ends and words that no reader of a formula can tell from its quotes are left out: a back-quote, a line break
hostile = st.builds("".join, st.lists(st.sampled_from([*WORDS, *ENDS]), min_size=1, max_size=3)).map(str.strip)
four_names = st.lists(hostile.filter(bool), min_size=4, max_size=4, unique=True)


def _frame(names: list[str], levels: list[str]) -> pd.DataFrame:
    """A response y = 1 + 2 x + a group's intercept + noise; columns x, z, a factor and a group of any names."""
    rng = np.random.default_rng(1)
    x, z, factor, group = names
    groups = np.repeat(np.arange(6), 10)
    frame = pd.DataFrame(
        {
            x: rng.normal(size=60), z: rng.normal(size=60), factor: [levels[i % 2] for i in range(60)],
            group: [f"{levels[k % len(levels)]} {k}" for k in groups],
        }
    )  # fmt: skip
    return frame.assign(y=1 + 2 * frame[x] + rng.normal(size=6)[groups] + 0.1 * rng.normal(size=60))


def _formula(names: list[str]) -> str:
    x, z, factor, group = (f"`{name}`" for name in names)
    return f"y ~ {x} + {z} + {factor} + ({x}|{group}) + (0 + {factor}|{group})"


def _can_be_named(formula: str, frame: pd.DataFrame, names: list[str]) -> bool:
    """False where a column has the name of another variable of the posterior, which is said of that column."""
    try:
        resolve(formula, frame, poolings=POOLINGS)
    except hlm.DataError as taken:
        message = str(taken)
    else:
        return True
    assert "has the name of" in message
    assert any(repr(name) in message for name in names)
    return False


def _works_everywhere(fits: hlm.PoolingFits, frame: pd.DataFrame, group: str) -> None:
    assert len(repr(fits)) > 300 and "<table>" in fits._repr_html_()
    assert hlm.coefficients(fits).sizes[group] == 6
    table = hlm.compare_slopes(fits)
    assert table["estimate"].notna().any() and set(table["pooling"]) == set(fits)
    assert len(hlm.shrinkage(fits)) == len(hlm.shrinkage(fits, why=True)) > 0
    assert np.isfinite(hlm.compare_loo(fits)["elpd"]).all()
    assert np.isfinite(hlm.predict(fits["partial"], frame.head(3))["estimate"]).all()


@given(names=four_names, levels=st.lists(st.sampled_from(LEVELS), min_size=2, max_size=5, unique=True))
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_the_exact_engine_takes_any_names(names: list[str], levels: list[str]) -> None:
    frame, formula = _frame(names, levels), _formula(names)
    if not _can_be_named(formula, frame, names):
        return
    fits = hlm.fit_pooling(formula, frame, draws=50, chains=2, seed=1, progress=False)
    assert fits["partial"].method == "exact"
    slope = fits["partial"].parts.shared[:, fits["partial"].parts.common.labels.index(names[0])]
    assert slope.mean() == pytest.approx(2.0, abs=0.2)  # whatever the column is called
    _works_everywhere(fits, frame, names[3])


def test_the_prior_of_a_predictor_named_like_a_correlation_is_kept() -> None:
    frame = _frame(["g_correct", "n_correct", "c", "g"], ["a", "b"])
    tight = hlm.Prior("Normal", mu=0, sigma=0.001)
    fit = hlm.fit("y ~ g_correct + n_correct + (1|g)", frame, priors={"g_correct": tight}, seed=1, progress=False)
    assert fit.priors["g_correct"] == tight
    assert abs(float(fit.idata["posterior"]["g_correct"].mean())) < 0.01  # the data alone say 2


NUTS = [
    ["n_correct", "g_corr", "x_sigma", "g_correct"],
    ["a|b", "c/d", "e:f", "g h"],
    ["x_offset", "1", "g_dim", "my g"],
    ["a]", "b[", "_corr", "_sigma"],
    ["g__factor", "|", "::", "g|h"],
]


@pytest.mark.parametrize("method", ["nuts", "bambi"])
@pytest.mark.parametrize("names", NUTS, ids=lambda names: " ".join(names))
def test_nuts_takes_hostile_names(names: list[str], method: Any) -> None:
    frame = _frame(names, ["a", "b]", "[c", "d, e"])
    x, z, factor, group = (f"`{name}`" for name in names)
    formula = f"y ~ {x} + {z} + {factor} + ({x}|{group})"
    fit = hlm.fit(formula, frame, method=method, draws=90, tune=200, chains=2, seed=1, progress=False)
    slope = fit.parts.shared[:, fit.parts.common.labels.index(names[0])]
    assert slope.mean() == pytest.approx(2.0, abs=0.4)  # 180 draws of a slope whose posterior sd is about 0.1
    assert len(repr(fit)) > 300 and hlm.coefficients(fit).sizes[names[3]] == 6
    assert np.isfinite(hlm.predict(fit, frame.head(3))["estimate"]).all()


@pytest.mark.parametrize("names", NUTS, ids=lambda names: " ".join(names))
def test_build_takes_them_or_says_which_to_rename(names: list[str]) -> None:
    frame, formula = _frame(names, ["a", "b"]), _formula(names)
    safe = names == NUTS[0]
    if safe:
        assert f"1|{names[3]}" in hlm.build(formula, frame).backend.model.named_vars
    else:
        with pytest.raises(hlm.DataError, match="rename it"):
            hlm.build(formula, frame)


def test_the_command_line_takes_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["a|b", "c/d", "e:f", "g h"]
    _frame(names, ["a", "b]", "[c"]).to_csv(tmp_path / "odd.csv", index=False)
    assert main(["compare", _formula(names), str(tmp_path / "odd.csv"), "--seed", "1", "--quiet"]) == 0
    assert "a|b" in capsys.readouterr().out
