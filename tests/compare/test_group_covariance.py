"""Sigma read back from a posterior."""

from __future__ import annotations

import numpy as np

from hlm.compare.group_information import varying_effects
from hlm.formula.formula import Term

SCHOOL = Term(("school",))


def test_sigma_has_the_posteriors_sds_and_correlation(exam):
    partial = exam["partial"]
    posterior, target = partial.idata["posterior"].to_dataset(), partial.resolved.design.group_coefficients
    kept, sigma = varying_effects(partial, SCHOOL, target)
    assert [target.labels[j] for j in kept] == ["Intercept", "pre"]
    sd = posterior["1|school_sigma"].values.ravel(), posterior["pre|school_sigma"].values.ravel()
    correlation = posterior["school_corr"].sel(school_effect="pre", school_effect_bis="Intercept").values.ravel()
    np.testing.assert_allclose(sigma[:, 0, 0], sd[0] ** 2)
    np.testing.assert_allclose(sigma[:, 1, 1], sd[1] ** 2)
    np.testing.assert_allclose(sigma[:, 0, 1], correlation * sd[0] * sd[1])
