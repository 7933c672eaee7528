"""Our posteriors against brms's with the same priors: five gaussian models, and a binomial one by quadrature."""

from __future__ import annotations

import re

import pytest
from brms_cases import MODELS, STORED, fitted, numbers  # tests/reference

from hlm.data.packaged_sets import load_data
from hlm.model.priors import Prior
from hlm.model.resolve import resolve

FAMILIES = {
    "normal": lambda mu, sigma: Prior("Normal", mu=mu, sigma=sigma),
    "student_t": lambda nu, _, sigma: Prior("HalfStudentT", nu=nu, sigma=sigma),
    "lkj": lambda eta: Prior("LKJ", eta=eta),
}


def our_name(parameter: str) -> str:
    """``sd school pre`` is ``pre|school_sigma``; the dummies of period have one prior, and so one name."""
    kind, group, effect = re.fullmatch(r"(\S+) (\S*) (\S*)", parameter).groups()
    if kind == "sd":
        return f"{'1' if effect == 'Intercept' else effect}|{group}_sigma"
    return {"b": re.sub(r"^period\d$", "period", effect), "cor": f"{group}_corr"}.get(kind, kind)


@pytest.mark.parametrize("name", MODELS)
def test_the_priors_are_the_same(name):
    """brms.R works the numbers out from Bambi's rule."""
    formula, family = MODELS[name]
    ours = resolve(formula, load_data(name), family=family, priors="bambi")["partial"].priors
    stored = STORED["models"][name]["priors"]
    assert {our_name(row["parameter"]) for row in stored} == set(ours)
    for row in stored:
        mine = ours[our_name(row["parameter"])]
        law, _, written = row["prior"].removesuffix(")").partition("(")
        expected = FAMILIES[law](*map(float, written.split(",")))
        if row["parameter"].startswith("sd "):  # brms cuts a normal off at 0
            assert expected.args["mu"] == 0
            expected = Prior("HalfNormal", sigma=expected.args["sigma"])
        assert mine.name == expected.name, row
        for argument, value in expected.args.items():
            assert mine.args[argument] == pytest.approx(value, rel=1e-11, abs=1e-12)  # 12 digits are written


@pytest.mark.parametrize("name", MODELS)
def test_agrees_with_brms(name):
    assert STORED["models"][name]["divergences"] == 0
    ours = fitted(name)
    assert ours.engine == ("quadrature" if name == "cbpp" else "exact")
    both = list(numbers(name, ours))
    assert len(both) == 5 * len(STORED["models"][name]["posterior"])
    # 290 comparisons: 4 errors is what the largest of as many normal deviates passes in 2 of 100 runs
    assert [n for n in both if not n.distance < 4] == []
