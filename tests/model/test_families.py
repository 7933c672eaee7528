"""The family table is Bambi's, and a response that cannot come from a family is named."""

from __future__ import annotations

import pandas as pd
import pytest

from hlm.data.clean_data import clean
from hlm.errors import DataError, FitError
from hlm.formula.parser import parse
from hlm.model.families import FAMILIES, check_response, get_family


def test_the_table_is_bambis() -> None:
    from bambi.defaults.families import BUILTIN_FAMILIES

    multivariate = {"multinomial", "dirichlet_multinomial"}
    assert set(FAMILIES) == set(BUILTIN_FAMILIES) - multivariate
    for name, family in FAMILIES.items():
        theirs = BUILTIN_FAMILIES[name]
        assert family.parent == theirs["likelihood"]["parent"]
        assert family.link == theirs["link"][family.parent]
        if family.support != "ordered":  # thresholds are left to Bambi
            assert dict(family.auxiliary) == theirs.get("default_priors", {})


def test_unknown_family_names_the_nearest() -> None:
    with pytest.raises(FitError, match="no family 'gausian'. Did you mean 'gaussian'"):
        get_family("gausian")


@pytest.mark.parametrize(
    ("family", "formula", "column", "message"),
    [
        (
            "bernoulli",
            "y ~ (1|g)",
            [0, 1, 2, 0],
            "'y' is 2 in row 2 (counting from 0): the bernoulli family needs 0 and 1",
        ),
        ("poisson", "y ~ (1|g)", [0, 1, -2, 0], "'y' is -2 in row 2"),
        ("poisson", "y ~ (1|g)", [0, 1, 1.5, 0], "'y' is 1.5 in row 2"),
        ("gamma", "y ~ (1|g)", [0.0, 1, 2, 3], "numbers above 0"),
        ("beta", "y ~ (1|g)", [0.5, 0.2, 1.0, 0.3], "between 0 and 1"),
        ("binomial", "y ~ (1|g)", [0, 1, 1, 0], "write p(y, n) ~ ..."),
        ("gaussian", "p(y, n) ~ (1|g)", [0, 1, 1, 0], "add family='binomial'"),
        ("binomial", "p(y, n) ~ (1|g)", [0, 1, 9, 0], "more successes than trials in 'n'"),
    ],
)
def test_impossible_responses(family: str, formula: str, column: list[float], message: str) -> None:
    read = parse(formula)
    data = clean(read, pd.DataFrame({"y": column, "n": [5, 5, 5, 6], "g": list("aabb")}), family=family)
    with pytest.raises(DataError) as caught:
        check_response(get_family(family), read, data)
    assert message in str(caught.value)


def test_trials_must_be_counts() -> None:
    read = parse("p(y, n) ~ (1|g)")
    data = clean(read, pd.DataFrame({"y": [0, 0, 1, 1], "n": [1, 0, 2, 2], "g": list("aabb")}), family="binomial")
    with pytest.raises(DataError, match="'n' is 0 in row 1"):
        check_response(get_family("binomial"), read, data)
