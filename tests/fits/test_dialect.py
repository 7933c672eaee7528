"""Functions, offsets and counts go through the strategies, both engines, predictions and the posterior's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hlm.compare.compare_slopes import compare_slopes
from hlm.compare.group_least_squares import least_squares
from hlm.data.clean_data import formula_and_data
from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.build import build
from hlm.errors import DataError, FitError
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.group_coefficients import coefficients
from hlm.fits.posterior_coefficients import linear_predictor
from hlm.fits.predict import predict
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import columns
from hlm.model.families import get_family
from hlm.model.priors import Prior
from hlm.model.resolve import default_priors, resolve

SLEEP = load_data("sleepstudy")
FORMULAS: list[tuple[str, Pooling]] = [
    ("Reaction ~ poly(Days, 2) + (poly(Days, 2)|Subject)", "partial"),
    ("Reaction ~ poly(Days, 2) + (poly(Days, 2)|Subject)", "none"),
    ("Reaction ~ Days + (poly(Days, 2)||factor(Subject))", "partial"),
    ("log(Reaction) ~ scale(Days) + (scale(Days)|factor(Subject))", "partial"),
    ("log(Reaction) ~ scale(Days) + (scale(Days)|factor(Subject))", "none"),
    ("Reaction ~ I(Days/2) + offset(I(Days^2/10)) + (log(Days + 1)|Subject)", "partial"),
    ("Reaction ~ bs(Days, df = 4) + offset(log1p(Days)) + (1|Subject)", "complete"),
    ("Reaction ~ ns(Days, df = 3) + offset(Days) + (ns(Days, df = 2)|Subject)", "none"),
    ("Reaction ~ . + (I(Days > 4)|Subject)", "partial"),
]


@pytest.mark.parametrize(("text", "pooling"), FORMULAS)
def test_names_dims_and_predictions_are_bambis(text: str, pooling: Pooling) -> None:
    """The exact engine's posterior has the variables of Bambi's PyMC model, which predicts the same from it."""
    fitted = fit(text, SLEEP, pooling=pooling, method="exact", draws=10, chains=2, seed=1)
    posterior = fitted.idata["posterior"].to_dataset()
    model = build(text, SLEEP, pooling=pooling)
    graph = model.backend.model
    variables = [v.name for v in [*graph.free_RVs, *graph.deterministics] if not v.name.endswith("_offset")]
    assert set(posterior.data_vars) == set(variables) - {"mu"}
    for name in posterior.data_vars:
        assert sorted(posterior[name].dims[2:]) == sorted(graph.named_vars_to_dims.get(name, ())), name
    predicted = model.predict(fitted.idata, inplace=False)["posterior"]["mu"].to_numpy().reshape(20, -1)
    # sums of a few products up to 1e3, each rounded to 1e-16 of its size
    np.testing.assert_allclose(predicted, linear_predictor(fitted.parts, fitted.resolved.data, slice(None)), rtol=1e-11)
    new = SLEEP.iloc[[7, 30, 100]].drop(columns="Reaction").assign(Days=[2.5, 0.0, 9.0])
    theirs = model.predict(fitted.idata, data=new, inplace=False)["posterior"]["mu"].mean(("chain", "draw"))
    np.testing.assert_allclose(predict(fitted, new)["estimate"], theirs, rtol=1e-11)


@pytest.mark.parametrize("pooling", ["complete", "none", "partial"])
def test_a_fits_own_rows_are_predicted_from_the_raw_columns(pooling: Pooling) -> None:
    """What was learned on the rows of the fit (means, knots, recurrences) is used again, also for a few rows alone."""
    text = "Reaction ~ poly(Days, 2) + scale(Days) + ns(Days, df = 3) + offset(log1p(Days)) + (scale(Days)|Subject)"
    fitted = fit(text, SLEEP, pooling=pooling, method="exact", draws=10, chains=2, seed=1)
    whole = predict(fitted)["estimate"].to_numpy()
    few = predict(fitted, SLEEP.iloc[[3, 40, 179]][["Days", "Subject"]])
    np.testing.assert_allclose(few["estimate"], whole[[3, 40, 179]], rtol=1e-11)
    assert few["Days"].tolist() == [3, 0, 9]


def test_a_predictor_in_other_units_is_the_same_model() -> None:
    """Default priors follow the columns' sds: a tenth of the days has ten times the coefficient, draw by draw."""
    days = fit("Reaction ~ Days + (Days|Subject)", SLEEP, seed=1, progress=False)
    tenths = fit("Reaction ~ I(Days/10) + (I(Days/10)|Subject)", SLEEP, seed=1, progress=False)
    a = coefficients(days).sel(term="Days").to_numpy()
    b = coefficients(tenths).sel(term="I(Days∕10)").to_numpy()
    # the search for the mode stops at a relative 1e-6 or so, and both proposals follow it
    np.testing.assert_allclose(b, 10 * a, rtol=1e-3)
    table = compare_slopes(tenths, term="I(Days/10)")  # found by the text typed
    assert set(table["term"]) == {"I(Days∕10)"}
    fitted = fit("Reaction ~ I(Days/10)", SLEEP, priors={"I(Days/10)": Prior("Normal", mu=0, sigma=1)}, seed=1)
    assert fitted.priors["I(Days∕10)"] == Prior("Normal", mu=0, sigma=1)


