"""Sigma read back from a posterior, and the pooling matrices by a slow second route."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.compare.group_covariance import group_covariance, pooling_share
from hlm.errors import FitError
from hlm.formula.formula import Term

SCHOOL = Term(("school",))


def test_sigma_has_the_posteriors_sds_and_correlation(exam):
    sigma = group_covariance(exam["partial"], SCHOOL, ("pre", "Intercept"))
    posterior = exam["partial"].idata["posterior"]
    sd = posterior["pre|school_sigma"].values.ravel(), posterior["1|school_sigma"].values.ravel()
    correlation = posterior["school_corr"].sel(school_effect="pre", school_effect_bis="Intercept").values.ravel()
    np.testing.assert_allclose(sigma[:, 0, 0], sd[0] ** 2)
    np.testing.assert_allclose(sigma[:, 1, 1], sd[1] ** 2)
    np.testing.assert_allclose(sigma[:, 0, 1], correlation * sd[0] * sd[1])


def test_the_lectures_numbers(exam):
    share = dict(zip(exam["partial"].data.levels(SCHOOL), pooling_share(exam["partial"], SCHOOL), strict=True))
    # STATISTICS.md 8, printed to two digits
    assert share["48"] == pytest.approx(0.88, abs=0.01)
    assert share["54"] == pytest.approx(0.66, abs=0.01)
    assert np.mean(list(share.values())) == pytest.approx(0.31, abs=0.01)


def test_a_second_route(exam):
    fit = exam["partial"]
    sigma = group_covariance(fit, SCHOOL, ("Intercept", "pre"))
    residual = fit.idata["posterior"]["sigma"].values.ravel()
    rows = fit.data.columns[fit.data.columns["school"] == "54"]
    z = np.column_stack([np.ones(len(rows)), rows["pre"]])
    found = []
    for draw in range(0, len(residual), 7):
        inverse = np.linalg.inv(sigma[draw])
        found.append(np.trace(np.linalg.inv(z.T @ z / residual[draw] ** 2 + inverse) @ inverse) / 2)
    share = pooling_share(fit, SCHOOL)[fit.data.levels(SCHOOL).index("54")]
    # two subsets of 400 and 571 draws whose sd is 0.07: 3 Monte Carlo errors of the difference
    assert share == pytest.approx(np.mean(found), abs=0.015)


def test_several_factors_are_refused(pastes):
    with pytest.raises(FitError, match="known here for one grouping factor, not for batch, batch:cask"):
        pooling_share(pastes["partial"], Term(("batch", "cask")))
