"""Leave-one-out tables: the lecture's numbers, real refits, ArviZ, and questions that must not be mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hlm.compare.compare_loo import compare_loo, stacking_weights
from hlm.data.packaged_sets import load_data
from hlm.engines.exact.engine import EXACT
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import common_posterior
from hlm.engines.exact.theta.weighted_thetas import theta_of
from hlm.engines.interface import Options, PointwiseLoo
from hlm.engines.sampling.leave_one_out import difference, pointwise_loo
from hlm.engines.sampling.pareto_smoothing import log_sum_exp
from hlm.errors import FitError
from hlm.fits.fit import fit
from hlm.fits.log_likelihood import log_density_of
from hlm.fits.results import Fit, PoolingFits
from hlm.model.resolve import resolve


def _peer(name: str) -> float:
    """What an importance sampler of the exact marginal posterior gave, stored."""
    peers = json.loads((Path(__file__).parents[1] / "reference" / "peers.json").read_text())
    (value,) = {float(answer[name]) for answer in peers.values() if name in answer}
    return value


def test_table(exam: PoolingFits) -> None:
    table = compare_loo(exam)
    assert list(table["pooling"]) == ["partial", "none", "complete"]
    assert list(table.columns) == [
        "pooling", "elpd", "se", "elpd_diff", "se_diff", "p_loo", "bad_k", "weight", "unit", "note",
    ]  # fmt: skip
    assert table["elpd_diff"].iloc[0] == 0
    assert table["se_diff"].iloc[0] == 0
    np.testing.assert_allclose(table["elpd"] - table["elpd"].iloc[0], table["elpd_diff"], atol=1e-9)
    paired = exam["complete"].leave_out().elpd - exam["partial"].leave_out().elpd
    assert table["se_diff"].iloc[2] == pytest.approx(np.sqrt(4059 * paired.var()))
    assert table["weight"].sum() == pytest.approx(1)
    assert (table["bad_k"] == 0).all() and (table["note"] == "").all()
    by_pooling = table.set_index("pooling")["elpd"]
    assert by_pooling["partial"] == pytest.approx(
        _peer("elpd_loo_integrated"), abs=0.5
    )  # 4 sd over ten seeds of either
    assert by_pooling["complete"] == pytest.approx(-4883.3, abs=0.1)  # STATISTICS.md 7


def test_a_new_school(exam: PoolingFits) -> None:
    table = compare_loo(exam, unit="school")
    assert list(table["pooling"]) == ["partial", "complete", "none"]
    assert (table["unit"] == "school").all()
    assert table["elpd"].iloc[0] == pytest.approx(_peer("elpd_leave_one_school_out"), abs=0.7)
    assert table["elpd"].iloc[1] == pytest.approx(-4889.9, abs=0.7)
    assert table["elpd_diff"].iloc[1] == pytest.approx(-224.1, abs=1)
    none = table.iloc[2]
    assert none.drop(["pooling", "unit", "note"]).isna().all()
    assert none["note"] == "no pooling cannot predict a new school: its prior would be all that speaks"
    assert table["weight"].iloc[:2].sum() == pytest.approx(1)


def test_bad_rows_are_named(exam: PoolingFits) -> None:
    """Conditional on the coefficients, as for draws by NUTS, school 48's two students decide their own line."""
    conditional = {label: replace(one, engine="bambi") for label, one in exam.items()}
    none = compare_loo(conditional).set_index("pooling").loc["none"]
    assert none["bad_k"] == len(conditional["none"].leave_out().bad)
    pareto_k = np.asarray(conditional["none"].leave_out().pareto_k)
    assert {3054, 3055} <= set(np.argsort(pareto_k)[-3:]) and pareto_k[
        [3054, 3055]
    ].max() > 0.7  # k 0.64 to 0.99, 8 seeds
    assert "48" in none["note"].rpartition("school ")[2].split(", ")


