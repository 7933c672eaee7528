"""Mixed models of R's help pages and of books, each on its own data: the three strategies beside lm and lme4."""

from __future__ import annotations

import numpy as np
import pytest
from designs import own_columns, unit  # tests/generated
from lme4_cases import (  # tests/reference
    TOLERANCES,
    Case,
    data_of,
    documented_cases,
    in_order,
    key,
    names_in_r,
    numbers,
    ours,
    written,
)  # fmt: skip

from hlm import DataError, lint, reml
from hlm.fits.fit import fit, fit_pooling
from hlm.fits.group_coefficients import coefficients
from hlm.fits.posterior_coefficients import linear_predictor
from hlm.fits.results import Fit
from hlm.formula.pooling_formulas import POOLINGS

# The groups of one factor are told apart by common terms as well, or by another factor with the same groups: their sd is
# not in the likelihood, so lme4 stops at any, and the standard errors of columns that these groups repeat contain it.
ONE_SD_IS_ARBITRARY = {
    ("npk", "yield ~ block + N * P * K + (1 | block)"),
    ("Cultivation", "drywt ~ Inoc * Cult + (1 | Block) + (1 | Cult)"),
    ("multilocsplitplot", "yield ~ loc * nf * gen + (1 | loc/rep/nf)"),
    ("Semi2", "Thickness ~ Source + (1 | Lot/Wafer) + (1 | Lot:Source)"),
}
# Several factors cost 2.5 to 25 s a fit today: for these models only REML is compared.
SLOW = {
    ("ham", "Informed.liking ~ Gender + Information * Product + (1 | Consumer) + (1 | Consumer:Product)"),
    (
        "ham",
        "Informed.liking ~ Product * Information + (1 | Consumer) + (1 | Product:Consumer) + (1 | Information:Consumer)",
    ),
    ("jsp", "math ~ raven * social * gender + (1 | school) + (1 | school:class)"),
    ("gomez.splitsplit", "yield ~ factor(nitro) * management * gen + (1 | rep/nitro/management)"),
    ("obk.long", "value ~ treatment * gender + phase * hour + (1 | id) + (1 | id:phase) + (1 | id:hour)"),
    (
        "lexdec",
        "RT ~ 1 + Trial + PrevType * meanWeight + Frequency + NativeLanguage * Length + (Trial | Subject) + (1 | Word)",
    ),
    (
        "holshouser",
        "yield ~ cultivar * spacing * pop + (1 | block) + (1 | block:cultivar) + (1 | block:cultivar:spacing) + "
        "(1 | block:cultivar:pop)",
    ),
}
# REML's covariance matrix of the three effects of a year is singular, and the posterior's is not: its slopes of capital
# vary in another way, so that other years weigh more. `test_sizes_alone_make_the_difference` holds it to that.
SINGULAR = ("Grunfeld", "inv ~ value + capital + (value + capital | year)")
# Means of 200 draws, which the exact engine balances: of independent ones the errors would be 0.07 sds, and several
# hundred of them would reach 0.25. The bound on complete and no pooling leaves a prior that moves a mean no room to hide.
DRAWS = {"draws": 100, "chains": 2, "seed": 1, "progress": False}


def fitted() -> list[Case]:
    return [case for case in documented_cases() if key(case) not in SLOW]


def by_name(case: Case, stored: str) -> dict[str, float]:
    """R's numbers of a kind, by the name that R gives to a column, the parts of interactions in alphabetical order."""
    return {in_order(name): value for name, value in case.answer[stored].items()}


def away(case: Case, fit: Fit, stored: str) -> dict[str, float]:
    """By common coefficient, how many posterior sds its mean lies from R's number."""
    means, sds = fit.parts.shared.mean(axis=0), fit.parts.shared.std(axis=0)
    names, theirs = names_in_r(case), by_name(case, stored)
    labels = [names.of(label) for label in fit.parts.common.labels]
    assert set(labels) == set(theirs)  # lme4 left the same columns out
    return {name: abs(mean - theirs[name]) / sd for name, mean, sd in zip(labels, means, sds, strict=True)}


def test_there_are_enough():
    """At least 60 that run in all strategies, of many packages and kinds."""
    cases = fitted()
    assert len(cases) >= 110
    assert len({case.answer["package"] for case in cases}) >= 14
    assert sum(case.answer["singular"] for case in cases) >= 8
    assert {key(case) for case in documented_cases()} >= ONE_SD_IS_ARBITRARY | SLOW | {SINGULAR}
    for word in (
        "split plot", "strip plot", "Latin square", "growth curve", "subjects by items", "mixed anova", "nested", "crossed",
        "incomplete blocks", "rank deficient", "powers", "group-level", "slopes of a factor", "uncorrelated", "panel",
        "contrasts", "calendar years", "several places", "missing values", "polynomials", "no intercept",
    ):  # fmt: skip
        assert any(word in case.kind for case in cases), word