def test_orthogonal_polynomials_and_powers_are_the_same_least_squares() -> None:
    """The groups' own parabolas do not depend on the basis they are written in."""
    fits = {}
    for text in ("poly(Days, 2)", "poly(Days, 2, raw = TRUE)"):
        model = resolve(f"Reaction ~ {text} + ({text}|Subject)", SLEEP)["partial"]
        fits[text] = (
            np.column_stack([model.data.columns[v] for v in model.written.predictors]),
            least_squares(model, model.written.groups[0]),
        )
    for k, (_, rows) in enumerate(SLEEP.groupby("Subject", sort=True)):
        expected = np.polyval(np.polyfit(rows["Days"], rows["Reaction"], 2), rows["Days"])
        for matrix, own in fits.values():
            curve = own[k, 0] + matrix[10 * k : 10 * k + 10] @ own[k, 1:]
            np.testing.assert_allclose(curve, expected, rtol=1e-6)  # an iterative solver's 1e-14 times condition


def test_columns_give_lme4s_restricted_likelihood(lme4: Callable[[str, str], dict[str, Any]]) -> None:
    """At lme4's own standard deviations, with dense matrices: fixed effects, their errors, and the criterion."""
    row = lme4("sleepstudy", "Reaction ~ poly(Days, 2) + (1 | Subject)")
    formula, data = formula_and_data(row["formula"], SLEEP)
    design = columns(formula.common, data)
    X, y, codes = design.matrix, data.columns["Reaction"].to_numpy(), data.codes(formula.groups[0])
    tau, sigma = (part["sdcor"] for part in row["varcorr"])
    V = sigma**2 * np.eye(len(y)) + tau**2 * (codes[:, None] == codes)
    information = X.T @ np.linalg.solve(V, X)
    beta = np.linalg.solve(information, X.T @ np.linalg.solve(V, y))
    left = y - X @ beta
    determinants = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    reml = -0.5 * ((180 - 3) * np.log(2 * np.pi) + determinants + left @ np.linalg.solve(V, left))
    assert reml == pytest.approx(row["loglik_reml"], abs=1e-8)  # stored with ten decimals, flat in tau and sigma
    names = ["(Intercept)", *design.labels[1:]]
    assert dict(zip(names, beta, strict=True)) == pytest.approx(row["fixef"], rel=1e-8)
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    assert dict(zip(names, errors, strict=True)) == pytest.approx(row["fixef_se"], rel=1e-8)


