"""Real data through the three strategies: numbers against lme4, least squares and the published posteriors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.compare.compare_loo import compare_loo
from hlm.data.packaged_sets import load_data
from hlm.engines.exact.diagnostics import ExactDiagnostics
from hlm.engines.interface import Draws
from hlm.errors import DataError, FitError, FormulaError
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.log_likelihood import _bambi_log_density, log_density_of
from hlm.fits.results import Fit, PoolingFits
from hlm.model.priors import Prior

EXAM = "post ~ pre + (pre|school)"


def mean(fit: Fit, name: str) -> float:
    return float(fit.idata["posterior"][name].mean())


# Partial pooling of exam. The reference is the exact marginal posterior in tests/reference/peers.json:
# sds 0.3109 (0.0320) and 0.1245 (0.0199), cor 0.465 (0.149), sigma 0.7445 (0.0083). With an effective sample size
# of 500 the Monte Carlo errors are 0.0014, 0.0009, 0.0067 and 0.0004; the tolerances are those of the issue.
def test_exam_partial(exam_nuts: PoolingFits) -> None:
    partial = exam_nuts["partial"]
    correlation = float(partial.idata["posterior"]["school_corr"].mean(("chain", "draw"))[1, 0])
    assert 0.42 < correlation < 0.51
    assert mean(partial, "1|school_sigma") == pytest.approx(0.31, abs=0.005)
    assert mean(partial, "pre|school_sigma") == pytest.approx(0.125, abs=0.005)
    assert mean(partial, "sigma") == pytest.approx(0.744, abs=0.002)
    assert mean(partial, "pre") == pytest.approx(0.5567, abs=0.004)  # sd 0.02
    assert partial.method == "nuts"


def test_exam_elpd(exam_nuts: PoolingFits) -> None:
    assert exam_nuts["complete"].leave_out().total == pytest.approx(-4883.3, abs=1)
    assert exam_nuts["partial"].leave_out().total == pytest.approx(-4607.9, abs=1.5)
    assert exam_nuts["partial"].leave_out().p_loo == pytest.approx(90.6, abs=2)  # brms 90.6, rstanarm 90.7
    assert exam_nuts["partial"].leave_out().se == pytest.approx(46.7, abs=0.2)
    assert len(exam_nuts["partial"].leave_out().bad) == 0


def test_exam_without_correlation(exam_double_bar: Fit, exam_nuts: PoolingFits) -> None:
    assert not [name for name in exam_double_bar.idata["posterior"].data_vars if "corr" in name]
    # the reference difference is 1.6 to 2.2; each elpd has Monte Carlo error of about 0.3
    assert exam_nuts["partial"].leave_out().total - exam_double_bar.leave_out().total == pytest.approx(1.9, abs=1.2)


def test_strategies_formulas(exam_nuts: PoolingFits) -> None:
    assert list(exam_nuts) == ["complete", "none", "partial"]
    assert [f.formula for f in exam_nuts.values()] == [
        "post ~ pre", "post ~ 0 + school + school:pre", "post ~ pre + (pre|school)",
    ]  # fmt: skip


LME4 = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    ("pastes", "strength ~ 1 + (1 | batch/cask)"),
    ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    ("radon", "log_radon ~ floor + (floor | county)"),
    ("cbpp", "cbind(incidence, size - incidence) ~ period + (1 | herd)"),
]


@pytest.mark.parametrize(("name", "formula"), LME4)
def test_partial_agrees_with_lme4_within_a_posterior_sd(
    name: str, formula: str, lme4: Callable[[str, str], dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    """lme4 gives modes, Bayes means under weak priors: they differ, by less than the posterior's own spread."""
    reference, partial = lme4(name, formula), request.getfixturevalue(name)["partial"]
    posterior = partial.idata["posterior"]
    for label, values in zip(partial.parts.common.labels, partial.parts.shared.T, strict=True):
        r_name = "(Intercept)" if label == "Intercept" else label.replace("[", "").replace("]", "")
        assert abs(values.mean() - reference["fixef"][r_name]) < values.std()
    checked = 0
    for row in reference["varcorr"]:
        if row["grp"] == "Residual":
            assert abs(mean(partial, "sigma") - row["sdcor"]) < float(posterior["sigma"].std())
        elif "var2" not in row:
            effect = "1" if row["var1"] == "(Intercept)" else row["var1"]
            group = {"cask:batch": "batch:cask"}.get(row["grp"], row["grp"])
            values = posterior[f"{effect}|{group}_sigma"]
            assert abs(float(values.mean()) - row["sdcor"]) < float(values.std())
            checked += 1
        else:
            values = posterior[f"{row['grp']}_corr"][..., 1, 0]
            assert abs(float(values.mean()) - row["sdcor"]) < float(values.std())
    assert checked == sum("var2" not in row and row["grp"] != "Residual" for row in reference["varcorr"])


