"""Every option of the public functions with a wrong type or value: hlm's own error, and what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import hlm
from hlm.errors import DataError, FitError, FormulaError, HlmError

FORMULA = "y ~ x + (x|g)"


@pytest.fixture(scope="module")
def given() -> dict[str, Any]:
    """What each public function can be called with, by the names of its first parameters."""
    rng = np.random.default_rng(5)
    groups = np.repeat(list("abcdef"), 8)
    x = np.tile(np.arange(8.0), 6)
    y = 1 + x + np.repeat(rng.normal(size=6), 8) + rng.normal(size=48)
    data = pd.DataFrame({"y": y, "x": x, "g": groups})
    fits = hlm.fit_pooling(FORMULA, data, draws=50, chains=2, seed=1, progress=False)
    path = hlm.pooling_path(FORMULA, data, points=20, seed=1)
    table = pd.DataFrame({"term": ["x"], "size": [6], "pooling": ["none"], "rmse": [1.0], "se": [0.1]})
    return {
        "formula": FORMULA, "data": data, "fits": fits, "fit": fits["partial"], "path": path, "table": table,
        "term": "x", "response": "y", "x": "x", "group": "g", "name": "exam", "n_groups": 5, "group_size": 4,
        "fixed": (0, 1), "sd": (1, 1), "sizes": (6, 8),
    }  # fmt: skip


CASES: list[tuple[str, dict[str, Any], type[HlmError], str]] = [
    ("parse", {"formula": 3}, FormulaError, "A formula is a text such as 'y ~ x + (x|g)', not int."),
    ("parse", {"functions": "log"}, FormulaError, "functions is a list of names such as ['twice'], not 'log'."),
    ("parse", {"functions": [3]}, FormulaError, "functions is a list of names such as ['twice']; 3 is none."),
    ("lint", {"functions": ["twice"]}, FitError, "such as {'twice': lambda x: 2 * x}, not ['twice']."),
    ("lint", {"functions": {"twice": 2}}, FitError, "functions is a mapping of names to functions"),
    ("lint", {"family": ["gaussian"]}, FitError, "family is the name of a family, such as 'bernoulli' or 'poisson', not ['gaussian']."),
    ("lint", {"weights": 3}, FitError, "weights is the name of a column, such as 'n', not 3: values are added to the data first, data.assign(n=...)."),
    ("explain", {"functions": 3}, FitError, "functions is a mapping of names to functions"),
    ("explain", {"priors": ["sigma"]}, FitError, "priors is a mapping such as {'sigma': Prior('HalfNormal', sigma=1)}"),
    ("explain", {"family": None}, FitError, "family is the name of a family, such as 'bernoulli' or 'poisson', not None."),
    ("default_priors", {"pooling": "nonsense"}, FitError, "pooling is one of 'complete', 'none', 'partial', not"),
    ("default_priors", {"lkj_eta": -1}, FitError, "lkj_eta is a positive number, not -1: 1 for any correlations"),
    ("default_priors", {"lkj_eta": np.inf}, FitError, "For correlations of 0 write (x||g)."),
    ("fit", {"draws": 10**30}, FitError, "draws is a whole number of at least 4 and at most 2,500,000, not 1000000"),
    ("fit", {"chains": "4"}, FitError, "chains is a whole number of at least 1, not '4'."),
    ("fit", {"tune": 0}, FitError, "tune is a whole number of at least 1, not 0."),
    ("fit", {"lkj_eta": "one"}, FitError, "lkj_eta is a positive number, not 'one'"),
    ("fit", {"seed": 1.5}, FitError, "seed is a whole number of 0 or more, not 1.5."),
    ("fit", {"progress": "no"}, FitError, "progress is True or False, not 'no'."),
    ("fit", {"method": ["nuts"]}, FitError, "method is one of 'auto', 'exact', 'nuts', 'bambi', not ['nuts']."),
    ("fit", {"residual": np.array([1.0, 2.0])}, FitError, "residual is one of 'shared', 'separate', not array([1., 2.])."),
    ("fit", {"pooling": ["none"]}, FitError, "pooling is one of 'complete', 'none', 'partial', not ['none']."),
    ("fit", {"sampler_kwargs": 3}, FitError, "sampler_kwargs is a mapping such as {'nuts': {'target_accept': 0.95}}"),
    ("fit", {"weights": ""}, DataError, "The data have no column ''. There are: y, x, g."),
    ("fit_pooling", {"poolings": "none"}, FitError, "poolings is a list such as ['none', 'partial'], not 'none'."),
    ("fit_pooling", {"poolings": []}, FitError, "poolings is a list of some of 'complete', 'none', 'partial', not []."),
    ("plan", {"poolings": ["half"]}, FitError, "pooling is one of 'complete', 'none', 'partial', not 'half'."),
    ("plan", {"poolings": "none"}, FitError, "poolings is a list such as ['none', 'partial'], not 'none'."),
    ("plan", {"draws": 10**30}, FitError, "draws is a whole number of at least 4 and at most 2,500,000, not 1000000"),
    ("shrinkage", {"why": "yes"}, FitError, "why is True or False, not 'yes'."),
    ("build", {"family": {"a"}}, FitError, "family is the name of a family, such as 'bernoulli' or 'poisson', not {'a'}."),
    ("reml", {"reml": "REML"}, FitError, "reml is True, or False for maximum likelihood, not 'REML'."),
    ("reml", {"functions": "log"}, FitError, "functions is a mapping of names to functions"),
    ("cheatsheet", {"x": ["x"]}, FormulaError, "as in cheatsheet('y', 'x', 'g'), not 'y', ['x'], 'g'."),
    ("load_data", {"name": None}, DataError, "There is no packaged data set None. There are: exam, sleepstudy"),
    ("load_data", {"name": np.zeros(2)}, DataError, "There is no packaged data set array([0., 0.])."),
    ("glossary", {"table": 3}, DataError, "glossary takes one of hlm's tables, a data frame, not 3."),
    ("coefficients", {"fits": {}}, FitError, "This needs fits, as fit_pooling(formula, data) returns them, not {}."),
    ("coefficients", {"group": {"g"}}, FitError, "There is no grouping factor {'g'}. There is: g."),
    ("compare_slopes", {"fits": FORMULA}, FitError, "This needs fits, as fit_pooling(formula, data) returns them, not 'y"),
    ("compare_slopes", {"term": 3}, FitError, "There is no term 3. There are: Intercept, x."),
    ("compare_slopes", {"term": ["x", "y"]}, FitError, "There is no term ['x', 'y']."),
    ("compare_slopes", {"prob": "0.9"}, FitError, "prob is a probability between 0 and 1, such as 0.89, not '0.9'."),
    ("compare_slopes", {"prob": 89}, FitError, "prob is a probability between 0 and 1, such as 0.89, not 89."),
    ("slope_differences", {"levels": "ab"}, FitError, "levels is a list such as ['a', 'b', 'c'], not 'ab'."),
    ("slope_differences", {"levels": 3}, FitError, "levels is a list such as ['a', 'b', 'c'], not 3."),
    ("slope_differences", {"against": np.array(["pooled"])}, FitError, "against is 'pooled' or 'pairwise', not array("),
    ("compare_loo", {"fits": {"a": 1, "b": 2}}, FitError, "This needs fits, as fit_pooling(formula, data) returns them"),
    ("compare_loo", {"unit": np.zeros(2)}, FitError, "unit is 'observation' or a grouping factor (g), not array("),
    ("shrinkage", {"fits": 3}, FitError, "This needs fits, as fit_pooling(formula, data) returns them, not 3."),
    ("shrinkage", {"prob": np.nan}, FitError, "prob is a probability between 0 and 1, such as 0.89, not nan."),
    ("pooling_factors", {"at": "x"}, FitError, "at is a mapping such as {'x': 1}, not 'x'."),
    ("pooling_factors", {"at": {3: 1}}, FitError, "at is a mapping such as {'x': 1}, not {3: 1}."),
    ("rank_groups", {"term": None}, FitError, "rank_groups ranks by one coefficient: name a term. There are: Intercept, x."),
    ("rank_groups", {"fit": None}, FitError, "This needs fits, as fit_pooling(formula, data) returns them, not None."),
    ("check_spread", {"seed": "1"}, FitError, "seed is a whole number of 0 or more, not '1'."),
    ("verdict", {"seed": -1}, FitError, "seed is a whole number of 0 or more, not -1."),
    ("predict", {"fit": {"partial": 1}}, FitError, "This needs one fit, such as fits['partial'], not {'partial': 1}."),
    ("predict", {"seed": [1]}, FitError, "seed is a whole number of 0 or more, not [1]."),
    ("predict", {"kind": np.zeros(2)}, FitError, "kind is one of 'mean', 'linear', 'response', not array([0., 0.])."),
    ("predict", {"new_groups": None}, FitError, "new_groups is one of 'gaussian', 'zero', 'resample', not None."),
    ("predict", {"prob": True}, FitError, "prob is a probability between 0 and 1, such as 0.89, not True."),
    ("pooling_path", {"points": 10**30}, FitError, "points is a whole number of at least 10 and at most 10,000, not 1"),
    ("pooling_path", {"term": {"x"}}, FitError, "No effect {'x'} varies by g. There are: Intercept, x."),
    ("pooling_path", {"seed": "a"}, FitError, "seed is a whole number of 0 or more, not 'a'."),
    ("simulate", {"n_groups": 10**30}, DataError, "n_groups is a whole number of at least 2 and at most 100,000,000"),
    ("simulate", {"group_size": 10**9}, DataError, "simulate makes 100,000,000 rows at most: take fewer groups"),
    ("simulate", {"fixed": "ab"}, DataError, "fixed holds finite numbers, such as (0, 1), not 'ab'."),
    ("simulate", {"sd": (1, None)}, DataError, "sd holds finite numbers, such as (0, 1), not (1, None)."),
    ("simulate", {"corr": "high"}, DataError, "corr is a number, not 'high'."),
    ("simulate", {"sigma": True}, DataError, "sigma is a number above 0, not True."),
    ("simulate", {"seed": "a"}, DataError, "seed is a whole number of 0 or more, not 'a'."),
    ("recovery", {"sizes": 6}, DataError, "sizes above 2, not 6."),
    ("recovery", {"repeats": "2"}, DataError, "repeats is a whole number of at least 0, not '2'."),
    ("recovery", {"groups_per_size": 1.0}, DataError, "groups_per_size is a whole number of at least 0, not 1.0."),
    ("plot_data", {"x": 3}, DataError, "x is the name of a column, not 3."),
    ("plot_data", {"max_legend": "all"}, FitError, "max_legend is a whole number of at least 0, not 'all'."),
    ("plot_lines", {"panels": "yes"}, FitError, "panels is True or False, not 'yes'."),
    ("plot_lines", {"panels": True, "levels": []}, FitError, "for groups that you name: levels=[...], "),
    ("plot_lines", {"levels": 3}, FitError, "levels is a list such as ['a', 'b'], not 3."),
    ("plot_lines", {"pooling": 3}, FitError, "There are no group lines for pooling=3."),
    ("plot_loo", {"poolings": 3}, FitError, "poolings is a list such as ('partial', 'complete'), not 3."),
    ("plot_plane", {"terms": 3}, FitError, "terms is a list such as ('Intercept', 'x'), not 3."),
    ("plot_path", {"term": 3}, FitError, "There is no term 3. There are: Intercept, x."),
    ("plot_recovery", {"table": 3}, FitError, "plot_recovery draws the table that recovery(...) returns, not 3."),
    ("plot_ranks", {"term": ""}, FitError, "There is no term ''. There are: Intercept, x."),
    ("plot_shrinkage", {"term": ""}, FitError, "There is no term ''. There are: Intercept, x."),
    ("plot_slopes", {"interval": "0.9"}, FitError, "prob is a probability between 0 and 1, such as 0.89, not '0.9'."),
    ("Prior", {"name": ""}, FitError, "A prior has the name of a distribution, such as Prior('Normal', ...), not ''."),
    ("Prior", {"name": "Normal", "dist": 3}, FitError, "dist is a function that makes a distribution, not 3."),
    ("Prior", {"name": "Normal", "mu": []}, FitError, "Prior('Normal'): mu must be a number, not []."),
    ("Prior", {"name": "Normal", "mu": "1"}, FitError, "Prior('Normal'): mu must be a number, not '1'."),
    ("Prior", {"name": "Normal", "sigma": np.nan}, FitError, "Prior('Normal'): sigma must be a number, not nan."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "wrong", "kind", "message"), CASES, ids=[f"{name}-{wrong}"[:60] for name, wrong, _, _ in CASES]
)
def test_a_wrong_option_is_told(
    name: str, wrong: dict[str, Any], kind: type[HlmError], message: str, given: dict[str, Any]
) -> None:
    with pytest.raises(kind) as caught:
        _call(getattr(hlm, name), wrong, given)
    assert message in str(caught.value)


ODD: tuple[Any, ...] = (
    b"x", [], {}, {"a"}, (), object, len, 1j, np.zeros(2), pd.DataFrame(), pd.NA, slice(2), "nonsense", -1, np.nan,
)  # fmt: skip
SLOW = {"recovery", "build"}  # their options are in the table; a right one costs seconds
RESULTS = {name for name in hlm.__all__ if isinstance(getattr(hlm, name), type)} - {
    "Prior"
}  # nobody makes them by hand


@pytest.mark.parametrize("name", sorted({*hlm.__all__} - RESULTS - SLOW))
def test_no_odd_value_of_any_option_ends_in_a_foreign_error(name: str, given: dict[str, Any]) -> None:
    """Each is refused with hlm's own error, or has a meaning."""
    function = getattr(hlm, name)
    options = [p for p in inspect.signature(function).parameters if p not in ("args", "sampler_kwargs", "dist")]
    small = {"draws": 20, "chains": 1, "progress": False, "points": 20} if name != "recovery" else {}
    known = {key: value for key, value in small.items() if key in options}
    foreign = []
    for option in options:
        for value in ODD:
            try:
                _call(function, known | {option: value}, given)
            except HlmError:
                pass
            except Exception as problem:
                foreign.append((option, value, repr(problem)))
            finally:
                plt.close("all")
    assert foreign == []


