"""Data of common experimental designs, with the formula of each: sizes and which cells are lost are drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from hlm.model.model import Model


@dataclass(frozen=True)
class Design:
    """A formula with the columns that it needs; the response is noise around groups that differ."""

    formula: str
    data: pd.DataFrame
    group: str  # a grouping factor of the formula

    @property
    def name(self) -> str:
        return self.formula


def labels(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{i}" for i in range(count)]


def crossed(**levels: Sequence[object]) -> pd.DataFrame:
    """All combinations, one row each."""
    return pd.DataFrame(list(product(*levels.values())), columns=list(levels))


def own_columns(model: Model) -> np.ndarray:
    """The groups' own columns that are not fixed at 0, as dummies, each of length 1."""
    found = []
    for factor in model.factors:
        dummies = np.eye(factor.size)[factor.codes]
        every = (dummies[:, :, None] * factor.design.matrix[:, None]).reshape(model.rows, -1)
        found.append(every[:, factor.free(slice(None))])
    return unit(np.hstack(found))


def unit(matrix: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(matrix, axis=0)
    return matrix[:, length > 0] / length[length > 0]


def designs(seed: int) -> Iterator[Design]:
    """One of each kind."""
    for i, make in enumerate(KINDS):
        yield one(make, 100 * seed + i)


def one(make: Callable[[np.random.Generator], tuple[str, pd.DataFrame, str]], seed: int) -> Design:
    """A design with its response."""
    rng = np.random.default_rng(seed)
    formula, frame, group = make(rng)
    frame = frame.sample(frac=1.0, random_state=int(rng.integers(1000))).reset_index(drop=True)
    codes = frame[group.split(":")].astype(str).agg("-".join, axis=1).astype("category").cat.codes
    y = 2 * rng.normal(size=codes.max() + 1)[codes] + rng.normal(size=len(frame))
    return Design(formula, frame.assign(y=y), group)


def _some(rng: np.random.Generator, frame: pd.DataFrame, share: float = 0.9) -> pd.DataFrame:
    """Most of the rows."""
    return frame[rng.uniform(size=len(frame)) < share]


def between_and_within(rng):
    subjects = int(rng.integers(3, 6))
    frame = crossed(line=list("abc"), s=range(subjects), damage=list("xyz"), k=range(2))
    return "y ~ line*damage + (1|sire)", _some(rng, frame.assign(sire=frame["line"] + frame["s"].astype(str))), "sire"


def covariate_within(rng):
    frame = crossed(arm=["control", "drug"], s=range(int(rng.integers(5, 9))), time=range(4))
    frame["subject"] = frame["arm"] + frame["s"].astype(str)
    return "y ~ arm*time + (time|subject)", _some(rng, frame), "subject"


def pretest(rng):
    frame = crossed(clinic=labels("c", 6), patient=range(int(rng.integers(4, 8))), week=list("abc"))
    frame["arm"] = np.where(frame["clinic"].isin(["c0", "c2", "c4"]), "t", "u")
    frame["patient"] = frame["clinic"] + frame["patient"].astype(str)
    frame["age"] = frame["patient"].map(dict(zip(frame["patient"].unique(), rng.normal(50, 9, 99), strict=False)))
    return "y ~ age + arm*week + (1|clinic/patient)", frame, "clinic"


def split_plot(rng):
    frame = crossed(block=labels("b", int(rng.integers(4, 7))), variety=list("uvw"), nitrogen=["0", "20", "40", "60"])
    return "y ~ variety*nitrogen + (1|block) + (1|block:variety)", frame, "block"


def strip_plot(rng):
    frame = crossed(block=labels("b", int(rng.integers(3, 6))), a=list("uvw"), b=list("xyz"), k=range(2))
    return "y ~ a*b + (1|block) + (1|block:a) + (1|block:b)", frame, "block"


def split_split_plot(rng):
    frame = crossed(rep=range(int(rng.integers(3, 5))), nitro=[0, 50, 80], manage=list("uvw"), gen=list("xyz"))
    return "y ~ factor(nitro)*manage*gen + (1|rep) + (1|rep:nitro) + (1|rep:nitro:manage)", frame, "rep"


def latin_square(rng):
    size = int(rng.integers(4, 7))
    frame = crossed(row=range(size), column=range(size), k=range(2))
    frame["treat"] = np.array(labels("t", size))[rng.permutation(size)[(frame["row"] + frame["column"]) % size]]
    return "y ~ treat + (1|row) + (1|column)", frame, "row"


def latin_squares(rng):
    frame = crossed(square=labels("q", 3), row=range(4), column=range(4))
    frame["treat"] = np.array(labels("t", 4))[(frame["row"] + frame["column"]) % 4]
    return "y ~ treat + (1|square) + (1|square:row) + (1|square:column)", frame, "square"


def incomplete_blocks(rng):
    pairs = [(i, j) for i in range(5) for j in range(i)]
    rows = [(f"b{k}", f"t{t}", r) for k, pair in enumerate(pairs) for t in pair for r in range(2)]
    return "y ~ treat + (1|block)", _some(rng, pd.DataFrame(rows, columns=["block", "treat", "k"]), 0.95), "block"


def partly_nested(rng):
    size = int(rng.integers(4, 7))
    frame = pd.DataFrame({"treat": np.repeat([1, 0], 8 * size)})
    frame["grp"] = [f"T{i // size}" for i in range(8 * size)] + [f"C{i}" for i in range(8 * size)]
    return "y ~ treat + (0 + treat|grp)", frame, "grp"


def subjects_by_items(rng):
    frame = crossed(subj=range(int(rng.integers(6, 10))), item=range(int(rng.integers(5, 9))))
    frame["A"] = np.array(list("ab"))[frame["subj"] % 2]
    frame["B"] = np.array(list("xy"))[frame["item"] % 2]
    return "y ~ A*B + (1|subj) + (1|item)", _some(rng, frame), "subj"


def subjects_by_items_with_slopes(rng):
    frame = crossed(subj=range(8), item=range(int(rng.integers(8, 12))))
    frame["A"] = np.array(list("ab"))[frame["subj"] % 2]
    frame["x"] = rng.normal(size=50)[frame["item"]]
    return "y ~ A*x + (x|subj) + (A|item)", frame, "subj"


def counterbalanced(rng):
    frame = crossed(subj=range(8), item=range(12))
    frame["cond"] = np.array(list("pqr"))[(frame["subj"] + frame["item"]) % 3]
    return "y ~ cond + (cond|subj) + (1|item)", frame, "subj"


def repeated_cells(rng):
    frame = crossed(s=range(int(rng.integers(5, 8))), A=list("ab"), B=list("xyz"), k=range(2))
    return "y ~ A*B + (1|s) + (1|s:A) + (1|s:B)", _some(rng, frame), "s"


def between_and_repeated(rng):
    frame = crossed(s=range(9), A=list("ab"), B=list("xyz"))
    frame["G"] = np.array(list("mno"))[frame["s"] % 3]
    return "y ~ G*A*B + (1|s) + (1|s:A) + (1|s:B)", frame, "s"


def group_covariate(rng):
    frame = crossed(g=range(int(rng.integers(8, 12))), k=range(7))
    frame["x"], frame["z"] = rng.normal(size=len(frame)), rng.normal(1000, 1, size=12)[frame["g"]]
    return "y ~ x*z + (x|g)", frame, "g"


def slopes_of_a_factor(rng):
    frame = crossed(g=range(int(rng.integers(6, 9))), f=list("abc"), k=range(3))
    frame["x"] = rng.normal(2000, 3, size=len(frame))
    return "y ~ x + f + (f|g)", _some(rng, frame), "g"


def uncorrelated_slopes(rng):
    frame = crossed(g=range(7), f=list("ab"), k=range(5))
    frame["x"] = rng.normal(size=len(frame))
    return "y ~ f*x + (f + x||g)", frame, "g"


def cross_over(rng):
    frame = crossed(subject=range(int(rng.integers(6, 10))), period=[1, 2])
    frame["treat"] = np.where((frame["subject"] + frame["period"]) % 2, "p", "q")
    frame = pd.concat([frame, frame], ignore_index=True)
    return "y ~ treat + factor(period) + (1|subject)", frame, "subject"


def disconnected(rng):
    """Pupils and teachers are crossed inside each school, and no school shares any with another."""
    frame = crossed(school=labels("k", 4), pupil=range(5), teacher=range(3))
    frame["pupil"], frame["teacher"] = (frame["school"] + frame[c].astype(str) for c in ("pupil", "teacher"))
    frame["x"] = rng.normal(size=len(frame))
    return "y ~ x + (1|pupil) + (1|teacher)", frame, "pupil"


def empty_cells(rng):
    frame = crossed(g=range(6), f=list("abcd"), h=list("pqr"), k=range(2))
    lost = rng.choice(9, 3, replace=False)
    cell = "abcd".index, "pqr".index
    codes = frame["f"].map(cell[0]) * 3 + frame["h"].map(cell[1])
    return "y ~ f*h + (1|g)", frame[~codes.isin(lost + 3)], "g"


def without_margins(rng):
    frame = crossed(g=range(7), f=list("abc"), h=list("pq"), k=range(2))
    return "y ~ f:h + (1|g)", _some(rng, frame), "g"


def sums_of_columns(rng):
    frame = crossed(g=range(7), k=range(8))
    frame["a"], frame["b"] = rng.normal(5, 1, size=(2, len(frame)))
    return "y ~ a + b + total + (a|g)", frame.assign(total=frame["a"] + frame["b"]), "g"


def nested_in_two(rng):
    frame = crossed(lab=labels("l", 4), tech=range(2), sample=range(3), half=range(2))
    frame["tech"] = frame["lab"] + frame["tech"].astype(str)
    frame["method"] = np.where(frame["half"] == 0, "old", "new")
    return "y ~ method + (1|lab/tech) + (1|lab:sample)", frame, "lab"


def graeco_latin(rng):
    frame = crossed(row=range(5), column=range(5), k=range(2))
    frame["treat"] = np.array(labels("t", 5))[(frame["row"] + frame["column"]) % 5]
    frame["dose"] = np.array(labels("d", 5))[(frame["row"] + 2 * frame["column"]) % 5]
    return "y ~ treat + dose + (1|row) + (1|column)", frame, "row"


def carry_over(rng):
    """Williams' square of four treatments: each follows each other one equally often."""
    order = np.array([[0, 1, 3, 2], [1, 2, 0, 3], [2, 3, 1, 0], [3, 0, 2, 1]])
    frame = crossed(subject=range(4 * int(rng.integers(2, 4))), period=range(4))
    treat = order[frame["subject"] % 4, frame["period"]]
    before = np.where(frame["period"] == 0, 4, order[frame["subject"] % 4, frame["period"] - 1])
    frame["treat"], frame["before"] = np.array(list("pqrs"))[treat], np.array(["p", "q", "r", "s", "none"])[before]
    return "y ~ factor(period) + treat + before + (1|subject)", frame, "subject"


def lattice(rng):
    """Nine treatments in blocks of three, two replicates."""
    frame = crossed(rep=[0, 1], treat=range(9))
    block = np.where(frame["rep"] == 0, frame["treat"] // 3, frame["treat"] % 3)
    frame["block"] = [f"{r}-{b}" for r, b in zip(frame["rep"], block, strict=True)]
    frame = pd.concat([frame, frame], ignore_index=True)
    return "y ~ factor(treat) + factor(rep) + (1|block)", frame, "block"


def within_subjects_and_items(rng):
    frame = crossed(subj=range(int(rng.integers(7, 10))), item=range(8), A=list("ab"))
    return "y ~ A + (A|subj) + (A|item)", _some(rng, frame), "subj"


def three_levels(rng):
    frame = crossed(school=range(int(rng.integers(5, 8))), room=range(3), pupil=range(6))
    room = frame["school"] * 3 + frame["room"]
    frame["room"] = "r" + room.astype(str)
    frame["x"], frame["size"] = rng.normal(size=len(frame)), rng.normal(25, 3, size=24)[room]
    frame["urban"] = np.array(["no", "yes"])[frame["school"] % 2]
    return "y ~ x*urban + size + (x|school) + (1|school:room)", _some(rng, frame), "school"


def missing_cells_within(rng):
    """No subject has all of A:B, and one cell has no rows at all."""
    frame = crossed(s=range(int(rng.integers(6, 9))), A=list("abc"), B=list("xy"), k=range(2))
    lost = (frame["s"] % 3 == frame["A"].map("abc".index)) & (frame["B"] == "y")
    return "y ~ A*B + (1|s) + (1|s:A)", frame[~lost & ((frame["A"] != "c") | (frame["B"] != "y"))], "s"


KINDS = (
    between_and_within, covariate_within, pretest, split_plot, strip_plot, split_split_plot, latin_square,
    latin_squares, incomplete_blocks, partly_nested, subjects_by_items, subjects_by_items_with_slopes, counterbalanced,
    repeated_cells, between_and_repeated, group_covariate, slopes_of_a_factor, uncorrelated_slopes, cross_over,
    disconnected, empty_cells, without_margins, sums_of_columns, nested_in_two, graeco_latin,
    carry_over, lattice, within_subjects_and_items, three_levels, missing_cells_within,
)  # fmt: skip
