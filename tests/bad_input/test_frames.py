"""Data that cannot be used, and odd data that can: the message, or the right numbers."""

from __future__ import annotations

import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt

import hlm
from hlm.data.clean_data import formula_and_data
from hlm.errors import DataError
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import Pooling

FORMULA = "y ~ x + (x|g)"


def base() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    groups, x = np.repeat(list("abcdef"), 8), np.tile(np.arange(8.0), 6)
    y = 1 + x + np.repeat(rng.normal(size=6), 8) + rng.normal(size=48)
    return pd.DataFrame({"y": y, "x": x, "g": groups, "h": list("pq") * 24})


def with_(**columns: Any) -> pd.DataFrame:
    return base().assign(**columns)


def text_but_one(name: str) -> pd.DataFrame:
    texts = [f"{value:.3f}" for value in base()[name] + np.arange(48) / 100]
    return with_(**{name: [*texts[:5], "n/a?", *texts[6:]]})


CASES: dict[str, tuple[str, Any, str]] = {
    "dict": (FORMULA, {"y": [1]}, "not dict: write pd.DataFrame(data)."),
    "path": (FORMULA, "exam.csv", "not str: write pd.read_csv(path), or hlm.load_data(name)."),
    "array": (FORMULA, np.zeros((3, 3)), "must be a data frame (pandas, polars, pyarrow, ...), not ndarray"),
    "series": (FORMULA, base()["y"], "must be a data frame (pandas, polars, pyarrow, ...), not Series"),
    "no columns": (FORMULA, base()[[]], "The data have no column 'y'. There are: none."),
    "no rows": (FORMULA, base().iloc[:0], "The data have no rows."),
    "same name twice": (FORMULA, pd.concat([base(), base()[["h"]]], axis=1), "Expected unique column names"),
    "columns are numbers": (FORMULA, base().rename(columns={"h": 0}), "Column names must be text, and 0 is a int: rename"),
    "column is None": (FORMULA, base().rename(columns={"h": None}), "data.columns = data.columns.map(str)."),
    "lazy frame with an error": (FORMULA, pl.LazyFrame({"y": [1.0]}).select("z"), "The data frame cannot be read: "),
    "index, not a column": (FORMULA, base().set_index("x"), "The data have no column 'x'."),
    "dates": (FORMULA, with_(x=pd.date_range("2020", periods=48)), "Convert it first, for example to a number of days"),
    "days as objects": (FORMULA, with_(x=[datetime.date(2020, 1, 1)] * 48), "Convert it first, for example to a number"),
    "periods": (FORMULA, with_(x=pd.period_range("2020", periods=48, freq="M")), "Column 'x' holds period[M]: a formula"),
    "complex": (FORMULA, with_(x=base()["x"] + 1j), "Column 'x' holds complex128: a formula can use numbers and labels"),
    "too large an integer": (FORMULA, with_(x=pd.Series([10**400, *range(47)], dtype=object)), "'x' is inf in row 0"),
    "one text in numbers": (
        FORMULA, text_but_one("x"),
        "Column 'x' holds text, most of which reads as numbers, but not 'n/a?' (row 5, counting from 0). Mend it, or make "
        "numbers of what can be read, pd.to_numeric(data['x'], errors='coerce'). If labels are meant: factor(x).",
    ),
    "one text in the response": (FORMULA, text_but_one("y"), "Column 'y' holds text, most of which reads as numbers, but"),
    "decimal commas": (
        FORMULA, with_(x=[f"{v},5" for v in range(48)]), "Column 'x' holds text, most of which reads as numbers, but not '0,5'"
    ),
    "numbers as text": (FORMULA, with_(x=[str(v) for v in range(48)]), "Column 'x' holds text, most of which reads as numbers."),
    "one group": (FORMULA, with_(g="a"), "The grouping factor 'g' has one group only ('a')"),
    "one group is left": (FORMULA, with_(x=base()["x"].where(base()["g"] == "a")), "'g' has one group only ('a')"),
    "constant response": (FORMULA, with_(y=3.0), "The response 'y' is constant (3.0 in all 48 rows)"),
    "constant predictor": (FORMULA, with_(x=1), "The predictor 'x' is constant (1 in every row)"),
    "far from zero": (FORMULA, with_(x=base()["x"] + 1e11), "subtract a constant, I(x - 1e+11)."),
    "integers beyond float64": (FORMULA, with_(x=2**62 + np.arange(48)), "differ by 0 at most and lie near 4.61169e+18"),
    "response of rounding": (FORMULA, with_(y=base()["y"] + 1e14), "The numbers of 'y' differ by "),
    "squares overflow": (FORMULA, with_(x=base()["x"] * 1e200), "as large as 7e+200, and the computer has no squares"),
    "subnormal": (FORMULA, with_(x=base()["x"] * 1e-310), "no squares of such numbers: use other units, I(x * 1e+300)."),
    "squares underflow": (FORMULA, with_(y=base()["y"] * 1e-200), "use other units, I(y * 9e+198)."),
    "nothing beside the offset": (
        "y ~ offset(z) + (1|g)", with_(z=base()["y"]), "The response 'y' less its offset is constant: there is nothing"
    ),
    "the name of the intercept": ("y ~ Intercept + (1|g)", with_(Intercept=base()["x"]), "'Intercept' has the name of a model"),
    "labels in a function": ("y ~ log(h) + (1|g)", base(), "Column 'h' holds labels ('p', ...): a function needs numbers."),
    "weights of labels": ("y ~ x + (1|g)", base(), "The weights 'h' hold labels ('p', ...): they must be numbers above 0."),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_used_is_told(name: str) -> None:
    formula, data, message = CASES[name]
    weights = "h" if name.startswith("weights") else None
    for function in (hlm.fit_pooling, hlm.reml):
        with pytest.raises(DataError) as caught:
            function(formula, data, weights=weights)
        assert message in str(caught.value)


@pytest.mark.parametrize("name", CASES)
def test_lint_names_it_or_refuses_what_is_no_frame(name: str) -> None:
    formula, data, _ = CASES[name]
    try:
        findings = hlm.lint(formula, data, weights="h" if name.startswith("weights") else None)
    except DataError:
        assert not isinstance(data, pd.DataFrame) or not data.columns.is_unique or not all(map(_is_text, data.columns))
    else:
        assert findings.errors


def _is_text(name: object) -> bool:
    return isinstance(name, str)


def test_a_function_of_the_callers_that_raises_is_named() -> None:
    def broken(values: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError("no 7 here")

    message = "Your function broken, called as broken(x), raised ZeroDivisionError: no 7 here"
    with pytest.raises(DataError) as caught:
        formula_and_data("y ~ broken(x) + (1|g)", base(), functions={"broken": broken})
    assert str(caught.value) == message
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    found = hlm.lint("y ~ broken(x) + (1|g)", base(), functions={"broken": broken})
    assert [(finding.code, finding.message) for finding in found.errors] == [("function-without-value", message)]


@pytest.mark.parametrize(
    "identifiers",
    [
        pd.Series(np.arange(48) // 8, dtype=np.uint64) + np.uint64(2**63),
        pd.Series([2**60 + k // 8 for k in range(47)] + [None], dtype="Int64"),
        pd.Series([10**30 + k // 8 for k in range(48)], dtype=object),
    ],
    ids=["uint64", "Int64 with a gap", "integers of Python"],
)
def test_large_identifiers_are_not_merged(identifiers: pd.Series) -> None:
    """Through float64 all six would be one group."""
    _, data = formula_and_data("y ~ x + (1|g)", with_(g=identifiers))
    assert data.levels(Term(("g",))) == sorted({str(v) for v in identifiers.dropna()})
    assert np.bincount(data.codes(Term(("g",)))).tolist()[:5] == [8] * 5


def test_a_decimal_that_is_no_number_is_missing() -> None:
    frame = with_(g=[Decimal("NaN"), *[Decimal(k // 8) for k in range(1, 48)]])
    _, data = formula_and_data("y ~ x + (1|g)", frame)
    assert data.levels(Term(("g",))) == list("012345")
    assert data.message == "1 of 48 rows left out for missing values: g (1)."


def test_a_few_codes_of_text_are_labels() -> None:
    _, data = formula_and_data("y ~ c + (1|g)", with_(c=["1", "2", "3"] * 16))
    assert list(data.columns["c"].cat.categories) == ["1", "2", "3"]


@pytest.mark.parametrize("scale", [1e-12, 1e6, 1e9, 1e15])
@pytest.mark.parametrize("formula", ["y ~ x + (x|g)", "y ~ x + u + (x|g)"])
def test_units_of_a_predictor_change_its_slopes_and_nothing_else(formula: str, scale: float) -> None:
    """A slope per dollar is a hundred times that per cent; u, of the groups alone, is in no group's coefficients."""
    frame = with_(u=base()["g"].map(dict(zip("abcdef", [0.3, -1, 2, 0.5, 1, -0.7], strict=True))))
    options: dict[str, Any] = {"draws": 1000, "chains": 2, "seed": 1, "progress": False, "method": "exact"}
    means = [
        hlm.coefficients(hlm.fit_pooling(formula, frame.assign(x=frame["x"] * by), **options)).mean(("chain", "draw"))
        for by in (1.0, scale)
    ]
    assert means[1]["term"].values.tolist() == ["Intercept", "x"]
    rescaled = means[1].sel(term="x") * scale
    # the draws follow the units by rounding only where the search does: 2000 draws of slopes with sds of 0.06 to 0.2
    np.testing.assert_allclose(rescaled, means[0].sel(term="x"), atol=0.03)
    np.testing.assert_allclose(means[1].sel(term="Intercept"), means[0].sel(term="Intercept"), atol=0.12)


def test_one_row_a_group_leaves_no_pooling_its_priors() -> None:
    """It knows a row from that row alone, so that the others predict it by the priors; it was NaN, with slopes of p 0."""
    frame = with_(g=range(48))
    fits = hlm.fit_pooling(FORMULA, frame, method="exact", seed=1, progress=False)
    row = hlm.compare_loo(fits).set_index("pooling").loc["none"]
    own, slope = (fits["none"].priors[name].args for name in ("g", "g:x"))
    sd = np.hypot(own["sigma"], slope["sigma"] * frame["x"])  # of 1000, beside which sigma of 3 is nothing
    expected = -0.5 * np.log(2 * np.pi) - np.log(sd) - 0.5 * ((frame["y"] - own["mu"]) / sd) ** 2
    assert row["elpd"] == pytest.approx(expected.sum(), abs=0.01)
    # sigma is its prior, HalfStudentT(4), and a ratio rises with its square: a tail of index 2, k = 1/2, from 190 draws,
    # whose estimate has an sd of (1 + k) / sqrt(190) = 0.11 (Smith 1987, Annals of Statistics 15:1174-1207)
    assert fits["none"].leave_out().pareto_k == pytest.approx(np.full(48, 0.5), abs=0.44)
    slopes = hlm.check_spread(fits, seed=1).query("statistic == 'sd of slopes of x'")
    assert slopes["p_value"].isna().all() and set(slopes["note"]) == {"no group's rows determine it"}
    assert not any("slopes" in sentence for sentence in hlm.verdict(fits).sentences)
    assert "where no group's own rows determine any" in hlm.plot_path(fits).alt_text  # type: ignore[attr-defined]
    plt.close("all")


def test_a_factor_named_like_the_axis_of_the_path() -> None:
    with pytest.raises(DataError, match="The grouping column 'sd' has the name of the path's own axis: rename it."):
        hlm.pooling_path("y ~ x + (x|sd)", base().rename(columns={"g": "sd"}))


def test_more_common_coefficients_than_rows_go_to_nuts() -> None:
    rng = np.random.default_rng(1)
    wide = base().assign(**{f"v{k}": rng.normal(size=48) for k in range(50)})
    formula = f"y ~ {' + '.join(f'v{k}' for k in range(50))} + (1|g)"
    with pytest.raises(hlm.FitError) as caught:
        hlm.fit(formula, wide, method="exact")
    assert "There are 51 common coefficients and 48 rows only. Use method='nuts' or 'auto'." in str(caught.value)
    with pytest.raises(DataError, match="There are 48 rows for 48 common coefficients: leave terms out"):
        hlm.reml(formula, wide)


LABELS = ["<script>alert(1)</script>", "a & b", "$x_1^2$", "$\\nope{$", "c^{", "é😀"]


def test_odd_labels_are_shown_as_they_are() -> None:
    frame = with_(g=np.repeat(LABELS, 8))
    fits = hlm.fit_pooling(FORMULA, frame, method="exact", draws=50, chains=2, seed=1, progress=False)
    assert hlm.compare_slopes(fits, term="x")["level"].unique().tolist() == sorted(LABELS)
    shown = [fits._repr_html_(), hlm.explain(FORMULA, frame)._repr_html_(), hlm.lint(FORMULA, frame)._repr_html_()]
    assert not any("<script>" in page for page in [*shown, hlm.verdict(fits)._repr_html_()])


@pytest.mark.filterwarnings("ignore:Glyph")  # the pictures' font has no faces, and says so
def test_a_dollar_in_a_name_is_a_dollar_in_a_picture() -> None:
    frame = with_(g=np.repeat(LABELS, 8)).rename(columns={"x": "$x_1$"})
    formula = "y ~ `$x_1$` + (`$x_1$`|g)"
    fits = hlm.fit_pooling(formula, frame, method="exact", draws=50, chains=2, seed=1, progress=False)
    for draw in (hlm.plot_lines, hlm.plot_slopes, hlm.plot_ranks, hlm.plot_shrinkage):
        ax = draw(fits)
        ax.figure.canvas.draw()
        texts = [
            text for text in ax.findobj(plt.Text) if "$" in text.get_text() and "mathdefault" not in text.get_text()
        ]
        assert texts and not any(text.get_parse_math() for text in texts)
        plt.close("all")


@pytest.mark.parametrize("name", ["g_corr", "g_effect", "g_dim", "n_correct", "sigma_g", "1|h", "x|h", "a/b"])
def test_a_name_that_no_other_variable_has_is_a_name(name: str) -> None:
    """Without a correlation beside it ``g_corr`` is a column like any other: the same draws, in all strategies."""
    options: dict[str, Any] = {"draws": 50, "chains": 2, "seed": 1, "progress": False}
    poolings = ["complete", "partial"] if name == "g_dim" else ["complete", "none", "partial"]  # none has this dim
    renamed = base().rename(columns={"x": name})
    found = hlm.fit_pooling(f"y ~ `{name}` + (1|g)", renamed, poolings=poolings, **options)
    expected = hlm.fit_pooling("y ~ x + (1|g)", base(), poolings=poolings, **options)
    for pooling in poolings:
        for variable, values in expected[pooling].idata["posterior"].data_vars.items():
            ours = found[pooling].idata["posterior"][name.replace("/", "∕") if variable == "x" else variable]
            np.testing.assert_array_equal(ours, values)
    np.testing.assert_array_equal(hlm.coefficients(found), hlm.coefficients(expected))
    new = base().head(3).assign(g=["a", "b", "new"])
    ours = hlm.predict(found["partial"], new.rename(columns={"x": name}), seed=1)
    assert ours["estimate"].tolist() == hlm.predict(expected["partial"], new, seed=1)["estimate"].tolist()


@pytest.mark.parametrize("pooling", ["none", "partial"])
def test_nuts_samples_under_any_names(pooling: Pooling) -> None:
    """A bar, and what Bambi calls its own variables, it cannot take itself; the draws are those of plain names."""
    names = {"y": "_y", "x": "x|h", "h": "h_offset", "g": "g|1"}
    options: dict[str, Any] = {"draws": 8, "tune": 20, "chains": 1, "seed": 1, "method": "nuts", "progress": False}
    formula, renamed = "y ~ x + h + (x + h|g)", "`_y` ~ `x|h` + h_offset + (`x|h` + h_offset|`g|1`)"
    expected = hlm.fit(formula, base(), pooling=pooling, **options)
    found = hlm.fit(renamed, base().rename(columns=names), pooling=pooling, **options)
    pairs = [
        (one.name, two.name) for one, two in zip(found.resolved.parameters, expected.resolved.parameters, strict=True)
    ]
    assert {one for one, _ in pairs} == set(found.idata["posterior"].data_vars)
    assert {other for _, other in pairs} == set(expected.idata["posterior"].data_vars)
    for one, other in pairs:
        np.testing.assert_array_equal(found.idata["posterior"][one], expected.idata["posterior"][other])
    np.testing.assert_array_equal(found.leave_out().elpd, expected.leave_out().elpd)
    with pytest.raises(DataError, match="Bambi cannot take a column named '_y': rename it"):
        hlm.build(renamed, base().rename(columns=names), pooling=pooling)


TAKEN = {
    "sigma": "y ~ sigma + (1|g)", "mu": "y ~ mu + (1|g)", "g_corr": "y ~ g_corr + (x|g)", "1|g": "y ~ `1|g` + (1|g)",
    "x|g": "y ~ x + `x|g` + (x|g)", "1|g_sigma": "y ~ `1|g_sigma` + (1|g)", "g/k_corr": "y ~ `g/k_corr` + (x|`g/k`)",
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_another_variable_has_is_refused_everywhere(name: str) -> None:
    """Also where there are no draws yet: a table of priors would show one prior for both."""
    formula, frame = TAKEN[name], base().assign(**{name: base()["x"] ** 2, "g/k": base()["g"]})
    calls = (hlm.fit, hlm.fit_pooling, hlm.build, hlm.default_priors, hlm.pooling_path, hlm.explain)
    for call in (*(partial(one, data=frame) for one in calls), hlm.explain):
        with pytest.raises(DataError, match="has the name of a model parameter: rename it, for example"):
            call(formula)


def test_columns_named_like_functions_and_variables() -> None:
    """One model under any names: the same numbers."""
    expected = hlm.reml(FORMULA, base())
    for name in (
        "log",
        "I",
        "poly",
        "C",
        "offset",
        "sigma",
        "mu",
        "1|g_sigma",
        "chain",
        "g_dim",
        "x y",
        "日本",
        "lambda",
    ):
        found = hlm.reml(f"y ~ `{name}` + (`{name}`|g)", base().rename(columns={"x": name}))
        assert found.loglik == pytest.approx(expected.loglik, abs=1e-9)  # the same arithmetic
        assert [str(term) for term in found.fixef.index] == ["Intercept", name]
