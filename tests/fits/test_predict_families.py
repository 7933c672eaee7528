"""Predictions of every family and link: the parameter, and the log density, are Bambi's on the same draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from hlm.engines.sampling.chain_diagnostics import ChainDiagnostics
from hlm.errors import DataError, FitError
from hlm.fits.log_likelihood import log_density_of
from hlm.fits.predict import predict
from hlm.fits.results import Fit
from hlm.model import names
from hlm.model.families import FAMILIES
from hlm.model.model import Model
from hlm.model.resolve import resolve

CHAINS, DRAWS, ROWS = 2, 30, 24
UNDER = [(name, link.name) for name, family in FAMILIES.items() for link in family.links]
WELL = ChainDiagnostics(1.0, "x", 1000.0, "x", 0, CHAINS)


def data() -> pd.DataFrame:
    r = np.random.default_rng(4)
    frame = pd.DataFrame({"g": np.repeat(list("pqr"), 8), "x": r.normal(size=ROWS), "o": r.normal(0, 0.05, ROWS)})
    frame["n"] = r.integers(3, 7, ROWS)
    return frame.assign(
        real=r.normal(size=ROWS), positive=r.gamma(3, 1, ROWS), unit=r.uniform(0.1, 0.9, ROWS), count=r.poisson(3, ROWS),
        binary=r.integers(0, 2, ROWS), k=r.integers(0, 3, ROWS), label=np.resize(["u", "v", "w"], ROWS),
        place=pd.Categorical(np.resize(["lo", "mid", "hi"], ROWS), ["lo", "mid", "hi"], ordered=True),
    )  # fmt: skip


RESPONSES = {"nonnegative": "positive", "trials": "p(k, n)", "labels": "label", "ordered": "place"}


def made_up(name: str, link: str, pooling: Any = "partial", extra: str = "") -> Fit:
    """A fit whose draws are made up, so that nothing need be sampled."""
    support = FAMILIES[name].support
    formula = f"{RESPONSES.get(support, support)} ~ x + (x|g){extra}"
    frame = data().rename(columns={"label": "which"}) if support == "labels" else data()
    formula = formula.replace("label ~", "which ~")
    model = resolve(formula, frame, family=name, link=link, poolings=[pooling])[pooling]
    return Fit(model, "nuts", "bambi", xr.DataTree.from_dict({"posterior": draws(model)}), WELL)


def draws(model: Model) -> xr.Dataset:
    r, family = np.random.default_rng(5), model.family
    small = 1.0 if family.keeps_limits and family.link != "inverse" else 0.02
    middle = 0.5 if family.parent_limits[1] == 1 else 1.5
    labels = ("v", "w") if family.has_predictor_per_label else ()
    more = {names.labels_dim(model.written.response.variable): labels} if labels else {}
    found = {}
    for parameter in model.parameters:
        coords = {dim: list(parameter.coords[dim]) for dim in parameter.dims}
        shape = (CHAINS, DRAWS, *(len(values) for values in coords.values()))
        own = parameter.kind in ("family", "residual")
        coords |= {} if own else {dim: list(values) for dim, values in more.items()}
        shape += () if own or not more else (2,)
        values = 0.3 * small * r.normal(size=shape)
        if own:
            values = r.uniform(0.3, 0.9, shape) if parameter.name == "psi" else r.uniform(0.5, 3, shape)
        elif parameter.kind == "sd":
            values = np.abs(values)
        elif parameter.kind == "correlation":
            values = np.broadcast_to(np.eye(2).reshape(2, 2, *(1 for _ in more)), shape)
        elif parameter.name == "Intercept":
            values = values + (middle if small < 1 else 0.2)
        found[parameter.name] = xr.DataArray(values, coords, ["chain", "draw", *coords])
    if family.has_thresholds:
        coords = {"threshold_dim": [0, 1]}
        found["threshold"] = xr.DataArray(
            np.sort(r.normal(size=(CHAINS, DRAWS, 2))), coords, ["chain", "draw", "threshold_dim"]
        )
    posterior = xr.Dataset(found).assign_coords(chain=range(CHAINS), draw=range(DRAWS))
    return posterior.transpose("chain", "draw", ..., "g__factor_dim", missing_dims="ignore")  # Bambi's order


@pytest.mark.parametrize(("name", "link"), UNDER)
def test_means_are_bambis(name: str, link: str) -> None:
    # Bambi 0.21 cannot predict labels beside an offset
    fit = made_up(name, link, extra=" + offset(o)" if FAMILIES[name].has_linear_predictor else "")
    family = fit.resolved.family
    found = fit.model.predict(fit.idata, inplace=False)["posterior"][family.parent].to_numpy()
    if family.expected is not None:
        own = {own: fit.idata["posterior"][own].to_numpy()[..., None] for own in family.auxiliary}
        found = family.expected(found, own)
    ours = predict(fit, draws=True)
    assert ours.dims == ("chain", "draw", "row", *(() if family.has_linear_predictor else ("label",)))
    np.testing.assert_allclose(ours.to_numpy(), found, rtol=1e-10, atol=1e-14)
    table = predict(fit)
    np.testing.assert_allclose(table["estimate"], found.mean(axis=(0, 1)).ravel(), rtol=1e-10)
    if not family.has_linear_predictor:
        assert table["label"].tolist()[:4] == [*ours["label"].to_numpy(), ours["label"].to_numpy()[0]]
        assert table.groupby(np.arange(len(table)) // 3)["estimate"].sum().to_numpy() == pytest.approx(1)


@pytest.mark.parametrize(("name", "link"), [pair for pair in UNDER if FAMILIES[pair[0]].log_density])
def test_log_densities_are_bambis(name: str, link: str) -> None:
    fit = made_up(name, link)
    density = log_density_of(fit.resolved, fit.idata, fit.parts, lambda: fit.model)(slice(0, ROWS))
    found = fit.model.compute_log_likelihood(fit.idata, inplace=False)["log_likelihood"]
    theirs = next(iter(found.data_vars.values())).to_numpy().reshape(-1, ROWS)
    np.testing.assert_allclose(density, theirs, rtol=1e-8)


@pytest.mark.parametrize("name", FAMILIES)
def test_responses_vary_around_their_means(name: str) -> None:
    """Of every family: 60 draws x 24 rows of responses, and the mean that they should have."""
    fit = made_up(name, FAMILIES[name].safe_link or FAMILIES[name].link)
    mean, drawn = predict(fit, draws=True), predict(fit, kind="response", draws=True, seed=3)
    assert drawn.dims == mean.dims and np.isfinite(drawn).all()
    if fit.resolved.family.has_trials:
        mean = mean * xr.DataArray(data()["n"].to_numpy(), dims="row")
    if name != "vonmises":  # a mean direction is no mean
        assert abs(float(drawn.mean() - mean.mean())) < 4 * float((drawn - mean).std()) / np.sqrt(mean.size)
    if not fit.resolved.family.has_linear_predictor:
        assert (drawn.sum("label") == 1).all()


def test_new_rows_of_labels_and_of_extra_zeros() -> None:
    ordered = made_up("cumulative", "probit")
    new = pd.DataFrame({"x": [0.0, 1.0]})
    table = predict(ordered, new, groups="average")
    assert table["label"].tolist() == ["lo", "mid", "hi"] * 2 and table["x"].tolist() == [0.0] * 3 + [1.0] * 3
    from scipy.stats import norm

    posterior = ordered.idata["posterior"]
    low = norm.cdf(posterior["threshold"][..., 0] - posterior["x"])
    assert table["estimate"][3] == pytest.approx(float(low.mean()))
    eta = predict(ordered, new, groups="average", kind="linear")
    assert eta["estimate"].tolist() == pytest.approx([0.0, float(posterior["x"].mean())])
    zeros = made_up("zero_inflated_poisson", "log")
    posterior = zeros.idata["posterior"]
    expected = (posterior["psi"] * np.exp(posterior["Intercept"] + posterior["x"])).mean()
    assert predict(zeros, new, groups="average")["estimate"][1] == pytest.approx(float(expected))
    several = predict(made_up("categorical", "softmax"), new.assign(g=["p", "new"]), kind="linear", seed=1)
    assert several["label"].tolist() == ["v", "w"] * 2 and several["new_group"].tolist() == [False] * 2 + [True] * 2


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("kind", ["mean", "linear", "response"])
def test_no_pooling_has_no_number_for_a_new_group(name: str, kind: Any) -> None:
    """Beside those of the rows' own groups, which are the same as alone."""
    fit = made_up(name, FAMILIES[name].safe_link or FAMILIES[name].link, "none")
    new = pd.DataFrame({"x": [0.0, 0.1, 0.2], "g": ["p", "new", "r"], "n": 5})
    some, alone = (predict(fit, rows, kind=kind, draws=True, seed=2) for rows in (new, new.iloc[::2]))
    assert some.isnull().sel(row=1).all() and "new group" in some.attrs["note"]
    np.testing.assert_allclose(some.isel(row=[0, 2]), alone, rtol=1e-9)
    table = predict(fit, new[["x"]], groups="average", kind=kind)
    assert table["estimate"].isna().all() and table["note"].str.contains("no average g").all()


