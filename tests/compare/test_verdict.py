"""The verdict: the lecture's conclusion, draws that decide nothing, and the summary's last line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.compare.verdict import verdict
from hlm.engines.interface import PointwiseLoo
from hlm.errors import FitError
from hlm.fits.fit import fit_pooling
from hlm.fits.results import PoolingFits
from hlm.fits.verdict_sentence import judge


def test_exam(exam: PoolingFits) -> None:
    found = verdict(exam)
    words = found.evidence.set_index(["unit", "pooling"])["verdict"]
    assert words["observation"].to_dict() == {"partial": "fits", "none": "overfits", "complete": "underfits"}
    assert words["school"].to_dict() == {"partial": "fits", "complete": "underfits", "none": "no prediction"}
    counts = found.evidence.set_index("pooling")["coefficients"].to_dict()
    assert counts == {"complete": 2, "none": 130, "partial": 132}
    rows, schools, *checks = found.sentences
    assert rows.startswith("A new row of a known school: partial fits best; complete underfits (elpd 275.")
    assert schools.startswith("A new school: partial fits best; complete underfits (elpd 22")
    assert "no pooling cannot predict a new school" in schools
    assert [check.split(" pooling")[0] for check in checks] == [
        "Check: groups of school differ more than complete", "Check: groups of school differ more than complete",
        "Check: groups of school differ less than no",
    ]  # fmt: skip
    assert str(found) == "\n".join(found.sentences) and found._repr_html_().count("<li>") == 5


def test_cannot_tell(sleepstudy: PoolingFits) -> None:
    found = verdict(sleepstudy)
    words = found.evidence.query("unit == 'observation'").set_index("pooling")["verdict"]
    assert words.to_dict() == {"partial": "cannot tell", "none": "cannot tell", "complete": "underfits"}
    assert "cannot tell none and partial apart (elpd of none 3." in found.sentences[0]


def test_other_families_judge_new_groups(cbpp: PoolingFits) -> None:
    found = verdict(cbpp)
    assert found.evidence["unit"].to_list() == ["observation"] * 3 + ["herd"] * 3
    assert found.sentences[1].startswith("A new herd: ") and "not judged" not in str(found)


def test_it_says_what_is_not_judged(counts: pd.DataFrame) -> None:
    fits = fit_pooling(
        "count ~ x + (1|g) + (1|hit)", counts, poolings=["complete", "partial"], family="poisson", method="bambi",
        draws=100, tune=300, chains=2, seed=1, progress=False,
    )  # fmt: skip
    found = verdict(fits)
    assert set(found.evidence["unit"]) == {"observation"}
    for name in ("g", "hit"):
        assert any(s.startswith(f"A new {name}: not judged. There is no leave-one-out") for s in found.sentences)


def test_summary_ends_with_it(exam: PoolingFits) -> None:
    judged = judge({label: fit.leave_out() for label, fit in exam.items()})
    last = repr(exam).splitlines()[-1]
    assert judged is not None
    assert last == (
        f"Verdict for a new row of a known group: {judged.sentence}. New groups and why: hlm.verdict(fits)."
    )
    assert last.partition(": ")[2].startswith("partial fits best; complete underfits (elpd 275.")
    assert "Verdict for a new row" in exam._repr_html_()
    assert "Verdict" not in repr(exam["partial"])


def _loo(shift: float, noise: float, seed: int, bad: int = 0) -> PointwiseLoo:
    draws = np.random.default_rng(seed).standard_normal(100)
    elpd = -1 + shift / 100 + noise * (draws - draws.mean())  # the sum differs by the shift exactly
    pareto_k = np.where(np.arange(100) < bad, 0.9, 0.1)
    return PointwiseLoo(elpd, elpd + 0.01, pareto_k)


@pytest.mark.parametrize(
    ("shift", "noise", "bad", "word"),
    [
        (-20.0, 0.1, 0, "overfits"),  # 20 below, se about 1
        (-3.0, 0.001, 0, "cannot tell"),  # certain, but too small a difference for its se to be believed
        (-20.0, 2.0, 0, "cannot tell"),  # se about 20
        (-20.0, 0.1, 30, "cannot tell"),  # numbers that cannot be trusted
    ],
)
def test_when_it_is_decided(shift: float, noise: float, bad: int, word: str) -> None:
    judged = judge({"partial": _loo(0, 0, 0), "none": _loo(shift, noise, 5, bad)})
    assert judged is not None
    assert judged.words["none"] == word
    assert judged.words["partial"] == ("fits" if word == "overfits" else "cannot tell")


def test_direction_follows_the_strategies() -> None:
    """Whatever the labels: what is less free than the best underfits."""
    loos = {"a": _loo(0, 0, 0), "b": _loo(-20, 0.1, 5)}
    judged = judge(loos, {"a": "none", "b": "partial"})
    assert judged is not None and judged.words == {"a": "fits", "b": "underfits"}
    assert judged.certainty["b"] == pytest.approx(1, abs=1e-6)
    assert judged.sentence.startswith("a fits best; b underfits (elpd 2")


def test_identical_strategies_cannot_be_told_apart(sleepstudy: PoolingFits) -> None:
    twice = PoolingFits({"none": sleepstudy["partial"], "partial": sleepstudy["partial"]})
    words = verdict(twice).evidence.query("unit == 'observation'")
    assert list(words["verdict"]) == ["cannot tell", "cannot tell"]
    assert (words[["elpd_diff", "se_diff"]] == 0).all(axis=None)


def test_what_could_not_be_computed_is_said_in_words() -> None:
    judged = judge({"partial": _loo(0, 0, 0), "none": _loo(np.nan, 0, 0)})
    assert judged is not None and judged.best == "partial"
    assert judged.sentence == "cannot tell partial and none apart (elpd of none could not be computed)"


def test_one_strategy_is_nothing_to_judge(exam: PoolingFits) -> None:
    assert judge({"partial": exam["partial"].leave_out()}) is None
    with pytest.raises(FitError, match="two of them at least"):
        verdict(exam["partial"])
