"""The whole engine: against other software, quadrature, NUTS, and data at the edges."""

from __future__ import annotations

import json
from pathlib import Path

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.build import build
from hlm.engines.exact import memory_check
from hlm.engines.exact.diagnostics import ExactDiagnostics
from hlm.engines.exact.engine import EXACT
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior
from hlm.engines.interface import Options
from hlm.fits.fit import fit
from hlm.fits.posterior_coefficients import linear_predictor, parts
from hlm.formula.formula import Term
from hlm.model.priors import Prior
from hlm.model.resolve import resolve
from hlm.support.linear_algebra import within_least_squares

EXAM = "post ~ pre + (pre|school)"
SLEEP = "Reaction ~ Days + (Days|Subject)"
PEERS = Path(__file__).parents[2] / "reference" / "peers.json"


def run(formula, data, *, pooling="partial", seed=1, draws=1000, chains=4, priors=None):
    frame = load_data(data) if isinstance(data, str) else data
    drawn = EXACT.sample(model_of(formula, frame, pooling, priors), Options(draws=draws, chains=chains, seed=seed))
    return drawn.idata, drawn.diagnostics


def model_of(formula, frame, pooling, priors=None):
    return resolve(formula, frame, poolings=(pooling,), priors=priors)[pooling]


@pytest.fixture(scope="module")
def exam():
    return run(EXAM, "exam")


def test_exam_is_what_the_peers_say(exam):
    idata, diagnostics = exam
    posterior = idata["posterior"].to_dataset()
    peers = json.loads(PEERS.read_text())
    expected = peers["marginal posterior by importance sampling, Bambi's default priors, LKJ(1), 4000 draws"]
    found = {
        "sd_Intercept": posterior["1|school_sigma"], "sd_pre": posterior["pre|school_sigma"],
        "cor": posterior["school_corr"].sel(school_effect="Intercept", school_effect_bis="pre"),
        "Intercept": posterior["Intercept"], "pre": posterior["pre"], "sigma": posterior["sigma"],
    }  # fmt: skip
    for name, values in found.items():
        mean, sd = expected[name]
        # 4000 draws on either side: 4 sqrt(2 / 4000) of an sd, and the last digit printed
        assert float(values.mean()) == pytest.approx(mean, abs=0.09 * sd + 1e-4), name
        assert float(values.std()) == pytest.approx(sd, rel=0.07), name  # 4 sqrt(2 / 8000), and the last digit
    assert diagnostics.ok and diagnostics.pareto_k < 0.5 and diagnostics.efficiency > 0.8


def test_exam_draws_are_as_good_as_independent_ones(exam):
    idata, _ = exam
    posterior = idata["posterior"].to_dataset().drop_vars("school_corr")
    ess, r_hat = arviz_stats.ess(posterior), arviz_stats.rhat(posterior)
    for name in posterior.data_vars:
        assert float(ess[name].min()) > 3000, name
        assert float(r_hat[name].max()) < 1.01, name


def test_schools_without_pooling_are_their_own_least_squares():
    data = load_data("exam")
    idata, _ = run(EXAM, data, pooling="none")
    slopes = idata["posterior"]["school:pre"].mean(["chain", "draw"])
    table = model_of(EXAM, data, "partial").data
    school = Term(("school",))
    effects = np.column_stack([np.ones(table.rows), table.columns["pre"]])
    least_squares = within_least_squares(table.columns["post"].to_numpy(), table.codes(school), effects)[:, 1]
    for level, expected in zip(table.levels(school), least_squares, strict=True):
        # school 48 has 2 students and a posterior sd of 12.7: its prior (sd 251) alone moves its mean by 0.02
        tolerance = 0.1 if level == "48" else 0.02
        assert float(slopes.sel({"school:pre_dim": level})) == pytest.approx(expected, abs=tolerance), level
    assert least_squares[table.levels(school).index("48")] == pytest.approx(-6.9015, abs=1e-4)


