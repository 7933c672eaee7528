"""What lesson 6 shows beside lme4's answers: its likelihood-ratio test, predictions of `predict`, and a singular fit."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.engines.reml.reml import reml

REFERENCE = Path(__file__).parents[2] / "reference"
LME4 = json.loads((REFERENCE / "lme4_lesson.json").read_text())
LINES = "Reaction ~ Days + (Days|Subject)"


def test_likelihood_ratio_is_anova():
    parallel, lines = (
        reml(f"Reaction ~ Days + ({effects}|Subject)", load_data("sleepstudy"), reml=False) for effects in ("1", "Days")
    )
    stored = LME4["anova"]
    # both optimisers stop at a flat maximum, where the deviance is exact to the square of their 1e-5 in theta
    assert parallel.criterion - lines.criterion == pytest.approx(stored["chisq"], abs=1e-6)
    assert lines.parameters - parallel.parameters == stored["df"] == 2
    assert [parallel.aic, lines.aic] == pytest.approx(stored["AIC"], abs=1e-6)


def test_totals_predict_as_lme4_does():
    lines = reml(LINES, load_data("sleepstudy"))
    common = lines.fixef["Intercept"] + 10 * lines.fixef["Days"]
    for row in LME4["predict"]:
        known = row["Subject"] in lines.coef["Subject"].index
        total = lines.coef["Subject"].loc[row["Subject"]] @ [1, row["Days"]] if known else common
        # lme4's standard deviations are 1e-5 of theirs away from the maximum
        assert total == pytest.approx(row["known"], rel=1e-5)
        assert common == pytest.approx(row["re_form_NA"], rel=1e-8)


def test_singular_fit_is_found_exactly():
    flat = reml("Yield ~ 1 + (1|Batch)", pd.read_csv(REFERENCE / "lme4_reml" / "Dyestuff2.csv"))
    stored = LME4["singular"]
    assert flat.singular and stored["singular"]
    assert flat.varcorr["sdcor"].iloc[0] == stored["sd"] == 0
    # nothing is left to search for at an sd of 0: only rounding and the 12 stored digits differ
    assert flat.sigma == pytest.approx(stored["sigma"], rel=1e-9)
    assert flat.loglik == pytest.approx(stored["loglik_reml"], rel=1e-9)
