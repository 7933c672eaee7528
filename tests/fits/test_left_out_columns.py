"""Common columns that others explain, in every strategy, engine and view; designs that were once refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from refused_designs import between_within, empty_cell, items, plots_in_plots

from hlm.compare.group_least_squares import estimable
from hlm.engines.bambi.build import build
from hlm.engines.exact.engine import EXACT
from hlm.engines.interface import Options
from hlm.engines.reml.reml import reml
from hlm.errors import DataError
from hlm.explanation.explain import explain
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.group_coefficients import coefficients
from hlm.fits.predict import predict
from hlm.formula.formula import Term
from hlm.model.priors import Prior
from hlm.model.resolve import resolve

EMPTY = "y ~ f*h + (1|g)"
BARE = "y ~ A:B + (1|subj)"  # (Intercept) and four cells: the last one is left out
WITHOUT_A_CELL = "f:h[b, q] is left out: no row has f = b and h = q"


def lines(formula: str, data: pd.DataFrame) -> dict[str, float]:
    """Posterior means and sds of partial pooling by column, those of REML behind."""
    found = fit(formula, data, draws=500, chains=2, seed=1, progress=False)
    shared = dict(zip(found.parts.common.labels, found.parts.shared.T, strict=True))
    return {label: (float(draws.mean()), float(draws.std())) for label, draws in shared.items()}


# lme4 1.1-31
REML = [
    (empty_cell, EMPTY, -106.6698),
    (between_within, "y ~ line*damage + (1|sire)", -68.7432),
    (plots_in_plots, "y ~ factor(nitro)*manage*gen + (1|rep) + (1|rep:nitro) + (1|rep:nitro:manage)", -154.0235),
    (items, "y ~ A*B + (1|subj) + (1|item)", -71.8576),
]


@pytest.mark.parametrize(("make", "formula", "loglik"), REML)
def test_designs_that_were_refused(make: Callable[[], pd.DataFrame], formula: str, loglik: float) -> None:
    data = make()
    assert reml(formula, data).loglik == pytest.approx(loglik, abs=1e-4)
    fits = fit_pooling(formula, data, draws=200, chains=2, seed=1, progress=False)
    assert str(fits) and str(explain(formula, data))
    assert np.isfinite(coefficients(fits, fits["none"].resolved.written.groups[0].name)).all()


def test_an_empty_cell_is_left_out_in_all_strategies() -> None:
    """lme4's coefficients are -0.4208, -0.1533, 0.6373, -0.3474, -0.6223; the columns' labels are those of the rest."""
    data = empty_cell()
    labels = ("Intercept", "f[b]", "f[c]", "h[q]", "f:h[c, q]")
    lme4 = dict(zip(labels, (-0.4208, -0.1533, 0.6373, -0.3474, -0.6223), strict=True))
    estimated = reml(EMPTY, data)
    assert estimated.fixef.to_dict() == pytest.approx(lme4, abs=1e-4)
    assert estimated.notes == ("Left out, in the span of the common columns before: f:h[b, q].",)
    for label, (mean, sd) in lines(EMPTY, data).items():
        assert abs(mean - lme4[label]) < 0.15 * sd  # 1,000 draws, and a prior 2.5 sds of y wide
    models = resolve(EMPTY, data, poolings=("complete", "none", "partial"))
    assert all(WITHOUT_A_CELL in model.notes for model in models.values())
    assert models["complete"].common.labels == models["partial"].common.labels == labels
    assert models["none"].common.labels == labels[1:]


def test_the_views_of_an_empty_cell_name_it() -> None:
    explained = explain(EMPTY, empty_cell())
    assert f"{WITHOUT_A_CELL}." in explained.words.notes
    assert [column.label for column in explained.model.left_out] == ["f:h[b, q]"]
    assert "[f = b]ₖᵢ · [h = q]ₖᵢ" not in explained.equations.text
    assert 'prior(constant(0), class = b, coef = "fb:hq")' in explained.code["brms"]
    assert '"f:h[c, q]"' in explained.code["pymc"] and '"f:h[b, q]"' not in explained.code["pymc"]
    assert "use hlm.build" in explained.code["bambi"]


def test_bambi_has_the_same_columns() -> None:
    for formula, data, pooling in (
        (EMPTY, empty_cell(), "partial"),
        (BARE, items(), "none"),
        (BARE, items(), "complete"),
    ):
        model = resolve(formula, data, poolings=(pooling,))[pooling]
        built = build(formula, data, pooling=pooling).parameters["mu"]
        for term in dict.fromkeys(model.common.terms):
            if term.variables:
                theirs = built.common_terms[term.name]
                np.testing.assert_array_equal(theirs.data.reshape(model.rows, -1), model.common.of(term))
                assert tuple(theirs.levels) == model.common.levels_of(term)


@pytest.mark.parametrize(
    ("formula", "left_out"),
    [
        ("y ~ x + z + total + (x|g)", ["total is left out: the common columns before it already contain it"]),
        ("y ~ x + I(2 * x + 3) + (1|g)", ["I(2*x+3) is left out: the common columns before it already contain it"]),
        ("y ~ f + coarse + (1|g)", ["coarse[v] is left out: the common columns before it already contain it"]),
        ("y ~ f + f:x + x + (1|g)", []),
        ("y ~ x + far + (1|g)", []),
    ],
)
def test_sums_and_copies(formula: str, left_out: list[str]) -> None:
    """A column far from 0 is no copy of the intercept."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(
        {"g": np.arange(60) % 6, "f": list("abc") * 20, "x": rng.normal(size=60), "z": rng.normal(size=60)}
    )
    data["total"], data["coarse"] = data["x"] + data["z"], np.where(data["f"] == "a", "u", "v")
    data["far"], data["y"] = 1e6 + rng.normal(size=60), rng.normal(size=60)
    model = resolve(formula, data)["partial"]
    assert [note.replace(" ", "") for note in model.notes] == [note.replace(" ", "") for note in left_out]
    assert np.linalg.matrix_rank(model.common.matrix - model.common.matrix.mean(axis=0)) == len(model.common.labels) - 1