def test_own_priors_are_used_where_they_matter():
    """A group of two rows, with priors of sd 1 about 5 and 2 and sigma nearly known: the normal-normal posterior."""
    data = pd.DataFrame({"y": [4.0, 6.0, 1, 2, 3], "x": [0.0, 1.0, 0, 1, 2], "g": list("aabbb")})
    priors = {
        "g": Prior("Normal", mu=5, sigma=1), "g:x": Prior("Normal", mu=2, sigma=1),
        "sigma": Prior("Uniform", lower=0.999, upper=1.001),
    }  # fmt: skip
    idata, _ = run("y ~ x + (x|g)", data, pooling="none", priors=priors)
    z, y = np.array([[1.0, 0], [1, 1]]), np.array([4.0, 6.0])
    precision = z.T @ z + np.eye(2)
    mean = np.linalg.solve(precision, z.T @ y + np.array([5.0, 2.0]))
    posterior = idata["posterior"]
    found = [posterior["g"].sel(g_dim="a"), posterior["g:x"].sel({"g:x_dim": "a"})]
    assert [float(v.mean()) for v in found] == pytest.approx(mean.tolist(), abs=1e-3)  # balanced: hardly any noise
    assert [float(v.var()) for v in found] == pytest.approx(np.diag(np.linalg.inv(precision)).tolist(), rel=0.1)


def test_complete_pooling_is_quadrature():
    """sigma on a grid, the two coefficients by their dense normal density."""
    data = load_data("sleepstudy")
    idata, diagnostics = run(SLEEP, data, pooling="complete")
    y, days = data["Reaction"].to_numpy(), data["Days"].to_numpy()
    x = np.column_stack([np.ones(len(y)), days - days.mean()])
    scale = y.std()
    prior_sd = np.array(
        [np.sqrt((2.5 * scale) ** 2 + (2.5 * scale / days.std() * days.mean()) ** 2), 2.5 * scale / days.std()]
    )
    grid = np.linspace(39, 59, 51)  # steps of a seventh of the posterior sd
    log_density = [
        stats.multivariate_normal([y.mean()] * len(y), s**2 * np.eye(len(y)) + x * prior_sd**2 @ x.T).logpdf(y)
        + stats.t(4, scale=scale).logpdf(s)
        for s in grid
    ]
    weights = np.exp(log_density - np.max(log_density))
    weights /= weights.sum()
    mean = weights @ grid
    sd = np.sqrt(weights @ (grid - mean) ** 2)
    posterior = idata["posterior"]
    assert float(posterior["sigma"].mean()) == pytest.approx(mean, abs=4 * sd / np.sqrt(4000))  # 4 standard errors
    assert float(posterior["sigma"].std()) == pytest.approx(sd, rel=4 / np.sqrt(8000))
    slope, intercept = np.polyfit(days, y, 1)
    # the priors are 100 times wider than the posterior, so it is least squares to 1e-3; balanced draws add no noise
    assert float(posterior["Days"].mean()) == pytest.approx(slope, abs=0.02)
    assert float(posterior["Intercept"].mean()) == pytest.approx(intercept, abs=0.1)
    assert diagnostics.ok


@pytest.mark.parametrize("between", [0.0, 1.5])
def test_random_intercepts_are_quadrature(between):
    """sigma and tau on a grid, also where tau is nearly 0."""
    rng = np.random.default_rng(11)
    group = np.repeat(np.arange(6), 4)
    data = pd.DataFrame({"y": rng.normal(size=24) + between * rng.normal(size=6)[group], "g": group})
    idata, diagnostics = run("y ~ 1 + (1|g)", data)
    y, prior_sd = data["y"].to_numpy(), 2.5 * data["y"].std(ddof=0)
    same = np.equal.outer(group, group) * 1.0
    sigma, tau = np.linspace(0.4, 2.2, 46), np.linspace(0.01, 8.01, 201)
    log_density = np.empty((len(sigma), len(tau)))
    for i, s in enumerate(sigma):
        v = s**2 * np.eye(24) + tau[:, None, None] ** 2 * same + prior_sd**2  # the intercept's prior is in every entry
        centred = np.broadcast_to((y - y.mean())[:, None], (len(tau), 24, 1))
        quadratic = (centred * np.linalg.solve(v, centred)).sum(axis=(1, 2))
        log_density[i] = -0.5 * (np.linalg.slogdet(v)[1] + quadratic) + stats.t(4, scale=y.std()).logpdf(s)
    log_density += stats.norm(scale=prior_sd).logpdf(tau)
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    posterior = idata["posterior"]
    for name, values, share in (("sigma", sigma, weights.sum(axis=1)), ("1|g_sigma", tau, weights.sum(axis=0))):
        mean = share @ values
        sd = np.sqrt(share @ (values - mean) ** 2)
        # 4 standard errors of 4000 draws, and 0.5 % of an sd for the grid
        assert float(posterior[name].mean()) == pytest.approx(mean, abs=4 * sd / np.sqrt(4000) + 0.005 * sd), name
        assert float(posterior[name].std()) == pytest.approx(sd, rel=0.1), name  # skewed: about 2 % standard error
    assert diagnostics.pareto_k < 0.7


