"""What NUTS moves in: the same density in other coordinates, and counts over calendar years that can be sampled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.optimize import minimize
from scipy.special import logsumexp

from hlm.engines.bambi.build import bambi_model
from hlm.errors import FitError
from hlm.fits.fit import fit
from hlm.fits.group_coefficients import coefficients
from hlm.model.resolve import resolve
from hlm.support.linear_algebra import root_of_inverse


def yearly_counts(seed: int = 1) -> pd.DataFrame:
    """Counts of two years in twelve places."""
    r = np.random.default_rng(seed)
    rows = [(f"p{g}", y, t) for g in range(12) for y in (1961, 1962) for t in "ab"]
    d = pd.DataFrame(rows, columns=["g", "year", "t"])
    return d.assign(y=r.poisson(20, len(d)))


def positive() -> pd.DataFrame:
    """A gamma response with a log link."""
    r = np.random.default_rng(5)
    g, x = np.repeat(np.arange(10), 8), r.normal(size=80)
    return pd.DataFrame({"g": g, "x": x, "y": r.gamma(3, np.exp(0.5 + 0.3 * x + r.normal(0, 0.7, 10)[g]) / 3)})


@pytest.mark.parametrize("centred", [True, False])
def test_root_of_the_inverse(centred: bool) -> None:
    r = np.random.default_rng(2)
    x, sds = r.normal(size=(30, 3)) @ r.normal(size=(3, 4)), np.array([1.0, 5.0, 0.1, 100.0])  # of rank 3
    root = root_of_inverse((x - x.mean(axis=0) if centred else x) / 2.0, np.diag(1 / sds))
    left = x - x.mean(axis=0) if centred else x
    precision = left.T @ left / 4 + np.diag(sds**-2.0)
    np.testing.assert_allclose(root.T @ precision @ root, np.eye(4), atol=1e-9)
    assert (root[np.tril_indices(4, -1)] == 0).all()


@pytest.mark.parametrize(
    ("formula", "family", "pooling"),
    [
        ("y ~ t + year + (1|g)", "poisson", "partial"),
        ("y ~ year + (1|g)", "poisson", "none"),
        ("y ~ year + (1|g)", "t", "none"),
        ("y ~ year + (year|g)", "negativebinomial", "none"),
        ("t ~ year + (1|g)", "categorical", "partial"),
        ("y ~ 0 + year + t + (1|g)", "t", "complete"),
    ],
)
def test_density_is_that_of_the_model(formula: str, family: str, pooling: str) -> None:
    """Of the same coefficients, up to one constant: that of a linear change of variables."""
    data = yearly_counts().assign(t=np.resize(["a", "b", "c"], 48))
    model = resolve(formula, data, family=family, poolings=[pooling])[pooling]
    plain, sampled = (bambi_model(model, for_sampling=s).backend.model for s in (False, True))
    names = [v.name for v in plain.free_RVs if v.name not in [w.name for w in sampled.free_RVs]]
    assert names and {v.name for v in sampled.free_RVs} - {v.name for v in plain.free_RVs}
    outputs = [sampled.logp(), *sampled.replace_rvs_by_values([of_model(sampled, name, data) for name in names])]
    density, other = (
        sampled.compile_fn(outputs, inputs=sampled.value_vars, mode="FAST_COMPILE"),
        plain.compile_logp(mode="FAST_COMPILE"),
    )
    differences, r = [], np.random.default_rng(3)
    for _ in range(3):
        start = plain.initial_point()
        shapes = {v.name: np.shape(start[v.name]) if v.name in start else v.type.shape for v in sampled.value_vars}
        point = {name: start.get(name, 0.0) + 0.1 * r.normal(size=shape) for name, shape in shapes.items()}
        found, *values = density(point)
        same = {name: value for name, value in point.items() if name in start}
        differences.append(found - other(same | dict(zip(names, values, strict=True))))
    assert differences == pytest.approx([differences[0]] * 3, abs=1e-5)


def of_model(sampled: Any, name: str, data: pd.DataFrame) -> Any:
    """A variable; of own intercepts at means what the own line is at the mean year of the group."""
    if not name.endswith("_at_means_offset"):
        return sampled[name]
    years = data.groupby("g")["year"].mean().to_numpy()
    return sampled["g"] + years * sampled["g:year" if "g:year" in sampled.named_vars else "year"]


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_over_calendar_years_without_pooling(seed: int) -> None:
    """The design is balanced, so that the slope of maximum likelihood is the logarithm of a ratio of sums.

    The prior is wide: the posterior mean of the slope is within a tenth of its sd of that, and within 4 Monte Carlo
    standard errors of 1,600 draws another tenth.
    """
    data = yearly_counts()
    found = fit("y ~ year + (1|g)", data, family="poisson", pooling="none", seed=seed, progress=False, draws=400)
    assert found.diagnostics.ok, found.diagnostics.sentence
    slope = found.idata["posterior"]["year"]
    total = data.groupby("year")["y"].sum()
    assert np.log(total[1962] / total[1961]) == pytest.approx(-0.044, abs=5e-4)  # glmer's slope, too
    assert float(slope.mean()) == pytest.approx(np.log(total[1962] / total[1961]), abs=0.2 * float(slope.std()))
    # at the middle of the years each place is near its own mean count
    at = coefficients(found).sel(pooling="none")
    middle = (at.sel(term="Intercept") + 1961.5 * at.sel(term="year")).mean(("chain", "draw"))
    own = data.groupby("g")["y"].mean()
    assert middle.sel(g=list(own.index)).to_numpy() == pytest.approx(np.log(own).to_numpy(), abs=0.03)


def minus_log_likelihood(theta: np.ndarray, data: pd.DataFrame) -> float:
    """Of intercept, slope, log sd between groups and log shape; the groups' effects integrated by 60 nodes."""
    (nodes, weights), (sd, shape) = np.polynomial.hermite_e.hermegauss(60), np.exp(theta[2:])
    mean = np.exp(theta[0] + theta[1] * data["x"].to_numpy()[:, None] + sd * nodes)
    density = np.zeros((10, len(nodes)))
    np.add.at(density, data["g"], stats.gamma.logpdf(data["y"].to_numpy()[:, None], shape, scale=mean / shape))
    return -float(logsumexp(density + np.log(weights / np.sqrt(2 * np.pi)), axis=1).sum())


