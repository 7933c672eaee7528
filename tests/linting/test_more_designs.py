"""Two hundred data sets of each further design: textbook formulas draw no warning, and every planted fault does."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import more_designs as made
import numpy as np
import pandas as pd
import pytest

from hlm.linting.lint import lint

SIMULATED = 200
Design = Callable[[np.random.Generator], pd.DataFrame]
TEXTBOOK: dict[Design, list[str]] = {
    made.dyads: [
        "y ~ stress * role + (1|couple)", "y ~ stress + role + (1|couple/person)", "y ~ stress + (1|couple/partner)",
        "y ~ day + role + married + (1|couple) + (1|person)", "y ~ 0 + role + role:stress + (0 + role|couple)",
    ],
    made.three_arms: [
        "y ~ baseline + arm + (1|practice)", "y ~ baseline * arm + female + (baseline|practice)",
        "better ~ arm + female + (1|practice)",
    ],
    made.stepped_wedge: [
        "y ~ treated + factor(period) + (1|clinic)", "y ~ treated + factor(period) + (1|clinic/period)",
        "y ~ treated + period + age + (treated|clinic)", "y ~ treated + factor(period) + (1|clinic/person)",
        "y ~ treated + factor(period) + (1|clinic) + (1|clinic:period) + (1|person)",
    ],
    made.rotating_panel: [
        "y ~ quarter + (1|household)", "y ~ factor(quarter) + visit + (1|household)",
        "y ~ quarter + log(wage) + size + (1|region/household)", "y ~ visit + (1|household) + (1|quarter)",
        "y ~ factor(visit) + (1|region) + (1|household)",
    ],
    made.few_sites: [
        "y ~ treat + baseline + (1|site)", "y ~ treat + baseline + (treat|site)", "y ~ treat + (1|site) + (0 + treat|site)",
    ],
    made.twins: [
        "y ~ age + zygosity + (1|pair)", "y ~ weight + zygosity + (0 + zygosity|pair)", "y ~ weight + (1|pair/egg)",
        "y ~ weight + factor(born) + (1|pair)",
    ],
    made.before_after: [
        "y ~ time + time:treat + (1|id)", "y ~ time + time:arm + (1|id)", "y ~ post + post:treat + (1|id)",
        "y ~ when * arm + (1|id)", "y ~ factor(time) + factor(time):treat + (1|id)", "y ~ arm * factor(time) + (1|id)",
    ],
    made.diary: [
        "y ~ weekday + (1|person)", "y ~ stress + weekend + day + (stress|person)", "y ~ stress * trait + (1|person/day)",
        "y ~ stress + (1|person) + (1|day)", "y ~ stress + (1|person) + (1|weekday)",
        "y ~ I(stress - mean_by(stress, person)) + mean_by(stress, person) + (1|person)",
    ],
    made.item_groups: [
        "right ~ scale + (0 + scale|person) + (1|item)", "right ~ verbal + (verbal|person) + (1|item)",
        "right ~ scale * man + (1|person) + (1|scale:number)", "right ~ 0 + item + (0 + scale|person)",
    ],
    made.two_by_two: [
        "y ~ heat * light + (1|subject)", "y ~ heat * light + (1|subject) + (1|subject:heat) + (1|subject:light)",
        "y ~ heat * light + (heat + light|subject)", "y ~ warm * light * young + (warm|subject)",
        "y ~ heat * light + order + (1|subject)",
    ],
}  # fmt: skip


def graver(formula: str, data: pd.DataFrame) -> list[str]:
    family = "bernoulli" if formula.startswith(("right", "better")) else "gaussian"
    return [finding.code for finding in lint(formula, data, family=family) if finding.severity != "note"]


def simulated(design: Design, number: int, seed: int = 0) -> pd.DataFrame:
    """The same data in every run."""
    return design(np.random.default_rng([crc32(design.__name__.encode()), number, seed]))


@pytest.mark.parametrize("design", TEXTBOOK, ids=lambda design: design.__name__)
def test_the_textbook_formulas_draw_no_warning(design: Design) -> None:
    formulas = TEXTBOOK[design]
    for number in range(SIMULATED):
        formula = formulas[number % len(formulas)]
        assert (number, formula, graver(formula, simulated(design, number))) == (number, formula, [])


PLANTED: dict[str, list[tuple[Design, str]]] = {
    "reversed-nesting": [
        (made.dyads, "y ~ stress + (1|person/couple)"), (made.stepped_wedge, "y ~ treated + (1|person/clinic)"),
        (made.rotating_panel, "y ~ visit + (1|household/region)"), (made.twins, "y ~ weight + (1|egg/pair)"),
    ],
    "reused-ids": [
        (made.three_arms, "y ~ arm + (1|practice) + (1|patient)"), (made.three_arms, "y ~ arm + (1|patient/practice)"),
        (made.few_sites, "y ~ treat + (1|patient)"),
    ],
    "group-also-common": [
        (made.dyads, "y ~ factor(person) + (1|couple)"), (made.two_by_two, "y ~ heat + factor(subject) + (1|subject)"),
        (made.few_sites, "y ~ site * treat + (1|site)"), (made.rotating_panel, "y ~ region + quarter + (1|region)"),
    ],
    "one-row-per-group": [
        (made.three_arms, "y ~ arm + (1|practice/patient)"), (made.rotating_panel, "y ~ visit + (1|household/quarter)"),
        (made.twins, "y ~ weight + (1|pair/born)"), (made.before_after, "y ~ arm + (1|id/time)"),
        (made.diary, "y ~ stress + (1|person/day/beep)"), (made.two_by_two, "y ~ warm + (1|subject/heat/light)"),
    ],
    "constant-within-groups": [
        (made.three_arms, "y ~ arm + (arm|practice)"), (made.two_by_two, "y ~ young + (young|subject)"),
        (made.diary, "y ~ trait + (trait|person)"), (made.dyads, "y ~ married + (married|couple)"),
    ],
    "interaction-without-main-effects": [
        (made.before_after, "y ~ treat + time:treat + (1|id)"), (made.diary, "y ~ stress + stress:trait + (1|person)"),
        (made.three_arms, "y ~ baseline + baseline:arm + (1|practice)"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("code", PLANTED)
def test_every_planted_fault_draws_its_warning(code: str) -> None:
    rows = PLANTED[code]
    for number in range(SIMULATED):
        design, formula = rows[number % len(rows)]
        assert code in graver(formula, simulated(design, number)), (formula, number)


def labelled(column: str, change: Callable[[str], str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A change of every ninth label."""

    def changed(d: pd.DataFrame) -> pd.DataFrame:
        labels = d[column].astype(str)
        return d.assign(**{column: labels.mask(np.arange(len(d)) % 9 == 4, labels.map(change))})

    return changed