def _small() -> tuple[pd.DataFrame, str]:
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(20), 6)
    x = rng.normal(size=120)
    frame = pd.DataFrame({"y": 1 + x + rng.normal(size=20)[g] + 0.5 * x * rng.normal(size=20)[g], "x": x, "g": g})
    frame["y"] += 0.7 * rng.normal(size=120)
    return frame, "y ~ x + (x|g)"


@pytest.mark.parametrize("unit", ["observation", "g"])
def test_real_refits_say_the_same(unit: str) -> None:
    """Every unit left out in turn, the model fitted again without it, and the unit's density averaged over that fit."""
    frame, formula = _small()
    model = resolve(formula, frame)["partial"]
    gaussian = gaussian_model(model)
    whole = summed(gaussian)
    codes = np.arange(120) if unit == "observation" else frame["g"].to_numpy()
    refits = []
    for k in range(codes.max() + 1):
        others = resolve(formula, frame[codes != k], priors=model.priors)["partial"]
        drawn = EXACT.sample(others, Options(draws=3000, seed=k))
        reduced = gaussian_model(others)
        theta = theta_of(drawn.idata["posterior"].to_dataset(), reduced)
        # log p(y_k | y_-k, theta) = log p(y | theta) - log p(y_-k | theta); both centre the intercept's prior at their
        # own means of x, which the wide prior (sd 3.5 against an intercept's sd of 0.25) hardly feels
        both = [common_posterior(sums, theta, gaussian.prior).log_marginal for sums in (whole, summed(reduced))]
        refits.append(log_sum_exp((both[0] - both[1])[:, None])[0] - np.log(len(both[0])))
    fits = {
        pooling: fit(formula, frame, pooling=pooling, draws=10_000, seed=1, progress=False)
        for pooling in ("complete", "partial")
    }
    found = compare_loo(fits, unit=unit).set_index("pooling").loc["partial", "elpd"]
    # over seeds, 4 x 1000 draws leave sds of 0.048 and 0.035: with so many here, 0.015 and 0.02, together 0.025
    assert found == pytest.approx(sum(refits), abs=0.05)


def _conditional(fit: Fit) -> PointwiseLoo:
    """Given the coefficients, as for draws by NUTS."""
    density = log_density_of(fit.resolved, fit.idata, fit.parts, lambda: fit.model)
    return pointwise_loo(density, fit.resolved.rows, 4000)