def test_gamma_with_a_log_link() -> None:
    """glmer: 0.131 + 0.383 x, sd between the groups 0.380.

    Its sd is not that of maximum likelihood, which is 0.480: glmer's Laplace approximation holds the shape. The data
    are 10 groups, so that the posterior mean of the sd, being of a skewed posterior, lies up to one sd above.
    """
    best = minimize(minus_log_likelihood, [0.1, 0.3, -0.7, 1.0], args=(positive(),), method="BFGS").x
    assert [*best[:2], np.exp(best[2])] == pytest.approx([0.1611, 0.3852, 0.4803], abs=2e-3)
    found = fit("y ~ x + (1|g)", positive(), family="gamma", link="log", seed=1, progress=False)
    assert found.diagnostics.ok, found.diagnostics.sentence
    posterior = found.idata["posterior"]
    for name, glmer, likeliest in (("Intercept", 0.131, best[0]), ("x", 0.383, best[1])):
        for value in (glmer, likeliest):
            assert abs(float(posterior[name].mean()) - value) < 0.5 * float(posterior[name].std())
    assert 0 < float(posterior["1|g_sigma"].mean()) - np.exp(best[2]) < float(posterior["1|g_sigma"].std())


def test_an_inverse_link_that_meets_negative_predictors_names_the_log_link() -> None:
    found = fit("y ~ x + (1|g)", positive(), family="gamma", seed=1, progress=False, draws=300, tune=300)
    assert not found.diagnostics.ok
    sentence = "the inverse link of the gamma family needs a linear predictor above 0 in every row"
    assert any(note.startswith(sentence) and note.endswith("link='log' holds for any") for note in found.notes)
    with pytest.raises(FitError, match="no link 'logg'. Did you mean 'log'"):
        fit("y ~ x + (1|g)", positive(), family="gamma", link="logg")
