"""Diagnostics of the exact engine that must fire, forced to: rounding, densities that are no numbers, few points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.engine import BambiEngine
from hlm.engines.exact import engine, memory_check
from hlm.engines.exact.diagnostics import rounding
from hlm.engines.exact.likelihood.marginal import CommonPosterior
from hlm.engines.exact.theta import weighted_thetas
from hlm.engines.interface import Draws
from hlm.engines.sampling.importance_sampling import importance_sample
from hlm.engines.sampling.pareto_smoothing import smooth
from hlm.errors import FitError
from hlm.fits.fit import fit

SLEEP = load_data("sleepstudy")
LINES = "Reaction ~ Days + (Days|Subject)"


def _almost_exact(noise: float) -> pd.DataFrame:
    """Crossed groups that explain the response but for noise: sds ten to the some times sigma."""
    rng = np.random.default_rng(1)
    g, h = np.divmod(np.arange(80), 8)
    y = rng.normal(size=10)[g] + rng.normal(size=8)[h] + noise * rng.normal(size=80)
    return pd.DataFrame({"y": y, "g": g, "h": h})


def test_where_rounding_decides_the_exact_engine_says_so() -> None:
    """With sds 1e8 times sigma the products of crossed factors keep nothing of sigma."""
    found = fit("y ~ 1 + (1|g) + (1|h)", _almost_exact(1e-8), method="exact", seed=1, progress=False)
    assert not found.diagnostics.ok
    assert "Not reliable: " in repr(found)


def test_where_it_does_not_nothing_is_said() -> None:
    found = fit("y ~ 1 + (1|g) + (1|h)", _almost_exact(1e-3), method="exact", seed=1, progress=False)
    assert found.diagnostics.ok and found.diagnostics.rounding < 1e-6  # sds 1e3 times sigma, squared: 1e6 eps
    sigma = found.idata["posterior"]["sigma"]
    assert float(sigma.mean()) == pytest.approx(1e-3, abs=4 * float(sigma.std()))


def _shifted(given: CommonPosterior, log: float, steps: float) -> CommonPosterior:
    sd = 1 / np.sqrt(given.precision[:, 0, 0])
    return CommonPosterior(given.log_marginal + log, given.mean + steps * sd[:, None], given.precision)


@pytest.mark.parametrize(("log", "steps", "expected"), [(0.5, 0.0, 0.5), (0.0, 2.0, 2.0), (np.nan, 0.0, np.inf)])
def test_rounding_is_in_nats_or_posterior_sds(
    log: float, steps: float, expected: float, monkeypatch: pytest.MonkeyPatch, case: Any
) -> None:
    """An answer from moved sums that differs by so much is an error of so much."""
    from hlm.engines.exact.likelihood.marginal import common_posterior

    prior = case.prior
    given = common_posterior(case.sums, case.theta, prior)
    one = CommonPosterior(given.log_marginal, given.mean[:, :1], given.precision[:, :1, :1])
    monkeypatch.setattr("hlm.engines.exact.diagnostics.common_posterior", lambda *_: _shifted(one, log, steps))
    assert rounding(case.sums, case.theta, prior, one) == pytest.approx(expected, rel=1e-9)


def test_draws_that_are_no_numbers_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **options: Any) -> Any:
        drawn = draw(*arguments, **options)
        drawn.effects[0][5, 3, 1] = np.nan
        return drawn

    draw = engine.draw_coefficients
    monkeypatch.setattr(engine, "draw_coefficients", broken)
    found = fit(LINES, SLEEP, method="exact", seed=1, progress=False)
    assert found.diagnostics.rounding == np.inf and "rounding decides" in found.diagnostics.sentence


def _engine_with(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """The log density as ``change`` makes it of the coordinates and the right values."""
    sample = weighted_thetas.importance_sample

    def changed(log_density: Any, *arguments: Any, **options: Any) -> Any:
        return sample(lambda u: change(u, log_density(u)), *arguments, **options)

    monkeypatch.setattr(weighted_thetas, "importance_sample", changed)


def test_a_hole_in_the_density_is_said_and_poisons_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN at a tenth of the points, by their last digits."""
    _engine_with(monkeypatch, lambda u, values: np.where(np.floor(1e9 * np.abs(u[:, 0])) % 10 == 0, np.nan, values))
    found = fit(LINES, SLEEP, method="exact", seed=1, progress=False)
    assert found.diagnostics.lost == pytest.approx(0.1, abs=0.03)  # 0.1 of some 6000 points: 0.004, and the core's fit
    assert "the density could not be computed at" in found.diagnostics.sentence
    posterior = found.idata["posterior"]
    assert all(np.isfinite(values).all() for values in posterior.data_vars.values())
    assert float(posterior["Days"].mean()) == pytest.approx(10.5, abs=0.5)  # lme4: 10.47; the posterior's sd is 1.6


