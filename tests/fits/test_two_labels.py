"""Responses of two values: which one is modelled is said, and the binomial family says what 0 and 1 need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm.engines.sampling.chain_diagnostics import ChainDiagnostics
from hlm.errors import DataError, FitError
from hlm.explanation.explain import explain
from hlm.fits.fit import fit
from hlm.fits.plan import plan
from hlm.fits.table_of_fits import text_of_fits
from hlm.linting.lint import lint
from hlm.model.resolve import default_priors, resolve


def levels() -> pd.DataFrame:
    r = np.random.default_rng(1)
    d = pd.DataFrame({"g": np.repeat(list("abcdef"), 8), "x": r.normal(size=48), "y": r.normal(size=48), "n": 5})
    k = r.binomial(5, 0.5, 48)
    return d.assign(k=k, b=(d["y"] > 0) * 1, acc=np.where(d["y"] > 0, "Correct", "Incorrect"), up=d["y"] > 0)


class Shown:
    """What a table needs of a fit."""

    loo, notes, diagnostics = None, (), ChainDiagnostics(1.0, "x", 1000.0, "x", 0, 4)

    def __init__(self, model: Any) -> None:
        import xarray as xr

        values = xr.DataArray(np.random.default_rng(2).normal(size=(4, 10)), dims=["chain", "draw"])
        names = [parameter.name for parameter in model.parameters if parameter.kind != "group effect"]
        self.resolved, self.idata = (
            model,
            xr.DataTree.from_dict({"posterior": xr.Dataset(dict.fromkeys(names, values))}),
        )


@pytest.mark.parametrize(
    ("response", "modelled", "other"),
    [("acc", "Incorrect", "Correct"), ("up", "True", "False"), ("I(y > 0)", "True", "False")],
)
def test_the_second_label_is_modelled_and_said(response: str, modelled: str, other: str) -> None:
    """As in lme4: of text the second in the alphabet, of truth values True."""
    data = levels()
    model = resolve(f"{response} ~ x + (1|g)", data, family="bernoulli")["partial"]
    expected = data["y"] <= 0 if response == "acc" else data["y"] > 0
    assert model.data.columns[model.written.response.variable].tolist() == expected.astype(int).tolist()
    assert f"bernoulli (p: {response} is {modelled}, not {other}), 48 rows" in text_of_fits({"partial": Shown(model)})
    said = explain(f"{response} ~ x + (1|g)", data, family="bernoulli").words.terms
    assert said[0].text.startswith(f"{response} is {other} or {modelled} (bernoulli family)")
    assert f"the log-odds of {response} = {modelled}" in said[1].text


def test_a_category_has_its_own_order() -> None:
    data = levels().assign(acc=lambda d: pd.Categorical(d["acc"], ["Incorrect", "Correct"]))
    assert resolve("acc ~ x + (1|g)", data, family="bernoulli")["partial"].data.labels == ("Incorrect", "Correct")
    numbers = resolve("b ~ x + (1|g)", data, family="bernoulli")["partial"]
    assert numbers.data.labels == () and "(p:" not in text_of_fits({"partial": Shown(numbers)})


@pytest.mark.parametrize(
    ("formula", "options", "message"),
    [
        ("b ~ x + (1|g)", {"family": "binomial"}, "each row is one trial: write family='bernoulli'."),
        ("b ~ x + (1|g)", {"family": "binomial", "link": "probit"}, "write family='bernoulli', link='probit'."),
        ("b ~ x + (1|g)", {"family": "beta_binomial"}, "write family='bernoulli'."),
        ("k ~ x + (1|g)", {"family": "binomial"}, "write p(k, n) ~ ..."),
        ("acc ~ x + (1|g)", {"family": "binomial"}, "For labels write family='bernoulli'."),
        ("g ~ x", {"family": "bernoulli"}, "For more labels write family='categorical', or 'cumulative'"),
    ],
)
def test_what_to_write_instead(formula: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError) as caught:
        fit(formula, levels(), progress=False, pooling="partial" if "|" in formula else "complete", **options)
    assert message in str(caught.value)
    assert any(message in finding.message for finding in lint(formula, levels(), **options).errors)
    said = str(caught.value)
    if "each row is one trial" in said:  # the advice works
        link = {"link": "probit"} if "probit" in said else {}
        assert len(plan(formula, levels(), family="bernoulli", **link)) == 3


def test_a_family_that_is_none_says_what_to_type() -> None:
    with pytest.raises(FitError, match="Write family='bernoulli'"):
        explain("b ~ x + (1|g)", family="logistic")


@pytest.mark.parametrize(
    ("response", "successes", "trials"),
    [
        ("cbind(x > 0, n)", lambda d: (d["x"] > 0) * 1, lambda d: (d["x"] > 0) + d["n"]),
        ("cbind(k, x < 1)", lambda d: d["k"], lambda d: d["k"] + (d["x"] < 1)),
        ("cbind(k * 2, n)", lambda d: d["k"] * 2, lambda d: d["k"] * 2 + d["n"]),
    ],
)
def test_counts_of_what_is_true(response: str, successes: Any, trials: Any) -> None:
    data = levels().assign(k=lambda d: d["k"] + 1)
    model = resolve(f"{response} ~ x + (1|g)", data, family="binomial")["partial"]
    columns, written = model.data.columns, model.written.response
    assert columns[written.variable].tolist() == successes(data).tolist()
    assert columns[written.trials].tolist() == trials(data).tolist()


def test_default_priors_follow_the_link() -> None:
    """The identity link of a probability: around the mean of the proportions, 2.5 of their sds wide."""
    data = levels()
    share = data["k"] / data["n"]
    identity = default_priors("k/n ~ x + (1|g)", data, weights="n", family="binomial", link="identity")["Intercept"]
    assert identity.args == pytest.approx({"mu": share.mean(), "sigma": 2.5 * share.std(ddof=0)})
    log = default_priors("y ~ x + (1|g)", data.assign(y=np.exp(data["y"])), link="log")
    y = np.exp(data["y"])
    assert log["Intercept"].args == pytest.approx({"mu": np.log(y.mean()), "sigma": 2.5})
    assert log["x"].args["sigma"] == pytest.approx(2.5 / data["x"].std(ddof=0))
    assert log["sigma"].args["sigma"] == pytest.approx(y.std(ddof=0))  # in units of the response
    inverse = default_priors("y ~ x + (1|g)", data.assign(y=y), family="gamma")["Intercept"]
    assert inverse.args == pytest.approx({"mu": 1 / y.mean(), "sigma": 2.5 * y.std(ddof=0) / y.mean() ** 2})
    assert default_priors("b ~ x + (1|g)", data, family="bernoulli", link="probit")["Intercept"].args["sigma"] == 2.5
