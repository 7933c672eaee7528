"""Data of common designs, of random sizes: those with partners, arms, steps, panels, sites, pairs and diaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

type Rng = np.random.Generator


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


def dyads(r: Rng) -> pd.DataFrame:
    """Couples, both partners on several days; partners are numbered 1 and 2 in each couple, and throughout."""
    couples, days = int(r.integers(15, 60)), int(r.integers(3, 8))
    rows = [(c, p, t) for c in range(1, couples + 1) for p in (1, 2) for t in range(days)]
    d = pd.DataFrame(rows, columns=["couple", "partner", "day"])
    d = d[r.random(len(d)) < r.choice([0.8, 1.0])].reset_index(drop=True)
    d = d.assign(person=2 * d["couple"] + d["partner"], role=np.where(d["partner"] == 1, "husband", "wife"))
    d = d.assign(stress=r.normal(5, 2, len(d)), married=r.integers(1, 30, couples)[d["couple"] - 1])
    return d.assign(y=noise(r, d["couple"], d["person"]))


def three_arms(r: Rng) -> pd.DataFrame:
    """Practices randomised to three arms; patients measured at baseline and at the end, one row each patient."""
    practices = int(r.integers(12, 40))
    rows = [(k, i) for k in range(practices) for i in range(1, r.integers(6, 20))]
    d = pd.DataFrame(rows, columns=["practice", "patient"])
    d["arm"] = np.array(["usual", "leaflet", "training"])[d["practice"] % 3]
    d = d.assign(baseline=r.normal(20, 5, len(d)), practice=names("P", d["practice"]), female=r.integers(0, 2, len(d)))
    logits = noise(r, d["practice"]) - 0.5
    return d.assign(y=noise(r, d["practice"]), better=(r.random(len(d)) < 1 / (1 + np.exp(-logits))) * 1)


def stepped_wedge(r: Rng) -> pd.DataFrame:
    """Clinics go over to the treatment at steps, in random order; others are seen in each period, or the same."""
    steps, clinics, n = int(r.integers(3, 6)), int(r.integers(8, 20)), int(r.integers(4, 12))
    start = r.permuted(np.arange(clinics) % steps + 1)
    rows = [(c, t, i) for c in range(clinics) for t in range(steps + 1) for i in range(n)]
    d = pd.DataFrame(rows, columns=["clinic", "period", "patient"])
    d["treated"] = (d["period"] >= start[d["clinic"]]) * 1
    d = d.assign(person=n * d["clinic"] + d["patient"], age=r.normal(60, 9, len(d)), clinic=names("k", d["clinic"]))
    return d.assign(y=noise(r, d["clinic"], d["clinic"] + d["period"].astype(str), d["person"]))


def rotating_panel(r: Rng) -> pd.DataFrame:
    """Households enter each quarter and stay for four; members in households, surveyed in regions."""
    quarters, entering = int(r.integers(8, 13)), int(r.integers(5, 15))
    rows = [
        (entering * e + h, q) for e in range(quarters) for h in range(entering) for q in range(e, min(e + 4, quarters))
    ]
    d = pd.DataFrame(rows, columns=["household", "quarter"])
    d["region"] = names("R", r.integers(0, 9, d["household"].max() + 1)[d["household"]])
    d = d.assign(visit=d["quarter"] - d.groupby("household")["quarter"].transform("min") + 1)
    d = d.assign(size=r.integers(1, 6, len(d)), wage=r.lognormal(3, 0.5, len(d)))
    return d.assign(y=noise(r, d["household"], d["region"]))


def few_sites(r: Rng) -> pd.DataFrame:
    """A trial at five to seven sites, patients randomised within each; patients are numbered anew, and throughout."""
    sites = int(r.integers(5, 8))
    sizes = np.concatenate([[12], r.integers(20, 50, sites - 1)])  # alike, numbers would look like occasions
    d = pd.DataFrame([(s, i) for s in range(sites) for i in range(1, sizes[s])], columns=["site", "patient"])
    d = d.assign(treat=r.permuted(np.arange(len(d)) % 2), baseline=r.normal(30, 6, len(d)))
    d["academic"] = r.permuted(np.arange(sites) % 2)[d["site"]]
    return d.assign(site=names("Site ", d["site"]), y=noise(r, d["site"]))


def twins(r: Rng) -> pd.DataFrame:
    """Twin pairs, of one egg or two; birth order 1 and 2 in each pair."""
    pairs = int(r.integers(40, 150))
    d = pd.DataFrame([(p, k) for p in range(pairs) for k in (1, 2)], columns=["pair", "born"])
    kinds, ages = r.choice(["MZ", "DZ"], pairs), r.integers(18, 70, pairs)
    d = d.assign(zygosity=kinds[d["pair"]], age=ages[d["pair"]], weight=r.normal(2.5, 0.4, len(d)))
    d["dz"] = (d["zygosity"] == "DZ") * 1
    d["egg"] = np.where(
        d["zygosity"] == "MZ", d["pair"].astype(str), d["pair"].astype(str) + "." + d["born"].astype(str)
    )
    return d[r.random(len(d)) < r.choice([0.9, 1.0])].assign(y=lambda d: noise(r, d["pair"], d["egg"]))


def before_after(r: Rng) -> pd.DataFrame:
    """Two or three occasions of each subject of two arms; some are lost afterwards."""
    subjects, occasions = int(r.integers(20, 80)), int(r.integers(2, 4))
    d = pd.DataFrame([(s, t) for s in range(1, subjects + 1) for t in range(occasions)], columns=["id", "time"])
    d["treat"] = d["id"] % 2
    d["arm"] = np.where(d["treat"] == 1, "drug", "placebo")
    d = d[(d["time"] == 0) | (r.random(len(d)) < r.choice([0.85, 1.0]))].reset_index(drop=True)
    d = d.assign(post=(d["time"] > 0) * 1, when=np.where(d["time"] > 0, "post", "pre"))
    return d.assign(y=noise(r, d["id"]) + 0.5 * d["time"] * d["treat"])


def diary(r: Rng) -> pd.DataFrame:
    """Persons answer on some days of two or three weeks, several times a day; weekdays and days of the study."""
    persons, days = int(r.integers(15, 50)), int(r.integers(10, 22))
    rows = [(p, t, b) for p in range(1, persons + 1) for t in range(1, days + 1) for b in range(1, 4)]
    d = pd.DataFrame(rows, columns=["person", "day", "beep"])
    d = d[r.random(len(d)) < r.uniform(0.5, 0.95)].reset_index(drop=True)
    first = r.integers(0, 7, persons)[d["person"] - 1]
    d["weekday"] = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])[(first + d["day"]) % 7]
    d["weekend"] = d["weekday"].isin(["Sat", "Sun"]) * 1
    d = d.assign(stress=r.integers(1, 8, len(d)), trait=r.normal(size=persons)[d["person"] - 1])
    return d.assign(y=noise(r, d["person"], d["person"] * 100 + d["day"]))


def item_groups(r: Rng) -> pd.DataFrame:
    """Persons answer items of two subscales, an intercept and a slope of the persons for each."""
    persons, items = int(r.integers(40, 100)), int(r.integers(8, 15))
    d = pd.DataFrame([(p, i) for p in range(persons) for i in range(items)], columns=["person", "item"])
    d = d.assign(verbal=(d["item"] % 2), scale=np.where(d["item"] % 2, "verbal", "spatial"))
    d = d.assign(number=d["item"] // 2 + 1, item=names("q", d["item"]), man=r.integers(0, 2, persons)[d["person"]])
    logits = noise(r, d["person"], d["item"]) - r.normal(size=len(d))
    return d.assign(right=(r.random(len(d)) < 1 / (1 + np.exp(-logits))) * 1)


def two_by_two(r: Rng) -> pd.DataFrame:
    """Each subject in all cells of two factors, one row a cell."""
    subjects = int(r.integers(10, 40))
    rows = [(s, a, b) for s in range(1, subjects + 1) for a in ("cold", "warm") for b in ("day", "night")]
    d = pd.DataFrame(rows, columns=["subject", "heat", "light"])
    d = d.assign(warm=(d["heat"] == "warm") * 1, young=d["subject"] % 2)
    d = d.assign(order=d.groupby("subject")["heat"].transform(lambda own: r.permutation(len(own)) + 1))
    return d.assign(
        y=noise(r, d["subject"], d["subject"].astype(str) + d["heat"], d["subject"].astype(str) + d["light"])
    )
