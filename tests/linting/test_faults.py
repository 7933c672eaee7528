"""What `lint` said wrongly or not at all to users, each with other cases of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hlm.data.packaged_sets import load_data
from hlm.engines.reml.reml import reml
from hlm.errors import DataError
from hlm.explanation.explain import explain
from hlm.fits.fit import fit
from hlm.linting.findings import Finding
from hlm.linting.lint import lint
from hlm.model.resolve import resolve


def found(code: str, formula: str, data: Any, family: str = "gaussian") -> Finding:
    return next(finding for finding in lint(formula, data, family=family) if finding.code == code)


def graver(formula: str, data: Any, family: str = "gaussian") -> list[str]:
    return [finding.code for finding in lint(formula, data, family=family) if finding.severity != "note"]


def staggered() -> pd.DataFrame:
    """A longitudinal study: later subjects entered later and have fewer waves. Nothing is nested in anything."""
    r = np.random.default_rng(1)
    rows = [(i, v) for i in range(1, 41) for v in range(8) if v < 8 - (i - 1) // 8]
    d = pd.DataFrame(rows, columns=["subject", "wave"])
    d["year"] = d["wave"] + 2015
    d["y"] = r.normal(size=40)[d["subject"] - 1] + 0.3 * d["wave"] + r.normal(size=len(d))
    return d


def partly_nested() -> pd.DataFrame:
    """A trial: the treated are in therapy groups of six, the controls in none (a group each)."""
    r = np.random.default_rng(11)
    groups = [f"T{i // 6}" for i in range(48)] + [f"C{i}" for i in range(48)]
    d = pd.DataFrame({"treat": np.repeat([1, 0], 48), "grp": groups})
    d["y"] = 1 + 0.5 * d["treat"] + np.r_[np.repeat(r.normal(size=8), 6), np.zeros(48)] + r.normal(size=96)
    return d


def empty_cell() -> pd.DataFrame:
    """Two factors crossed, one cell (f = b, h = q) without rows."""
    r = np.random.default_rng(5)
    rows = [(f, h, g) for f in "abc" for h in "pq" for g in range(8) for _ in range(2) if (f, h) != ("b", "q")]
    d = pd.DataFrame(rows, columns=["f", "h", "g"])
    return d.assign(y=r.normal(size=8)[d["g"]] + r.normal(size=len(d)))


def levels() -> pd.DataFrame:
    """Factors of three and of two levels, responses of 0 and 1, of counts and of text."""
    r = np.random.default_rng(1)
    d = pd.DataFrame(
        {"g": np.repeat(list("abcdef"), 8), "x": r.normal(size=48), "f": list("uvw") * 16, "h": list("pq") * 24}
    )
    d["y"] = r.normal(size=48)
    return d.assign(b=(d["y"] > 0) * 1, k=r.poisson(3, 48), acc=np.where(d["y"] > 0, "Correct", "Incorrect"))


OCCASIONS = [
    ("y ~ year + (1|subject)", staggered()),
    ("y ~ wave + (wave|subject)", staggered()),
    ("y ~ 1 + (1|subject)", staggered()),  # year and wave hold one row of each subject
    ("y ~ factor(wave) + (1|subject)", staggered()),
    ("y ~ wave + (1|subject)", pd.concat([staggered(), staggered()]).assign(y=lambda d: np.arange(len(d)) % 7.3)),
    ("y ~ visit + (1|subject)", staggered().assign(visit=lambda d: "v" + d["wave"].astype(str))),
    ("y ~ 1 + (1|subject)", staggered().assign(wave=lambda d: "v" + d["wave"].astype(str)).drop(columns="year")),
    ("y ~ treat + (1|subject)", staggered().assign(treat=lambda d: d["subject"] % 2)),
]


@pytest.mark.parametrize(("formula", "data"), OCCASIONS)
def test_an_occasion_is_no_parent(formula: str, data: pd.DataFrame) -> None:
    assert graver(formula, data) == []


def test_a_hint_says_that_the_formula_lacks_the_column_that_it_names() -> None:
    school = found("reused-ids", "post ~ pre + (1|student)", load_data("exam"))
    assert "school, a column of the data that the formula does not have" in school.message
    assert school.instead == "post ~ pre + (1|school)"  # a student of a school is one row
    rows = [(s, c, p) for s in range(12) for c in range(1 + s % 4) for p in range(5)]
    d = pd.DataFrame(rows, columns=["school", "room", "pupil"]).assign(y=lambda d: np.sin(np.arange(len(d)) ** 2))
    rooms = found("reused-ids", "y ~ 1 + (1|school) + (1|room)", d)
    assert "does not have" not in rooms.message and "Nested: (1|school/room)." in rooms.message
    assert rooms.instead == "y ~ 1 + (1|school) + (1|school:room)"
    assert found("reused-ids", "y ~ 1 + (1|room)", d).instead == "y ~ 1 + (1|school) + (1|school:room)"
    assert found("reused-ids", "y ~ 1 + (1|room/school)", d).instead == "y ~ 1 + (1|school) + (1|room:school)"
    assert graver("y ~ 1 + (1|school/room)", d) == []


def test_ids_of_raters_with_an_age_are_not_numbered_anew() -> None:
    """A property that is the same wherever a label occurs shows that the label means one thing."""
    d = pd.DataFrame(
        [(f, k) for f in range(30) for k in range(1 + f % 12) for _ in range(2)], columns=["film", "rater"]
    )
    d["y"] = np.sin(np.arange(len(d)) ** 2)
    assert "reused-ids" in lint("y ~ 1 + (1|rater)", d).codes
    assert "reused-ids" not in lint("y ~ 1 + (1|rater)", d.assign(age=d["rater"] * 37 % 11)).codes


PARTLY = [
    "y ~ treat + (0 + treat|grp)", "y ~ treat + (treat - 1|grp)", "y ~ treat + (0 + treat||grp)", "y ~ arm + (0 + half|grp)",
    "y ~ treat + (0 + treat|grp) + (0 + control|grp)",
]  # fmt: skip


@pytest.mark.parametrize("formula", PARTLY)
def test_without_an_intercept_in_the_bar_a_column_of_0_and_1_is_one(formula: str) -> None:
    d = partly_nested().assign(control=lambda d: 1 - d["treat"], half=lambda d: d["treat"] / 2)
    d["arm"] = np.where(d["treat"] == 1, "therapy", "control")
    assert graver(formula, d) == []
    assert {"slope-without-intercept"}.isdisjoint(lint(formula, d).codes)


def test_the_partly_nested_trial_is_estimable() -> None:
    """lme4: REML -131.9482, standard deviation 0.651, residual 0.896."""
    result = reml("y ~ treat + (0 + treat|grp)", partly_nested())
    assert result.loglik == pytest.approx(-131.9482, abs=1e-4)
    assert result.varcorr["sdcor"].tolist() == pytest.approx([0.651, 0.896], abs=5e-4)


def test_what_is_no_intercept_still_needs_to_vary() -> None:
    d = partly_nested().assign(size=lambda d: np.where(d["treat"] == 1, 6, 1))
    assert found("constant-within-groups", "y ~ treat + (treat|grp)", d).instead == "y ~ treat + (1|grp)"
    assert found("constant-within-groups", "y ~ size + (0 + size|grp)", d).instead == "y ~ size + (1|grp)"


def test_empty_cells() -> None:
    finding = found("empty-cells", "y ~ f*h + (1|g)", empty_cell())
    assert (finding.text, finding.severity) == ("f*h", "note")
    assert "1 of the 6 combinations of f and h has no rows: (f = b, h = q)." in finding.message
    assert "empty-cells" not in lint("y ~ f + h + (1|g)", empty_cell()).codes
    nested = levels().assign(h=lambda d: d["f"] + d["h"])
    assert "12 of the 18 combinations" in found("empty-cells", "y ~ f + f:h + (1|g)", nested).message
    twice = lint("y ~ f*h*x + f:h:k + (1|g)", empty_cell().assign(x=lambda d: d["y"] ** 2, k=1.5 + np.arange(80) % 3))
    assert [f.text for f in twice if f.code == "empty-cells"] == ["f*h"]


POWERS = [
    ("post ~ pre + pre^2 + (1|school)", "pre^2", "post ~ pre + I(pre^2) + (1|school)"),
    ("post ~ pre^3 + (1|school)", "pre^3", "post ~ pre + I(pre^3) + (1|school)"),
    (
        "post ~ sex * pre:pre + (1|school)",
        "pre:pre",
        "post ~ sex + pre + I(pre^2) + sex:pre + sex:I(pre^2) + (1|school)",
    ),
    ("post ~ pre * pre + (1|school)", "pre * pre", "post ~ pre + I(pre^2) + (1|school)"),
    ("post ~ pre + (pre^2|school)", "pre^2", "post ~ pre + I(pre^2) + (pre + I(pre^2)|school)"),
    ("post ~ abs(pre)^2 + (1|school)", "abs(pre)^2", "post ~ abs(pre) + I(abs(pre)^2) + (1|school)"),
    ("post ~ sex^2 + (1|school)", "sex^2", "post ~ sex + (1|school)"),
    ("post ~ pre - schavg + (1|school)", "- schavg", "post ~ I(pre - schavg) + (1|school)"),
]


@pytest.mark.parametrize(("formula", "text", "instead"), POWERS)
def test_arithmetic_that_r_drops(formula: str, text: str, instead: str) -> None:
    finding = found("dropped-arithmetic", formula, load_data("exam"))
    assert (finding.text, finding.instead) == (text, instead)
    assert "dropped-arithmetic" not in lint(instead, load_data("exam")).codes


@pytest.mark.parametrize(
    "formula", ["y ~ (x + z)^2", "y ~ I(x^2)", "y ~ x*z - x:z", "y ~ . - x", "y ~ x - 1", "y ~ x^1"]
)
def test_algebra_that_is_meant(formula: str) -> None:
    assert "dropped-arithmetic" not in lint(formula).codes


BLANKS = [
    ("f", "u ", "data['f'].str.strip()"),
    ("f", "\u00a0v", "data['f'].str.strip()"),
    ("g", " a", "data['g'].str.strip()"),
    ("acc", "Correct\t", "data['acc'].str.strip()"),
]


@pytest.mark.parametrize(("name", "label", "code"), BLANKS)
def test_labels_that_differ_by_blanks(name: str, label: str, code: str) -> None:
    data = levels()
    data.loc[data.index[data[name] == label.strip()][2], name] = label
    formula, family = ("acc ~ f*h + x + (1|g)", "bernoulli")
    (finding,) = lint(formula, data, family=family).errors
    assert repr(label) in finding.message and "differ by blanks only" in finding.message and code in finding.message
    with pytest.raises(DataError) as caught:
        fit(formula, data, family=family)
    assert str(caught.value) == finding.message
    exec(f"data[{name!r}] = {code}", {"data": data})
    assert not lint(formula, data, family=family).errors


def test_blanks_inside_and_in_polars() -> None:
    data = levels().assign(f=lambda d: np.where(d["f"] == "u", np.where(d["x"] > 0, "low  dose", "low dose"), d["f"]))
    finding = found("blanks-in-labels", "y ~ f + (1|g)", data)
    space: dict[str, Any] = {"data": data.copy()}
    exec(finding.message.partition("Strip them: ")[2].rstrip("."), space)
    assert lint("y ~ f + (1|g)", space["data"]).codes == ()
    space = {"data": pl.from_pandas(data), "pl": pl}
    finding = found("blanks-in-labels", "y ~ f + (1|g)", space["data"])
    exec(finding.message.partition("Strip them: ")[2].rstrip("."), space)
    assert lint("y ~ f + (1|g)", space["data"]).codes == ()
    for fine in (["1 11", "11 1", "x"], ["a b", "ab c", "x"]):
        resolve("y ~ f + (1|g)", levels().assign(f=fine * 16))


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas])
def test_the_code_of_a_message_can_be_run(make: Any) -> None:
    """Capitals, blank labels, dates as text, text responses: pandas' code and polars'."""
    d = levels().assign(date=[f"{1 + i % 28}.{1 + i % 12}.2021" for i in range(48)])
    d["f"] = d["f"].where(d["x"] < 1, d["f"].str.upper())
    d["h"] = d["h"].where(d["x"] > -1, "  ")
    space: dict[str, Any] = {"data": make(d), "pl": pl, "pd": pd}
    for code, formula, before, after in [
        ("labels-differ-by-case", "y ~ f + (1|g)", "is meant: ", "."),
        ("blank-label", "y ~ h + (1|g)", "is missing: ", "."),
        ("dates-as-text", "y ~ date + (1|g)", "numbers of them, ", ", and write days"),
        ("success-label", "acc ~ x + (1|g)", "0 and 1, ", "."),
    ]:
        family = "bernoulli" if code == "success-label" else "gaussian"
        message = found(code, formula, space["data"], family).message
        exec(message.partition(before)[2].rpartition(after)[0], space)
        assert code not in lint(formula.replace("date", "days"), space["data"], family=family).codes
    data = pd.DataFrame(pl.DataFrame(space["data"]).to_dict(as_series=False))
    assert data["acc"].tolist() == (d["acc"] == "Correct").astype(int).tolist()
    dates = pd.to_datetime(d["date"], format="%d.%m.%Y")
    assert data["days"].tolist() == (dates - dates.min()).dt.days.tolist()


def test_dates() -> None:
    d = levels().assign(t=pd.date_range("2020-01-01", periods=48), s=[f"2020-01-{i % 3 + 1:02}" for i in range(48)])
    message = found("unusable-data", "y ~ t + (1|g)", d).message
    space = {"data": d.copy(), "pd": pd}
    exec(message.partition("number of days: ")[2].partition("; or")[0], space)
    assert space["data"]["days"].tolist() == list(range(48))
    exec(message.partition("as labels: ")[2].rstrip("."), space)
    assert not lint("y ~ x + (1|t)", space["data"]).errors
    assert "dates-as-text" in graver("y ~ s + (1|g)", d)
    assert "dates-as-text" not in lint("y ~ x + (1|s)", d).codes  # labels of days
    assert "dates-as-text" not in lint("y ~ f + (1|g)", d.assign(f=["1-2", "3-4", "10-12"] * 16)).codes


def test_which_label_counts_as_success() -> None:
    finding = found("success-label", "acc ~ x + (1|g)", levels(), "bernoulli")
    assert (
        "the probability of 'Incorrect'" in finding.message and "map({'Correct': 1, 'Incorrect': 0})" in finding.message
    )
    chosen = levels().assign(acc=lambda d: pd.Categorical(d["acc"], categories=["Incorrect", "Correct"]))
    assert "the probability of 'Correct'" in found("success-label", "acc ~ x + (1|g)", chosen, "bernoulli").message
    for silent in (levels()["b"], levels()["b"] == 1):
        assert "success-label" not in lint("acc ~ x + (1|g)", levels().assign(acc=silent), family="bernoulli").codes


def labels_of(formula: str, data: Any) -> list[str]:
    """The labels that predictions of an ordered family are of."""
    return list(resolve(formula, data, family="cumulative")["partial"].data.columns["r"].cat.categories)


@pytest.mark.parametrize("make", [pd.DataFrame, pl.from_pandas])
def test_ordered_labels_that_are_text(make: Any) -> None:
    """The order of the alphabet, hi < lo < mid, was taken without a word; the code of the message gives the order."""
    space: dict[str, Any] = {"data": make(levels().assign(r=["lo", "mid", "hi"] * 16)), "pl": pl, "pd": pd}
    formula = "r ~ x + (1|g)"
    message = found("order-of-labels", formula, space["data"], "cumulative").message
    assert "hi < lo < mid" in message
    assert "hi < lo < mid" in str(explain(formula, space["data"], family="cumulative"))
    exec(message.partition("of this list: ")[2].rstrip(".").replace("'hi', 'lo', 'mid'", "'lo', 'mid', 'hi'"), space)
    assert lint(formula, space["data"], family="cumulative").codes == ()
    assert "lo < mid < hi" in str(explain(formula, space["data"], family="cumulative"))
    for marks in (["1", "2", "10"], [1, 2, 10], [1.0, 2.0, 10.0]):  # numbers have an order; Bambi needs labels
        data = make(levels().assign(r=marks * 16))
        assert lint(formula, data, family="cumulative").codes == ()
        assert "1 < 2 < 10" in str(explain(formula, data, family="cumulative"))
        assert labels_of(formula, data) == ["1", "2", "10"]


SEPARATED = [
    ("b ~ f + x + (1|g)", "bernoulli", lambda d: d.assign(b=d["b"].where(d["f"] != "v", 1)), "f", "v (all 1)"),
    ("b ~ f*h + (1|g)", "bernoulli", lambda d: d.assign(b=d["b"].where((d["f"] != "v") | (d["h"] == "q"), 0)), "f*h", "v, p"),
    ("b ~ x + (1|g)", "bernoulli", lambda d: d.assign(b=(d["x"] < 0.3) * 1), "x", "Failures begin where successes end"),
    ("b ~ t + (1|g)", "bernoulli", lambda d: d.assign(t=(d["f"] == "u") * 1.0, b=d["b"].where(d["f"] != "u", 1)), "t", "at t = 0"),
    ("k ~ f + (1|g)", "poisson", lambda d: d.assign(k=d["k"].where(d["f"] != "w", 0)), "f", "f is w, every count is 0"),
    ("p(b, k) ~ f + (1|g)", "binomial", lambda d: d.assign(b=np.where(d["f"] == "u", 0, 1), k=3), "f", "u (all 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "family", "change", "text", "message"), SEPARATED)
def test_separation(formula: str, family: str, change: Any, text: str, message: str) -> None:
    finding = found("separation", formula, change(levels()), family)
    assert finding.text == text and message in finding.message
    assert "separation" not in lint(formula.replace("t", "x"), levels().assign(b=levels()["b"]), family=family).codes


def test_ordered_factors() -> None:
    d = levels().assign(f=lambda d: pd.Categorical(d["f"], categories=["v", "u", "w"], ordered=True))
    finding = found("ordered-factor", "y ~ f + (1|g)", d)
    assert "(v < u < w)" in finding.message and "against the first, v." in finding.message
    assert "ordered-factor" not in lint("y ~ x + (1|f)", d).codes
    assert resolve("y ~ f + (1|g)", d)["partial"].common.labels == ("Intercept", "f[u]", "f[w]")