@pytest.fixture(scope="module")
def sleep_nuts():
    return fit(SLEEP, load_data("sleepstudy"), method="bambi", draws=2000, chains=4, seed=3, progress=False)


def test_sleepstudy_agrees_with_nuts(sleep_nuts):
    found = run(SLEEP, "sleepstudy", draws=2000)[0]["posterior"].to_dataset()
    nuts = sleep_nuts.idata["posterior"].to_dataset()
    errors = {"ours": arviz_stats.mcse(found), "nuts": arviz_stats.mcse(nuts)}
    for name in nuts.data_vars:
        ours, theirs = found[name], nuts[name].transpose(*found[name].dims)
        error = np.hypot(errors["ours"][name], errors["nuts"][name])
        difference = np.abs(ours.mean(["chain", "draw"]) - theirs.mean(["chain", "draw"]))
        assert bool((difference <= 4 * error + 1e-12).all()), name  # a correlation with itself has no error
        spread = theirs.std(["chain", "draw"])
        assert np.allclose(ours.std(["chain", "draw"]), spread, rtol=0.05, atol=1e-12), name


def test_dataset_is_the_one_that_nuts_gives(sleep_nuts):
    found, nuts = run(SLEEP, "sleepstudy")[0], sleep_nuts.idata
    ours, theirs = found["posterior"].to_dataset(), nuts["posterior"].to_dataset()
    assert set(ours.data_vars) == set(theirs.data_vars)
    for name in theirs.data_vars:
        assert ours[name].dims == theirs[name].dims, name
        assert ours[name].dtype == theirs[name].dtype, name
        for dim in theirs[name].dims[2:]:
            assert ours[dim].values.tolist() == theirs[dim].values.tolist(), dim
    assert found["observed_data"].to_dataset().equals(nuts["observed_data"].to_dataset())


@pytest.fixture(scope="module")
def exam_with_a_factor():
    data = load_data("exam").drop(columns="student")
    return data.assign(c=pd.Categorical(np.random.default_rng(0).choice(list("xyz"), len(data))))


@pytest.mark.parametrize(
    ("formula", "pooling"),
    [
        ("post ~ pre * sex + (pre|school)", "partial"),
        ("post ~ pre + (0 + c|school)", "partial"),
        ("post ~ pre + (c||school)", "partial"),
        ("post ~ pre + (pre|school) + (0 + sex|school)", "partial"),
        ("post ~ pre + (1|school:sex)", "partial"),
        ("post ~ 0 + pre + (0 + pre|school)", "partial"),
        ("post ~ pre + c + (pre|school)", "complete"),
        ("post ~ pre + c + (pre + c|school)", "none"),
        ("post ~ pre * sex + c + (pre:sex|school)", "none"),
        ("post ~ pre + schgend + (0 + sex|school)", "none"),
    ],
)
def test_names_dims_and_predictions_are_bambis(formula, pooling, exam_with_a_factor):
    """The variables of Bambi's PyMC model, and its predictions, which go by position."""
    idata, _ = run(formula, exam_with_a_factor, pooling=pooling, draws=25, chains=2)
    posterior = idata["posterior"].to_dataset()
    model = build(formula, exam_with_a_factor, pooling=pooling)
    graph = model.backend.model
    variables = [v.name for v in [*graph.free_RVs, *graph.deterministics] if not v.name.endswith("_offset")]
    assert set(posterior.data_vars) == set(variables) - {"mu"}
    for name in posterior.data_vars:
        dims = graph.named_vars_to_dims.get(name, ())
        assert sorted(posterior[name].dims[2:]) == sorted(dims), name  # Bambi puts the groups' dim last afterwards
        for dim in dims:
            assert posterior[dim].values.tolist() == list(graph.coords[dim]), dim
    predicted = model.predict(idata, inplace=False)["posterior"]["mu"].to_numpy().reshape(50, -1)
    resolved = model_of(formula, exam_with_a_factor, pooling)
    ours = linear_predictor(parts(posterior, resolved), resolved.data, slice(None))
    assert predicted == pytest.approx(ours, abs=1e-10)


