"""Separated groups and common terms that separate are named by a fit, once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hlm
from hlm.fits.separation_notes import separation_notes
from hlm.formula.pooling_formulas import POOLINGS
from hlm.model.resolve import resolve

MEANING = (
    "in no pooling their own estimates have no maximum and rest on the prior alone, in partial pooling they are pulled "
    "to the other groups and finite"
)


def frame(groups: dict[str, list[int]]) -> pd.DataFrame:
    """The responses of some groups in order, with x = 0, 1, ... in each and 4 trials a row."""
    rows = [(g, float(i), y) for g, values in groups.items() for i, y in enumerate(values)]
    return pd.DataFrame(rows, columns=["g", "x", "y"]).assign(n=4, z=lambda d: np.cos(np.arange(len(d))))


GROUPS = {"a": [0, 0, 0], "b": [1, 1, 1], "c": [0, 1, 0, 1], "d": [0, 0, 1], "e": [1, 0, 1], "f": [1, 0, 0]}


@pytest.mark.parametrize(
    ("formula", "family", "groups", "named"),
    [
        ("y ~ z + (1|g)", "bernoulli", GROUPS, ["2 of 6 groups of g are separated: a (all 0), b (all 1); in"]),
        ("y ~ z + (x|g)", "bernoulli", GROUPS,
         ["4 of 6 groups of g are separated: a (all 0), b (all 1), d (divided by x), f (divided by x); in"]),
        ("y ~ z + (0 + x|g)", "bernoulli", {"a": [1, 0, 0], "b": [0, 1, 1], "c": [0, 1, 0, 1], "d": [1, 1, 0]},
         ["2 of 4 groups of g are separated: a (divided by x), b (divided by x); in"]),
        ("p(y, n) ~ z + (1|g)", "binomial", {"a": [4, 4], "b": [0, 0], "c": [1, 0], "d": [2, 4]},
         ["2 of 4 groups of g are separated: a (all 1), b (all 0); in"]),
        ("y ~ z + (1|g)", "poisson", {"a": [1, 1], "b": [0, 0], "c": [1, 0], "d": [7, 2]},
         ["1 of 4 groups of g is separated: b (all 0); in"]),
        ("y ~ z + (x|g)", "negativebinomial", {"a": [1, 0, 2], "b": [0, 0, 5], "c": [0, 3, 0], "d": [7, 2]},
         ["1 of 4 groups of g is separated: b (divided by x); in"]),
        ("y ~ z + (1|g)", "bernoulli", {f"{i}": [0, 0, 1] if i == 3 else [0, 0] for i in range(9)},
         ["8 of 9 groups of g are separated: 0 (all 0), 1 (all 0), 2 (all 0), 4 (all 0), 5 (all 0) and 3 more; in"]),
        ("y ~ z + (1|g)", "gaussian", GROUPS, []),
        ("y ~ z + (1|g)", "bernoulli", {"a": [0, 1], "b": [1, 0, 1], "c": [0, 1, 0, 0]}, []),
    ],
)  # fmt: skip
def test_separated_groups(formula: str, family: str, groups: dict[str, list[int]], named: list[str]) -> None:
    models = resolve(formula, frame(groups), poolings=POOLINGS, family=family)
    notes = {pooling: [note for note in separation_notes(m) if "groups of" in note] for pooling, m in models.items()}
    assert notes["complete"] == [] and notes["none"] == notes["partial"]
    assert [note[: note.index("; in") + 4] for note in notes["none"]] == named
    assert all(note.replace("its own", "their own").endswith(MEANING) for note in notes["none"])


SPLIT = frame({"a": [0, 0, 1], "b": [0, 0, 1, 1], "c": [0, 0, 1], "d": [0, 0, 0, 1]})


@pytest.mark.parametrize(
    ("formula", "data", "family", "start"),
    [
        ("y ~ x + z + (1|g)", SPLIT, "bernoulli", "x separates the responses: the likelihood alone would make a coeff"),
        ("y ~ h + z + (1|g)", frame(GROUPS).assign(h=lambda d: np.where(d.g == "a", "q", "r")), "bernoulli", "h sep"),
        ("y ~ x + w + (1|g)", frame(GROUPS).assign(w=lambda d: d.y - 0.9 * d.x), "bernoulli", "x, w separate the resp"),
        ("p(n, n) ~ z + (1|g)", frame(GROUPS).assign(n=lambda d: 3 + d.x.astype(int)), "binomial", "the intercept sep"),
        ("y ~ x + z + (1|g)", frame(GROUPS), "bernoulli", None),
        ("y ~ x + z + (1|g)", SPLIT, "gaussian", None),
    ],
)
def test_common_terms(formula: str, data: pd.DataFrame, family: str, start: str | None) -> None:
    for model in resolve(formula, data, poolings=POOLINGS, family=family).values():
        notes = [note for note in separation_notes(model) if "the responses" in note]
        assert len(notes) == (start is not None) and all(note.startswith(start or "") for note in notes)


def test_a_divided_group_has_no_maximum() -> None:
    """Along the combination that is named, the likelihood of the group's rows rises towards 1."""
    d = frame(GROUPS).query("g == 'f'")
    likelihood = [np.prod(1 / (1 + np.exp(-k * np.where(d.y == 1, 1, -1) * (0.5 - d.x)))) for k in (1, 5, 50)]
    assert likelihood == sorted(likelihood) and likelihood[-1] == pytest.approx(1)


def test_a_print_says_it_once() -> None:
    data = frame(GROUPS).assign(h=lambda d: np.where(d.g == "a", "q", "r"))
    fits = hlm.fit_pooling("y ~ h + (1|g)", data, family="bernoulli", seed=1, draws=100, progress=False)
    for shown in (str(fits), fits._repr_html_()):
        assert shown.count("separated:") == 1 and shown.count("h separates the responses") == 1
        assert shown.count("a (all 0), b (all 1)") == 1
        assert "none, partial: 2 of 6" in shown and "complete, none, partial: h separates" in shown
    assert str(fits["partial"]).count("partial: 2 of 6 groups of g are separated") == 1
    assert "groups of g" not in str(fits["complete"])


def test_large_data_are_not_searched_for_terms_that_separate() -> None:
    n = 150_000
    data = pd.DataFrame({"g": np.arange(n) % 300, "x": np.arange(n) * 1.0, "y": (np.arange(n) > n / 2).astype(int)})
    model = resolve("y ~ x + (1|g)", data, family="bernoulli")["partial"]
    assert list(separation_notes(model)) == []
