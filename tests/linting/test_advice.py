"""Advice that holds: one for each fault, none for textbook models, separation by several terms, links, clean data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import formula_and_data
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.linting.lint import lint
from hlm.model.families import get_family


def trial(seed: int = 3) -> pd.DataFrame:
    """40 subjects of two arms at 10 times, with columns without any effect."""
    r = np.random.default_rng(seed)
    d = pd.DataFrame({"id": np.repeat([f"s{i}" for i in range(40)], 10), "time": np.tile(np.arange(10), 40)})
    d["treat"] = np.repeat(np.arange(40) % 2, 10)
    d["arm"] = np.where(d["treat"] == 1, "drug", "placebo")
    d = d.assign(x=r.normal(size=400), z=r.normal(size=400), f=r.choice(list("uvw"), 400), h=r.choice(list("pq"), 400))
    return d.assign(y=r.normal(size=400), b=r.integers(0, 2, 400), k=r.poisson(2, 400))


def warnings(formula: str, data: Any, family: str = "gaussian") -> list[str]:
    return [finding.code for finding in lint(formula, data, family=family) if finding.severity != "note"]


@pytest.mark.parametrize("formula", ["y ~ time + time:treat + (time|id)", "y ~ time + arm:time + (1|id)"])
def test_a_baseline_that_the_arms_share_draws_no_warning(formula: str) -> None:
    assert warnings(formula, trial()) == []


@pytest.mark.parametrize(
    "formula",
    ["y ~ treat + time:treat + (1|id)", "y ~ I(time + 2010) + I(time + 2010):treat + (1|id)", "y ~ x + x:treat + (x|id)",
     "y ~ time + time:x + (1|id)"],
)  # fmt: skip
def test_other_interactions_without_main_effects_draw_it(formula: str) -> None:
    assert warnings(formula, trial()) == ["interaction-without-main-effects"]


def test_pupils_numbered_anew_as_the_outer_factor_draw_one_advice() -> None:
    exam = load_data("exam")
    (finding,) = [f for f in lint("post ~ pre + (1|student/school)", exam) if f.severity != "note"]
    assert (finding.code, finding.instead) == ("reused-ids", "post ~ pre + (1|school)")
    assert warnings("post ~ pre + (1|school)", exam) == []


def test_few_groups_as_common_terms_have_the_margins_of_their_interactions() -> None:
    d = trial().assign(site=np.tile(["A", "B", "C", "C"], 100))
    formula = 'y ~ x + dummy(f, "u") + (0 + dummy(f, "u")|site) + (1|id)'
    finding = next(finding for finding in lint(formula, d) if finding.code == "few-groups")
    assert finding.instead == 'y ~ x + dummy(f, "u") + site + site:dummy(f, "u") + (1|id)'
    assert finding.instead is not None and warnings(finding.instead, d) == []


def bernoulli(d: pd.DataFrame) -> pd.Series:
    return pd.Series(np.random.default_rng(1).integers(0, 2, len(d)))


SEPARATED = [  # formula, family, response, place
    ("b ~ f + x + z + (1|id)", "bernoulli", lambda d: (d["x"] + 2 * d["z"] > 0.5) * 1, "z", "x, z: "),
    ("b ~ f * x + (1|id)", "bernoulli", lambda d: bernoulli(d).where(d["f"] != "v", (d["x"] > 0.4) * 1), "f * x", "f, f:x: |f:x: "),
    ("b ~ poly(x, 2) + (1|id)", "bernoulli", lambda d: (d["x"].abs() > 1) * 1, "poly(x, 2)", "poly(x, 2): "),
    ("k ~ f + x + f:x + (1|id)", "poisson", lambda d: d["k"].where(d["f"] != "w", 0), "f", "f is w"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "family", "response", "place", "start"), SEPARATED)
def test_separation_by_several_columns(formula: str, family: str, response: Any, place: str, start: str) -> None:
    d = trial()
    name = formula[0]
    assert "separation" not in warnings(formula, d, family)
    (finding,) = [f for f in lint(formula, d.assign(**{name: response(d)}), family=family) if f.code == "separation"]
    assert finding.text == place and any(part in finding.message for part in start.split("|"))


def test_separation_in_a_cell_needs_the_interaction() -> None:
    d = trial()
    d["k"] = d["k"].where((d["f"] != "v") | (d["h"] != "q"), 0)
    assert warnings("k ~ f * h + (1|id)", d, "poisson") == ["separation"]
    assert warnings("k ~ f + h + (1|id)", d, "poisson") == []


def test_links() -> None:
    d = trial()
    separated = d.assign(b=(d["x"] > 0) * 1)
    assert "separation" in lint("b ~ x + (1|id)", separated, family="bernoulli", link="probit").codes
    assert "separation" not in lint("b ~ x + (1|id)", separated, family="bernoulli", link="identity").codes
    with pytest.raises(FitError, match="no link 'logg'"):
        lint("k ~ x + (1|id)", d, family="poisson", link="logg")


@pytest.mark.parametrize("order", [["no", "yes"], ["yes", "no"]])
def test_clean_data_keep_the_labels_of_the_response(order: list[str]) -> None:
    d = trial()[lambda d: d["x"] > -1]
    d["b"] = pd.Categorical(np.where(d["b"] == 1, "yes", "no"), categories=order)
    _, table = formula_and_data("b ~ f + x + (1|id)", d, family=get_family("bernoulli"))
    found = [lint("b ~ f + x + (1|id)", data, family="bernoulli") for data in (d, table)]
    assert [f.message for f in found[0]] == [f.message for f in found[1]]
    assert f"the probability of {order[1]!r}" in found[1][0].message
