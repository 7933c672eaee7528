"""Sigma read back from a posterior."""

from __future__ import annotations

import numpy as np

from hlm.fits.posterior_coefficients import covariance_of
from hlm.formula.formula import Term

SCHOOL = Term(("school",))


def test_sigma_has_the_posteriors_sds_and_correlation(exam):
    partial = exam["partial"]
    posterior = partial.idata["posterior"].to_dataset()
    sigma = covariance_of(posterior, partial.resolved.factor(SCHOOL), ("pre", "Intercept"))
    sd = posterior["pre|school_sigma"].values.ravel(), posterior["1|school_sigma"].values.ravel()
    correlation = posterior["school_corr"].sel(school_effect="pre", school_effect_bis="Intercept").values.ravel()
    np.testing.assert_allclose(sigma[:, 0, 0], sd[0] ** 2)
    np.testing.assert_allclose(sigma[:, 1, 1], sd[1] ** 2)
    np.testing.assert_allclose(sigma[:, 0, 1], correlation * sd[0] * sd[1])
