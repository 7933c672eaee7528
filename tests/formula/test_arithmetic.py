"""Random arithmetic: its canonical text reads back as itself, and has the value that Python gives the same tree."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hlm.data.transforms import learn
from hlm.formula.formula import Term
from hlm.formula.parser import parse

FRAME = pd.DataFrame({"a": [0.5, 1.5, 2.0], "b": [3.0, 1.0, 2.5]})
PYTHON = {"^": "**", "%%": "%", "%/%": "//"}


def both(operator: str, left: tuple[str, str], right: tuple[str, str]) -> tuple[str, str]:
    """The same operation as R writes it and as Python does, each with its own parentheses only where asked."""
    return f"{left[0]} {operator} {right[0]}", f"({left[1]} {PYTHON.get(operator, operator)} {right[1]})"


LEAVES = st.sampled_from([("a", "a"), ("b", "b"), ("2", "2.0"), ("0.5", "0.5"), ("3", "3.0")])
PRODUCTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda e: (f"({e[0]})", e[1])),
        st.tuples(st.sampled_from(["+", "-", "*", "/"]), inner, inner).map(
            lambda t: both(t[0], (f"({t[1][0]})", t[1][1]), (f"({t[2][0]})", t[2][1]))
        ),
        st.tuples(inner, st.sampled_from(["log1p", "sqrt", "abs"])).map(
            lambda t: (f"{t[1]}(abs({t[0][0]}))", f"np.{t[1]}(np.abs({t[0][1]}))")
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(PRODUCTS)
def test_text_and_value_of_random_arithmetic(pair: tuple[str, str]) -> None:
    text, python = pair
    written = f"y ~ I(0 * a + ({text})) + (1|g)"
    formula = parse(written)
    assert parse(str(formula)) == formula
    (term,) = (t for t in formula.common if t != Term())
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(eval(python, {"np": np, "a": FRAME["a"].to_numpy(), "b": FRAME["b"].to_numpy()}), 3)
    if np.isfinite(expected).all():
        _, found = learn(term.name, FRAME, {})
        # the same operations of float64 in the same order, but for the 0 that is added
        np.testing.assert_allclose(found[term.name], expected, rtol=1e-12, atol=1e-300)


PRECEDENCE = [
    ("2^3^2", 512.0), ("-2^2", -4.0), ("2^-1", 0.5), ("6/3*2", 4.0), ("7 - 2 - 1", 4.0), ("7%%4*2", 6.0), ("-7%%4", 1.0),
    ("7%/%2*2", 6.0), ("2*7%%4", 6.0), ("1 + 2 > 2", 1.0), ("- -3", 3.0), ("2 - -3", 5.0), ("-1 + 2", 1.0), ("+3", 3.0),
]  # fmt: skip


def test_operators_bind_as_in_r() -> None:
    """The values that R 4.2 prints."""
    for text, value in PRECEDENCE:
        (term,) = (t for t in parse(f"y ~ I(0 * a + ({text}))").common if t != Term())
        assert learn(term.name, FRAME, {})[1][term.name].tolist() == [value] * 3, text