@pytest.mark.parametrize("pooling", ["complete", "none", "partial"])
def test_an_offset_is_the_response_less_it(pooling: Pooling) -> None:
    """With the same priors, y ~ x + offset(o) is the model of y - o, draw by draw, and its density Bambi's."""
    with_offset = "Reaction ~ Days + offset(I(3 * Days)) + (Days|Subject)"
    without = "I(Reaction - 3 * Days) ~ Days + (Days|Subject)"
    priors = dict(default_priors(with_offset, SLEEP, pooling=pooling))
    one, other = (fit(t, SLEEP, pooling=pooling, priors=priors, seed=1, progress=False) for t in (with_offset, without))
    for name in one.idata["posterior"].data_vars:  # the same sums, in another order
        np.testing.assert_allclose(one.idata["posterior"][name], other.idata["posterior"][name], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(one.leave_out().elpd, other.leave_out().elpd, rtol=1e-6)
    graphs = [build(t, SLEEP, pooling=pooling, priors=priors).backend.model for t in (with_offset, without)]
    densities = [float(g.compile_logp()(g.initial_point())) for g in graphs]
    np.testing.assert_allclose(densities[0], densities[1], rtol=1e-12)
    np.testing.assert_allclose(predict(one)["estimate"] - 3 * SLEEP["Days"], predict(other)["estimate"], rtol=1e-6)


OFFSETS = [
    ("Reaction ~ Days + offset(I(3 * Days)) + (Days|Subject)", "gaussian"),
    ("count ~ Days + offset(log1p(Days)) + (1|Subject)", "poisson"),
]


@pytest.mark.parametrize(("text", "family"), OFFSETS)
def test_with_priors_bambi_an_offset_changes_no_prior(text: str, family: str) -> None:
    import bambi

    frame = SLEEP.assign(count=SLEEP["Reaction"].round().astype(int), Subject=SLEEP["Subject"].astype(str))
    ours = resolve(text, frame, family=family, priors="bambi")["partial"].priors
    formula, data = formula_and_data(text, frame, family=get_family(family))
    column = formula.offsets[0]
    written = text.replace(f"offset({column})", f"offset(`{column}`)")
    model = bambi.Model(written, data.columns.reset_index(drop=True), family=family)
    terms = model.parameters[model.family.likelihood.parent].terms
    for name in ("Intercept", "Days"):
        for key in ("mu", "sigma"):
            np.testing.assert_allclose(ours[name].args[key], np.squeeze(terms[name].prior.args[key]), rtol=1e-12)
    assert f"offset({column})" not in ours


def test_counts_are_one_model_however_they_are_written() -> None:
    cbpp = load_data("cbpp").assign(healthy=lambda d: d["size"] - d["incidence"])
    spellings: list[tuple[str, dict[str, Any]]] = [
        ("p(incidence, size)", {}), ("cbind(incidence, size - incidence)", {}), ("cbind(incidence, healthy)", {}),
        ("incidence/size", {"weights": "size"}),
    ]  # fmt: skip
    densities, priors = [], []
    for response, options in spellings:
        text = f"{response} ~ period + (1|herd)"
        graph = build(text, cbpp, family="binomial", **options).backend.model
        densities.append(float(graph.compile_logp()(graph.initial_point())))
        priors.append(dict(default_priors(text, cbpp, family="binomial", **options)))
    np.testing.assert_allclose(densities, densities[0], rtol=1e-13)  # the same numbers in the same graph
    assert all(p == priors[0] for p in priors)


def test_counts_are_fitted_predicted_and_shown_as_written() -> None:
    cbpp = load_data("cbpp")
    options: dict[str, Any] = {
        "family": "binomial",
        "draws": 100,
        "tune": 200,
        "chains": 1,
        "seed": 1,
        "progress": False,
    }
    fitted = fit("incidence/size ~ factor(period) + (1|herd)", cbpp, weights="size", **options)
    assert fitted.formula == "incidence/size ~ factor(period) + (1|herd)"
    new = predict(fitted, cbpp.iloc[:3], kind="response", seed=1)
    assert (new["estimate"] <= cbpp["size"].iloc[:3]).all()
    assert fitted.leave_out().elpd.shape == (56,)
    with pytest.raises(DataError, match=r"write p\(k, n\) ~ ... or cbind\(k, n - k\) ~ ...; of a proportion"):
        fit("incidence/size ~ period + (1|herd)", cbpp, **options)
    with pytest.raises(FitError, match="only the binomial family reads weights, as the number of trials"):
        fit("incidence ~ period + (1|herd)", cbpp, family="poisson", weights="size")


def test_nuts_samples_functions_and_says_the_same_as_the_exact_engine() -> None:
    text = "Reaction ~ scale(Days) + offset(I(Days/2)) + (0 + scale(Days)|factor(Subject))"
    exact = fit(text, SLEEP, seed=1, progress=False)
    nuts = fit(text, SLEEP, method="bambi", seed=1, chains=2, progress=False)
    for name in ("Intercept", "scale(Days)", "sigma", "scale(Days)|factor(Subject)_sigma"):
        a, b = exact.idata["posterior"][name], nuts.idata["posterior"][name]
        # 2000 NUTS draws, effective size about 400 or more: 4 Monte Carlo errors of a mean are a fifth of the sd
        assert abs(float(a.mean() - b.mean())) < 4 * float(a.std()) / 20
    assert set(exact.idata["posterior"].data_vars) == set(nuts.idata["posterior"].data_vars)


def test_strategies_are_shown_as_written() -> None:
    fits = fit_pooling(
        "Reaction ~ . + poly(Days, 2) + (poly(Days, 2)|Subject)", SLEEP.assign(z=np.sin(np.arange(180.0))), seed=1,
        draws=10, progress=False,
    )  # fmt: skip
    assert [fits[pooling].formula for pooling in fits] == [
        "Reaction ~ Days + z + poly(Days, 2)",
        "Reaction ~ 0 + Subject + Subject:poly(Days, 2) + z",
        "Reaction ~ Days + z + poly(Days, 2) + (poly(Days, 2)|Subject)",
    ]
    assert coefficients(fits)["term"].values.tolist() == ["Intercept", "poly(Days, 2)1", "poly(Days, 2)2", "z"]


def test_callers_functions_are_used_for_new_rows_too() -> None:
    late = {"late": lambda days: (days > 4) * (days - 4)}
    fitted = fit("Reaction ~ Days + late(Days) + (late(Days)|Subject)", SLEEP, functions=late, seed=1, progress=False)
    assert fitted.formula == "Reaction ~ Days + late(Days) + (late(Days)|Subject)"
    assert isinstance(fitted.idata["posterior"]["late(Days)|Subject"], xr.DataArray)
    found = predict(fitted, pd.DataFrame({"Days": [3.0, 4.0, 8.0], "Subject": [308, 308, 308]}))
    assert found["late(Days)"].tolist() == [0.0, 0.0, 4.0]


def test_a_new_row_without_a_value_or_level_is_named() -> None:
    fitted = fit("Reaction ~ log1p(Days) + factor(Days) + (1|Subject)", SLEEP, seed=1, progress=False, draws=10)
    with pytest.raises(DataError, match=r"log1p\(Days\) is -inf in row 1 .*where 'Days' is -1"):
        predict(fitted, pd.DataFrame({"Days": [0, -1], "Subject": [308, 308]}))
    with pytest.raises(DataError, match=r"'factor\(Days\)' has the level '20', which the data did not have"):
        predict(fitted, pd.DataFrame({"Days": [0, 20], "Subject": [308, 308]}))
