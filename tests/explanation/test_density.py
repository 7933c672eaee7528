"""The printed PyMC code and the model that `hlm.build` makes, both as log-densities of the same quantities.

A point is drawn in the built model's own variables: coefficients, sds, partial correlations on (0, 1), standard normal
offsets. The printed code has a Cholesky factor of the covariance instead of sds and partial correlations; the logarithm
of that map's Jacobian, taken by central differences, is the difference between both densities.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymc.model.transform.conditioning import remove_value_transforms

from hlm.data.packaged_sets import load_data
from hlm.engines.bambi.build import build
from hlm.explanation.explain import explain
from hlm.model.families import FAMILIES
from hlm.model.priors import Prior

# The printed numbers have 6 digits: half a unit of the last one, 5e-6 of an sd, moves the normal density of a value a
# few sds out by less than 1e-4, and there are no more than a dozen such numbers.
ROUNDING = 1e-3
CASES = [
    ("post ~ pre + (pre|school)", "exam", "gaussian"),
    ("post ~ pre + (pre||school)", "exam", "gaussian"),
    ("post ~ pre + intake + (pre + intake|school)", "exam", "gaussian"),
    ("Reaction ~ Days + I(Days^2) + (Days + I(Days^2)|Subject)", "sleepstudy", "gaussian"),
    ("Reaction ~ Days + (1|Subject) + (0 + Days|Subject)", "sleepstudy", "gaussian"),
    ("post ~ pre * sex + (pre + sex||school)", "exam", "gaussian"),
    ("post ~ sex + (0 + sex|school)", "exam", "gaussian"),
    ("post ~ sex*pre + (0 + sex + sex:pre|school)", "exam", "gaussian"),
    ("strength ~ 1 + (1|batch/cask)", "pastes", "gaussian"),
    ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin", "gaussian"),
    ("p(incidence, size) ~ period + (1|herd)", "cbpp", "binomial"),
    ("post ~ scale(pre) + I(pre^2) + (scale(pre)|school)", "exam", "gaussian"),
    (
        "log(I(post + 5)) ~ center(pre) + sqrt(abs(pre)) + offset(I(pre/2)) + (center(pre)||factor(school))",
        "exam",
        "gaussian",
    ),
    ("post ~ poly(pre, 3) + (poly(pre, 2)||school)", "exam", "gaussian"),
    ("post ~ poly(pre, 2, raw = TRUE) + pre:factor(intake) + (0 + I(pre > 0)|school)", "exam", "gaussian"),
    ("post ~ ns(pre, df = 3) + bs(schavg, df = 4) + (1|school)", "exam", "gaussian"),
    ("Reaction ~ factor(Days) + (1|Subject)", "sleepstudy", "gaussian"),
    ("post ~ . - student - schgend - vr + offset(pre) + (1|school)", "exam", "gaussian"),
    (
        "scale(Reaction) ~ I((Days + 1) %% 3) + I(-Days^2/7) + I(Days %/% 2 + (Days > 4) * 2) + (1|Subject)",
        "sleepstudy",
        "gaussian",
    ),
    ("post ~ C(intake, Sum) * pre + (C(sex, Helmert)|school)", "exam", "gaussian"),
    (
        'post ~ C(intake, Treatment("mid 50%")) + dummy(sex, "M") + mean_by(pre, school) + I(sex == "F"):pre + (1|school)',
        "exam",
        "gaussian",
    ),
    (
        "Reaction ~ C(Days, Poly) + pmin(Days, 4) * sin(Days) + I(Days %in% c(2, 7)) + (pmax(Days, 3, 1)|Subject)",
        "sleepstudy",
        "gaussian",
    ),
    ("cbind(incidence, size - incidence) ~ log2(size) + (1|herd)", "cbpp", "binomial"),
    ("incidence ~ period + scale(size, center = FALSE) + offset(log(size)) + (1|herd)", "cbpp", "poisson"),
    ("I(incidence > 1) ~ exp(I(size/10)) + expm1(log1p(size)) + log10(size) + (1|herd)", "cbpp", "bernoulli"),
]


@pytest.mark.parametrize(("formula", "name", "family"), CASES)
def test_printed_code_has_the_built_model_s_density(formula: str, name: str, family: str) -> None:
    built, printed = both_densities(formula, load_data(name), family=family)
    assert np.isfinite(built)
    assert printed == pytest.approx(built, abs=ROUNDING)


RESPONSES = {
    "real": "real", "binary": "binary", "count": "count", "trials": "p(count, trials)", "positive": "positive",
    "nonnegative": "positive", "unit": "unit",
}  # fmt: skip


# links that give a possible parameter at any predictor, the families' defaults among them
LINKS = [
    (name, link.name)
    for name, family in FAMILIES.items()
    if family.pymc
    for link in family.links
    if link.name == family.link or family.with_link(link.name).keeps_limits
]


@pytest.mark.parametrize(("family", "link"), LINKS)
def test_every_family_and_link(family: str, link: str) -> None:
    rng = np.random.default_rng(11)
    frame = pd.DataFrame(
        {
            "real": rng.normal(size=30), "positive": rng.gamma(2, 1, 30), "unit": rng.uniform(0.1, 0.9, 30),
            "count": rng.poisson(2, 30), "trials": 9, "binary": np.tile([0, 1], 15), "x": rng.normal(size=30),
            "g": np.repeat(np.arange(6), 5),
        }
    )  # fmt: skip
    formula = f"{RESPONSES[FAMILIES[family].support]} ~ x + (1|g)"
    built, printed = both_densities(formula, frame, family=family, link=link)
    assert np.isfinite(built)
    assert printed == pytest.approx(built, abs=ROUNDING)


def test_a_prior_of_one_s_own() -> None:
    priors = {"sigma": Prior("Exponential", lam=1), "x|g_sigma": Prior("HalfNormal", sigma=3)}
    built, printed = both_densities("y ~ x + (x|g)", _awkward("y", "x", "g"), priors=priors)
    assert printed == pytest.approx(built, abs=ROUNDING)


def test_awkward_names_run() -> None:
    built, printed = both_densities("`a b` ~ `x<y` + (`x<y`|`g 1`)", _awkward("a b", "x<y", "g 1"))
    assert printed == pytest.approx(built, abs=ROUNDING)


@pytest.mark.parametrize(
    "formula",
    [
        "Reaction ~ scale(Days) + I(Days^2) + (scale(Days)||Subject)",
        "log(Reaction) ~ poly(Days, 2) + offset(Days/9) + (1|Subject)",
    ],
)
def test_bambi_s_own_code_has_the_density(formula: str) -> None:
    """Without correlations Bambi alone says the same; its computed columns are the printed ones."""
    frame = load_data("sleepstudy")
    space: dict[str, Any] = {"data": frame}
    exec(explain(formula, frame).code["bambi"].partition("import bambi")[2].join(["import bambi", ""]), space)
    space["model"].build()
    alone = remove_value_transforms(space["model"].backend.model)
    built = remove_value_transforms(build(formula, frame).backend.model)
    point = _point(built, np.random.default_rng(0))
    assert _logp(alone, point) == pytest.approx(_logp(built, point), abs=ROUNDING)


def test_code_with_a_function_of_one_s_own() -> None:
    frame, own = load_data("sleepstudy"), {"late": lambda days: np.maximum(days - 3.0, 0)}
    formula = "Reaction ~ late(Days) + (late(Days)|Subject)"
    space: dict[str, Any] = {"data": frame, **own}
    exec(explain(formula, frame, functions=own).code["pymc"], space)
    built = remove_value_transforms(build(formula, frame, functions=own).backend.model)
    point = _point(built, np.random.default_rng(0))
    printed = remove_value_transforms(space["model"])
    translated, jacobian = _translated(point, built, printed)
    assert _logp(printed, translated) + jacobian == pytest.approx(_logp(built, point), abs=ROUNDING)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (x|g)", "gaussian"),
        ("y ~ x + z + offset(z) + (x + z|g)", "gaussian"),
        ("y ~ x + z + (x||g)", "gaussian"),
        ("y ~ 0 + x + (1|g)", "gaussian"),
        ("y ~ 0 + x + (0 + x|g)", "t"),
        ("k ~ x + z + offset(z) + (x|g)", "poisson"),
        ("k ~ x + (1|g)", "gamma"),
        ("k ~ x + z + (z|g)", "wald"),
        ("k ~ x + z + (x|g)", "lognormal"),
        ("k ~ x + offset(z) + (1|g)", "gaussian log"),
        ("k ~ x + (1|g)", "gamma log"),
        ("k ~ x + (1|g)", "t inverse"),
    ],
)
def test_code_without_data_has_the_rules_of_the_priors(formula: str, family: str) -> None:
    """Printed without data, run on data: the same density as the code with the numbers filled in."""
    frame = _awkward("y", "x", "g").assign(z=lambda d: d["x"] + np.arange(len(d)) / 5, k=np.arange(24) % 5 + 1)
    spaces = []
    for data in (None, frame):
        space: dict[str, Any] = {"data": frame}
        name, *link = family.split()
        exec(explain(formula, data, family=name, link=link[0] if link else None).code["pymc"], space)
        spaces.append(remove_value_transforms(space["model"]))
    point = {name: np.full(shape, 0.6) for name, shape in spaces[0].eval_rv_shapes().items()}
    assert _logp(spaces[0], point) == pytest.approx(_logp(spaces[1], point), abs=ROUNDING)


def _awkward(y: str, x: str, g: str) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({y: rng.normal(size=24), x: rng.normal(1, 2, size=24), g: np.tile(list("abcdef"), 4)})


def both_densities(
    formula: str, data: pd.DataFrame, *, family: str = "gaussian", seed: int = 0, **options: Any
) -> tuple[float, float]:
    """The joint log-density of data and parameters in the built model, and in the printed code with its Jacobian."""
    built = remove_value_transforms(build(formula, data, family=family, **options).backend.model)
    space: dict[str, Any] = {"data": data}
    exec(explain(formula, data, family=family, **options).code["pymc"], space)
    printed = remove_value_transforms(space["model"])
    point = _point(built, np.random.default_rng(seed))
    translated, jacobian = _translated(point, built, printed)
    return _logp(built, point), _logp(printed, translated) + jacobian


def _logp(model: Any, point: dict[str, np.ndarray]) -> float:
    values = {model.rvs_to_values[v].name: point[v.name] for v in model.free_RVs}
    return float(model.compile_logp(jacobian=False, mode="FAST_COMPILE")(values))


def _point(model: Any, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Values inside every support: standard normals, their absolute value where positive, shares for partials."""
    point = {}
    for name, shape in model.eval_rv_shapes().items():
        normal = rng.normal(size=shape)
        if name.endswith("_partial_offset") or name == "psi":
            point[name] = rng.uniform(0.2, 0.8, size=shape)
        elif name.endswith(("_sigma", "_sd_offset")) or name in ("sigma", "nu", "alpha", "kappa", "lam", "b"):
            point[name] = 0.5 + np.abs(normal)
        else:
            point[name] = 0.3 * normal + (2.0 if name == "Intercept" else 0.0)  # the inverse links need a positive sum
    return point


