"""Pooling factors: the lecture's numbers, identities, and plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.compare.glossary import GLOSSARY
from hlm.compare.pooling_factors import explained, pooling_factor, pooling_factors
from hlm.compare.shrinkage import shrinkage
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.fit import fit
from hlm.fits.results import PoolingFits


def test_the_lectures_numbers(exam: PoolingFits) -> None:
    """STATISTICS.md 8, within 0.02; the stored 0.121 and 0.407 are another sampler's."""
    table = pooling_factors(exam).set_index("term")
    assert table.loc["Intercept", "lambda"] == pytest.approx(0.12, abs=0.02)
    assert table.loc["pre", "lambda"] == pytest.approx(0.41, abs=0.02)
    assert table.loc["Intercept", "half_size"] == pytest.approx(6, abs=0.5)
    assert list(table["group"]) == ["school", "school", "(rows)"]
    assert table.loc[["Intercept", "pre"], "r2"].abs().max() < 1e-12  # no predictor of schools: nothing explained
    by_group = shrinkage(exam, why=True)
    assert table.loc["pre", "pooled"] == pytest.approx(by_group["pooled"].mean(), rel=1e-12)
    assert table["p_eff"].sum() == pytest.approx((1 - by_group["share"]).sum(), rel=1e-12)
    assert table["p_eff"].sum() == pytest.approx(
        exam["partial"].leave_out().p_loo, abs=5
    )  # p_loo counts the common ones and theta


def test_half_size_is_where_half_is_pooled(exam: PoolingFits) -> None:
    """A group of n_half rows and an intercept alone has s2/n = tau^2."""
    posterior = exam["partial"].idata["posterior"]
    s2, tau2 = posterior["sigma"].to_numpy() ** 2, posterior["1|school_sigma"].to_numpy() ** 2
    table = pooling_factors(exam["partial"]).set_index("term")
    assert table.loc["Intercept", "half_size"] == pytest.approx(float(np.median(s2 / tau2)), rel=1e-12)
    students = load_data("exam")
    within = students["pre"] - students.groupby("school", observed=True)["pre"].transform("mean")
    slope = float(np.median(s2 / posterior["pre|school_sigma"].to_numpy() ** 2))
    assert table.loc["pre", "half_sum"] == pytest.approx(slope, rel=1e-12)
    assert table.loc["pre", "half_size"] == pytest.approx(slope / float((within**2).mean()), rel=1e-9)
    assert np.isnan(table.loc["pre", "spread_ratio"])  # needs no pooling beside it


def test_gelman_pardoe_in_plain_loops() -> None:
    rng = np.random.default_rng(2)
    errors = rng.normal(size=(50, 7)) + rng.normal(size=7)
    values = errors + rng.normal(size=7)
    within = np.mean([np.sum((e - e.mean()) ** 2) / 6 for e in errors])
    centre = np.array([errors[:, k].mean() for k in range(7)])
    assert pooling_factor(errors) == pytest.approx(1 - np.sum((centre - centre.mean()) ** 2) / 6 / within, rel=1e-12)
    total = np.mean([np.sum((v - v.mean()) ** 2) / 6 for v in values])
    assert explained(errors, values) == pytest.approx(1 - within / total, rel=1e-12)
    assert pooling_factor(errors + 3.5) == pytest.approx(pooling_factor(errors), rel=1e-12)
    assert np.isnan(pooling_factor(np.zeros((5, 3))))


def test_icc_depends_on_the_predictor(sleepstudy: PoolingFits) -> None:
    posterior = sleepstudy["partial"].idata["posterior"]
    a, b = (posterior[f"{name}|Subject_sigma"].to_numpy() for name in ("1", "Days"))
    r, s2 = posterior["Subject_corr"].to_numpy()[..., 0, 1], posterior["sigma"].to_numpy() ** 2
    for day in (0, 9):
        between = a**2 + 2 * day * r * a * b + day**2 * b**2
        table = pooling_factors(sleepstudy["partial"], at={"Days": day})
        assert table["icc"].iloc[0] == pytest.approx(float(np.mean(between / (between + s2))), rel=1e-10)
        assert table["at"].iloc[0] == f"Days {float(day)}"
    assert pooling_factors(sleepstudy["partial"])["at"].iloc[0] == "Days 4.5"