def test_an_impossible_mean_names_the_link() -> None:
    """1 / eta of an eta below 0 is no mean of a positive number; sqrt of it is none either."""
    far = pd.DataFrame({"x": [1000.0]})
    with pytest.raises(FitError, match="inverse link gives row 0 .* outside of 0 to inf.*link='log' that cannot be"):
        predict(made_up("gamma", "inverse"), far, groups="average")
    with pytest.raises(FitError, match="inverse_squared link gives row 0"):
        predict(made_up("wald", "inverse_squared"), far, groups="average")
    with pytest.raises(FitError, match=r"identity link .* a p outside of 0 to 1.*link='logit'"):
        predict(made_up("bernoulli", "identity"), far, groups="average", kind="response")
    assert np.isfinite(predict(made_up("gamma", "log"), far.assign(x=2.0), groups="average")["estimate"]).all()


def test_new_trials() -> None:
    fit, new = made_up("beta_binomial", "logit"), pd.DataFrame({"x": [0.0]})
    with pytest.raises(DataError, match="need the number of trials, n: give the new rows the column 'n'"):
        predict(fit, new, groups="average", kind="response")
    many = predict(fit, new.assign(n=1000), groups="average", kind="response", seed=1, draws=True)
    share = predict(fit, new, groups="average", draws=True)
    assert float(many.max()) > 100 and abs(float(many.mean()) / 1000 - float(share.mean())) < 0.2