def _at_the_edge(kind: str) -> tuple[str, pd.DataFrame, dict[str, Prior]]:
    rng = np.random.default_rng(5)
    sizes = {"two groups": [9, 7], "one row per group": [1] * 15, "fewer rows than effects": [1, 2] * 8}.get(
        kind, [6] * 12
    )
    g = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.normal(size=len(g))
    b = rng.normal(size=(len(sizes), 2)) * {"no spread between groups": 0.0}.get(kind, 0.8)
    if kind == "correlation of 1":
        b[:, 1] = 0.7 * b[:, 0]
    y = 2 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=len(g)) * (0.05 if kind == "little noise" else 0.6)
    formula = "y ~ x + (1|g)" if kind == "one row per group" else "y ~ x + (x|g)"
    priors = {"sigma": Prior("Exponential", lam=1.0)} if kind == "one row per group" else {}
    return formula, pd.DataFrame({"y": y, "x": x, "g": g}), priors


@pytest.mark.parametrize(
    "kind",
    [
        "two groups", "one row per group", "fewer rows than effects", "no spread between groups", "correlation of 1",
        "little noise",
    ],
)  # fmt: skip
def test_data_at_the_edge(kind):
    formula, data, priors = _at_the_edge(kind)
    idata, diagnostics = run(formula, data, priors=priors)
    posterior = idata["posterior"].to_dataset()
    assert diagnostics.pareto_k < 0.7, diagnostics
    assert all(np.isfinite(posterior[name]).all() for name in posterior.data_vars)
    assert float((posterior["1|g_sigma"] > 0).mean()) == 1 and float((posterior["sigma"] > 0).mean()) == 1
    if kind == "one row per group":  # only the sum of the two variances is in the data
        total = np.sqrt(posterior["sigma"] ** 2 + posterior["1|g_sigma"] ** 2)
        residual_sd = np.polyfit(data["x"], data["y"], 1, full=True)[1][0] / 13
        assert float(total.median()) == pytest.approx(np.sqrt(residual_sd), rel=0.25)  # 13 degrees of freedom: 20 %
    if kind == "no spread between groups":  # 12 groups of 6: an sd of 0.6 / sqrt(6) = 0.25 could still hide
        assert float(posterior["1|g_sigma"].median()) < 0.3
    if kind == "correlation of 1":
        correlation = posterior["g_corr"].sel(g_effect="Intercept", g_effect_bis="x")
        assert float(correlation.median()) > 0.8 and float(correlation.max()) <= 1
    if kind == "little noise":
        assert float(posterior["sigma"].mean()) == pytest.approx(0.05, rel=0.3)  # 48 spare rows: 10 % standard error


def test_a_response_far_from_0_changes_the_intercept_alone():
    formula, data, _ = _at_the_edge("")
    near, far = (run(formula, data.assign(y=data["y"] + move))[0]["posterior"].to_dataset() for move in (0.0, 1e6))
    for name in near.data_vars:
        moved = 1e6 if name == "Intercept" else 0.0
        # y keeps 10 digits beside 1e6; the draws are the same ones
        assert np.allclose(far[name] - moved, near[name], rtol=1e-4, atol=1e-4), name


