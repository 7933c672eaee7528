"""Design columns as R codes them, and what no pooling can have on real data."""

from __future__ import annotations

import formulae
import numpy as np
import pandas as pd
import pytest

from hlm import fit, predict
from hlm.data.clean_data import clean
from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.build import build
from hlm.formula.parser import parse
from hlm.model.design import Design
from hlm.model.design_columns import columns
from hlm.model.resolve import resolve
from hlm.support.linear_algebra import within_least_squares


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=60), "x": rng.normal(size=60), "c": np.tile(list("pqr"), 20),
            "d": np.tile(list("kl"), 30), "g": np.repeat(list("ABC"), 20),
        }
    )  # fmt: skip


# by R 4.2's model.matrix
CODING = [
    ("y ~ c", ("Intercept", "c[q]", "c[r]")),
    ("y ~ 0 + c", ("c[p]", "c[q]", "c[r]")),
    ("y ~ 0 + c + d", ("c[p]", "c[q]", "c[r]", "d[l]")),
    ("y ~ x*c", ("Intercept", "x", "c[q]", "c[r]", "x:c[q]", "x:c[r]")),
    ("y ~ x:c", ("Intercept", "x:c[p]", "x:c[q]", "x:c[r]")),
    ("y ~ c + x:c", ("Intercept", "c[q]", "c[r]", "x:c[p]", "x:c[q]", "x:c[r]")),
]


@pytest.mark.parametrize(("formula", "labels"), CODING)
def test_coding_is_rs(formula: str, labels: tuple[str, ...], frame: pd.DataFrame) -> None:
    read = parse(formula)
    design = columns(read.common, clean(read, frame))
    assert design.labels == labels
    assert np.linalg.matrix_rank(design.matrix) == len(labels)


def test_levels_stand_in_the_order_of_the_categories(frame: pd.DataFrame) -> None:
    """The first category is the reference, as in R; by itself formulae would sort them."""
    read = parse("y ~ c + (1|g)")
    data = frame.assign(
        c=pd.Categorical(frame["c"], categories=["r", "p", "q"]), g=frame["g"].map({"A": 10, "B": 2, "C": 33})
    )
    cleaned = clean(read, data)
    assert columns(read.common, cleaned).labels == ("Intercept", "c[p]", "c[q]")
    graph = build(read, cleaned).backend.model
    assert list(graph.coords["c_dim"]) == ["p", "q"]
    assert list(graph.coords["g__factor_dim"]) == ["2", "10", "33"]


def test_brackets_in_the_name_of_a_number_are_no_level(frame: pd.DataFrame) -> None:
    """``z[a]`` is one column, not the level ``a`` of a factor, also beside one in a block."""
    data = frame.assign(**{"z[a]": frame["x"] ** 2})
    (factor,) = resolve("y ~ c + (c + `z[a]`|g)", data)["partial"].factors
    assert factor.design.labels == ("Intercept", "c[q]", "c[r]", "z[a]")
    assert [effect.coefficients.dims for effect in factor.effects] == [
        ("g__factor_dim",), ("c__expr_dim", "g__factor_dim"), ("g__factor_dim",),
    ]  # fmt: skip


def test_values_of_columns(frame: pd.DataFrame) -> None:
    read = parse("y ~ x*c")
    design = columns(read.common, clean(read, frame))
    np.testing.assert_array_equal(design.matrix[:, 4], frame["x"] * (frame["c"] == "q"))


def test_a_product_without_its_factors_has_a_column_for_every_cell(frame: pd.DataFrame) -> None:
    read = parse("y ~ c:d")
    found = columns(read.common, clean(read, frame))
    assert len(found.labels) == 1 + frame["c"].nunique() * frame["d"].nunique()
    np.testing.assert_array_equal(found.matrix[:, 1:].sum(axis=1), 1.0)


def test_the_order_inside_a_product_adds_no_column(frame: pd.DataFrame) -> None:
    """formulae 0.6 alone gives ``x:z + z:x:c`` a column too many, and stops at ``x:z + z:x:c + x:z:c:d``."""
    data = frame.assign(z=frame["x"] ** 2 + 1)
    for formula, width in (("y ~ x:z + z:x:c", 4), ("y ~ x:z + z:x:c + x:z:c:d", 7)):
        read = parse(formula)
        found = columns(read.common, clean(read, data)).matrix
        assert np.linalg.matrix_rank(found) == found.shape[1] == width