def _translated(point: dict[str, np.ndarray], built: Any, printed: Any) -> tuple[dict[str, np.ndarray], float]:
    """The point in the printed code's variables, by the labels of its coordinates, and the log Jacobian."""
    result, jacobian = {}, 0.0
    named = {**point, **_by_label(point, built)}
    for variable in printed.free_RVs:
        name = variable.name
        if name.endswith("_corr_chol"):
            block = name.removesuffix("_chol")
            labels = printed.coords[f"{block}_effect"]
            own = point.get(f"{block}_sd_offset")  # of the orthogonalised effects, in the order of the labels
            sds = np.array([named[_sd_name(label, block)] for label in labels]) if own is None else own
            result[name] = _packed(sds, point[f"{block}_partial_offset"])
            jacobian += _log_jacobian(sds, point[f"{block}_partial_offset"])
        elif name.endswith("_corr_z"):
            result[name] = _ordered(point[f"{name}_offset"], name.removesuffix("_corr_z"), built, printed)
        elif name.endswith("|z") or name.endswith("_z"):
            effect, group = name.removesuffix("_z").split("|")
            result[name] = _ordered(named[f"{effect}|{group}_offset"], group, built, printed)
        else:
            result[name] = np.asarray(named[name])
    return result, jacobian


def _by_label(point: dict[str, np.ndarray], model: Any) -> dict[str, Any]:
    """A factor's coefficients one by one: ``sex[M]``."""
    single = {}
    for name, value in point.items():
        dims = [d for d in model.named_vars_to_dims.get(name, ()) if not d.endswith("factor_dim")]
        if len(dims) == 1 and not name.endswith("_offset"):
            term, tail = (name.split("|")[0], "|" + name.split("|")[1]) if "|" in name else (name, "")
            for label, v in zip(model.coords[dims[0]], value, strict=True):
                single[f"{term}[{label}]{tail}"] = v
    return single