def test_auto_takes_the_engine_that_covers_the_model(
    sleepstudy: PoolingFits, penicillin: PoolingFits, cbpp: PoolingFits
) -> None:
    assert [f.engine for f in sleepstudy.values()] == ["exact"] * 3
    assert [f.engine for f in penicillin.values()] == ["exact"] * 3
    assert [f.engine for f in cbpp.values()] == ["quadrature"] * 3
    assert penicillin["partial"].notes == ()
    assert cbpp["partial"].notes == ()


def test_the_exact_engine_refuses_what_it_does_not_cover(counts: pd.DataFrame) -> None:
    with pytest.raises(FitError, match="does not cover this model. The family is t with the identity link"):
        fit("x ~ hit + (1|g)", counts, family="t", method="exact", progress=False)
    with pytest.raises(FitError, match="does not cover this model. There are several grouping factors \\(g, hit\\)"):
        fit("count ~ x + (1|g) + (1|hit)", counts, family="poisson", method="exact", progress=False)


def test_both_engines_agree_on_exam(exam: PoolingFits, exam_nuts: PoolingFits) -> None:
    """Posterior means within 4 Monte Carlo standard errors of NUTS (effective sample size at least 400), sds within 5 %."""
    ours, nuts = (fits["partial"].idata["posterior"] for fits in (exam, exam_nuts))
    for name in ("Intercept", "pre", "sigma", "1|school_sigma", "pre|school_sigma", "1|school", "pre|school"):
        sd = nuts[name].std(("chain", "draw"))
        assert (abs(ours[name].mean(("chain", "draw")) - nuts[name].mean(("chain", "draw"))) < 4 * sd / 20).all()
        assert abs(float((ours[name].std(("chain", "draw")) / sd).mean()) - 1) < 0.05
        assert ours[name].dims == nuts[name].dims


@pytest.mark.parametrize("name", [row[0] for row in LME4])
def test_every_packaged_example_has_three_strategies(name: str, request: pytest.FixtureRequest) -> None:
    fits = request.getfixturevalue(name)
    assert list(fits) == ["complete", "none", "partial"]
    elpd = {pooling: f.leave_out().total for pooling, f in fits.items()}
    assert elpd["partial"] > elpd["complete"]  # on all five the groups differ


FAMILIES = [("bernoulli", "hit"), ("poisson", "count"), ("negativebinomial", "over")]


@pytest.mark.parametrize(("family", "response"), FAMILIES)
def test_other_families_in_all_strategies(family: str, response: str, counts: pd.DataFrame) -> None:
    fits = fit_pooling(f"{response} ~ x + (1|g)", counts, family=family, draws=500, tune=500, seed=2, progress=False)
    partial = fits["partial"].idata["posterior"]
    # simulated with slope 0.8: within 3 posterior sds, as 99.7 % of data sets are
    assert abs(float(partial["x"].mean()) - 0.8) < 3 * float(partial["x"].std())
    assert fits["none"].formula == f"{response} ~ 0 + g + x"
    for one in fits.values():  # a second route: Bambi's own log-likelihood of the same draws
        ours = log_density_of(one.resolved, one.idata, one.parts, lambda one=one: one.model)(slice(0, 180))
        theirs = _bambi_log_density(one.resolved, one.idata, lambda one=one: one.model)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-8)
    assert fits["none"].idata["posterior"]["g"].sizes["g_dim"] == 12