@pytest.mark.parametrize(
    "prior",
    [
        Prior("HalfNormal", sigma=30), Prior("HalfStudentT", nu=3, sigma=30), Prior("HalfCauchy", beta=30),
        Prior("Exponential", lam=0.03), Prior("Gamma", alpha=2, beta=0.1), Prior("InverseGamma", alpha=2, beta=30),
        Prior("LogNormal", mu=3, sigma=1), Prior("Uniform", lower=0, upper=100),
    ],
    ids=str,
)  # fmt: skip
def test_priors_of_the_sds(prior):
    """18 subjects know their sds to about 20 %: these wide priors agree on that, and every one is sampled well."""
    names = ("sigma", "1|Subject_sigma", "Days|Subject_sigma")
    idata, diagnostics = run(SLEEP, "sleepstudy", priors=dict.fromkeys(names, prior))
    means = [float(idata["posterior"][name].mean()) for name in names]
    assert diagnostics.pareto_k < 0.7
    assert means == pytest.approx([25.8, 26.0, 6.8], rel=0.2)


def test_a_strong_prior_is_obeyed():
    priors = {"Days|Subject_sigma": Prior("HalfNormal", sigma=0.01), "Subject_corr": Prior("LKJ", eta=500)}
    idata, diagnostics = run(SLEEP, "sleepstudy", priors=priors)
    posterior = idata["posterior"]
    assert diagnostics.ok
    # the data, which want 6, cannot move a prior of sd 0.01: its mean is 0.01 sqrt(2 / pi)
    assert float(posterior["Days|Subject_sigma"].mean()) == pytest.approx(0.00798, rel=0.06)
    correlation = posterior["Subject_corr"].sel(Subject_effect="Intercept", Subject_effect_bis="Days")
    assert float(correlation.std()) == pytest.approx(1 / np.sqrt(2 * 500 + 1), rel=0.1)  # of Beta(500, 500) on (-1, 1)


def test_numbers_of_a_factors_sds_by_column(exam_with_a_factor):
    priors = {"c|school_sigma": Prior("HalfNormal", sigma=(1e-3, 1.0, 1.0))}
    posterior = run("post ~ pre + (0 + c|school)", exam_with_a_factor, priors=priors)[0]["posterior"]
    medians = posterior["c|school_sigma"].median(["chain", "draw"])
    assert float(medians.sel(c__expr_dim="x")) < 3e-3 < 0.2 < float(medians.sel(c__expr_dim="y"))


def test_same_seed_same_draws():
    first, again, other = (run(SLEEP, "sleepstudy", seed=s, draws=50)[0]["posterior"].to_dataset() for s in (4, 4, 5))
    assert first.equals(again)
    assert not first.equals(other)


def test_nothing_touches_the_global_random_state():
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)
    run(SLEEP, "sleepstudy", draws=10)
    assert np.random.random() == expected


@pytest.mark.parametrize(("draws", "chains"), [(1, 1), (3, 2), (7, 5)])
def test_any_number_of_draws_and_chains(draws, chains):
    idata, diagnostics = run(SLEEP, "sleepstudy", draws=draws, chains=chains)
    assert idata["posterior"].sizes["chain"] == chains and idata["posterior"].sizes["draw"] == draws
    assert diagnostics.draws == draws * chains


def test_diagnostics_say_what_to_make_of_them():
    good = ExactDiagnostics(pareto_k=0.12, ess=6000.0, points=6700, draws=4000)
    assert good.ok and good.efficiency == pytest.approx(0.896, abs=1e-3)
    assert good.sentence == (
        "4000 joint draws of the exact posterior, by importance sampling "
        "(efficiency 90%, Pareto k 0.1; at most 0.7 wanted)."
    )
    bad = ExactDiagnostics(pareto_k=0.83, ess=40.0, points=6700, draws=4000)
    assert not bad.ok
    assert bad.sentence.startswith("Not reliable: the importance weights have Pareto k 0.83, wanted 0.7 at most")
    assert "method='nuts'" in bad.sentence
    assert not ExactDiagnostics(float("nan"), 40.0, 6700, 4000).ok


def test_crossed_and_nested_factors_are_near_lme4s():
    """Posterior means within one posterior sd of lme4's REML estimates of the same models."""
    rows = json.loads((PEERS.parent / "lme4.json").read_text())
    for name, formula in (
        ("pastes", "strength ~ 1 + (1|batch/cask)"),
        ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)"),
    ):
        idata, diagnostics = run(formula, name)
        assert diagnostics.ok and diagnostics.efficiency > 0.8
        (reference,) = [r for r in rows if r["formula"].replace(" ", "") == formula.replace(" ", "")]
        for row in reference["varcorr"]:
            group = {"cask:batch": "batch:cask"}.get(row["grp"], row["grp"])
            values = idata["posterior"]["sigma" if group == "Residual" else f"1|{group}_sigma"]
            assert abs(float(values.mean()) - row["sdcor"]) < float(values.std()), (name, group)