def test_data_level(sleepstudy: PoolingFits) -> None:
    """R2 of the rows, from 4000 draws of all residuals."""
    partial, data = sleepstudy["partial"], load_data("sleepstudy")
    posterior = partial.idata["posterior"]
    subject = data["Subject"].astype(str).to_numpy()
    line = [
        posterior[c] + posterior[f"{g}|Subject"].sel(Subject__factor_dim=subject)
        for c, g in (("Intercept", "1"), ("Days", "Days"))
    ]
    fitted = line[0].to_numpy() + line[1].to_numpy() * data["Days"].to_numpy()
    left = (data["Reaction"].to_numpy() - fitted).reshape(-1, 180)
    row = pooling_factors(partial).set_index("group").loc["(rows)"]
    assert row["r2"] == pytest.approx(1 - left.var(axis=1).mean() / data["Reaction"].var(ddof=0), rel=1e-9)
    assert row["lambda"] == pytest.approx(1 - left.mean(axis=0).var() / left.var(axis=1).mean(), rel=1e-9)


def test_a_predictor_of_groups_explains_some() -> None:
    formula = "log_radon ~ floor + log_uranium + (1|county)"
    partial = fit(formula, load_data("radon"), seed=1, progress=False)
    r2 = pooling_factors(partial).set_index("term").loc["Intercept", "r2"]
    assert 0.6 < r2 < 0.95  # Gelman & Pardoe's own example: uranium explains most of the counties' differences


def test_nested_and_other_families_say_what_they_do_not_know(pastes: PoolingFits, cbpp: PoolingFits) -> None:
    batch = pooling_factors(pastes).set_index("group").loc["batch"]
    assert np.isnan(batch["half_size"]) and batch["note"] == "half_size depends on how many batch:cask a batch has"
    table = pooling_factors(cbpp)
    assert list(table["group"]) == ["herd"]
    tau2 = cbpp["partial"].idata["posterior"]["1|herd_sigma"].to_numpy() ** 2
    assert table["icc"].iloc[0] == pytest.approx(float(np.mean(tau2 / (tau2 + np.pi**2 / 3))), rel=1e-12)


def test_every_column_is_explained(exam: PoolingFits) -> None:
    table = pooling_factors(exam)
    assert table.attrs["glossary"] == {name: GLOSSARY[name] for name in table.columns}


@pytest.mark.parametrize(
    ("at", "message"),
    [({"Pre": 1}, "no predictor 'Pre' among the terms. Did you mean 'pre'"), ({"pre": "high"}, "which is a number")],
)
def test_bad_places(at: dict[str, float | str], message: str, exam: PoolingFits) -> None:
    with pytest.raises(FitError) as caught:
        pooling_factors(exam, at=at)
    assert message in str(caught.value)


def test_the_partial_strategy_is_needed(exam: PoolingFits) -> None:
    with pytest.raises(FitError, match="the strategy 'partial' is missing"):
        pooling_factors(exam["none"])


@pytest.mark.parametrize("family", ["gamma", "exponential"])
def test_waiting_times_are_pooled_by_their_information(family: str) -> None:
    """Under the log link a row's information is alpha, whatever its mean: a closed form."""
    r = np.random.default_rng(3)
    g = np.repeat(np.arange(8), np.arange(3, 11))
    data = pd.DataFrame({"g": g.astype(str), "y": np.exp(0.7 * r.normal(size=8)[g]) * r.gamma(2, 0.5, len(g))})
    found = fit("y ~ 1 + (1|g)", data, family=family, link="log", draws=250, seed=1, progress=False)
    posterior = found.idata["posterior"]
    alpha = float(posterior["alpha"].mean()) if family == "gamma" else 1.0
    tau = posterior["1|g_sigma"].to_numpy().ravel()[:, None]
    expected = (1 / (1 + tau**2 * np.arange(3, 11) * alpha)).mean()
    assert pooling_factors(found)["pooled"].iloc[0] == pytest.approx(expected, rel=1e-9)
