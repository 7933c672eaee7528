"""Precision weights in the gaussian family: dense densities, and who refuses them. lme4's answers: test_reml_lme4.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hlm.compare.compare_loo import compare_loo
from hlm.data.packaged_sets import load_data
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior
from hlm.errors import FitError
from hlm.fits.fit import fit, fit_pooling
from hlm.model.priors import Prior
from hlm.model.resolve import resolve

SLEEP = "Reaction ~ Days + (Days|Subject)"


def _data(name):
    data = load_data(name.split(",")[0].lower())
    if name.startswith("sleep"):
        return data.assign(w=1.0 + data["Days"], o=2.0 * data["Days"] ** 2)
    return data.assign(w=np.resize([0.5, 1.0, 3.0], len(data)))


@pytest.mark.parametrize(
    ("name", "formula"), [("sleepstudy", SLEEP), ("penicillin", "diameter ~ 1 + (1|plate) + (1|sample)")]
)
def test_marginal_density_is_the_dense_one(name, formula):
    """Up to the constant that the weights add: differences between values of theta."""
    model = resolve(formula, _data(name), weights="w")["partial"]
    gaussian = gaussian_model(model)
    q = len(gaussian.mean)
    theta = Theta(np.array([0.5, 1.0, 2.0]) * model.response.std(ddof=1), np.repeat(np.eye(q)[None], 3, 0))
    found = common_posterior(summed(gaussian), theta, gaussian.prior).log_marginal
    x = gaussian.common.matrix - np.where(
        np.ptp(gaussian.common.matrix, axis=0) > 0, gaussian.common.matrix.mean(axis=0), 0.0
    )
    v = (x * gaussian.prior.sd**2) @ x.T
    for factor in gaussian.factors:
        v += (factor.design.matrix @ factor.design.matrix.T) * (factor.codes[:, None] == factor.codes)
    dense = [
        multivariate_normal(x @ gaussian.prior.mean, v + np.diag(s**2 / model.data.weights)).logpdf(model.response)
        for s in theta.sigma
    ]
    assert np.diff(found) == pytest.approx(np.diff(dense), rel=1e-8)


def test_all_weights_alike_change_sigma_alone():
    """Weight 4 for every row is a residual sd of half sigma: with sigma's prior twice as wide all else stays."""
    data = load_data("sleepstudy").assign(w=4.0)
    plain = fit_pooling(SLEEP, data, seed=1, progress=False)
    twice = replace_sigma(plain["partial"].priors["sigma"])
    weighted = fit_pooling(SLEEP, data, weights="w", priors={"sigma": twice}, seed=1, progress=False)
    for pooling in plain:
        one, other = plain[pooling].idata["posterior"], weighted[pooling].idata["posterior"]
        assert float(other["sigma"].mean() / one["sigma"].mean()) == pytest.approx(
            2, rel=6e-3
        )  # 4 x 0.06 sqrt(2 / 4000)
        assert weighted[pooling].leave_out().total == pytest.approx(plain[pooling].leave_out().total, abs=1e-6)
    for unit in ("observation", "Subject"):
        tables = [compare_loo(fits, unit=unit).set_index("pooling")["elpd"] for fits in (plain, weighted)]
        assert tables[0]["partial"] == pytest.approx(tables[1]["partial"], abs=1e-6)


def replace_sigma(prior: Prior) -> Prior:
    return Prior("HalfStudentT", nu=prior.args["nu"], sigma=2 * prior.args["sigma"])


def test_who_cannot_take_weights():
    data = _data("sleepstudy")
    with pytest.raises(FitError, match="Bambi cannot build a gaussian model with weights"):
        fit(SLEEP, data, weights="w", method="nuts", progress=False)
    with pytest.raises(FitError, match=r"name of a column, such as 'n', not a Series: values are added to the data"):
        fit(SLEEP, data, weights=data["w"], progress=False)
    with pytest.raises(FitError, match="only the binomial family reads weights, as the number of trials"):
        fit(SLEEP, data, weights="w", family="poisson", progress=False)