def test_many_columns_of_a_term_are_one_sentence() -> None:
    """Pupils within regions once had a line for each of forty columns, three times."""
    pupil = np.arange(60) % 20
    data = pd.DataFrame({"pupil": [f"p{i:02}" for i in pupil], "region": [f"r{i % 3}" for i in pupil]})
    data["y"] = np.random.default_rng(1).normal(size=60)
    model = resolve("y ~ region/pupil + (1|pupil)", data)["partial"]
    (note,) = model.notes
    assert note.startswith("40 of the 57 columns of region:pupil are left out: ")
    assert len(model.common.labels) == 20


@pytest.mark.parametrize("pooling", ["complete", "none", "partial"])
def test_predictions_need_no_column_that_is_left_out(pooling: str) -> None:
    """Those of the fit's own rows come again from new rows, a single row's too."""
    data = empty_cell()
    found = fit(EMPTY, data, pooling=pooling, draws=200, chains=2, seed=1, progress=False)
    own = predict(found)["estimate"].to_numpy()
    again = predict(found, data.drop(columns="y").iloc[[7]])["estimate"].to_numpy()
    np.testing.assert_allclose(again, own[[7]], rtol=1e-12)


@pytest.mark.parametrize("pooling", ["complete", "none", "partial"])
def test_a_prediction_where_a_left_out_column_counts_says_so(pooling: str) -> None:
    """An empty cell, and a copy that is none in the new row; R warns of all rows that they may be misleading."""
    data = empty_cell()
    told = data.iloc[[0, 0, 0]].assign(f=["b", "a", "b"], h=["q", "q", "p"])
    found = fit(EMPTY, data, pooling=pooling, draws=200, chains=2, seed=1, progress=False)
    here = "the data do not tell the effect of f:h[b, q] here: it counts as 0"
    assert predict(found, told)["note"].tolist() == [here, "", ""]
    assert predict(found)["note"].unique().tolist() == [""]
    assert here in predict(found, told, draws=True).attrs["note"]
    data = data.assign(x=np.linspace(1990, 2020, len(data)), copy=lambda d: 2 * d["x"] + 1)
    found = fit("y ~ x + copy + scale(x) + (1|g)", data, pooling=pooling, draws=200, chains=2, seed=1, progress=False)
    told = data.iloc[[0, 0]].assign(x=[1900.0, 2000.0], copy=[3801.0, 0.0])
    assert [note[:37] for note in predict(found, told)["note"]] == ["", "the data do not tell the effect of co"]


