"""A name that a result does not have: an error that lists the names, and the default of ``get``."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import pytest

from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.explanation.explain import explain
from hlm.fits.results import PoolingFits
from hlm.model.resolve import default_priors

FORMULA = "Reaction ~ Days + (Days|Subject)"


def check(results: Mapping[str, Any], known: str, message: str) -> None:
    assert results.get("nope") is None
    assert results.get("nope", 3) == 3
    assert results.get(known) is results[known]
    assert known in results and "nope" not in results and 3 not in results
    with pytest.raises(FitError) as caught:
        results["nope"]
    assert str(caught.value).startswith(message)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_code() -> None:
    code = explain(FORMULA).code
    check(code, "lme4", "There is no code for 'nope'. There are: lme4, brms, bambi, pymc.")
    assert code.get("PyMC") == code["pymc"]
    with pytest.raises(FitError, match="There is no code for 3"):
        code[3]  # type: ignore[index]


def test_priors() -> None:
    priors = default_priors(FORMULA, load_data("sleepstudy"))
    check(priors, "Days", "There is no prior 'nope'. There are: Intercept, Days, ")


def test_fits(sleepstudy: PoolingFits) -> None:
    check(sleepstudy, "none", "There is no fit 'nope'. Did you mean 'none' or 'complete'? There are: ")
