"""Blocks whose priors belong to orthogonalised columns: the answer does not depend on where a predictor has its zero."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hlm import Prior, fit, fit_pooling, load_data, reml
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.theta.starts import make_parameters
from hlm.model.resolve import resolve

LINES = "y ~ x + (x|g)"


def test_the_root_is_that_of_the_orthogonalised_effects_transformed() -> None:
    """b = T b_c, so that Sigma = T Sigma_c T'; the columns of Z T are orthogonal, and the first is the intercept's."""
    frame = load_data("sleepstudy").assign(far=lambda d: d["Days"] + 20, twist=lambda d: (d["Days"] - 3) ** 2)
    model = resolve("Reaction ~ far + twist + (far + twist|Subject)", frame)["partial"]
    gaussian = gaussian_model(model)
    transformation = gaussian.transformation
    assert transformation is not None
    parameters, starts = make_parameters(gaussian, summed(gaussian), model.priors)
    u = np.random.default_rng(1).normal(size=(5, starts.shape[1]))
    inside, written = parameters.inside(u).factor, parameters.theta(u).factor
    expected = transformation @ inside @ inside.swapaxes(1, 2) @ transformation.T
    np.testing.assert_allclose(written @ written.swapaxes(1, 2), expected, rtol=1e-9)
    assert np.triu(written, 1) == pytest.approx(0.0)
    np.testing.assert_allclose(parameters.coordinates(np.ones(5), parameters.covariance.orthogonalised(written))[:, 1:], u[:, 1:],
                               atol=1e-7)  # fmt: skip
    columns = gaussian.factors[0].design.matrix @ transformation
    cross = columns.T @ columns
    np.testing.assert_allclose(cross, np.diag(np.diag(cross)), atol=1e-9 * np.abs(cross).max())


@pytest.mark.parametrize("formula", [LINES, "y ~ x + I(x^2) + (x + I(x^2)|g)", "y ~ c*x + (c*x|g)"])
def test_x_and_center_of_x_have_the_same_posterior(formula: str, lines_about: Callable[[float], pd.DataFrame]) -> None:
    """As in lme4, at 3 sds from 0 as at 1,000: sigma, and the coefficient of the highest degree with its sd."""
    found = []
    for mean in (0.0, 3.0, 1e3):
        frame = lines_about(mean).assign(c=lambda d: np.where(d.index % 2 == 0, "a", "b"))
        fitted = fit(formula, frame, method="exact", seed=1, progress=False)
        assert fitted.diagnostics.ok
        posterior = fitted.idata["posterior"]
        highest = {LINES: "x"}.get(formula, "I(x^2)" if "^" in formula else "c:x")
        found.append([posterior[name].to_numpy().ravel() for name in ("sigma", highest, f"{highest}|g_sigma")])
    for moved in found[1:]:
        for near, far in zip(found[0], moved, strict=True):
            error = np.sqrt(2 / 2000) * near.std()  # two fits of 2000 effective draws or more
            assert abs(far.mean() - near.mean()) < 4 * error and far.std() == pytest.approx(near.std(), rel=0.1)


@pytest.mark.parametrize("mean", [0.0, 20.0, 200.0, 1e4, 1e6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_slopes_vary_wherever_zero_is(seed: int, mean: float, lines_about: Callable[[float], pd.DataFrame]) -> None:
    """Priors at 0 once said: an sd of 0.0008 and sigma 0.675 at 200; a quarter of the posterior without slopes at 1e4."""
    fitted = fit(LINES, lines_about(mean), method="exact", seed=seed, progress=False)
    posterior = fitted.idata["posterior"]
    assert fitted.diagnostics.ok and not fitted.notes
    assert float((posterior["x|g_sigma"] > 0.1).mean()) > 0.98
    assert float(posterior["sigma"].mean()) == pytest.approx(0.549, abs=0.01)  # its posterior sd is 0.04
    assert float(posterior["x"].mean()) == pytest.approx(reml(LINES, lines_about(0.0)).fixef["x"], abs=0.05)


def test_a_prior_of_ones_own_belongs_to_the_columns_as_written(lines_about: Callable[[float], pd.DataFrame]) -> None:
    frame = lines_about(3.0)
    standing, own = (
        resolve(LINES, frame, priors=priors)["partial"]
        for priors in (None, {"1|g_sigma": Prior("HalfNormal", sigma=4.0)})
    )
    assert list(standing.transformations) == ["g_corr"] and not own.transformations
    s, x = frame["y"].std(ddof=0), frame["x"]
    # the other sd of the block: at 0 of x, as far from its mean as that is
    assert standing.priors["1|g_sigma"].args["sigma"] == pytest.approx(2.5 * s)
    for model in (standing, own):
        assert model.priors["x|g_sigma"].args["sigma"] == pytest.approx(2.5 * s / x.std(ddof=0))
    same = resolve(LINES, frame, priors=dict(standing.priors))["partial"]  # the defaults, given back
    assert list(same.transformations) == ["g_corr"] and same.priors["1|g_sigma"] == standing.priors["1|g_sigma"]


@pytest.mark.parametrize("formula", ["y ~ x + (1|g)", "y ~ x + u + (1|g)"])
def test_a_predictor_near_a_million_with_an_sd_of_a_thousandth(
    formula: str, lines_about: Callable[[float], pd.DataFrame]
) -> None:
    """Nine digits of x say nothing: slopes are those of x from its mean, in no pooling too, and u is still the groups' own."""
    frame = lines_about(0).assign(u=lambda d: 1e6 + 1e-3 * np.sqrt(d["g"]))
    both = [
        fit_pooling(formula, frame.assign(x=x), method="exact", seed=1, progress=False)
        for x in (frame["x"], 1e6 + 1e-3 * frame["x"])
    ]
    for near, far in zip(*(fits.values() for fits in both), strict=True):
        assert near.formula == far.formula and far.diagnostics.ok
        slopes = [fitted.idata["posterior"]["x"].to_numpy() for fitted in (near, far)]
        error = np.sqrt(2 / 3000) * slopes[0].std()  # two fits of 3000 effective draws or more
        assert abs(slopes[1].mean() * 1e-3 - slopes[0].mean()) < 4 * error, near.pooling