def test_same_seed_same_draws_and_ids_of_any_dtype() -> None:
    """Row order and the dtype of the ids do not change the model: the posterior is the same up to Monte Carlo error."""
    sleep = load_data("sleepstudy")
    options: dict[str, Any] = {"draws": 300, "tune": 300, "seed": 3, "progress": False, "method": "nuts"}
    formula = "Reaction ~ Days + (Days - 1|Subject)"
    first = fit(formula, sleep, **options).idata["posterior"]
    assert np.array_equal(first["Days"], fit(formula, sleep, **options).idata["posterior"]["Days"])
    integer = sleep.assign(Subject=sleep["Subject"].astype(str).astype(int)).sample(frac=1, random_state=1)
    other = fit(formula, integer, **options).idata["posterior"]
    assert list(other["Days|Subject"]["Subject__factor_dim"].values) == list(
        first["Days|Subject"]["Subject__factor_dim"].values
    )
    for name in ("Intercept", "Days", "Days|Subject_sigma", "sigma"):
        # 1200 draws, efficiency at least 1/4: Monte Carlo error below sd/17; the difference of two: 4 x sd/12
        assert abs(float(first[name].mean() - other[name].mean())) < 4 * float(first[name].std()) / 12


def test_priors_are_used_and_kept() -> None:
    given = {"Days": Prior("Normal", mu=0, sigma=0.001), "sigma": Prior("Exponential", lam=0.02)}
    fits = fit_pooling(
        "Reaction ~ Days + (1|Subject)", load_data("sleepstudy"), priors=given, poolings=["partial", "complete"],
        draws=200, tune=300, chains=2, seed=1, progress=False,
    )  # fmt: skip
    assert list(fits) == ["complete", "partial"]
    for one in fits.values():
        assert one.priors["Days"] == given["Days"]
        assert abs(mean(one, "Days")) < 0.001  # the prior's sd


def test_missing_rows_are_said() -> None:
    sleep = load_data("sleepstudy")
    sleep.loc[[3, 7], "Days"] = np.nan
    fits = fit_pooling(
        "Reaction ~ Days + (1|Subject)", sleep, poolings=["complete"], draws=50, tune=100, chains=2, seed=1,
        progress=False,
    )  # fmt: skip
    assert "2 of 180 rows left out for missing values: Days (2)." in repr(fits)


def test_ordered_responses_are_fitted_and_shown(counts: pd.DataFrame) -> None:
    data = counts.assign(grade=pd.cut(counts["count"], [-1, 0, 2, 99], labels=["low", "mid", "high"]))
    partial = fit("grade ~ x + (1|g)", data, family="cumulative", draws=100, tune=200, chains=2, seed=1, progress=False)
    posterior = partial.idata["posterior"]
    assert float(posterior["x"].mean()) > 3 * float(posterior["x"].std())  # more x, higher grade
    shown = next(line for line in repr(partial).splitlines() if line.startswith("threshold[0]"))
    assert float(shown.split()[1]) == pytest.approx(float(posterior["threshold"][..., 0].mean()), abs=0.01)


def test_table_in_the_terminal_and_in_jupyter(exam: PoolingFits) -> None:
    text = repr(exam)
    assert text.splitlines()[0] == "gaussian, 4059 rows, school (65). Posterior means (sds)."
    assert "cor Intercept, pre | school" in text
    assert "by school" in text
    html = exam._repr_html_()
    assert html.count("<tr>") == len(exam.summary) + 1
    assert "by school" in html
    table = exam.summary
    assert table.loc["pre", ("partial", "mean")] == pytest.approx(mean(exam["partial"], "pre"))
    assert np.isnan(table.loc["sd pre | school", ("complete", "mean")])
    assert "rows with bad Pareto k" not in table.index
    conditional = PoolingFits(
        {pooling: replace(one, engine="bambi") for pooling, one in exam.items()}
    )  # as draws by NUTS are
    assert "rows with bad Pareto k" not in conditional.summary.index  # not computed yet
    conditional["none"].leave_out()
    bad = conditional.summary.loc["rows with bad Pareto k", ("none", "mean")]
    assert bad == len(conditional["none"].leave_out().bad) > 0