@pytest.mark.parametrize("case", documented_cases(), ids=lambda case: case.title)
def test_reml_agrees_with_lme4(case: Case) -> None:
    said, found = case.answer, ours(case)
    assert found.n == said["n"]
    assert sorted(found.groups.values()) == sorted(said["groups"].values())
    arbitrary = key(case) in ONE_SD_IS_ARBITRARY
    compared = ("log-likelihood", "coefficient") if arbitrary else tuple(TOLERANCES)
    wrong = [n for n in numbers(case) if n.kind in compared and not n.difference < TOLERANCES[n.kind]]
    assert not wrong
    assert arbitrary or found.singular == said["singular"]


@pytest.mark.parametrize("case", fitted(), ids=lambda case: case.title)
def test_three_strategies(case: Case) -> None:
    fits = fit_pooling(written(case), data_of(case), method="exact", **DRAWS)
    assert tuple(fits) == POOLINGS
    assert all(fit.engine == "exact" and fit.diagnostics.ok for fit in fits.values())
    for group in fits["partial"].resolved.factors:
        assert np.isfinite(coefficients(fits, group.name)).all()
    complete = away(case, fits["complete"], "least_squares")
    assert max(complete.values()) < 0.1, complete
    partial = away(case, fits["partial"], "fixef")
    if key(case) != SINGULAR:
        assert max(partial.values()) < 0.5, partial
    assert distance_from_least_squares(fits["none"]) < 0.1


def test_sizes_alone_make_the_difference() -> None:
    """Beside lme4 by 0.6 sd, the posterior means are generalised least squares, averaged over the posterior's sds."""
    case = next(case for case in fitted() if key(case) == SINGULAR)
    partial = fit(written(case), data_of(case), method="exact", **DRAWS)
    assert 0.5 < max(away(case, partial, "fixef").values()) < 0.75  # 0.59 with 800 draws; 200 move it by 0.07
    model, posterior = partial.resolved, partial.idata.posterior.to_dataset().stack(all=("chain", "draw"))
    factor = model.factors[0]
    sds = np.array([posterior[effect.sd.name] for effect in factor.effects]).T
    covariances = posterior["year_corr"].transpose("all", ...).to_numpy() * sds[:, :, None] * sds[:, None, :]
    together = factor.codes[:, None] == factor.codes
    z, xy = factor.design.matrix, np.column_stack([model.common.matrix, model.response])
    found = []
    for covariance, sigma in zip(covariances, posterior["sigma"].to_numpy(), strict=True):
        whitened = np.linalg.solve(together * (z @ covariance @ z.T) + sigma**2 * np.eye(model.rows), xy)
        products = xy.T @ whitened
        found.append(np.linalg.solve(products[:-1, :-1], products[:-1, -1]))
    means, spread = partial.parts.shared.mean(axis=0), partial.parts.shared.std(axis=0)
    assert np.max(np.abs(np.mean(found, axis=0) - means) / spread) < 0.1


def test_pi_is_written_as_a_number() -> None:
    """R knows pi, hlm only columns: the message says what to write, and lint proposes no other column for it."""
    case = next(case for case in fitted() if case.name == "Ovary")
    data = data_of(case).assign(pid=1.0)
    with pytest.raises(DataError, match=r"no column 'pi'\. For the number write 3\.141592653589793\.") as error:
        reml(case.formula, data)
    findings = [finding for finding in lint(case.formula, data) if finding.code == "missing-column"]
    assert [(f.message, f.instead) for f in findings] == [(str(error.value), None)]
    found = reml(case.formula.replace("pi", "3.141592653589793"), data)
    assert found.loglik == pytest.approx(case.answer["loglik_reml"], abs=1e-6)


def distance_from_least_squares(none: Fit) -> float:
    """Of no pooling's fitted values from those of least squares on the same columns, in posterior sds: the largest."""
    model = none.resolved
    values = linear_predictor(none.parts, model.data, slice(0, model.rows))
    x = np.hstack([own_columns(model), unit(model.common.matrix)])
    squares = x @ np.linalg.lstsq(x, model.response, rcond=1e-9)[0]
    return float(np.max(np.abs(values.mean(axis=0) - squares) / values.std(axis=0)))
