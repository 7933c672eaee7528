"""Contrasts, texts, `dummy` and `mean_by`: R's numbers and names, in bars, for new rows, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hlm
from hlm.data.contrasts import contrast
from hlm.data.transforms import learn
from hlm.errors import DataError, FormulaError, HlmError
from hlm.model import names
from hlm.model.resolve import resolve

THIRD, HALF = 1 / 6**0.5, 0.5**0.5
# what R 4.2 prints for contr.sum(3) and so on
IN_R = {
    "C(f, Sum)": (("1", "2"), [[1, 0], [0, 1], [-1, -1]]),
    "C(f, Helmert)": (("1", "2"), [[-1, -1], [1, -1], [0, 2]]),
    "C(f, Poly)": ((".L", ".Q"), [[-HALF, THIRD], [0, -2 * THIRD], [HALF, THIRD]]),
    'C(f, Treatment("v"))': (("u", "w"), [[1, 0], [0, 0], [0, 1]]),
    "C(f, contr.treatment(3, base = 2))": (("u", "w"), [[1, 0], [0, 0], [0, 1]]),
    "C(f, contr.treatment, base = 3)": (("u", "v"), [[1, 0], [0, 1], [0, 0]]),
    "C(f, contr.SAS)": (("u", "v"), [[1, 0], [0, 1], [0, 0]]),
    "C(f, contr.sum(3))": (("1", "2"), [[1, 0], [0, 1], [-1, -1]]),
    "C(f, poly, 1)": ((".L",), [[-(0.5**0.5)], [0], [0.5**0.5]]),
    "C(f, contr.sum(3), how.many = 1)": (("1",), [[1], [0], [-1]]),
    "C(f, contr = contr.helmert, 1)": (("1",), [[-1], [1], [0]]),
    "C(f, how.many = 1)": (("v",), [[0], [1], [0]]),
    "C(f, base = 2)": (("u", "w"), [[1, 0], [0, 0], [0, 1]]),
    "C(f, contr.treatment, 1, base = 3)": (("u",), [[1], [0], [0]]),
    'C(f, "contr.helmert")': (("1", "2"), [[-1, -1], [1, -1], [0, 2]]),
    "C(f, poly)": ((".L", ".Q"), [[-HALF, THIRD], [0, -2 * THIRD], [HALF, THIRD]]),
    "C(f, Treatment)": (("v", "w"), [[0, 0], [1, 0], [0, 1]]),
}


@pytest.mark.parametrize("text", IN_R)
def test_numbers_and_names_are_rs(text: str) -> None:
    (term,) = hlm.parse(f"y ~ 0 + {text}").common
    found, (labels, matrix) = contrast(term.name, ["u", "v", "w"]), IN_R[text]
    assert found is not None and found.labels == labels
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-15)


def test_four_and_five_levels_are_rs() -> None:
    helmert, poly = contrast("C(f, Helmert)", list("abcd")), contrast("C(f, Poly)", list("abcde"))
    assert helmert is not None and poly is not None
    np.testing.assert_array_equal(helmert.matrix, [[-1, -1, -1], [1, -1, -1], [0, 2, -1], [0, 0, 3]])
    assert poly.labels == (".L", ".Q", ".C", "^4")
    integers = np.array([[-2, 2, -1, 1], [-1, -1, 2, -4], [0, -2, 0, 6], [1, -1, -2, -4], [2, 2, 1, 1]])
    np.testing.assert_allclose(poly.matrix, integers / np.linalg.norm(integers, axis=0), atol=1e-14)


def levels() -> pd.DataFrame:
    """Six groups of eight rows, a factor of three levels and one of two."""
    r = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "g": np.repeat(list("abcdef"), 8), "x": r.normal(size=48), "f": list("uvw") * 16, "h": list("pq") * 24,
            "y": r.normal(size=48),
        }
    )  # fmt: skip


# lme4 1.1-31: intercept, the two contrasts, REML
IN_LME4 = {
    "C(f, Sum)": (-0.0596, 0.1688, 0.2183, -60.6112),
    "C(f, Helmert)": (-0.0596, 0.0247, -0.1935, -61.3044),
    "C(f, Poly)": (-0.0596, -0.3931, -0.2673, -60.0619),
    'C(f, Treatment("v"))': (0.1587, -0.0494, -0.6053, None),
}


@pytest.mark.parametrize("text", IN_LME4)
def test_lme4_s_coefficients(text: str) -> None:
    *coefficients, loglik = IN_LME4[text]
    found = hlm.reml(f"y ~ {text} + x + (1|g)", levels())
    assert found.fixef.iloc[:3].tolist() == pytest.approx(coefficients, abs=5e-5)  # four decimals are known
    if loglik is not None:
        assert found.loglik == pytest.approx(loglik, abs=5e-5)


# the same with the first column only
SOME = [
    ("y ~ C(f, poly, 1)*h + (1|g)", (0.0805, -0.3274, -0.2808, -0.1303), -58.8992),
    ("y ~ x + (C(f, contr.sum, 1)|g)", (-0.0620, -0.0305), -61.3445),
    ("y ~ h + C(f, Poly, 1):h + (1|g)", (0.0805, -0.2808, -0.3274, -0.4576), -58.8992),
    ("y ~ 0 + C(f, Poly, how.many = 1) + (1|g)", (0.1088, 0.1579, -0.4463), -58.4189),
    ("y ~ C(f, contr.treatment, 1, base = 3)*x + (1|g)", (-0.1510, 0.2677, -0.1406, 0.2137), -61.3712),
]


@pytest.mark.parametrize(("formula", "coefficients", "loglik"), SOME)
def test_lme4s_coefficients_of_fewer_columns(formula: str, coefficients: tuple[float, ...], loglik: float) -> None:
    found = hlm.reml(formula, levels())
    assert found.fixef.tolist() == pytest.approx(list(coefficients), abs=5e-5)
    assert found.loglik == pytest.approx(loglik, abs=5e-5)
    built, model = hlm.build(formula, levels()).parameters["mu"], resolve(formula, levels())["partial"]
    for term in model.common.terms[1:]:
        theirs = built.common_terms[names.coefficient(term)].data.reshape(model.rows, -1)
        np.testing.assert_allclose(theirs, model.common.of(term), atol=1e-15)
    assert "factor(f), contr." in hlm.explain(formula, levels()).code["lme4"]


def test_an_empty_cell_beside_fewer_columns_is_named() -> None:
    data = levels()[lambda d: (d["f"] != "w") | (d["h"] != "q")]
    notes = resolve("y ~ h*C(f, contr.treatment, 1, base = 2) + f:h + (1|g)", data)["partial"].notes
    assert notes == (
        "f:h[v, q] is left out: the common columns before it already contain it",
        "f:h[w, p] is left out: the common columns before it already contain it",
        "f:h[w, q] is left out: no row has f = w and h = q",
    )


def test_labels_are_rs_with_what_r_appends_in_brackets() -> None:
    found = hlm.reml("y ~ C(f, Sum) * x + C(h, Poly) + (1|g)", levels())
    assert list(found.fixef.index) == [
        "Intercept", "C(f, Sum)[1]", "C(f, Sum)[2]", "x", "C(h, Poly)[.L]", "C(f, Sum):x[1]", "C(f, Sum):x[2]",
    ]  # fmt: skip


def test_without_an_intercept_every_level_has_a_column() -> None:
    plain, sums = (hlm.reml(f"y ~ 0 + {f} + x + (1|g)", levels()) for f in ("f", "C(f, Sum)"))
    assert sums.fixef.tolist() == pytest.approx(plain.fixef.tolist(), abs=1e-8)
    assert sums.loglik == pytest.approx(plain.loglik, abs=1e-8)


@pytest.mark.parametrize("text", ["C(f, Sum)", "C(f, Helmert)", "C(f, Poly)", 'C(f, Treatment("w"))'])
def test_in_bars_the_fit_is_the_same_with_any_contrasts(text: str) -> None:
    plain, other = (hlm.reml(f"y ~ x + ({f}|g)", levels()) for f in ("f", text))
    assert other.loglik == pytest.approx(plain.loglik, abs=1e-6)


@pytest.mark.parametrize("text", ["C(f, Sum)*x + (1|g)", "x + (C(f, Helmert)|g)", "C(f, Poly)*C(h, Sum) + (0 + x|g)"])
def test_new_rows_are_coded_as_the_rows_of_the_fit(text: str) -> None:
    data = levels()
    fits = hlm.fit_pooling(f"y ~ {text}", data, seed=1, draws=200)
    for pooling in ("complete", "none", "partial"):
        all_rows, one = (hlm.predict(fits[pooling], rows)["estimate"] for rows in (data, data.iloc[[5]]))
        assert one.iloc[0] == pytest.approx(all_rows.iloc[5], abs=1e-9)
    with pytest.raises(DataError, match="level 'z'"):
        hlm.predict(fits["partial"], data.iloc[:1].assign(f="z"))


FRAME = pd.DataFrame({"f": ["a", "b/c", "a", "d"], "n": [1.0, 2.0, 2.0, 5.0], "my x": [1.0, 4.0, 2.0, 0.0],
                      "g": ["p", "p", "q", "q"], "k": [1, 1, 2, 2]})  # fmt: skip
VALUES = {
    'dummy(f, "a")': [1, 0, 1, 0], 'dummy(f, "b/c")': [0, 1, 0, 0], "dummy(n, 2)": [0, 1, 1, 0],
    'I((f == "a") * n)': [1, 0, 2, 0], 'I((f != "a") + 0)': [0, 1, 0, 1], 'I(("d" == f) * 2)': [0, 0, 0, 2],
    'I((f %in% c("a", "d")) + 1)': [2, 1, 2, 2], "I((n %in% c(2, 5)) + 0)": [0, 1, 1, 1],
    "pmin(n, 2)": [1, 2, 2, 2], "pmax(n, `my x`, 3)": [3, 4, 3, 5], "mean_by(n, g)": [1.5, 1.5, 3.5, 3.5],
    "mean_by(n, k)": [1.5, 1.5, 3.5, 3.5], "ave(n + 1, g)": [2.5, 2.5, 4.5, 4.5], "mean_by(n, g, f)": [1, 2, 2, 5],
    "I(n - mean_by(n, g))": [-0.5, 0.5, -1.5, 1.5], "I(n**2)": [1, 4, 4, 25], "log(`my x` + 1)": np.log([2, 5, 3, 1]),
    "sin(n)": np.sin([1, 2, 2, 5]), "cos(`my x`)": np.cos([1, 4, 2, 0]), "base::sqrt(n)": np.sqrt([1, 2, 2, 5]),
}  # fmt: skip


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str) -> None:
    (term,) = hlm.parse(f"y ~ 0 + {text}").common
    transform, found = learn(term.name, FRAME.astype({"f": "category", "g": "category"}), {})
    np.testing.assert_allclose(found[term.name], VALUES[text], rtol=1e-15)
    new = transform.on(FRAME.iloc[[1]].astype({"f": "category", "g": "category"}))
    assert new[term.name].iloc[0] == pytest.approx(
        VALUES[text][1], rel=1e-15
    )  # what was learned, not the row's own mean


def test_a_comparison_is_a_factor_of_two_levels_as_in_r() -> None:
    data = levels()
    told, number = (hlm.reml(f"y ~ {f} + (1|g)", data) for f in ('I(f == "u")', 'dummy(f, "u")'))
    assert (
        list(told.fixef.index) == ["Intercept", 'I(f == "u")[True]'] and list(number.fixef.index)[1] == 'dummy(f, "u")'
    )
    assert told.fixef.tolist() == pytest.approx(number.fixef.tolist(), abs=1e-10)
    in_bar = hlm.reml('y ~ x + (0 + dummy(f, "u")|h)', data)
    made = hlm.reml("y ~ x + (0 + d|h)", data.assign(d=(data.f == "u") * 1.0))
    assert in_bar.loglik == pytest.approx(made.loglik, abs=1e-10)


REFUSED = {
    'y ~ dummy(f, "zz")': "no label 'zz'. There are: u, v, w", 'y ~ I(f == "U")': "Did you mean 'u'?",
    'y ~ I(x == "u")': "write a number instead, as in I(x == 1)", 'y ~ dummy(x, "1")': 'write 1 instead of "1"',
    "y ~ dummy(f, 3)": 'write "3" instead of 3', 'y ~ C(f, Treatment("q"))': "no level 'q'. There are: u, v, w",
    "y ~ C(f, Poly, 3)": "a factor of 3 levels has 2", "y ~ C(f, contr.sum(4))": "is for 4 levels; the factor has 3", "y ~ C(f, contr.treatment(base = 9))": "no level 9",
    "y ~ mean_by(f, g)": "a function needs numbers", 'y ~ I(f %in% c("u", "k"))': "no label 'k'",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_the_data_do_not_have_is_told(text: str) -> None:
    with pytest.raises(DataError) as caught:
        hlm.reml(f"{text} + (1|g)", levels())
    assert REFUSED[text] in str(caught.value)


@pytest.mark.parametrize(
    "call",
    ["C(f, foo)", 'C(f, Sum("u"))', "C(f, Poly, 0)", "C(f, Poly, 1.5)", "C(f, Poly, 1, 2)", "C(f, Sum, n)", "C(f, contr.treatment(base = 1.5))", "C(f, x + 1)", "dummy(f)",
     'dummy(f, c("a", "b"))', 'dummy(log(x), "a")', "mean_by(x)", "mean_by(x, 2)", "ave(x, g + h)", 'I(f > "a")',
     'I("a" == "b")', 'I(log(x) == "a")', 'log("a")', "I(f %in% g)"],
)  # fmt: skip
def test_calls_without_meaning_are_refused(call: str) -> None:
    with pytest.raises(FormulaError):
        hlm.parse(f"y ~ {call} + (1|g)")


def test_the_mean_of_a_new_group_is_not_guessed() -> None:
    data = levels()
    fit = hlm.fit("y ~ x + mean_by(x, g) + (1|g)", data, seed=1, draws=100)
    rows = data.iloc[[3]]
    assert hlm.predict(fit, rows)["estimate"].iloc[0] == pytest.approx(hlm.predict(fit, data)["estimate"].iloc[3])
    with pytest.raises(DataError, match="no mean for the group 'new'"):
        hlm.predict(fit, rows.assign(g="new"))
    # what the message proposes
    made = data.assign(x_mean=data.groupby("g")["x"].transform("mean"))
    other = hlm.fit("y ~ x + x_mean + (1|g)", made, seed=1, draws=100)
    assert np.isfinite(hlm.predict(other, made.iloc[[3]].assign(g="new"))["estimate"].iloc[0])


def test_every_error_is_one_of_ours() -> None:
    for text in (
        "y ~ C(x, Sum) + (1|g)",
        'y ~ C(x, Treatment("a"))',
        "y ~ (C(g, Sum)|g)",
        "y ~ C(f, Poly):C(h, Sum) + (1|g)",
    ):
        try:
            hlm.reml(text, levels())
        except HlmError:
            continue