def test_leave_one_out_is_stored_where_it_takes_no_time(sleepstudy: PoolingFits) -> None:
    """Printing computes nothing: a row for it stands in the table if the values are there, else how to get them."""
    assert all(one.loo is one.leave_out() for one in sleepstudy.values())
    assert "elpd (se)" in sleepstudy.summary.index and "Verdict for a new row" in repr(sleepstudy)
    exam = fit_pooling(EXAM, load_data("exam"), seed=1, progress=False)
    hint = "elpd: not computed yet, since it takes longer than the fit; {} computes and keeps it."
    assert [one.loo for one in exam.values()] == [None, None, None]
    assert repr(exam).splitlines()[-1] == hint.format("hlm.compare_loo(fits)")
    assert hint.format("hlm.compare_loo(fits)") in exam._repr_html_()
    assert repr(exam["partial"]).splitlines()[-1] == hint.format("fit.leave_out()")
    assert [name for name in exam.summary.index if name in ("elpd (se)", "p_loo")] == []
    partial = exam["partial"].leave_out()
    assert exam["partial"].loo is partial and exam["none"].loo is None
    table = exam.summary
    assert table.loc["elpd (se)", "partial"].tolist() == [partial.total, partial.se]
    assert table.loc["p_loo", ("partial", "mean")] == partial.p_loo and table.loc["elpd (se)", "none"].isna().all()
    compare_loo(exam)
    assert exam["partial"].loo is partial and exam.summary.loc["elpd (se)"].notna().all()
    assert "not computed" not in repr(exam)


def test_model_of_a_fit_predicts(exam_nuts: PoolingFits) -> None:
    partial = exam_nuts["partial"]
    new = pd.DataFrame({"pre": [0.0, 1.0], "school": [1, 2]})
    thin = partial.idata.isel(draw=slice(0, 20))
    out = partial.model.predict(thin, data=new, inplace=False)
    assert out["posterior"]["mu"].sizes["__obs__"] == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"formula": "y ~ x"}, FormulaError, "nothing to pool"),
        ({"poolings": ["half"]}, FitError, "not 'half'"),
        ({"poolings": "none"}, FitError, "is a list"),
        ({"poolings": []}, FitError, "is a list"),
        ({"method": "mcmc"}, FitError, "not 'mcmc'"),
        ({"draws": 0}, FitError, "draws is a whole number of at least 4, not 0"),
        ({"chains": 2.5}, FitError, "chains is a whole number"),
        ({"seed": -1}, FitError, "seed is a whole number of 0 or more, not -1"),
        ({"lkj_eta": 0}, FitError, "lkj_eta is a positive number"),
        ({"family": "normal"}, FitError, "no family 'normal'"),
        ({"family": "poisson"}, DataError, "the poisson family needs counts"),
        ({"priors": {"pre": Prior("Normal", mu=0, sigma=1)}}, FitError, "no parameter 'pre'"),
    ],
)
def test_bad_options_fail_before_anything_is_fitted(options: dict[str, Any], error: type, message: str) -> None:
    frame = pd.DataFrame({"y": [0.5, 1.5, 2, 3], "x": [1.0, 2, 4, 3], "g": list("aabb")})
    arguments = {"formula": "y ~ x + (1|g)", "data": frame, **options}
    with pytest.raises(error) as caught:
        fit_pooling(arguments.pop("formula"), arguments.pop("data"), **arguments)
    assert message in str(caught.value)


def test_unknown_strategy_is_named(exam_nuts: PoolingFits) -> None:
    with pytest.raises(FitError, match="no fit 'Partial'. Did you mean 'partial'"):
        exam_nuts["Partial"]


SLEEP = load_data("sleepstudy")
SAME_IDS = {
    "int": lambda ids: ids.astype(str).astype(int),
    "str": lambda ids: ids.astype(str),
    "float": lambda ids: ids.astype(str).astype(float),
    "nullable": lambda ids: ids.astype(str).astype(int).astype("Int64"),
    "pyarrow": lambda ids: ids.astype(str).astype("string[pyarrow]"),
}


@pytest.mark.parametrize("name", SAME_IDS)
def test_ids_of_any_dtype_give_the_same_answer(name: str, sleepstudy: PoolingFits) -> None:
    frame = SLEEP.assign(Subject=SAME_IDS[name](SLEEP["Subject"]))
    again = fit("Reaction ~ Days + (Days|Subject)", frame, seed=1, progress=False).idata["posterior"]
    for variable, values in sleepstudy["partial"].idata["posterior"].data_vars.items():
        np.testing.assert_array_equal(again[variable], values)


