"""Priors that no distribution has, told where they are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlm
from hlm.errors import FitError

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("Normal", {"mu": 0, "sigma": -1}, "Prior('Normal'): sigma must be above 0, not -1."),
    ("Normal", {"mu": 0, "sigma": 0}, "Prior('Normal'): sigma must be above 0, not 0."),
    ("Normal", {"mu": 0, "sigma": (1, -2)}, "Prior('Normal'): sigma must be above 0, not [1, -2]."),
    ("Normal", {"mu": 0, "sd": 1}, "Prior('Normal') has no parameter 'sd'. There are: mu, sigma, tau."),
    ("HalfNormal", {"sigmo": 1}, "Prior('HalfNormal') has no parameter 'sigmo'. Did you mean 'sigma'?"),
    ("HalfNormal", {"sigma": -1}, "Prior('HalfNormal'): sigma must be above 0, not -1."),
    ("HalfStudentT", {"nu": 0, "sigma": 1}, "Prior('HalfStudentT'): nu must be above 0, not 0."),
    ("Exponential", {"lam": -2}, "Prior('Exponential'): lam must be above 0, not -2."),
    ("Exponential", {"rate": 1}, "Prior('Exponential') has no parameter 'rate'."),
    ("Normal", {"mu": 0, "sigma": np.inf}, "Prior('Normal'): sigma must be finite, not inf."),
    ("LKJ", {"eta": -1}, "Prior('LKJ'): eta must be above 0, not -1."),
    ("LKJ", {}, "Prior('LKJ') needs its eta: Prior('LKJ', eta=1)."),
    ("Normal", {"mu": np.nan, "sigma": 1}, "Prior('Normal'): mu must be a number, not nan."),
    ("Normal", {"mu": 10**400}, "Prior('Normal'): mu must be a number, not a int."),
]


@pytest.mark.parametrize(
    ("name", "numbers", "message"), CASES, ids=[f"{name}-{numbers}"[:50] for name, numbers, _ in CASES]
)
def test_a_prior_that_is_none_is_told(name: str, numbers: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError) as caught:
        hlm.explain("y ~ x + (x|g)", priors={"x": hlm.Prior(name, **numbers)})
    assert message in str(caught.value)


def test_as_many_numbers_as_the_term_has_coefficients() -> None:
    wrong = {"Days": hlm.Prior("Normal", mu=0, sigma=(1, 2))}
    with pytest.raises(FitError) as caught:
        hlm.fit("Reaction ~ Days + (Days|Subject)", hlm.load_data("sleepstudy"), priors=wrong)
    assert str(caught.value) == "The prior of 'Days' is Normal(mu=0, sigma=[1, 2]), and the term has 1 coefficient(s)."


def test_a_distribution_that_pymc_does_not_have() -> None:
    wrong = {"Days": hlm.Prior("Normall", mu=0, sigma=1)}
    with pytest.raises(FitError, match="Bambi cannot build this model: .*'Normall' was not found in PyMC"):
        hlm.build("Reaction ~ Days + (Days|Subject)", hlm.load_data("sleepstudy"), priors=wrong)