NONE = [
    ("exam", "post ~ pre + (pre|school)", "post ~ 0 + school + school:pre", []),
    ("exam", "post ~ pre + sex + schgend + (pre|school)", "post ~ 0 + school + school:pre + sex", ["schgend is left out"]),
    ("pastes", "strength ~ 1 + (1|batch/cask)", "strength ~ 0 + batch:cask", []),
    ("pastes", "strength ~ 1 + (1|batch) + (1|sample)", "strength ~ 0 + sample", ["each sample lies in one batch"]),
    ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)", "diameter ~ 0 + plate + sample", []),
    (
        "radon", "log_radon ~ floor*log_uranium + (floor||county)", "log_radon ~ 0 + county + county:floor",
        ["log_uranium is left out", "floor:log_uranium is left out"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "formula", "none", "notes"), NONE)
def test_no_pooling_on_real_data(data: str, formula: str, none: str, notes: list[str]) -> None:
    read = parse(formula)
    strategy = Design(read, clean(read, load_data(data))).no_pooling
    assert str(strategy.formula) == none
    assert len(strategy.notes) == len(notes)
    for found, start in zip(strategy.notes, notes, strict=True):
        assert found.startswith(start)


CELLS = [
    ("y ~ c + (c|g) + (1|g:c)", "y ~ 0 + g:c", ["g", "c"]),
    ("y ~ c + (0 + C(c, Sum)|g) + (1|g:c)", "y ~ 0 + g:c", ["g", "c"]),
    ("y ~ c*d + (c|g) + (d|g:c)", "y ~ 0 + g:c + g:c:d", ["g", "c", "d"]),
    ("y ~ c*d + (c*d|g) + (1|g:c)", "y ~ 0 + g:d + g:c:d", ["g", "c", "d"]),
]


@pytest.mark.parametrize(("formula", "none", "cells"), CELLS)
def test_a_factor_that_varies_beside_its_cells_is_in_them(formula: str, none: str, cells: list[str]) -> None:
    """Once both were to be named ``g:c``, and a column was said to have the name of a parameter."""
    rng = np.random.default_rng(3)
    labels = {"g": "pqrs", "c": "ab", "d": "uvw"}
    data = pd.DataFrame({name: rng.choice(list(levels), 200) for name, levels in labels.items()})
    data["y"] = rng.normal(size=200)
    fitted = fit(formula, data, pooling="none", seed=1, progress=False)
    assert str(fitted.formula) == none
    means = data.groupby(cells)["y"].transform("mean")  # least squares on the same span
    assert np.abs(predict(fitted)["estimate"] - means).max() < 0.02


def test_intercept_goes_where_a_full_factor_varies(frame: pd.DataFrame) -> None:
    read = parse("y ~ c + (0 + c|g)")
    assert str(Design(read, clean(read, frame)).no_pooling.formula) == "y ~ 0 + g:c"


@pytest.mark.parametrize("bars", ["(0 + x|g) + (1|g)", "(0 + x:c|g) + (x|g)", "(0 + c:d|g) + (0 + c|g)"])
def test_own_effects_stand_in_the_order_of_their_columns(bars: str, frame: pd.DataFrame) -> None:
    """Their coefficients are put side by side in this order: ``(0 + x|g) + (1|g)`` once had the two exchanged."""
    read = parse(f"y ~ x + {bars}")
    data = clean(read, frame)
    strategy = Design(read, data).no_pooling
    found = strategy.designs[read.groups[0]].terms
    assert list(dict.fromkeys(found)) == [o.effect for o in strategy.own]


def test_within_least_squares_is_numpys_in_each_group(frame: pd.DataFrame) -> None:
    read = parse("y ~ x + (x|g)")
    data = clean(read, frame)
    effects = columns(read.common, data).matrix
    codes = data.codes(read.groups[0])
    found = within_least_squares(frame["y"].to_numpy(), codes, effects)
    for k in range(3):
        slope, intercept = np.polyfit(frame["x"][codes == k], frame["y"][codes == k], 1)
        np.testing.assert_allclose(found[k], [intercept, slope], rtol=1e-9)  # both solve a 2 x 2 system in float64


def test_numeric_columns_are_those_of_formulae() -> None:
    """Products of numbers are made without formulae; they must be its columns, in its order, to the last bit."""
    data = clean(parse("post ~ pre * schavg + (pre|school)"), load_data("exam"))
    design = columns(parse("post ~ pre * schavg").common, data)
    theirs = formulae.design_matrices("1 + pre + schavg + pre:schavg", data.columns.reset_index(drop=True)).common
    assert list(design.labels) == list(theirs.terms)
    np.testing.assert_array_equal(design.matrix, np.asarray(theirs.design_matrix))
