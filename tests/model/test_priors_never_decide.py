"""Default priors never decide: the answer is the same wherever a predictor has its origin and whatever its unit is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import product
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hlm import PoolingFits, fit, reml, shrinkage
from hlm.model.resolve import resolve

ROWS, GROUPS = 600, 40
Moved = dict[str, tuple[float, float]]  # by predictor: its origin and its unit; the columns are origin + unit * z


def standard(seed: int) -> pd.DataFrame:
    """Predictors with a mean near 0 and an sd near 1: numbers x, w, v (correlated 0.99 with x), factors c, f, h.

    Groups g in larger ones b, groups k across them; n weighs the rows, o is an offset.
    """
    rng = np.random.default_rng(seed)
    g = rng.integers(0, GROUPS, ROWS)
    x, w = rng.normal(size=(2, ROWS))
    c, f = rng.integers(0, 3, ROWS), np.minimum(rng.geometric(0.12, ROWS) - 1, 19)
    frame = pd.DataFrame({"x": x, "w": w, "v": 0.99 * x + np.sqrt(1 - 0.99**2) * rng.normal(size=ROWS), "g": g})
    frame["c"], frame["f"] = np.array(["p", "q", "r"])[c], np.array([f"f{i:02d}" for i in range(20)])[f]
    own = rng.normal(size=(2, GROUPS))
    frame["y"] = (
        2 + 0.8 * own[0, g] + (0.5 + 0.4 * own[1, g]) * x + 0.3 * w + (c == 1) - 0.4 * (c == 2) * x
        + 0.3 * x**2 - 0.2 * x**3 + 0.1 * x**4 + 0.2 * x * w + 0.3 * np.sin(f) + rng.normal(size=ROWS)
    )  # fmt: skip
    frame["h"], frame["b"], frame["k"] = np.where(frame["c"] == "p", "p", "q"), g // 4, rng.integers(0, 35, ROWS)
    return frame.assign(n=rng.integers(1, 5, ROWS), o=2 * rng.normal(size=ROWS))


def moved(frame: pd.DataFrame, by: Moved) -> pd.DataFrame:
    return frame.assign(**{name: origin + unit * frame[name] for name, (origin, unit) in by.items()})


def powers_of(label: str, by: Moved) -> tuple[Counter[str], str]:
    """The numbers in a coefficient's label, ``c:x[q]`` or ``I(x^2)``, with their powers, and the rest of the label."""
    name, _, level = label.partition("[")
    powers: Counter[str] = Counter()
    rest = []
    for part in name.split(":") if name != "Intercept" else []:
        variable, _, power = part.removeprefix("I(").removesuffix(")").partition("^")
        if variable in by:
            powers[variable] += int(power or 1)
        else:
            rest.append(part)
    return powers, f"{':'.join(sorted(rest))}[{level}"


def back(draws: dict[str, np.ndarray], by: Moved) -> dict[str, np.ndarray]:
    """Draws of the coefficients of z as those of the moved columns: the terms of z written out in them."""
    keys = {label: powers_of(label, by) for label in draws}
    places = {(frozenset(powers.items()), rest): label for label, (powers, rest) in keys.items()}
    found = {label: np.zeros_like(values) for label, values in draws.items()}
    for label, values in draws.items():
        powers, rest = keys[label]
        variables = list(powers)
        for chosen in product(*(range(powers[v] + 1) for v in variables)):
            factor = 1.0
            for v, i in zip(variables, chosen, strict=True):
                origin, unit = by[v]
                factor *= comb(powers[v], i) * (-origin) ** (powers[v] - i) / unit ** powers[v]
            to = Counter({v: i for v, i in zip(variables, chosen, strict=True) if i})
            found[places[frozenset(to.items()), rest]] += factor * values
    return found


