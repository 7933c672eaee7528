"""R's coding of factors: closed cases, and random formulas as formulae 0.6 evaluates them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import formulae
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlm.data.clean_data import CleanData
from hlm.engines.bambi.formula_text import formulae_text
from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT, Term
from hlm.formula.parser import parse
from hlm.model.design_columns import Columns, columns
from hlm.model.factor_coding import Column, Part, all_codings, coding, term_columns

C, D, X = Term(("c",)), Term(("d",)), Term(("x",))
LEVELS = {"c": ["p", "q", "r"], "d": ["k", "l"], "e": ["u", "v"]}

# the terms of y ~ ..., and where each factor has a column for every level: by R 4.2's model.matrix
CODING = [
    ("c + d", {"c": {"c": False}, "d": {"d": False}}),
    ("0 + c + d", {"c": {"c": True}, "d": {"d": False}}),
    ("0 + d + c", {"d": {"d": True}, "c": {"c": False}}),
    ("c*d", {"c": {"c": False}, "d": {"d": False}, "c:d": {"c": False, "d": False}}),
    ("0 + c*d", {"c": {"c": True}, "d": {"d": False}, "c:d": {"c": False, "d": False}}),
    ("c/d", {"c": {"c": False}, "c:d": {"c": True, "d": False}}),
    ("d + c:d", {"d": {"d": False}, "d:c": {"c": False, "d": True}}),
    ("x*c", {"x": {}, "c": {"c": False}, "x:c": {"c": False}}),
    ("x:c", {"x:c": {"c": True}}),
    ("c + x:c", {"c": {"c": False}, "x:c": {"c": True}}),
    ("0 + x + x:c", {"x": {}, "x:c": {"c": False}}),
    ("x:c + z:c", {"x:c": {"c": True}, "z:c": {"c": True}}),
    ("x:c + x:z:c", {"x:c": {"c": True}, "x:z:c": {"c": True}}),
    ("x:z + z:x:c", {"x:z": {}, "x:z:c": {"c": False}}),
    ("x:c + x:c:d", {"x:c": {"c": True}, "x:c:d": {"c": True, "d": False}}),
    ("0 + c:d", {"c:d": {"c": True, "d": True}}),
    ("c + x:c:d", {"c": {"c": False}, "x:c:d": {"c": True, "d": True}}),
]


@pytest.mark.parametrize(("text", "expected"), CODING)
def test_coding_is_rs(text: str, expected: dict[str, dict[str, bool]]) -> None:
    found = coding(parse(f"y ~ {text}").common, LEVELS)
    by_name = {frozenset(name.split(":")): full for name, full in expected.items()}
    assert {frozenset(term.variables): full for term, full in found.items() if term != INTERCEPT} == by_name


def test_short_terms_are_coded_first_wherever_they_stand() -> None:
    """As R sorts terms by degree: the common terms of a no-pooling formula stand behind the groups' own."""
    product = Term(("c", "d"))
    assert coding((product, C), LEVELS) == {product: {"c": True, "d": False}, C: {"c": True}}
    assert coding((C, INTERCEPT), LEVELS)[C] == {"c": False}


# a term that lacks margins: a factor has contrasts if the term without it is in one before (R's rule)
WITHOUT_MARGINS = [
    ("c:d", {"c": True, "d": True}),
    ("x + x:c:d", {"c": True, "d": True}),
    ("c*d + x + c:d:x", {"c": True, "d": True}),
    ("0 + c + c:d:e", {"c": True, "d": True, "e": True}),
    ("d:e + c:d:e", {"c": False, "d": True, "e": True}),
    ("c + d:e", {"d": True, "e": True}),
]


@pytest.mark.parametrize(("text", "expected"), WITHOUT_MARGINS)
def test_a_term_without_its_margins_is_coded_as_r_does(text: str, expected: dict[str, bool]) -> None:
    terms = parse(f"y ~ {text}").common
    assert coding(terms, LEVELS)[terms[-1]] == expected


def test_with_its_margins_a_product_is_every_cell() -> None:
    """The columns of all codings of c:d beside the intercept: one for each of the six cells but one."""
    assert all_codings((INTERCEPT, Term(("c", "d"))), LEVELS) == {
        INTERCEPT: ({},),
        Term(("c", "d")): ({"d": False}, {"c": False, "d": True}),
    }


def test_many_factors_without_margins_are_coded_at_once() -> None:
    names = tuple("abcdefgh")
    assert coding((INTERCEPT, Term(names)), names)[Term(names)] == dict.fromkeys(names, True)


def test_columns_of_a_term() -> None:
    found = term_columns(Term(("c", "x", "d")), {"c": False, "d": True}, LEVELS)
    assert [column.label for column in found] == ["c:x:d[q, k]", "c:x:d[q, l]", "c:x:d[r, k]", "c:x:d[r, l]"]
    assert [column.level for column in found] == ["q, k", "q, l", "r, k", "r, l"]
    assert found[1].parts == (Part("c", "q"), Part("x"), Part("d", "l"))
    assert not found[1].is_numeric
    (one,), (slope,) = term_columns(INTERCEPT, {}, LEVELS), term_columns(X, {}, LEVELS)
    assert (one.label, one.level, one.parts) == ("Intercept", None, ())
    assert (slope.label, slope.level, slope.is_numeric) == ("x", None, True)


def test_a_factor_of_one_level_has_no_column_by_contrasts() -> None:
    assert term_columns(C, {"c": False}, {"c": ["p"]}) == ()


def test_the_same_product_is_the_same_column() -> None:
    parts = (Part("x"), Part("c", "q"))
    assert Column(parts, Term(("x", "c"))) == Column(parts[::-1], Term(("c", "x")))