def test_few_values_of_theta_with_several_draws_each(monkeypatch):
    """Where theta is expensive (here: made so) some hundred values give the same posterior within their Monte Carlo error."""
    whole, _ = run("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin")
    monkeypatch.setattr(memory_check, "OPERATIONS", 2e6)
    few, diagnostics = run("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin")
    assert diagnostics.points < 500 and diagnostics.ok
    for name in ("Intercept", "sigma", "1|plate_sigma", "1|sample_sigma", "1|plate"):
        one, other = whole["posterior"][name], few["posterior"][name]
        error = 4 * one.std(("chain", "draw")) * np.sqrt(1 / 4000 + 1 / diagnostics.ess)
        assert (abs(one.mean(("chain", "draw")) - other.mean(("chain", "draw"))) < error).all(), name


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("post ~ pre + sex + (pre|school)", "exam"),
        ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin"),
        ("Reaction ~ Days + (0 + Days|Subject)", "sleepstudy"),  # a common intercept
    ],
)
def test_own_coefficients_as_columns_or_as_effects_are_the_same_model(formula, data):
    """Two routes to no pooling: one dense matrix of dummies, or groups that are integrated out one by one."""
    frame = load_data(data)
    frame = frame[frame["school"].astype(int) <= 12] if data == "exam" else frame
    model = model_of(formula, frame, "none")
    gaussian = gaussian_model(model)
    columns, mean, sd = [model.common.matrix], [gaussian.prior.mean], [gaussian.prior.sd]
    if "Intercept" in model.common.labels:
        columns = [np.where(model.common.matrix == 1, 1.0, model.common.matrix - model.common.matrix.mean(axis=0))]
    for factor in model.factors:
        dummies = np.eye(factor.size)[factor.codes]
        for j in range(factor.width):
            free = np.ones(factor.size, bool) if factor.fixed is None else ~factor.fixed[:, j]
            columns.append((dummies * factor.design.matrix[:, [j]])[:, free])
            mean.append(np.full(free.sum(), gaussian.mean[factor.start + j]))
            sd.append(np.full(free.sum(), gaussian.known_sd[factor.start + j]))
    x, mean, sd = np.hstack(columns), np.concatenate(mean), np.concatenate(sd)
    sigma = np.array([0.6, 0.75, 1.2]) * model.response.std()
    at = Theta(sigma, np.repeat(np.diag(gaussian.known_sd)[None], 3, axis=0))
    found = common_posterior(summed(gaussian), at, gaussian.prior).log_marginal
    for value, one in zip(found, sigma, strict=True):
        covariance = x @ np.diag(sd**2) @ x.T + one**2 * np.eye(model.rows)
        expected = stats.multivariate_normal(x @ mean, covariance).logpdf(model.response)
        assert value == pytest.approx(expected, abs=1e-4)  # the covariance's condition is 1e8


@pytest.mark.parametrize(
    ("formula", "data"),
    [
        ("Reaction ~ 1 + Days + (0 + Days|Subject)", "sleepstudy"),  # a common intercept about centred own slopes
        ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin"),  # two factors with own intercepts
    ],
)
def test_dependent_own_coefficients_are_nutss(formula, data):
    exact = fit(formula, load_data(data), pooling="none", seed=1, progress=False)
    nuts = fit(formula, load_data(data), pooling="none", method="bambi", seed=1, progress=False)
    assert exact.method == "exact"
    ours, theirs = (one.idata["posterior"].to_dataset() for one in (exact, nuts))
    assert set(ours.data_vars) == set(theirs.data_vars)
    for name in theirs.data_vars:
        assert ours[name].dims == theirs[name].dims
        error = np.hypot(arviz_stats.mcse(theirs[[name]])[name], ours[name].std(("chain", "draw")) / np.sqrt(4000))
        difference = ours[name].mean(("chain", "draw")) - theirs[name].mean(("chain", "draw"))
        assert (abs(difference) < 4 * error).all(), name