def top_sds(posterior: Any, by: Moved) -> dict[str, float]:
    """The group sds that an origin does not change, with what they are multiplied by in the unit of z.

    Those of terms that are no part of a larger one of the same factor: of x and x^2 that of x^2.
    """
    powers = {}
    for name in posterior:
        if name.endswith("_sigma"):
            term, group = name.removesuffix("_sigma").rsplit("|", 1)
            powers[name] = group, powers_of(term, by)[0]
    top = {
        name: own
        for name, (group, own) in powers.items()
        if not any(g == group and own < p for g, p in powers.values())
    }
    return {name: float(np.prod([by[v][1] ** i for v, i in own.items()])) for name, own in top.items()}


def coefficients(formula: str, frame: pd.DataFrame, seed: int) -> tuple[dict[str, np.ndarray], Any]:
    """Draws of the common coefficients by label, and the posterior; models with an offset have weights, too."""
    weights = "n" if "offset" in formula else None
    fitted = fit(formula, frame, method="exact", draws=1000, weights=weights, seed=seed, progress=False)
    assert fitted.diagnostics.ok, fitted.diagnostics
    found = dict(zip(fitted.resolved.common.labels, fitted.parts.shared.T, strict=True))
    return found, fitted.idata["posterior"].to_dataset()


LINEAR = [(100.0, 1.0), (-1e4, 1e-6), (1e6, 1.0), (1e6, 1e6), (0.0, 1e6), (0.0, 1e-6)]  # origins in units
DESIGNS: list[tuple[str, list[Moved]]] = [
    ("y ~ x + (1|g)", [{"x": (o * u, u)} for o, u in LINEAR]),
    ("y ~ c*x + (1|g)", [{"x": (o * u, u)} for o, u in LINEAR]),
    ("y ~ c*x + w + (x|g)", [{"x": (o * u, u), "w": (-o, 1.0)} for o, u in LINEAR]),
    ("y ~ 0 + c + c:x + (1|g)", [{"x": (o * u, u)} for o, u in LINEAR]),
    ("y ~ x*w + (1|g)", [{"x": (1e4, 1.0), "w": (-1e4, 1.0)}, {"x": (1e6, 1e3), "w": (0.0, 1e-6)}]),
    ("y ~ c*x*w + (1|g)", [{"x": (300.0, 1e-3), "w": (5e-5, 1e-6)}, {"x": (2000.0, 20.0), "w": (30.0, 1.0)}]),
    ("y ~ x + v + (1|g)", [{"x": (o * u, u), "v": (o * u, u)} for o, u in LINEAR]),
    ("y ~ x + I(x^2) + (1|g)", [{"x": (3e4, 1.0)}, {"x": (2000.0, 10.0)}, {"x": (1e-4, 1e-6)}]),
    ("y ~ x + I(x^2) + I(x^3) + I(x^4) + (1|g)", [{"x": (26.0, 6.0)}, {"x": (150.0, 1.0)}, {"x": (5e-5, 1e-6)}]),
    ("y ~ c*x + c*I(x^2) + (1|g)", [{"x": (2000.0, 10.0)}, {"x": (-1e6, 1e3)}]),
    ("y ~ f + x + (1|g)", [{"x": (o * u, u)} for o, u in LINEAR]),
    ("y ~ x + w + (x + w|g)", [{"x": (1935.0, 3.0), "w": (1e6, 1.0)}, {"x": (0.0, 1e6), "w": (-1e4, 1e-3)}]),
    ("y ~ c*x + c*I(x^2) + (x + I(x^2)|g)", [{"x": (100.0, 1.0)}, {"x": (2000.0, 10.0)}]),
    ("y ~ h*x + (0 + h + h:x|g)", [{"x": (1e4, 1.0)}, {"x": (-1e6, 1e3)}]),
    ("y ~ h + x + (0 + x + h|g)", [{"x": (1e6, 1.0)}]),
    ("y ~ h*x + (h*x|g)", [{"x": (1e5, 1e3)}]),
    ("y ~ x*w + (x*w|g)", [{"x": (100.0, 1e-3), "w": (5e3, 10.0)}]),
    ("y ~ x + (x|b/g)", [{"x": (1e6, 1.0)}]),
    ("y ~ x + w + (x|g) + (w|k)", [{"x": (1e6, 1.0), "w": (-3e-3, 1e-6)}]),
    ("y ~ x*w + offset(o) + (x|g)", [{"x": (1e4, 1.0), "w": (5e-3, 1e-6)}]),
    ("y ~ x*w*v + offset(o) + (1|g)", [{"x": (300.0, 1.0), "w": (-100.0, 1.0), "v": (50.0, 1.0)}]),
]
CASES = [(formula, by) for formula, many in DESIGNS for by in many]