@dataclass(frozen=True, slots=True)
class Theirs:
    """What formulae makes of a sum of terms; ``added`` is the first term that it adds."""

    design: Columns | None
    added: str | None
    matrix: np.ndarray | None = None


def spans(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the columns of ``a`` span those of ``b``, in units of their lengths."""
    a, b = (matrix / np.linalg.norm(matrix, axis=0).clip(min=1e-300) for matrix in (a, b))
    return bool(np.linalg.matrix_rank(a, tol=1e-8) == np.linalg.matrix_rank(np.hstack([a, b]), tol=1e-8))


def formulaes(terms: tuple[Term, ...], frame: pd.DataFrame) -> Theirs:
    text = " + ".join(["1" if INTERCEPT in terms else "0", *(formulae_text(t) for t in terms if t != INTERCEPT)])
    evaluated = formulae.design_matrices(text, frame).common.terms
    by_name = {"Intercept" if term == INTERCEPT else term.name: term for term in terms}
    added = next((name for name in evaluated if name not in by_name), None)
    if added is not None:
        parts = [np.asarray(part.data, dtype=np.float64).reshape(len(frame), -1) for part in evaluated.values()]
        return Theirs(None, added, np.column_stack(parts))
    matrices, owners, labels, levels, codings = [], [], [], [], {}
    for name, part in evaluated.items():
        values = np.asarray(part.data, dtype=np.float64).reshape(len(frame), -1)
        own = getattr(part, "levels", None) or [None] * values.shape[1]
        matrices.append(values)
        owners += [by_name[name]] * len(own)
        levels += own
        labels += [name if level is None else f"{name}[{level}]" for level in own]
        factors = [c for c in getattr(part, "components", ()) if c.kind == "categoric"]
        codings[by_name[name]] = {c.name: bool(c.spans_intercept) for c in factors}
    return Theirs(Columns(np.column_stack(matrices), tuple(owners), tuple(labels), codings, tuple(levels)), None)


VARIABLES = ("x", "z", "k", "c", "d", "a b")
PRODUCTS = [Term(names) for degree in (1, 2, 3) for names in combinations(VARIABLES, degree)]


def frame_of(levels: dict[str, int], seed: int) -> pd.DataFrame:
    """30 rows in which every level occurs; the order of the levels is not the alphabet's."""
    rng = np.random.default_rng(seed)
    made = {"x": rng.normal(size=30), "z": rng.normal(size=30), "k": rng.integers(-3, 4, 30)}
    for name, count in levels.items():
        codes = rng.permutation(np.arange(30) % count)
        labels = [f"{name}[{j}], {'ba'[j % 2]}" for j in reversed(range(count))]
        made[name] = pd.Categorical.from_codes(codes, labels, ordered=True)
    return pd.DataFrame(made)


@given(
    st.lists(st.permutations(VARIABLES), max_size=1).map(lambda found: found[0] if found else VARIABLES),
    st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=7, unique=True),
    st.booleans(),
    st.fixed_dictionaries({name: st.integers(2, 4) for name in ("c", "d", "a b")}),
    st.integers(0, 1000),
)
@settings(max_examples=300, deadline=None)
def test_matrix_labels_and_coding_are_formulaes(
    spelling: list[str], products: list[Term], intercept: bool, levels: dict[str, int], seed: int
) -> None:
    spelled = [Term(tuple(sorted(term.variables, key=spelling.index))) for term in products]
    read = parse(f"y ~ {' + '.join(['1' if intercept else '0', *map(str, spelled)])}")
    frame = frame_of(levels, seed)
    theirs = formulaes(read.common, frame)
    ours = columns(read.common, CleanData(frame, len(frame)))
    if (
        theirs.added is not None
    ):  # formulae adds one margin as a term, and lacks others: of 1 + c:d:e it has c:d + c:d:e
        assert spans(ours.matrix, theirs.matrix)
        return
    assert theirs.design is not None
    assert ours.labels == theirs.design.labels
    assert ours.terms == theirs.design.terms
    assert ours.levels == theirs.design.levels
    assert ours.coding == theirs.design.coding
    np.testing.assert_array_equal(ours.matrix, theirs.design.matrix)


def test_levels_need_no_label() -> None:
    """A level may hold brackets and commas, as those of cut() do."""
    frame = frame_of({"c": 3}, 1)
    design = columns((INTERCEPT, X, C), CleanData(frame, 30))
    assert design.levels_of(C) == ("c[1], a", "c[0], b")
    assert design.levels_of(X) is None and design.levels_of(INTERCEPT) is None
    assert design.select((C,)).levels == ("c[1], a", "c[0], b")
    assert Columns(design.matrix, design.terms, design.labels).levels_of(C) is None  # made by hand, without levels


def test_other_rows_are_coded_as_the_data_were() -> None:
    frame = frame_of({"c": 4, "d": 2}, 2)
    terms = parse("y ~ 0 + x*c + d").common
    design = columns(terms, CleanData(frame, 30))
    some = frame.iloc[[5, 3, 5]]
    np.testing.assert_array_equal(design.on(some).matrix, design.matrix[[5, 3, 5]])
    part = design.select((Term(("x", "c")), D))  # coded as beside the others, whatever stands without them
    np.testing.assert_array_equal(part.on(some).matrix, part.matrix[[5, 3, 5]])
    assert part.on(frame.iloc[:0]).matrix.shape == (0, len(part.labels))
    assert columns((INTERCEPT,), CleanData(frame, 30)).on(pd.DataFrame(index=range(4))).matrix.tolist() == [[1.0]] * 4
    with pytest.raises(DataError, match="other levels than the data"):
        design.on(some.assign(c=some["c"].cat.remove_unused_categories()))