def test_row_order_and_labels_do_not_matter(sleepstudy: PoolingFits) -> None:
    """The sums run in another order, so that the last bits differ; labels of the same order change nothing else."""
    shuffled = SLEEP.sample(frac=1, random_state=3).assign(Subject=lambda d: "s" + d["Subject"].astype(str))
    again = fit("Reaction ~ 1 + Days + (1 + Days|Subject)", shuffled, seed=1, progress=False)
    before, after = (f.idata["posterior"] for f in (sleepstudy["partial"], again))
    for name, values in before.data_vars.items():
        np.testing.assert_allclose(after[name], values, rtol=0, atol=1e-5)  # 3e-7 here, in milliseconds
    assert str(after["Days|Subject"]["Subject__factor_dim"].values[0]) == "s308"


def test_minus_one_and_zero_plus_are_the_same() -> None:
    first, second = (
        fit(f"Reaction ~ Days + ({bar}|Subject)", SLEEP, seed=2, progress=False) for bar in ("Days - 1", "0 + Days")
    )
    assert first.formula == second.formula == "Reaction ~ Days + (0 + Days|Subject)"
    np.testing.assert_array_equal(first.idata["posterior"]["Days|Subject"], second.idata["posterior"]["Days|Subject"])


def test_where_nuts_cannot_help_either_both_reasons_are_told(
    monkeypatch: pytest.MonkeyPatch, sleepstudy: PoolingFits
) -> None:
    bad = ExactDiagnostics(pareto_k=0.83, ess=4000.0, points=6700, draws=4000)
    monkeypatch.setattr("hlm.engines.exact.engine._sample", lambda *_: Draws(sleepstudy["partial"].idata, bad))
    monkeypatch.setattr("hlm.support.memory._free", lambda: 1e4)
    with pytest.raises(FitError, match=r"would need about .* of memory.* since of the exact engine .* Pareto k 0\.83"):
        fit("Reaction ~ Days + (Days|Subject)", SLEEP, seed=1, progress=False)


def test_bad_importance_weights_fall_back_to_nuts_and_say_so(
    monkeypatch: pytest.MonkeyPatch, sleepstudy: PoolingFits
) -> None:
    """Auto never returns draws whose diagnostic failed; asked for by name, the engine's sentence says so."""
    partial = sleepstudy["partial"]
    bad = ExactDiagnostics(pareto_k=0.83, ess=40.0, points=6700, draws=4000)
    monkeypatch.setattr("hlm.engines.exact.engine._sample", lambda *_: Draws(partial.idata, bad))
    monkeypatch.setattr(
        "hlm.engines.nuts.engine.NutsEngine.sample", lambda *_: Draws(partial.idata, partial.diagnostics)
    )
    formula = "Reaction ~ Days + (Days|Subject)"
    fallen = fit(formula, SLEEP, seed=1, progress=False)
    assert (fallen.method, fallen.engine) == ("nuts", "nuts")
    why = "sampled by NUTS, since of the exact engine the importance weights have Pareto k 0.83, wanted 0.7 at most"
    assert fallen.notes == (why,)
    named = fit(formula, SLEEP, method="exact", seed=1, progress=False)
    assert named.method == "exact"
    assert "Not reliable" in repr(named)


def test_own_slopes_for_each_level_beside_a_common_intercept() -> None:
    """No pooling of ``(0 + x:c|g)`` used to stop in NumPy: one prior per level of c, and one column per group and level."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=200), "g": np.repeat(np.arange(20), 10), "c": np.tile(["p", "q"], 100)})
    frame["y"] = (1 + (frame["c"] == "p")) * frame["x"] + rng.normal(size=200)
    found = fit("y ~ x*c + (0 + x:c|g)", frame, pooling="none", seed=1, progress=False).idata["posterior"]["g:x:c"]
    cells = [(frame["g"] == g) & (frame["c"] == c) for g in range(20) for c in "pq"]
    design = np.column_stack([np.ones(200), frame["c"] == "q", *(frame["x"] * cell for cell in cells)])
    expected = np.linalg.lstsq(design, frame["y"], rcond=None)[0][2:]
    assert found.coords["g:x:c_dim"].to_numpy()[:3].tolist() == ["0, p", "0, q", "1, p"]
    # priors of 100 sds leave nothing of themselves; 4000 independent draws: five standard errors
    errors = np.abs(found.mean(["chain", "draw"]) - expected) / found.std(["chain", "draw"])
    assert float(errors.max()) < 5 / np.sqrt(4000)