def test_one_axes_and_not_several(given: dict[str, Any]) -> None:
    axes = plt.subplots(1, 2)[1]
    for name in ("plot_data", "plot_lines", "plot_slopes", "plot_ranks", "plot_path", "plot_loo"):
        with pytest.raises(FitError, match=r"ax is one matplotlib Axes, not .*take one, ax=axes\[0\]"):
            _call(getattr(hlm, name), {"ax": axes}, given)
    plt.close("all")


def test_whole_numbers_of_numpy_are_whole_numbers(given: dict[str, Any]) -> None:
    one = hlm.fit(FORMULA, given["data"], draws=np.int64(20), chains=np.int32(1), seed=np.uint8(1), progress=False)
    other = hlm.fit(FORMULA, given["data"], draws=20, chains=1, seed=1, progress=False)
    np.testing.assert_array_equal(one.idata["posterior"]["x"], other.idata["posterior"]["x"])


def _call(function: Callable[..., Any], wrong: dict[str, Any], given: dict[str, Any]) -> Any:
    """A public function with what it needs, and with what is wrong."""
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name: given[p.name] for p in parameters if p.default is p.empty and p.name in given}
    if function is hlm.lint or function is hlm.explain:
        needed["data"] = given["data"]
    arguments = needed | wrong
    first = [arguments.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in arguments]
    return function(*first, **arguments)
