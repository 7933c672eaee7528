"""What a message about data proposes: the message says it, and the model can be made when it is followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.errors import DataError, FitError, HlmError
from hlm.linting.lint import lint
from hlm.model.resolve import resolve


def frame() -> pd.DataFrame:
    r = np.random.default_rng(8)
    d = pd.DataFrame(
        {"person": np.repeat([f"p{i}" for i in range(12)], 20), "day": np.tile(np.repeat(range(5), 4), 12)}
    )
    d = d.assign(x=r.normal(size=240), y=r.normal(size=240), n=r.integers(5, 20, 240), f=np.tile(list("abc"), 80))
    d = d.assign(k=r.binomial(d["n"], 0.4), b=r.integers(0, 2, 240), grade=r.choice(["good", "bad", "fair"], 240))
    d = d.assign(sex=np.where(d["b"] == 1, "f", "m"), code=[f"{i}.5" for i in range(240)], far=1e9 + 1e-3 * d["x"])
    d = d.assign(**{"far away": 1e9 + 1e-3 * d["x"]}, huge=1e120 * d["x"], tiny=1e-120 * d["x"], zero=0.0, one=1.0)
    return d.assign(stage=d["f"].map({"a": 1, "b": 2, "c": 3}), rows=np.where(np.arange(240) % 7 == 0, "a ", d["f"]))


Follow = tuple[str, dict[str, Any]]
ADVICE: list[tuple[str, dict[str, Any], str, str, dict[str, Any]]] = [
    # what is asked, what the message says, what is asked then
    ("y ~ day + (1|person:day)", {}, "y ~ day + (1|person:factor(day))", "y ~ day + (1|person:factor(day))", {}),
    ("y ~ x + day + (1|day) + (1|person)", {}, "y ~ x + day + (1|factor(day)) + (1|person)", "y ~ x + day + (1|factor(day)) + (1|person)", {}),
    ("y ~ day*stage + (1|day:stage)", {}, "(1|factor(day):factor(stage))", "y ~ day*stage + (1|factor(day):factor(stage))", {}),
    ("k ~ x + (1|person)", {"family": "binomial", "weights": "n"}, "p(k, n)", "p(k, n) ~ x + (1|person)", {"family": "binomial"}),
    ("k ~ x + (1|person)", {"family": "binomial"}, "p(k, n)", "p(k, n) ~ x + (1|person)", {"family": "binomial"}),
    ("k ~ x + (1|person)", {"family": "binomial"}, "cbind(k, n - k)", "cbind(k, n - k) ~ x + (1|person)", {"family": "binomial"}),
    ("b ~ x + (1|person)", {"family": "binomial"}, "family='bernoulli'", "b ~ x + (1|person)", {"family": "bernoulli"}),
    ("b ~ x + (1|person)", {"family": "binomial", "link": "probit"}, "link='probit'", "b ~ x + (1|person)", {"family": "bernoulli", "link": "probit"}),
    ("p(k, n) ~ x + (1|person)", {}, "family='binomial'", "p(k, n) ~ x + (1|person)", {"family": "binomial"}),
    ("grade ~ x + (1|person)", {"family": "bernoulli"}, "family='categorical'", "grade ~ x + (1|person)", {"family": "categorical"}),
    ("grade ~ x + (1|person)", {}, "'cumulative'", "grade ~ x + (1|person)", {"family": "cumulative"}),
    ("sex ~ x + (1|person)", {}, "family='bernoulli'", "sex ~ x + (1|person)", {"family": "bernoulli"}),
    ("y ~ code + (1|person)", {}, "factor(code)", "y ~ factor(f) + (1|person)", {}),
    ("y ~ far + (1|person)", {}, "I(far - 1e+09)", "y ~ I(far - 1e+09) + (1|person)", {}),
    ("y ~ `far away` + (1|person)", {}, "I(`far away` - 1e+09)", "y ~ I(`far away` - 1e+09) + (1|person)", {}),
    ("y ~ huge + (1|person)", {}, "I(huge * 3e-121)", "y ~ I(huge * 3e-121) + (1|person)", {}),
    ("y ~ x + (one|person)", {}, "leave it out", "y ~ x + (1|person)", {}),
    ("y ~ x + (0 + zero|person)", {}, "leave it out", "y ~ x + (1|person)", {}),
    ("y ~ C(f, Poly, 3) + (1|person)", {}, "a smaller one", "y ~ C(f, Poly, 1) + (1|person)", {}),
    ('y ~ C(f, Treatment("d")) + (1|person)', {}, "There are: a, b, c", 'y ~ C(f, Treatment("c")) + (1|person)', {}),
    ('y ~ I(stage == "a") + (1|person)', {}, "I(stage == 1)", "y ~ I(stage == 1) + (1|person)", {}),
    ("y ~ x + (x|person)", {"lkj_eta": 0.0}, "(x||g)", "y ~ x + (x||person)", {}),
    ("y ~ x + (1|person)", {"weights": 3}, "data.assign(n=...)", "y ~ x + (1|person)", {"weights": "n"}),
    ("k ~ x + (1|person)", {"family": "poisson", "weights": "n"}, "Leave weights out", "k ~ x + (1|person)", {"family": "poisson"}),
    ("y ~ x + (1|person)", {"family": "normal"}, "family='gaussian'", "y ~ x + (1|person)", {"family": "gaussian"}),
    ("k ~ x + (1|person)", {"family": "negbin"}, "family='negativebinomial'", "k ~ x + (1|person)", {"family": "negativebinomial"}),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "options", "said", "then", "other"), ADVICE)
def test_advice_about_data_works(
    asked: str, options: dict[str, Any], said: str, then: str, other: dict[str, Any]
) -> None:
    with pytest.raises(HlmError) as caught:
        resolve(asked, frame(), **options)
    assert isinstance(caught.value, DataError | FitError)
    assert said in str(caught.value)
    model = resolve(then, frame(), **other)["partial"]
    assert model.rows == 240 and model.factors


CODE: list[tuple[str, str, str, Callable[[pd.DataFrame], pd.DataFrame]]] = [
    ("y ~ rows + (1|person)", "gaussian", "data['rows'] = data['rows'].str.strip()", lambda d: d.assign(rows=d["rows"].str.strip())),
    ("y ~ code + (1|person)", "gaussian", "pd.to_numeric(data['code'], errors='coerce')", lambda d: d.assign(code=pd.to_numeric(d["code"], errors="coerce"))),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "family", "code", "change"), CODE)
def test_code_that_mends_data_works(
    formula: str, family: str, code: str, change: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    with pytest.raises(DataError) as caught:
        resolve(formula, frame(), family=family)
    assert code in str(caught.value)
    assert resolve(formula, change(frame()), family=family)["partial"].rows == 240


def test_a_number_on_both_sides_of_a_bar_has_a_formula_in_lint_too() -> None:
    formula = "y ~ day + (1|person) + (1|person:day)"
    (finding,) = lint(formula, frame()).errors
    assert finding.instead == "y ~ day + (1|person) + (1|person:factor(day))"
    assert not lint(finding.instead, frame()).errors


def test_a_response_of_many_numbers_as_labels_is_told() -> None:
    found = {finding.code: finding for finding in lint("y ~ x + (1|person)", frame(), family="cumulative")}
    assert "240 different numbers" in found["many-response-labels"].message
    assert "239 thresholds" in found["many-response-labels"].message
    fewer = frame().assign(y=pd.cut(frame()["y"], 5))
    for family, data in (("cumulative", fewer), ("gaussian", frame()), ("sratio", frame().assign(y=frame()["day"]))):
        assert not [f for f in lint("y ~ x + (1|person)", data, family=family) if f.severity != "note"]


@pytest.mark.parametrize("written", ["`Score (points)`", "twice(x)"])
def test_a_column_is_proposed_as_a_formula_writes_it(written: str) -> None:
    numbers = 1e12 + np.arange(240) % 7 * 1e-3
    data = frame().assign(**{"Score (points)": numbers, "x": numbers})
    with pytest.raises(DataError) as caught:
        resolve(f"y ~ {written} + (1|person)", data, functions={"twice": lambda x: 2 * x})
    assert f"subtract a constant, I({written} - " in str(caught.value)
