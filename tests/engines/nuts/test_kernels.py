"""The compiled parts against the records that the rest of hlm uses."""

from __future__ import annotations

import numpy as np
import pytest
from every_family import CASES, model_of
from scipy import stats

from hlm.engines.normal_coefficients import normal_coefficients
from hlm.engines.nuts.columns import sampled_rows
from hlm.engines.nuts.kernels.mode_search import prior_kernel, rows_kernel
from hlm.engines.nuts.theta import Coordinate, coordinate
from hlm.model.prior_distributions import DISTRIBUTIONS
from hlm.model.priors import Prior

PRIORS = [
    Prior("HalfNormal", sigma=2.0), Prior("HalfStudentT", nu=3.0, sigma=2.0), Prior("HalfCauchy", beta=1.5),
    Prior("Exponential", lam=0.7), Prior("Exponential", scale=0.7), Prior("Gamma", alpha=2.0, beta=0.5),
    Prior("Gamma", mu=2.0, sigma=0.5), Prior("InverseGamma", alpha=2.0, beta=3.0),
    Prior("InverseGamma", mu=2.0, sigma=3.0), Prior("LogNormal", mu=0.3, sigma=0.6),
    Prior("Uniform", lower=0.5, upper=3.0), Prior("Beta", alpha=2.0, beta=3.0),
]  # fmt: skip


@pytest.mark.parametrize("prior", PRIORS, ids=str)
def test_log_prior_of_a_coordinate_is_that_of_its_value(prior: Prior) -> None:
    one = coordinate(prior, unit=1.7)
    u, step = np.linspace(-3, 3, 13), 1e-6
    found = np.array([log_prior(one, x) for x in u])
    derivative = (one.value(u + step) - one.value(u - step)) / (2 * step)
    wanted = DISTRIBUTIONS[prior.name].log_density(one.value(u), prior.args) + np.log(derivative)  # type: ignore[arg-type]
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=1e-6)  # of the difference's rounding


def log_prior(one: Coordinate, u: float) -> float:
    numbers = np.array([one.low, one.width, *one.numbers])
    return float(prior_kernel(np.array([one.kind], dtype=np.int64), np.array([u]), numbers))


ELSEWHERE = {
    "t": lambda y, mu, own, n: stats.t.logpdf(y, own["nu"], mu, own["sigma"]),
    "gamma": lambda y, mu, own, n: stats.gamma.logpdf(y, own["alpha"], scale=mu / own["alpha"]),
    "beta": lambda y, mu, own, n: stats.beta.logpdf(y, mu * own["kappa"], (1 - mu) * own["kappa"]),
    "beta_binomial": lambda y, mu, own, n: stats.betabinom.logpmf(y, n, mu * own["kappa"], (1 - mu) * own["kappa"]),
    "exponential": lambda y, mu, own, n: stats.expon.logpdf(y, scale=mu),
    "wald": lambda y, mu, own, n: stats.invgauss.logpdf(y, mu / own["lam"], scale=own["lam"]),
    "lognormal": lambda y, mu, own, n: stats.lognorm.logpdf(y, own["sigma"], scale=np.exp(mu)),
}
CHECKED = [
    case for case in CASES if case[1] in ELSEWHERE or case[1] in ("bernoulli", "binomial", "poisson", "gaussian")
]


@pytest.mark.parametrize(("response", "family", "link"), [*CHECKED, ("count", "negativebinomial", None)])
def test_log_density_of_rows_is_that_of_the_family(response: str, family: str, link: str | None) -> None:
    """Up to what has no parameter, at several linear predictors and own parameters."""
    model = model_of(response, family, link, "x + (1|g)")
    rows = sampled_rows(model, normal_coefficients(model))
    names, r = [p.prior_name for p in model.of_kind("residual", "family")], np.random.default_rng(1)
    y = model.data.columns[model.written.response.variable].to_numpy(dtype=np.float64)
    differences = []
    for scale in (0.5, 1.0, 2.0):
        own = {name: scale * (k + 1.3) for k, name in enumerate(names)}
        eta = r.normal(size=len(y))
        slope, weight = np.empty(len(y)), np.empty(len(y))
        ours = rows_kernel(rows.which, rows.y, rows.m, eta, np.array([*own.values(), 1.0, 1.0])[:2], slope, weight)
        if family in ELSEWHERE:
            theirs = ELSEWHERE[family](y, model.family.undo_link(eta), own, rows.m)
        else:
            assert model.family.log_density is not None
            theirs = model.family.log_density(y, eta[None], rows.m, {k: np.array([[v]]) for k, v in own.items()})
        differences.append(ours - theirs.sum())
    assert differences == pytest.approx([differences[0]] * 3, abs=1e-8 * (1 + abs(differences[0])))
