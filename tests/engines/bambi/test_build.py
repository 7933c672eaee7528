"""`build` gives a bambi.Model whose (x|g) is correlated and on which Bambi's own tools work."""

from __future__ import annotations

from typing import Any

import bambi
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.build import build
from hlm.errors import DataError, FitError
from hlm.model.families import FAMILIES
from hlm.model.priors import Prior


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    rows = 60
    return pd.DataFrame(
        {
            "y": rng.normal(size=rows), "positive": rng.gamma(2, 1, rows), "unit": rng.uniform(0.1, 0.9, rows),
            "count": rng.poisson(2, rows), "trials": 9, "binary": np.tile([0, 1], 30), "angle": rng.uniform(-3, 3, rows),
            "label": np.tile(list("uvw"), 20), "x": rng.normal(size=rows), "z": rng.normal(size=rows),
            "c": np.tile(list("pqr"), 20), "g": np.repeat(np.arange(6), 10),
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def sleep() -> bambi.Model:
    return build("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))


def test_correlated_block_is_in_the_graph(sleep: bambi.Model) -> None:
    graph = sleep.backend.model
    assert list(graph.named_vars_to_dims["Subject_corr"]) == ["Subject_effect", "Subject_effect_bis"]
    assert graph.coords["Subject_effect"] == ("Intercept", "Days")
    assert list(graph.named_vars_to_dims["Days|Subject"]) == ["Subject__factor_dim"]
    assert {v.name for v in graph.free_RVs} == {
        "Intercept",
        "Days",
        "sigma",
        "Subject_corr_sd_offset",
        "Subject_corr_partial_offset",
        "Subject_corr_z_offset",
    }  # the sds and the correlation follow from those of the orthogonalised effects
    assert {"1|Subject_sigma", "Days|Subject_sigma"} <= {v.name for v in graph.deterministics}


def test_double_bar_has_no_correlation() -> None:
    graph = build("Reaction ~ Days + (Days||Subject)", load_data("sleepstudy")).backend.model
    assert not [name for name in graph.named_vars if "corr" in name]


@pytest.mark.parametrize("eta", [1.0, 3.0])
def test_correlations_are_lkj(eta: float, frame: pd.DataFrame) -> None:
    """Every correlation of an LKJ(eta) matrix of size q is Beta(eta - 1 + q/2) on (-1, 1): sd 1 / sqrt(2 eta + q - 1)."""
    own = {"1|g_sigma": Prior("HalfNormal", sigma=2.0)}  # so that the prior belongs to the effects as written
    model = build("y ~ x + z + (x + z|g)", frame, lkj_eta=eta, priors=own)
    draws = pm.draw(model.backend.model["g_corr"], draws=4000, random_seed=4)
    q = 3
    expected = 1 / np.sqrt(2 * eta + q - 1)
    for i, j in [(1, 0), (2, 0), (2, 1)]:
        values = draws[:, i, j]
        # Monte Carlo error of a mean and of a sd from 4000 independent draws: sd/63 and less than sd/89; 4 of each
        assert abs(values.mean()) < 4 * expected / 63
        assert abs(values.std() - expected) < 4 * expected / 89
        np.testing.assert_array_equal(values, draws[:, j, i])
    np.testing.assert_allclose(draws[:, [0, 1, 2], [0, 1, 2]], 1, rtol=1e-12)


def test_effects_have_the_correlation_and_sds_that_are_drawn(frame: pd.DataFrame) -> None:
    """Across many draws, departures divided by their sds have mean product equal to the mean correlation."""
    graph = build("y ~ x + (x|g)", frame).backend.model
    names = ["1|g", "x|g", "1|g_sigma", "x|g_sigma", "g_corr"]
    one, x, sd_one, sd_x, corr = pm.draw([graph[n] for n in names], draws=4000, random_seed=8)
    standard_one, standard_x = one / sd_one[:, None], x / sd_x[:, None]
    products = standard_one * standard_x - corr[:, 1, 0, None]  # mean 0 given the correlation, sd at most sqrt(2)
    assert abs(products.mean()) < 4 * np.sqrt(2 / products.size) * np.sqrt(6)  # 6 groups share a correlation
    assert abs(standard_x.var() - 1) < 4 * np.sqrt(2 / standard_x.size)


def test_factor_effects_several_blocks_and_factors(frame: pd.DataFrame) -> None:
    two = frame.assign(h=np.tile(np.arange(5), 12), d=np.tile(list("kl"), 30))
    graph = build("y ~ x + c + (c|g) + (0 + x + z|g) + (x|h)", two).backend.model
    assert graph.coords["g_effect"] == ("Intercept", "c[q]", "c[r]")
    assert graph.coords["g_effect_2"] == ("x", "z")
    assert graph.coords["h_effect"] == ("Intercept", "x")
    assert list(graph.named_vars_to_dims["c|g"]) == ["g__factor_dim", "c__expr_dim"]
    assert list(graph.named_vars_to_dims["c|g_sigma"]) == ["c__expr_dim"]
    assert graph.named_vars_to_dims["x|h"] == ["h__factor_dim"]


RESPONSES: dict[str, Any] = {
    "real": "y", "binary": "binary", "count": "count", "trials": "p(count, trials)", "positive": "positive",
    "nonnegative": "positive", "unit": "unit", "labels": "label", "ordered": "label",
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_builds_with_correlated_effects(family: str, frame: pd.DataFrame) -> None:
    response = "angle" if family == "vonmises" else RESPONSES[FAMILIES[family].support]
    data = frame.assign(label=pd.Categorical(frame["label"], ordered=True))
    if FAMILIES[family].support == "trials":
        data = data.assign(count=data["count"].clip(upper=9))
    model = build(f"{response} ~ x + (x|g)", data, family=family)
    graph = model.backend.model
    assert "g_corr" in graph.named_vars
    assert {"1|g_sigma", "x|g_sigma"} <= set(graph.named_vars)
    if family in ("t", "bernoulli", "binomial", "poisson", "negativebinomial", "beta"):  # compiling all takes a minute
        assert np.isfinite(graph.compile_logp()(graph.initial_point()))


@pytest.mark.filterwarnings("ignore:'sample_new_groups' is deprecated:FutureWarning")  # Bambi's, until 0.22
def test_bambis_own_tools_work(sleep: bambi.Model) -> None:
    """Predict in and out of sample, new groups, prior predictive, log-likelihood, graph, interpret; no sampling needed."""
    idata = sleep.prior_predictive(draws=8, random_seed=1)
    posterior = xr.DataTree.from_dict({"posterior": idata["prior"].to_dataset().drop_vars("mu")})
    posterior["posterior"].attrs = {}
    new = pd.DataFrame({"Days": [0.0, 4.0, 9.0], "Subject": [308, 309, 999]})
    out = sleep.predict(posterior, data=new, inplace=False, sample_new_groups=True, random_seed=1)
    assert out["posterior"]["mu"].sizes == {"chain": 1, "draw": 8, "__obs__": 3}
    values = posterior["posterior"]
    by_hand = (
        values["Intercept"] + 4 * values["Days"]
        + values["1|Subject"].sel(Subject__factor_dim="309") + 4 * values["Days|Subject"].sel(Subject__factor_dim="309")
    )  # fmt: skip
    np.testing.assert_allclose(out["posterior"]["mu"].isel(__obs__=1), by_hand, rtol=1e-10)
    with_likelihood = sleep.compute_log_likelihood(posterior, inplace=False)
    assert with_likelihood["log_likelihood"]["Reaction"].sizes["__obs__"] == 180
    assert "Subject_corr" in sleep.graph().source
    table = bambi.interpret.predictions(sleep, posterior, conditional={"Days": [0, 9], "Subject": ["308"]})
    assert len(table.summary) == 2


def test_new_group_labels_may_be_numbers_and_cells_are_made() -> None:
    model = build("strength ~ 1 + (1|batch/cask)", load_data("pastes"))
    assert [d for d in model.backend.model.coords if "cask" in d] == ["batch:cask__factor_dim"]
    read = model.read_new_data(pd.DataFrame({"batch": ["A", "B"], "cask": ["a", "z"]}))
    assert read["batch:cask"].tolist() == ["A:a", "B:z"]


def test_new_levels_of_a_factor_are_refused(frame: pd.DataFrame) -> None:
    model = build("y ~ c + (1|g)", frame)
    with pytest.raises(DataError, match="level 'P'.*Did you mean 'p'"):
        model.read_new_data(pd.DataFrame({"c": ["P"], "g": [1]}))


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ x + (x|g)", {"pooling": "full"}, FitError, "pooling is one of 'complete', 'none', 'partial', not 'full'"),
        ("y ~ x + (x|g)", {"family": "gausian"}, FitError, "Did you mean 'gaussian'"),
        ("y ~ x + (x|g)", {"priors": {"xx": Prior("Normal", mu=0, sigma=1)}}, FitError, "no parameter 'xx'"),
        ("y ~ x + (x|g)", {"priors": {"g_corr": Prior("Normal", mu=0, sigma=1)}}, FitError, "Prior('LKJ', eta=...)"),
        ("y ~ x + (x|g)", {"lkj_eta": -1.0}, FitError, "positive"),
        ("y ~ sigma + (1|g)", {}, DataError, "'sigma' has the name of a model parameter"),
        ("y ~ g_corr + (x|g)", {}, DataError, "'g_corr' has the name of a model parameter"),
        ("y ~ g_effect + (x|g)", {}, DataError, "'g_effect' has the name of a model parameter"),
        ("y ~ g__factor_dim + (x|g)", {}, DataError, "'g__factor_dim' has the name of a model parameter"),
        ("y ~ x + (x|g) + (1|g_dim)", {"pooling": "none"}, DataError, "'g_dim' has the name of a model parameter"),
    ],
)
def test_bad_options(formula: str, options: dict[str, Any], error: type, message: str, frame: pd.DataFrame) -> None:
    with pytest.raises(error) as caught:
        build(
            formula,
            frame.assign(
                **dict.fromkeys(["sigma", "g_corr", "g_effect", "g__factor_dim"], frame["x"]), g_dim=frame["g"]
            ),
            **options,
        )
    assert message in str(caught.value)


def test_a_column_may_have_a_name_that_no_parameter_of_its_model_has(frame: pd.DataFrame) -> None:
    """``g_corr`` where nothing is correlated, ``g_dim`` where no group has coefficients of its own."""
    data = frame.assign(g_corr=frame["x"], g_dim=np.tile(np.arange(5), 12))
    graph = build("y ~ g_corr + (1|g)", data).backend.model
    assert graph.named_vars_to_dims.get("g_corr", ()) == ()
    graph = build("y ~ x + (x|g) + (1|g_dim)", data).backend.model
    assert list(graph.named_vars_to_dims["1|g_dim"]) == ["g_dim__factor_dim"]


def test_what_hlm_relies_on_inside_bambi_and_formulae() -> None:
    """Fails loudly when an upgrade changes what `hlm.model` counts on."""
    from bambi.backend.terms import GroupSpecificTerm as BackendTerm
    from formulae.terms.terms import GroupSpecificTerm, Term

    assert bambi.__version__.startswith("0.21.")
    calls: list[dict[str, Any]] = []

    def spy(name: str, **arguments: Any) -> Any:
        calls.append({"name": name, **arguments})
        return pm.Deterministic(name, pm.Normal(f"{name}_z_offset", 0, 1, dims=arguments["dims"]))

    frame = pd.DataFrame({"y": [1.0, 2, 4, 3], "x": [0.0, 1, 2, 4], "g": pd.Categorical(list("aabb"))})
    prior = bambi.Prior("Any", dist=spy, noncentered=False, sigma=bambi.Prior("HalfNormal", sigma=1))
    model = bambi.Model("y ~ x + (0 + x|g)", frame, priors={"x|g": prior})
    model.build()
    assert [(c["name"], c["dims"]) for c in calls] == [("x|g", ["g__factor_dim"])]
    assert calls[0]["sigma"].name == "x|g_sigma"
    assert "x|g_sigma" in model.backend.model.named_vars
    assert callable(BackendTerm.build_distribution)
    assert "spans_intercept" in GroupSpecificTerm.set_data.__code__.co_varnames
    assert "spans_intercept" in Term.set_data.__code__.co_varnames
