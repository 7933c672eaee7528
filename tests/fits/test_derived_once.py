"""What follows from a formula and data is derived once for each strategy, however many tables are made of a fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import hlm
from hlm.model import chosen_priors, default_priors, design, no_pooling

FORMULAS = {
    "exam": "post ~ pre + (pre|school)",
    "a factor": "post ~ pre + sex + (pre|school)",
    "two blocks": "post ~ pre + (pre||school)",
    "two factors": "post ~ pre + (1|school) + (1|vr)",
}


def _counted(counts: Counter[Any], function: Callable[..., Any], key: Callable[..., Any]) -> Callable[..., Any]:
    def counting(*arguments: Any, **options: Any) -> Any:
        counts[key(*arguments, **options)] += 1
        return function(*arguments, **options)

    return counting


@pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
def test_columns_priors_and_no_pooling_are_derived_once(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exam = hlm.load_data("exam").head(300)  # six schools
    counts: Counter[Any] = Counter()
    columns = _counted(counts, design.columns, lambda terms, data: ("columns", terms))
    monkeypatch.setattr(design, "columns", columns)
    priors = _counted(counts, default_priors.default_priors_of, lambda model, rules: ("priors", model.pooling))
    monkeypatch.setattr(chosen_priors, "default_priors_of", priors)
    none = _counted(counts, no_pooling.no_pooling, lambda formula, *_: ("no pooling", str(formula)))
    monkeypatch.setattr(design, "no_pooling", none)

    fits = hlm.fit_pooling(formula, exam, draws=50, chains=2, seed=1, progress=False)
    hlm.shrinkage(fits)
    hlm.compare_slopes(fits, group="school")
    hlm.verdict(fits)
    repr(fits)

    derived = {kind: [n for (what, _), n in counts.items() if what == kind] for kind in ("priors", "no pooling")}
    assert derived == {"priors": [1, 1, 1], "no pooling": [1]}
    sets = {terms: n for (what, terms), n in counts.items() if what == "columns"}
    assert len(sets) >= 1
    assert set(sets.values()) == {1}, sets