def test_a_prior_for_each_column_goes_to_the_columns_that_stay() -> None:
    """No pooling has two of the three columns of A:B, [a, y] and [b, x]."""
    priors = {"A:B": Prior("Normal", mu=0, sigma=[1.0, 2.0, 3.0])}
    models = resolve(BARE, items(), poolings=("complete", "none"), priors=priors)
    assert models["complete"].common.labels[1:] == ("A:B[a, x]", "A:B[a, y]", "A:B[b, x]")
    assert models["none"].common.labels == ("A:B[a, y]", "A:B[b, x]")
    assert models["complete"].priors["A:B"].args["sigma"] == (1.0, 2.0, 3.0)
    assert models["none"].priors["A:B"].args["sigma"] == (2.0, 3.0)


def test_many_own_coefficients_take_megabytes() -> None:
    """90 and 239 own coefficients on 600 rows; as one matrix of dummies the fit asked for 25 GB."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"child": np.repeat(np.arange(30), 20), "x": rng.normal(size=600), "z": rng.normal(size=600)})
    data["word"] = rng.permutation(np.arange(600) % 240)
    data["y"] = data["x"] + rng.normal(size=30)[data["child"]] + rng.normal(size=600)
    model = resolve("y ~ x + (x + z|child) + (1|word)", data, poolings=("none",))["none"]
    assert EXACT.covers(model) is None
    assert EXACT.cost(model, Options()).memory < 200e6
    drawn = EXACT.sample(model, Options(draws=200, chains=2, seed=1))
    assert drawn.diagnostics.ok and drawn.idata["posterior"].sizes["word_dim"] == 239


# lme4 1.1-31, which keeps the column of the empty cell in the bar: its sd there is no estimate
VARYING = [
    ("y ~ f*h + (f*h|g)", -104.8951),
    ("y ~ f*h + (0 + f:h|g)", -104.8951),
    ("y ~ f + h + (0 + f:h||g)", -106.0333),
    ("y ~ C(f, contr.sum)*h + (1|g) + (0 + h:f|g)", -106.6868),
]


@pytest.mark.parametrize(("formula", "loglik"), VARYING)
def test_an_empty_cell_that_varies_is_left_out_of_the_bar(formula: str, loglik: float) -> None:
    data = empty_cell()
    estimated = reml(formula, data)
    assert estimated.loglik == pytest.approx(loglik, abs=1e-4)
    model = resolve(formula, data)["partial"]
    where = "h = q and f = b" if "h:f" in formula else "f = b and h = q"
    (said,) = [note for note in model.notes if note.endswith("so that nothing there varies by g")]
    assert f"no row has {where}" in said and f"{said}." in estimated.notes
    assert all(factor.design.matrix.any(axis=0).all() for factor in model.factors)
    explained = explain(formula, data)
    assert f"{said}." in explained.words.notes and "use hlm.build" in explained.code["bambi"]


def test_all_strategies_and_bambi_without_an_empty_cell_in_the_bar() -> None:
    formula, data = "y ~ f*h + (0 + f:h|g)", empty_cell()[lambda d: d["f"] != "c"]
    fits = fit_pooling(formula, data, draws=200, chains=2, seed=1, progress=False)
    assert {fit.engine for fit in fits.values()} == {"exact"} and str(fits) and str(explain(formula, data))
    assert np.isfinite(coefficients(fits, "g")).all()
    partial = fits["partial"]
    assert partial.idata["posterior"]["f:h|g_sigma"].coords["f:h__expr_dim"].to_numpy().tolist() == [
        "a, p", "a, q", "b, p",
    ]  # fmt: skip
    again = predict(partial, data.drop(columns="y").iloc[[7]])["estimate"].to_numpy()
    np.testing.assert_allclose(again, predict(partial)["estimate"].to_numpy()[[7]], rtol=1e-12)
    theirs = build(formula, data).parameters["mu"].group_specific_terms["f:h|g"]
    factor = partial.resolved.factors[0]
    dummies = np.eye(factor.size)[factor.codes]
    ours = (factor.design.matrix[:, :, None] * dummies[:, None, :]).reshape(len(data), -1)
    assert np.asarray(theirs.data.todense()).shape == ours.shape
    np.testing.assert_array_equal(sorted(theirs.data.todense().T.tolist()), sorted(ours.T.tolist()))
    given = {"f:h|g_sigma": Prior("HalfNormal", sigma=[1.0, 2.0, 3.0, 4.0])}
    model = resolve(formula, data, priors=given)["partial"]
    assert model.priors["f:h|g_sigma"].args["sigma"] == (1.0, 2.0, 3.0)


def test_a_term_that_is_nowhere_cannot_vary() -> None:
    data = empty_cell().assign(u=lambda d: (d["h"] == "p") * 1.0, v=lambda d: (d["h"] == "q") * 1.0)
    with pytest.raises(DataError, match="u:v is 0 in every row, so that it cannot vary by g: leave it out of the bar"):
        fit("y ~ f + (u:v|g)", data, progress=False)
    assert resolve("y ~ f + (1|g)", data)["partial"].notes == ()


def test_an_empty_cell_that_varies_is_estimable_nowhere() -> None:
    model = resolve("y ~ f*h + (0 + f:h|g)", empty_cell(), poolings=("none",))["none"]
    names, known = estimable(model, Term(("g",)))
    assert [name for name, mine in zip(names, known.T, strict=True) if not mine.any()] == ["f:h[b, q]"]
    assert "f:h[b, q]" not in model.design.group_coefficients.labels


@pytest.mark.parametrize("formula", ["y ~ one + x + (1|g)", "y ~ x*one + (x|g)", "y ~ x + I(one^2) + (1|g)"])
def test_a_constant_number_beside_the_intercept_is_left_out(formula: str) -> None:
    data = empty_cell().assign(one=3.0, x=np.linspace(-1, 1, len(empty_cell())))
    plain = "y ~ x + (x|g)" if "(x|g)" in formula else "y ~ x + (1|g)"
    assert reml(formula, data).fixef.to_dict() == pytest.approx(reml(plain, data).fixef.to_dict(), rel=1e-6)
    fits = fit_pooling(formula, data, seed=1, draws=50, chains=2, progress=False)
    assert all(
        "is left out: the common columns before it already contain it" in " ".join(f.notes) for f in fits.values()
    )


def test_a_constant_number_without_an_intercept_is_the_intercept() -> None:
    data = empty_cell().assign(one=2.0, x=np.linspace(-1, 1, len(empty_cell())))
    found, plain = reml("y ~ 0 + one + x + (1|g)", data), reml("y ~ x + (1|g)", data)
    assert 2 * found.fixef["one"] == pytest.approx(plain.fixef["Intercept"], rel=1e-6)
    assert found.fixef["x"] == pytest.approx(plain.fixef["x"], rel=1e-6)
    with pytest.raises(DataError, match="'one' is constant"):
        reml("y ~ x + (one|g)", data)