@pytest.mark.parametrize(("formula", "by"), CASES, ids=[f"{formula} {by}" for formula, by in CASES])
def test_origin_and_unit_of_a_predictor_change_nothing(formula: str, by: Moved) -> None:
    """Each mean has a Monte Carlo error of about 0.017 posterior sds: 0.1 is four of a difference's."""
    frame = standard(1)
    near, near_posterior = coefficients(formula, frame, 1)
    far, far_posterior = coefficients(formula, moved(frame, by), 2)
    expected = back(near, by)
    for label, values in far.items():
        sd = values.std()
        assert abs(values.mean() - expected[label].mean()) < 0.1 * sd, label
        assert sd == pytest.approx(expected[label].std(), rel=0.1), label
    for name, unit in {**top_sds(far_posterior, by), "sigma": 1.0}.items():
        moved_sd, sd = (p[name].to_numpy().reshape(4000, -1) for p in (far_posterior, near_posterior))
        assert (abs(unit * moved_sd.mean(0) - sd.mean(0)) < 0.1 * sd.std(0)).all(), name


CURVES = [
    "y ~ bs(x, df = 5) + w + (x|g)", "y ~ ns(x, df = 4)*c + (1|g)", "y ~ poly(x, 2)*c + (poly(x, 2)|g)",
    "y ~ scale(x)*c + (scale(x)|g)",
]  # fmt: skip


@pytest.mark.parametrize("formula", CURVES)
@pytest.mark.parametrize("place", [(1e6, 1.0), (-0.01, 1e-6), (1e9, 1e6)])
def test_curves_are_the_same_wherever_the_predictor_lies(formula: str, place: tuple[float, float]) -> None:
    """Their columns do not depend on origin and unit: all coefficients but an intercept at w = 0, and all sds, stay."""
    by = {"x": place}
    near, near_posterior = coefficients(formula, standard(1), 1)
    far, far_posterior = coefficients(formula, moved(standard(1), by), 2)
    for label, values in far.items():
        assert abs(values.mean() - near[label].mean()) < 0.1 * values.std(), label
    sds = {name: unit for name, unit in top_sds(far_posterior, by).items() if "(" in name} or {"sigma": 1.0}
    for name, unit in sds.items():
        difference = unit * far_posterior[name] - near_posterior[name]
        assert (abs(difference.mean(("chain", "draw"))) < 0.1 * near_posterior[name].std(("chain", "draw"))).all(), name


@pytest.mark.parametrize(
    "formula", [*(formula for formula, _ in DESIGNS), "y ~ bs(x, df=5) + (1|g)", "y ~ poly(x, 3)*c + (1|g)"]
)
def test_the_common_coefficients_are_remls(formula: str) -> None:
    """With 30 rows a coefficient: within 0.3 posterior sds; the shift by the prior is what is measured.

    A group sd tau is near REML's where 30 groups tell it, and REML's is more than two posterior sds from 0. Under a
    flat prior the posterior of tau is REML's likelihood, and REML's estimate its mode. Of K groups it is at best
    tau^-(K - 1) exp(-S / (2 tau^2)), whose mean lies 1.8 / sqrt(K - 1) of its sds above its mode: 0.3 for 40 groups. A
    residual noise makes it wider and more skewed; a skewness of 1, as of a chi-squared with 8 degrees of freedom, has
    0.5 between mode and mean. So near is 0.5 posterior sds. Of three and more columns the maximum of
    all sds and correlations together is far from that of each alone: there the bound is 1.
    """
    frame = standard(2)
    found, posterior = coefficients(formula, frame, 3)
    best = reml(formula, frame, weights="n" if "offset" in formula else None)
    assert list(best.fixef.index) == list(found)
    many = len(found) * 30 <= ROWS
    for label, values in found.items():
        assert abs(values.mean() - best.fixef[label]) < (0.3 if many else 0.5) * values.std(), label
    for block in resolve(formula, frame)["partial"].factors:
        for effect in block.effects:
            draws = posterior[effect.sd.name].to_numpy().reshape(4000, -1)
            for label, sds in zip(effect.labels, draws.T, strict=True):
                rows = best.varcorr[(best.varcorr["effect1"] == label) & (best.varcorr["group"] == block.name)]
                estimate = float(rows.loc[rows["effect2"].isna(), "sdcor"].iloc[0])
                if block.size >= 30 and estimate > 2 * sds.std():
                    assert abs(sds.mean() - estimate) < (0.5 if block.width <= 2 else 1.0) * sds.std(), label