def dated(form: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The days of the study as text."""
    return lambda d: d.assign(date=(pd.Timestamp("2021-03-01") + pd.to_timedelta(d["day"], unit="D")).dt.strftime(form))


CHANGED: dict[str, list[tuple[Design, Callable[[pd.DataFrame], pd.DataFrame], str]]] = {
    "blanks-in-labels": [
        (made.three_arms, labelled("arm", lambda label: label + " "), "y ~ arm + (1|practice)"),
        (made.few_sites, labelled("site", lambda label: " " + label), "y ~ treat + (1|site)"),
        (made.item_groups, labelled("scale", lambda label: label + "\t"), "right ~ scale + (1|person)"),
    ],
    "labels-differ-by-case": [
        (made.twins, labelled("zygosity", str.lower), "y ~ zygosity + (1|pair)"),
        (made.few_sites, labelled("site", lambda label: label.replace(" ", "")), "y ~ treat + (1|site)"),
    ],
    "dates-as-text": [
        (made.diary, dated("%Y-%m-%d"), "y ~ date + (1|person)"), (made.diary, dated("%d.%m.%Y"), "y ~ stress + date + (1|person)"),
        (made.diary, dated("%b %d, %Y"), "y ~ date + (1|person)"), (made.dyads, dated("%d/%m/%Y"), "y ~ role * date + (1|couple)"),
    ],
    "separation": [
        (made.item_groups, lambda d: d.assign(right=d["right"].where((d["scale"] == "verbal") | (d["man"] == 0), 1)), "right ~ scale * man + (1|person)"),
        (made.item_groups, lambda d: d.assign(age=d["man"] * (2.0 * d["right"] - 1) * (1 + d.index % 7)), "right ~ man * age + (1|person)"),
        (made.three_arms, lambda d: d.assign(better=(d["baseline"] + 3 * d["female"] > 20) * 1), "better ~ baseline + female + (1|practice)"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("code", CHANGED)
def test_every_planted_fault_of_labels_and_responses_draws_its_warning(code: str) -> None:
    rows = CHANGED[code]
    for number in range(SIMULATED):
        design, change, formula = rows[number % len(rows)]
        assert code in graver(formula, change(simulated(design, number))), (formula, number)