def test_conditional_loo_equals_arviz(sleepstudy: PoolingFits) -> None:
    """A second route for what NUTS fits get: Bambi's log-likelihood and ArviZ's loo."""
    import warnings

    import arviz_stats

    partial = sleepstudy["partial"]
    ours = _conditional(partial)
    idata = partial.model.compute_log_likelihood(partial.idata, inplace=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # ArviZ says what our table says: 4 rows have bad k
        theirs = arviz_stats.loo(idata, pointwise=True, reff=1.0)
    np.testing.assert_allclose(ours.elpd, theirs.elpd_i, rtol=0, atol=1e-6)
    assert ours.p_loo == pytest.approx(theirs.p, abs=1e-5)


def test_integrated_and_conditional_loo_agree(sleepstudy: PoolingFits) -> None:
    """Where the conditional form can be trusted the two differ by Monte Carlo error: 4 standard errors of either."""
    partial = sleepstudy["partial"]
    conditional = _conditional(partial)
    good = conditional.pareto_k < 0.5
    assert good.sum() > 100
    np.testing.assert_allclose(partial.leave_out().elpd[good], conditional.elpd[good], atol=0.15)
    assert abs((partial.leave_out().elpd - conditional.elpd)[good].sum()) < 0.5
    assert len(partial.leave_out().bad) <= 1 < (conditional.pareto_k > 0.7).sum()


def test_stacking_weights_are_arvizs(exam: PoolingFits, pastes: PoolingFits) -> None:
    import arviz_stats
    import xarray as xr

    for fits in (exam, pastes):
        loos = {label: one.leave_out() for label, one in fits.items()}
        theirs = arviz_stats.compare(
            {
                label: arviz_stats.ELPDData(
                    elpd=loo.total, se=loo.se, p=loo.p_loo, n_samples=1000, n_data_points=len(loo.elpd), scale="log",
                    warning=False, good_k=0.7, elpd_i=xr.DataArray(loo.elpd, dims="__obs__"),
                    pareto_k=xr.DataArray(loo.pareto_k, dims="__obs__"),
                )
                for label, loo in loos.items()
            },
            method="stacking", round_to="none",
        )  # fmt: skip
        ours, reference = stacking_weights(loos), {label: float(theirs.loc[label, "weight"]) for label in loos}
        assert ours == pytest.approx(reference, abs=0.01)  # where ArviZ's optimiser stops
        assert _stacked(loos, ours) >= _stacked(loos, reference) - 1e-6


def _stacked(loos: dict[str, PointwiseLoo], weights: dict[str, float]) -> float:
    return float(np.log(sum(weights[label] * np.exp(loo.elpd) for label, loo in loos.items())).sum())


def test_identical_strategies_differ_by_nothing(sleepstudy: PoolingFits) -> None:
    twice = PoolingFits({"none": sleepstudy["partial"], "partial": sleepstudy["partial"]})
    assert (compare_loo(twice)[["elpd_diff", "se_diff"]] == 0).all(axis=None)


def test_units_do_not_mix(sleepstudy: PoolingFits) -> None:
    partial = sleepstudy["partial"]
    (subject,) = partial.resolved.written.groups
    with pytest.raises(FitError, match="leaving out each Subject and leaving out each observation|different questions"):
        difference(partial.leave_out(), partial.leave_out(subject))


def test_fits_of_other_rows_do_not_mix(sleepstudy: PoolingFits) -> None:
    data = load_data("sleepstudy").query("Days > 0")
    fewer = fit("Reaction ~ Days + (Days|Subject)", data, seed=1, progress=False)
    with pytest.raises(FitError, match=r"'all' \(Reaction, 180 rows\) and 'fewer' \(Reaction, 162 rows\)"):
        compare_loo({"all": sleepstudy["partial"], "fewer": fewer})


@pytest.mark.parametrize("factor", ["batch", "batch:cask"])
def test_nested_factors_leave_out_either(factor: str, pastes: PoolingFits) -> None:
    """With all batches unknown the two questions differ little; both are far from the rows' own."""
    table = compare_loo(pastes, unit=factor).set_index("pooling")
    assert table.loc["partial", "elpd"] < compare_loo(pastes).set_index("pooling").loc["partial", "elpd"] - 20
    assert table.loc["partial", "bad_k"] == 0


@pytest.mark.parametrize(
    ("unit", "message"),
    [("row", "unit is 'observation' or a grouping factor (school), not 'row'."), ("School", "not 'School'")],
)
def test_unknown_units(unit: str, message: str, exam: PoolingFits) -> None:
    with pytest.raises(FitError) as caught:
        compare_loo(exam, unit=unit)
    assert message in str(caught.value)


def test_one_strategy_is_nothing_to_compare(exam: PoolingFits) -> None:
    with pytest.raises(FitError, match="two of them at least"):
        compare_loo(exam["partial"])


def test_other_families_leave_out_groups(cbpp: PoolingFits) -> None:
    assert compare_loo(cbpp)["elpd"].notna().all()
    herds = compare_loo(cbpp, unit="herd").set_index("pooling")
    assert herds["elpd"].notna().to_dict() == {"partial": True, "complete": True, "none": False}
    assert herds.loc["partial", "elpd"] > herds.loc["complete", "elpd"] and (herds["bad_k"].dropna() == 0).all()


def test_several_factors_of_other_families_leave_out_rows_only(counts: pd.DataFrame) -> None:
    crossed = fit(
        "count ~ x + (1|g) + (1|hit)", counts, family="poisson", method="bambi", draws=100, tune=300, chains=2, seed=1,
        progress=False,
    )  # fmt: skip
    assert np.isfinite(crossed.leave_out().total)
    with pytest.raises(FitError, match="no leave-one-out of whole groups here. There are several grouping factors"):
        crossed.leave_out("g")