def calendar() -> pd.DataFrame:
    """Two treatments over ten calendar years in six blocks: the effect of b grows by 10 a year."""
    rng = np.random.default_rng(1)
    rows = list(product("pqrstu", "ab", range(1930, 1940)))
    frame = pd.DataFrame(rows, columns=["block", "trt", "year"])
    return frame.assign(y=10 * (frame["year"] - 1935) * (frame["trt"] == "b") + rng.normal(size=len(frame)) * 5)


def quartic() -> pd.DataFrame:
    """A curve of degree four in a predictor between 20 and 32, thirty subjects."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(list(product(range(30), np.linspace(20, 32, 8))), columns=["s", "x"])
    z = (frame["x"] - 26) / 6
    curve = 3 * z - 2 * z**2 + z**3 + 1.5 * z**4
    return frame.assign(y=curve + rng.normal(size=30)[frame["s"]] + 0.5 * rng.normal(size=len(frame)))


# lme4 1.1-31; a mean may be off by 0.15 posterior sds: four Monte Carlo errors (0.02 each) and a rounded last digit
DECIDED = [
    (calendar, "y ~ trt*year + (1|block)", {"trt:year": (9.457, 0.267)}, 4.2),
    (calendar, "y ~ trt*I(year - 1935) + (1|block)", {"trt:I(year - 1935)": (9.457, 0.267)}, 4.2),
    (quartic, "y ~ x + I(x^2) + I(x^3) + I(x^4) + (1|s)",
     {"x": (-74.4, 17.6), "I(x^2)": (4.64, None), "I(x^3)": (-0.125, None), "I(x^4)": (0.00125, 0.00026)}, 0.511),
]  # fmt: skip


@pytest.mark.parametrize(("data", "formula", "expected", "sigma"), DECIDED)
def test_lme4s_numbers_where_bambis_priors_decided(
    data: Callable[[], pd.DataFrame], formula: str, expected: dict[str, tuple[float, float | None]], sigma: float
) -> None:
    fitted = fit(formula, data(), seed=1, progress=False)
    assert fitted.method == "exact" and fitted.diagnostics.ok
    posterior = fitted.idata["posterior"]
    for name, (estimate, error) in expected.items():
        sd = float(posterior[name].std())
        assert abs(float(posterior[name].mean()) - estimate) < 0.15 * sd, name
        assert error is None or sd == pytest.approx(error, rel=0.1), name
    assert float(posterior["sigma"].mean()) == pytest.approx(sigma, rel=0.03)


def test_of_other_families_they_do_not_either(cbpp: PoolingFits) -> None:
    """glmer: -0.99, -1.13, -1.58. With Bambi's Normal(0, 1) they were -0.85, -0.96, -1.30 (Monte Carlo error: 0.01)."""
    period = cbpp["partial"].idata["posterior"]["period"].mean(("chain", "draw")).to_numpy()
    assert period == pytest.approx([-0.99, -1.13, -1.58], abs=0.05)
    moved = shrinkage(cbpp)
    assert ((moved["partial"] - moved["complete"]).abs() < (moved["none"] - moved["complete"]).abs()).all()