@pytest.mark.parametrize("change", [lambda u, values: np.full(len(u), np.nan), lambda u, values: values - np.inf])
def test_no_density_at_all_is_an_error_in_words(change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _engine_with(monkeypatch, change)
    with pytest.raises(FitError, match="The posterior density could not be computed at any of") as raised:
        fit(LINES, SLEEP, method="exact", seed=1, progress=False)
    assert "method='nuts'" in str(raised.value)


def test_heavy_tails_have_a_bad_pareto_k_and_go_to_nuts(monkeypatch: pytest.MonkeyPatch, sleepstudy: Any) -> None:
    """Tails like 1 / u^1.2 in every direction, which no t proposal covers."""
    _engine_with(monkeypatch, lambda u, values: -0.6 * np.log1p((1e3 * u) ** 2).sum(axis=1))
    asked = fit(LINES, SLEEP, method="exact", seed=1, progress=False)
    assert asked.diagnostics.pareto_k > 0.7 and "the importance weights have Pareto k" in repr(asked)
    nuts = Draws(sleepstudy["partial"].idata, sleepstudy["partial"].diagnostics)
    monkeypatch.setattr(BambiEngine, "sample", lambda *_: nuts)
    fallen = fit(LINES, SLEEP, seed=1, progress=False)
    assert fallen.method == "nuts" and fallen.notes[0].startswith(
        "sampled by NUTS, since of the exact engine the importance weights have Pareto k"
    )


def test_too_few_points_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget of so few evaluations that fewer than 100 effective points come of it."""
    monkeypatch.setattr(memory_check, "OPERATIONS", 1.0)
    monkeypatch.setattr("hlm.engines.sampling.importance_sampling._LEAST_POINTS_PER_DIMENSION", 10)
    found = fit(LINES, SLEEP, method="exact", seed=1, progress=False)
    assert not found.diagnostics.ok and found.diagnostics.points < 100
    assert "Not reliable: " in repr(found)


def test_importance_sampling_takes_no_number_for_minus_infinity() -> None:
    """A normal density that is NaN or inf in a strip: draws as if it were 0 there."""

    def density(u: np.ndarray) -> np.ndarray:
        values = -0.5 * (u**2).sum(axis=1)
        return np.where(np.abs(u[:, 0] - 1.0) < 0.05, np.where(u[:, 1] > 0, np.nan, np.inf), values)

    found = importance_sample(density, np.zeros((1, 2)), draws=2000, rng=np.random.default_rng(1))
    inside = np.abs(found.points[:, 0] - 1.0) < 0.05
    assert inside.any() and (found.weights[inside] == 0).all() and found.weights.sum() == pytest.approx(1, abs=1e-9)
    assert found.lost == pytest.approx(0.0242, rel=0.4)  # Phi(1.05) - Phi(0.95); some 100 points, and the core's fit


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_ratio_that_is_no_number_has_an_infinite_pareto_k(value: float) -> None:
    ratios = np.random.default_rng(2).normal(size=(500, 3))
    ratios[17, 1] = value
    found, good = smooth(ratios), smooth(ratios[:, [0, 2]])
    assert found.pareto_k[1] == np.inf and np.isnan(found.log_weights[:, 1]).all()
    # the same steps, added up in another order where there are more columns
    assert found.pareto_k[[0, 2]] == pytest.approx(good.pareto_k, rel=1e-12)
    assert found.log_weights[:, [0, 2]] == pytest.approx(good.log_weights, rel=1e-12)


def test_draws_all_alike_are_good_and_few_are_not() -> None:
    assert smooth(np.full((500, 1), 3.0)).pareto_k.tolist() == [-np.inf]
    assert smooth(np.zeros((10, 1))).pareto_k.tolist() == [np.inf]  # nothing to tell a tail by
