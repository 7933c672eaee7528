"""Two hundred data sets of each common design: its textbook formulas draw no warning, and every planted fault does."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from more_designs import names, noise

from hlm.linting.lint import lint

type Rng = np.random.Generator
SIMULATED = 200


def cross_sectional(r: Rng) -> pd.DataFrame:
    """Pupils in classes in schools, measured once; rooms begin anew in each school, pupils in each class."""
    classes = [(s, c) for s in range(1, r.integers(8, 30)) for c in range(r.integers(1, 7))]
    rows = [(s, f"{s}{'abcdef'[c]}", c + 1, p) for s, c in classes for p in range(1, r.integers(8, 25))]
    d = pd.DataFrame(rows, columns=["school", "class", "room", "pupil"])
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
    d = d.assign(right=(r.random(len(d)) < 1 / (1 + np.exp(-logits))) * 1)
    return d[d.groupby("item")["right"].transform("mean").between(0.01, 0.99)]  # as item analyses do


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
    sizes = [5, 15, *r.integers(5, 16, 4)]  # of sizes alike, numbers would look like occasions that all sites share
    rows = [(s, p, 100 * s + p, t) for s in range(6) for p in range(1, sizes[s] + 1) for t in (0, 1)]
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


@pytest.mark.parametrize("design", dict.fromkeys(design for design, _, _ in TEXTBOOK), ids=lambda d: d.__name__)
def test_the_textbook_formulas_draw_no_warning(design: Design) -> None:
    formulas = [(formula, family) for own, formula, family in TEXTBOOK if own is design]
    for number in range(SIMULATED):
        formula, family = formulas[number % len(formulas)]
        found = lint(formula, simulated(design, number), family=family)
        assert [f"{number}: {f}" for f in found if f.severity != "note"] == []


def some(d: pd.DataFrame, r: Rng, column: str, change: Callable[[str], str]) -> pd.DataFrame:
    """A tenth of the labels of a column changed."""
    changed = r.random(len(d)) < 0.1
    changed[[3, 7]] = True
    return d.assign(**{column: d[column].astype(str).mask(changed, d[column].astype(str).map(change))})


def dated(d: pd.DataFrame, r: Rng, form: str) -> pd.DataFrame:
    """Each wave has a date, written as text."""
    days = pd.Timestamp("2019-03-01") + pd.to_timedelta(r.integers(80, 100) * d["wave"], unit="D")
    return d.assign(date=days.dt.strftime(form))


Change = Callable[[pd.DataFrame, Rng], pd.DataFrame]
PLANTED: list[tuple[str, Design, Change | None, str, str]] = [
    ("wrong nesting", cross_sectional, None, "y ~ pre + (1|class/school)", "reversed-nesting"),
    ("wrong nesting of subjects", longitudinal, None, "y ~ wave + (1|subject/clinic)", "reversed-nesting"),
    ("reused rooms", cross_sectional, None, "y ~ pre + (1|school) + (1|room)", "reused-ids"),
    ("reused rooms, nested the wrong way", cross_sectional, None, "y ~ pre + (1|room/school)", "reused-ids"),
    ("reused pairs", matched_pairs, None, "y ~ treat + (1|number)", "reused-ids"),
    ("reused plots", matched_pairs, lambda d, r: d.assign(number=names("plot ", d["number"])), "y ~ treat + (1|site) + (1|number)", "reused-ids"),
    ("the group common", cross_sectional, None, "y ~ pre + class + (1|class)", "group-also-common"),
    ("the group common as factor()", longitudinal, None, "y ~ wave + factor(subject) + (1|subject)", "group-also-common"),
    ("a finer group common", cross_sectional, None, "y ~ pre + class + (1|school)", "group-also-common"),
    ("blanks", cross_over, lambda d, r: some(d, r, "treatment", lambda label: f"{label} "), "y ~ treatment + (1|subject)", "blanks-in-labels"),
    ("blanks in groups", split_plot, lambda d, r: some(d, r, "block", lambda label: f" {label}"), "y ~ water + (1|block)", "blanks-in-labels"),
    ("blanks beside an interaction", split_plot, lambda d, r: some(d, r, "water", lambda label: f"{label}  "), "y ~ water * nitrogen + (1|block)", "blanks-in-labels"),
    ("capitals", partially_nested, lambda d, r: some(d, r, "arm", str.upper), "y ~ arm + (1|grp)", "labels-differ-by-case"),
    ("a blank label", cross_sectional, lambda d, r: some(d, r, "sex", lambda label: " "), "y ~ sex + (1|school)", "blank-label"),
    ("dates", longitudinal, lambda d, r: dated(d, r, "%Y-%m-%d"), "y ~ date + (1|subject)", "dates-as-text"),
    ("German dates", longitudinal, lambda d, r: dated(d, r, "%d.%m.%Y"), "y ~ treat + date + (1|subject)", "dates-as-text"),
    ("times", longitudinal, lambda d, r: dated(d, r, "%m/%d/%y %H:%M"), "y ~ treat * date + (1|subject)", "dates-as-text"),
    ("one row a group", cross_sectional, None, "y ~ pre + (1|school/class/pupil)", "one-row-per-group"),
    ("one row a plot", split_plot, None, "y ~ water + (1|block/plot/nitrogen)", "one-row-per-group"),
    ("one row a cell", item_response, None, "right ~ 1 + (1|person) + (1|person:item)", "one-row-per-group"),
    ("a slope for what does not vary", longitudinal, None, "y ~ wave + treat + (treat|subject)", "constant-within-groups"),
    ("a power", longitudinal, None, "y ~ wave + wave^2 + (wave|subject)", "dropped-arithmetic"),
    ("uncorrelated slopes of years", longitudinal, None, "y ~ year + (year||subject)", "far-from-zero"),
    ("a level of failures only", item_response, lambda d, r: d.assign(right=d["right"].where(d["item"] != 3, 0)), "right ~ factor(item) + (1|person)", "separation"),
]  # fmt: skip


@pytest.mark.parametrize("code", dict.fromkeys(row[-1] for row in PLANTED))
def test_every_planted_fault_draws_its_warning(code: str) -> None:
    rows = [row for row in PLANTED if row[-1] == code]
    for number in range(SIMULATED):
        what, design, change, formula, _ = rows[number % len(rows)]
        data = simulated(design, number)
        if change is not None:
            data = change(data, np.random.default_rng(number))
        family = "bernoulli" if design is item_response else "gaussian"
        graver = [f.code for f in lint(formula, data, family=family) if f.severity != "note"]
        assert code in graver, (what, number)
