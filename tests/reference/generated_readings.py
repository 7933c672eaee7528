"""Random formulas in lme4's syntax, and the rows that they are about.

python tests/reference/generated_readings.py | Rscript tests/reference/generated_readings.R > \
    tests/reference/generated_readings.json                                  (lme4 1.1-31, R 4.2.2)

`random_formula` takes any `random.Random`, so that hypothesis can drive it, too.
"""

from __future__ import annotations

import json
import random
import sys

import numpy as np
import pandas as pd

SEED, NUMBER, LONGEST = 20, 400, 100  # formulas, characters
NUMBERS = ["x", "z", "k", "pos", "my col"]
FACTORS = ["c", "d", "b", "h"]
COMPUTED = [
    "log(pos)", "I(x^2)", "I(x / 2 + z)", "sqrt(pos)", "exp(z/6)", "abs(z)", "scale(x)", "poly(x, 2)", "factor(k)",
    "poly(z,2,raw=TRUE)", "I(x > 3)", "log1p( pos )", "I(-z)", "I((x - z)^2/k2)", "ns(x, df = 2)", "log10(pos)",
]  # fmt: skip
GROUPS = ["g", "h", "b", "m", "g", "h"]
STARTS = ["", "", "", "", "0 + ", "1 + ", "-1 + ", "+ ", "0+", "1  +", "(0) + ", "-0 + "]
SPACES = ["", "", "", " ", " ", "  ", "\t"]


def frame() -> pd.DataFrame:
    """The rows that generated_readings.R makes."""
    i = np.arange(72)
    made = pd.DataFrame(
        {
            "x": (i * 7) % 24 / 4 + 0.5, "z": (i * i) % 13 - 6, "k": i % 5, "k2": 1 + i % 4,
            "c": np.take(["p", "q", "r"], i % 3), "d": np.take(["k", "l"], i // 3 % 2), "g": 10 + i // 12,
            "h": np.take(["u", "v", "w", "s"], i // 2 % 4), "b": np.take(["A", "B", "C"], i // 24),
            "m": 1 + i // 12 % 2, "pos": np.exp(np.sin(i)), "my col": np.cos(3 * i),
        }
    )  # fmt: skip
    return made.assign(y=made["x"] + made["z"] / 3 + np.sin(i), pos2=np.exp(np.sin(i) + made["x"]))


def random_formula(rng: random.Random) -> str:
    """A response, a sum of common terms, and one to three bars."""
    response = rng.choice(["y"] * 8 + ["log(pos2)", "I(y + 1)"])
    bars = [_bar(rng) for _ in range(rng.choice([1, 1, 1, 2, 2, 3]))]
    common = _sum(rng, 2)
    if rng.random() < 0.2:
        common = f"{common} + offset({rng.choice(['log(k2)', 'z', 'k2 / 2'])})"
    parts = [common, *bars]
    if rng.random() < 0.1:
        parts = [*bars, common.lstrip("-+ ")]
    return f"{response}{_space(rng)}~{_space(rng)}" + f"{_space(rng)}+{_space(rng)}".join(parts)


def _sum(rng: random.Random, depth: int) -> str:
    """Terms with + and - between them, sometimes 0, 1, -1, or what is there taken away again."""
    text = rng.choice(STARTS) + _product(rng, depth)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        sign = rng.choice(["+", "+", "+", "+", "-"])
        term = rng.choice(["1", "0", "1"]) if rng.random() < 0.1 else _product(rng, depth)
        text += f"{_space(rng)}{sign}{_space(rng)}{term}"
    return text


def _product(rng: random.Random, depth: int) -> str:
    kind = rng.choice(["atom"] * 4 + [":", "*", "/", "%in%", "^", "()", ":", "*"]) if depth else "atom"
    if kind == "atom":
        return _atom(rng)
    if kind == "()":
        return f"({_space(rng)}{_sum(rng, depth - 1)}{_space(rng)})"
    if kind == "^":
        return f"({_sum(rng, depth - 1)})^{rng.choice('2223')}"
    return f"{_product(rng, depth - 1)}{_space(rng)}{kind}{_space(rng)}{_product(rng, depth - 1)}"


def _atom(rng: random.Random) -> str:
    name = rng.choice([*NUMBERS * 3, *FACTORS * 3, *COMPUTED])
    quoted = not name.isidentifier() and "(" not in name
    return f"`{name}`" if quoted or (rng.random() < 0.05 and name.isidentifier()) else name


def _bar(rng: random.Random) -> str:
    effects = rng.choice(["1"] * 3 + ["x", "0 + x", "x - 1", "-1 + z", "x + z", "c", "0 + c"] + ["?"] * 6)
    group = rng.choice(
        ["?"] * 25 + ["b/m", "b:m", "g:h", "b/m/h", "b/m", "h:b", "g:h", "h/m", "b/m:h"] * 5 + ["factor(k)", "(b/m)"]
    )
    effects = _sum(rng, 1) if effects == "?" else effects
    group = rng.choice(GROUPS) if group == "?" else group
    return f"({effects}{_space(rng)}{rng.choice(['|', '|', '||'])}{_space(rng)}{group})"


def _space(rng: random.Random) -> str:
    return rng.choice(SPACES)


if __name__ == "__main__":
    rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else SEED)
    number = int(sys.argv[2]) if len(sys.argv) > 2 else NUMBER
    found: dict[str, None] = {}
    while len(found) < number:
        formula = random_formula(rng)
        if len(formula) <= LONGEST:
            found.setdefault(formula)
    print(json.dumps(list(found)))
