"""Two hundred data sets of each common design: its textbook formulas draw no warning, and every planted fault does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import pandas as pd
import pytest

from hlm.linting.lint import lint

type Rng = np.random.Generator
SIMULATED = 200


def names(letter: str, numbers: Sequence[int] | np.ndarray) -> list[str]:
    """Labels such as ``s3``."""
    return [f"{letter}{number}" for number in numbers]


def noise(r: Rng, *factors: pd.Series) -> np.ndarray:
    """A normal number for each level of each factor, and one for each row."""
    found = r.normal(size=len(factors[0]))
    for factor in factors:
        codes, levels = pd.factorize(factor)
        found += r.normal(size=len(levels))[codes]
    return np.asarray(found)


def cross_sectional(r: Rng) -> pd.DataFrame:
    """Pupils in classes in schools, measured once; classes have names of their own, pupils begin anew in each class."""
    classes = [(s, f"{s}{'abcd'[c]}") for s in range(1, r.integers(8, 30)) for c in range(r.integers(2, 5))]
    rows = [(s, c, p) for s, c in classes for p in range(1, r.integers(8, 30))]
    d = pd.DataFrame(rows, columns=["school", "class", "pupil"])
    d = d.assign(pre=r.normal(50, 10, len(d)), sex=r.choice(["f", "m"], len(d)), income=r.lognormal(10, 1, len(d)))
    d["size"] = d.groupby("school")["pupil"].transform("size")
    return d.assign(y=noise(r, d["school"], d["class"]) + 0.1 * d["pre"])


def longitudinal(r: Rng) -> pd.DataFrame:
    """Subjects who enter in different years and drop out; ages, calendar years, a treatment for each subject."""
    waves, subjects = int(r.integers(5, 10)), int(r.integers(20, 80))
    entry = np.sort(r.integers(0, waves - 2, subjects)) if r.random() < 0.7 else np.zeros(subjects, dtype=int)
    stay = np.minimum(waves - entry, r.integers(2, waves + 1, subjects))
    rows = [(i + 1, w, entry[i] + w) for i in range(subjects) for w in range(stay[i])]
    d = pd.DataFrame(rows, columns=["subject", "wave", "year"])
    d["age"] = r.integers(20, 60, subjects)[d["subject"] - 1] + d["wave"]
    d["treat"] = r.permuted(np.arange(subjects) % 2)[d["subject"] - 1]
    d["clinic"] = names("c", r.integers(0, 8, subjects)[d["subject"] - 1])
    d = d.assign(year=d["year"] + 2010, mood=r.integers(1, 6, len(d)), visit=names("v", d["wave"]))
    return d.assign(y=noise(r, d["subject"]) + 0.3 * d["wave"])


def cross_over(r: Rng) -> pd.DataFrame:
    """Two periods, the treatments in both orders."""
    subjects = int(r.integers(10, 40))
    d = pd.DataFrame([(i, p) for i in range(subjects) for p in (1, 2)], columns=["subject", "period"])
    d["sequence"] = np.where(d["subject"] % 2 == 0, "AB", "BA")
    d["treatment"] = [sequence[period - 1] for sequence, period in zip(d["sequence"], d["period"], strict=True)]
    return d.assign(y=noise(r, d["subject"]))


def partially_nested(r: Rng) -> pd.DataFrame:
    """The treated are in groups, each control is a group."""
    groups, size = int(r.integers(5, 12)), int(r.integers(4, 10))
    n = groups * size
    d = pd.DataFrame(
        {"treat": np.repeat([1, 0], n), "grp": names("T", np.arange(n) // size) + names("C", np.arange(n))}
    )
    d["arm"] = np.where(d["treat"] == 1, "therapy", "control")
    return d.assign(control=1 - d["treat"], x=r.normal(size=2 * n), y=noise(r, d["grp"]))


def split_plot(r: Rng) -> pd.DataFrame:
    """Blocks, whole plots in blocks, subplots in whole plots; plots are numbered anew in each block, and throughout."""
    blocks, rows = int(r.integers(5, 9)), []
    for b in range(blocks):
        for plot, water in enumerate(r.permutation(["dry", "moist", "wet"])):
            rows += [(b, plot, 3 * b + plot, water, nitrogen) for nitrogen in (0, 20, 40, 60)]
    d = pd.DataFrame(rows, columns=["block", "plot", "id", "water", "nitrogen"])
    d["variety"] = r.permuted(np.arange(len(d)) % 2)
    return d.assign(block=names("b", d["block"]), y=noise(r, d["block"], d["id"]))


def item_response(r: Rng) -> pd.DataFrame:
    """Persons answer items, right or wrong; booklets leave items out, and some persons stop early."""
    persons, items = int(r.integers(40, 120)), int(r.integers(8, 19))
    d = pd.DataFrame([(p + 1, i + 1) for p in range(persons) for i in range(items)], columns=["person", "item"])
    age, word = r.integers(20, 60, persons), r.integers(3, 9, items)
    d = d.assign(age=age[d["person"] - 1], length=word[d["item"] - 1])
    keep = r.random(len(d)) < r.choice([0.7, 1.0])
    if r.random() < 0.3:
        keep &= d["item"] <= r.integers(items // 2, items + 1, persons)[d["person"] - 1]
    d = d[keep]
    logits = noise(r, d["person"], d["item"]) - r.normal(size=len(d))
    return d.assign(right=(r.random(len(d)) < 1 / (1 + np.exp(-logits))) * 1)


def repeated_cells(r: Rng) -> pd.DataFrame:
    """Subjects by items by conditions, several trials of each; some trials are lost."""
    subjects, items, trials = int(r.integers(8, 25)), int(r.integers(6, 15)), int(r.integers(2, 4))
    rows = [(s, i, c, t) for s in range(subjects) for i in range(items) for c in "ab" for t in range(trials)]
    d = pd.DataFrame(rows, columns=["subject", "item", "condition", "trial"])
    d["group"] = np.where(d["subject"] % 2 == 0, "old", "young")
    d = d[r.random(len(d)) < r.choice([0.6, 0.9, 1.0])]
    return d.assign(rating=r.integers(1, 8, len(d)), y=noise(r, d["subject"], d["item"]))


def matched_pairs(r: Rng) -> pd.DataFrame:
    """Pairs of a treated and a control; some pairs lost one of both; pairs begin anew in each site."""
    rows = [(s, p, 100 * s + p, t) for s in range(6) for p in range(1, r.integers(5, 16)) for t in (0, 1)]
    d = pd.DataFrame(rows, columns=["site", "number", "pair", "treat"])
    d = d[r.random(len(d)) < r.choice([0.95, 1.0])]
    d = d.assign(site=names("site ", d["site"]), age=r.normal(60, 8, len(d)))
    return d.assign(y=noise(r, d["site"], d["pair"]) + d["treat"])


Design = Callable[[Rng], pd.DataFrame]
TEXTBOOK: list[tuple[Design, str, str]] = [
    (cross_sectional, "y ~ pre + (1|school)", "gaussian"),
    (cross_sectional, "y ~ pre + sex + (pre|school)", "gaussian"),
    (cross_sectional, "y ~ pre + log(income) + size + (1|school/class)", "gaussian"),
    (cross_sectional, "y ~ pre + income + (1|school) + (1|class)", "gaussian"),
    (longitudinal, "y ~ wave + (1|subject)", "gaussian"),
    (longitudinal, "y ~ wave + (wave|subject)", "gaussian"),
    (longitudinal, "y ~ year + (1|subject)", "gaussian"),
    (longitudinal, "y ~ year + (year|subject)", "gaussian"),
    (longitudinal, "y ~ age + factor(year) + (1|subject)", "gaussian"),
    (longitudinal, "y ~ visit + (1|subject)", "gaussian"),
    (longitudinal, "y ~ wave * treat + (wave|subject)", "gaussian"),
    (longitudinal, "y ~ poly(wave, 2) + treat + (1|subject)", "gaussian"),
    (longitudinal, "y ~ treat + (1|subject)", "gaussian"),
    (longitudinal, "y ~ wave + (wave|clinic/subject)", "gaussian"),
    (cross_over, "y ~ treatment + period + (1|subject)", "gaussian"),
    (cross_over, "y ~ treatment + factor(period) + sequence + (1|subject)", "gaussian"),
    (partially_nested, "y ~ treat + (0 + treat|grp)", "gaussian"),
    (partially_nested, "y ~ x + treat + (treat - 1|grp)", "gaussian"),
    (partially_nested, "y ~ treat + (0 + treat|grp) + (0 + control|grp)", "gaussian"),
    (split_plot, "y ~ water * nitrogen + (1|block/plot)", "gaussian"),
    (split_plot, "y ~ water * factor(nitrogen) + (1|block/water)", "gaussian"),
    (split_plot, "y ~ water * factor(nitrogen) + (1|block) + (1|id)", "gaussian"),
    (item_response, "right ~ 1 + (1|person) + (1|item)", "bernoulli"),
    (item_response, "right ~ age + length + (1|person) + (1|item)", "bernoulli"),
    (item_response, "right ~ 0 + factor(item) + (1|person)", "bernoulli"),
    (repeated_cells, "y ~ condition + (condition|subject) + (condition|item)", "gaussian"),
    (repeated_cells, "y ~ group * condition + (1|subject) + (1|item)", "gaussian"),
    (repeated_cells, "y ~ condition + (1|subject) + (1|subject:item)", "gaussian"),
    (matched_pairs, "y ~ treat + (1|pair)", "gaussian"),
    (matched_pairs, "y ~ treat + age + (1|site/number)", "gaussian"),
]


def simulated(design: Design, number: int, seed: int = 0) -> pd.DataFrame:
    """The same data in every run."""
    return design(np.random.default_rng([crc32(design.__name__.encode()), number, seed]))


@pytest.mark.parametrize(("design", "formula", "family"), TEXTBOOK, ids=[f"{d.__name__}: {f}" for d, f, _ in TEXTBOOK])
def test_the_textbook_formula_draws_no_warning(design: Design, formula: str, family: str) -> None:
    for number in range(SIMULATED):
        found = lint(formula, simulated(design, number), family=family)
        assert [f"{number}: {f}" for f in found if f.severity != "note"] == []