def _sd_name(label: str, block: str) -> str:
    group = block.rpartition("_corr")[0]
    return f"{'1' if label == 'Intercept' else label}|{group}_sigma"


def _ordered(values: np.ndarray, group: str, built: Any, printed: Any) -> np.ndarray:
    """Offsets in the order of the printed code's groups."""
    ours, theirs = map(str, printed.coords[f"{group}_level"]), list(map(str, built.coords[f"{group}__factor_dim"]))
    return values[..., [theirs.index(label) for label in ours]]


def _packed(sds: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The lower triangle of diag(sds) L, row by row, L from partial correlations 2 share - 1."""
    rows, used = [], 0
    for i, sd in enumerate(sds):
        left = 1.0
        for _ in range(i):
            partial = 2 * shares[used] - 1
            rows.append(sd * partial * left)
            left *= np.sqrt(1 - partial**2)
            used += 1
        rows.append(sd * left)
    return np.array(rows)


def _log_jacobian(sds: np.ndarray, shares: np.ndarray) -> float:
    q, start, step = len(sds), np.concatenate([sds, shares]), 1e-6
    columns = []
    for i in range(len(start)):
        up, down = start.copy(), start.copy()
        up[i], down[i] = up[i] + step, down[i] - step
        columns.append((_packed(up[:q], up[q:]) - _packed(down[:q], down[q:])) / (2 * step))
    return float(np.linalg.slogdet(np.column_stack(columns))[1])
