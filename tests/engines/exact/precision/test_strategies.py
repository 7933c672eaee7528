"""Every kind of formula and strategy through the door that `fit` takes, against 60 digits; and reml's criterion."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest

from hlm.data.clean_data import formula_and_data
from hlm.engines.exact import gaussian_model as gaussian_models
from hlm.engines.exact.diagnostics import MOST_ROUNDING, rounding
from hlm.engines.exact.draws.separate_residuals import _log_density, _own_coordinates
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.left_out.one_factor import rows_left_out
from hlm.engines.exact.likelihood.marginal import common_posterior
from hlm.engines.exact.theta.starts import make_parameters
from hlm.engines.reml.criterion import profile
from hlm.engines.reml.design import mixed_design
from hlm.engines.theta.standard_deviations import scale
from hlm.model.design import Design, response_less_offset
from hlm.model.resolve import resolve

EPS = np.finfo(np.float64).eps


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(5), [2, 4, 5, 6, 7])
    n = len(g)
    x = rng.normal(size=n)
    frame = pd.DataFrame({"g": g, "h": np.arange(n) % 4, "k": g * 2 + np.arange(n) % 2, "x": x, "far": 1e6 + x})
    frame["c"] = np.array(["a", "b", "c"])[rng.permutation(np.arange(n) % 3)]
    frame["o"], frame["w"] = rng.normal(size=n), 10.0 ** rng.uniform(-1, 1, n)
    frame["y"] = 3 + x + rng.normal(size=5)[g] + 0.5 * rng.normal(size=n)
    frame["high"] = 1e9 + frame["y"]
    return frame


FRAME = _frame()
FORMULAS = [
    ("y ~ 1 + (1|g)", None), ("y ~ x + (x|g)", None), ("y ~ x + (x||g)", None), ("y ~ c + (c|g)", None),
    ("y ~ x + (1|g) + (0 + x|g)", None), ("y ~ x + offset(o) + (x|g)", None), ("y ~ x + (x|g)", "w"),
    ("y ~ x + (1|g/k)", None), ("y ~ x + (x|g) + (1|h)", None), ("y ~ x + (x|g) + (x|h)", "w"),
    ("y ~ far + (far|g)", None), ("y ~ far + (far|g) + (far|h)", None), ("high ~ x + (x|g)", None),
]  # fmt: skip


def _worth(formula: str, pooling: str) -> float:
    """Of the log density, in eps."""
    if "far" in formula:
        return 1e9  # x at 1e6: its last digit is 1e-10 sds; some 10 of these add up for each row
    if pooling == "none":
        return 1e8  # priors 100 times as wide: a row that decides alone has a share of 1e-6 left, over some 25 rows
    return 1e10 if "high" in formula else 1e4  # y at 1e9 and the prior's mean there have 7 digits beside sigma


def _model(tools: Any, gaussian: Any, theta: Any) -> Any:
    names = ["1" if label == "Intercept" else label for label in gaussian.common.labels]
    factors = tuple((dict(zip(f.design.labels, f.design.matrix.T, strict=True)), f.codes) for f in gaussian.factors)
    y = gaussian.response
    for factor in gaussian.factors:
        y = y - factor.design.matrix @ gaussian.mean[factor.columns]
    return tools.Model(
        x=dict(zip(names, gaussian.common.matrix.T, strict=True)), factors=factors, y=y, mean=gaussian.prior.mean,
        sd=gaussian.prior.sd, sigma=float(theta.sigma[0]), factor=theta.factor[0],
        weights=None if gaussian.root_weights is None else gaussian.root_weights**2,
    )  # fmt: skip


@pytest.mark.parametrize("pooling", ["complete", "none", "partial"])
@pytest.mark.parametrize(("formula", "weights"), FORMULAS)
def test_log_density_of_every_strategy(
    formula: str, weights: str | None, pooling: Any, tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = resolve(formula, FRAME, poolings=(pooling,), weights=weights)[pooling]
    gaussian = gaussian_model(model)
    with monkeypatch.context() as patch:  # the columns as written, which are nearly collinear in no pooling of ``far``
        patch.setattr(gaussian_models, "orthogonalised_common", lambda columns: (columns, None))
        written = gaussian_model(model)
    assert (gaussian.common_transformation is not None) == ("far" in formula and written.common.matrix.shape[1] > 2)
    sums = summed(gaussian)
    parameters, starts = make_parameters(gaussian, sums, model.priors)
    theta = parameters.theta(np.random.default_rng(6).normal(size=(1, starts.shape[1])))
    exact = tools.Exact(_model(tools, written, theta))
    logs = 0.0 if gaussian.root_weights is None else np.log(gaussian.root_weights).sum()
    found = common_posterior(sums, theta, gaussian.prior).log_marginal[0] + logs
    assert rounding(sums, theta, gaussian.prior, common_posterior(sums, theta, gaussian.prior)) <= MOST_ROUNDING
    assert found == pytest.approx(float(exact.log_marginal()), abs=_worth(formula, pooling) * EPS)
    if len(gaussian.factors) < 2 and gaussian.root_weights is None:
        (rows,) = rows_left_out(gaussian, theta)
        expected = [float(v) for v in exact.left_out([np.array([i]) for i in rows.units])]
        assert rows.without[0] == pytest.approx(expected, abs=_worth(formula, pooling) * EPS)


def test_rounding_tells_of_no_less_than_there_is(tools: Any) -> None:
    """Where intercepts at 0, a million sds of x away, vary no more than slopes do there: sds of 1e6 sigma at x's mean.

    Products of columns keep some (1e6)^2 eps of the log density then; sampling about x's mean does not go there. How
    much depends on the processor; the largest of four errors is hardly ever less than a ten-thousandth of that.
    """
    model = resolve("y ~ far + (far|g) + (far|h)", FRAME)["partial"]
    gaussian = gaussian_model(model)
    sums = summed(gaussian)
    at_zero, starts = make_parameters(replace(gaussian, transformation=None), sums, model.priors)
    errors = []
    for seed in (6, 7, 8, 9):
        theta = at_zero.theta(np.random.default_rng(seed).normal(size=(1, starts.shape[1])))
        given = common_posterior(sums, theta, gaussian.prior)
        errors.append(abs(given.log_marginal[0] - float(tools.Exact(_model(tools, gaussian, theta)).log_marginal())))
        assert errors[-1] < rounding(sums, theta, gaussian.prior, given)
    assert max(errors) > 1e8 * EPS


@pytest.mark.parametrize("variable", ["x", "far"])
def test_separate_residuals(variable: str, tools: Any) -> None:
    """No pooling with a sigma for each group: the density of each group's responses given its own sigma."""
    model = resolve(f"y ~ {variable} + ({variable}|g)", FRAME, poolings=("none",))["none"]
    gaussian = gaussian_model(model)
    assert gaussian.known_sd is not None
    sums, prior = summed(gaussian), scale(model.priors["sigma"], unit=0.3)
    score = np.zeros((len(sums.n), 1))
    found = _log_density(prior, sums, *_own_coordinates(sums, gaussian.known_sd)[:2], score) - prior.log_density(score)
    (factor,) = gaussian.factors
    for k in range(len(sums.n)):
        mine = factor.codes == k
        z = tools.big(factor.design.matrix[mine])
        v = (z * tools.big(gaussian.known_sd) ** 2) @ z.T + np.diag(
            tools.big(np.repeat(prior.value(score[k]), mine.sum())) ** 2
        )
        residual = tools.big(gaussian.response[mine]) - z @ tools.big(gaussian.mean)
        exact = float(tools.log_normal(residual, tools.cholesky(v)))
        # x at 1e6: the singular values of R diag(sd) are 1e13 sigma and 1e6 times less, of which that leaves 10 digits
        assert found[k, 0] == pytest.approx(exact, abs=(1e8 if variable == "far" else 1e4) * EPS)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(("formula", "weights"), [(f, w) for f, w in FORMULAS if "far|h" not in f])
def test_criterion_of_reml(formula: str, weights: str | None, reml: bool, tools: Any) -> None:
    read, table = formula_and_data(formula, FRAME, weights=weights)
    design = mixed_design(read, table)
    q = design.z.shape[1]
    factor = np.zeros((q, q))
    for block in design.blocks:
        drawn = np.random.default_rng(7).normal(size=(q, q))[block.columns, block.columns]
        factor[block.columns, block.columns] = np.tril(drawn)
    found = profile(design, factor[None], reml=reml).criterion[0]
    exact = _criterion(read, table, design, factor, reml, tools)
    far = "far" in formula or "high" in formula
    assert found == pytest.approx(exact, abs=(1e11 if far else 1e4) * EPS)  # basis and y in 16 digits of 1e6 and 1e9


def _criterion(read: Any, table: Any, design: Any, factor: np.ndarray, reml: bool, tools: Any) -> float:
    """-2 log likelihood from the definition, sigma and beta at their best or integrated out."""
    n, big = table.rows, tools.big
    weights = np.ones(n) if table.weights is None else table.weights
    v = np.diag(1 / big(weights))
    parts = sorted(Design(read, table).blocks, key=lambda part: read.groups.index(part[0].group))
    for block, (_, effects) in zip(design.blocks, parts, strict=True):
        root = big(effects.matrix) @ (big(block.basis) @ big(factor[block.columns, block.columns]))
        v = v + (root @ root.T) * (block.codes[:, None] == block.codes)
    x, y = big(Design(read, table).common.matrix), big(response_less_offset(read, table))
    precision = tools.inverse(v)
    information = x.T @ precision @ x
    left = y - x @ (tools.inverse(information) @ (x.T @ precision @ y))
    freedom = n - x.shape[1] if reml else n
    value = _log_det(v, tools) + freedom * (1 + mpmath.log(2 * mpmath.pi * (left @ precision @ left) / freedom))
    return float(value + (_log_det(information, tools) if reml else 0))


def _log_det(matrix: np.ndarray, tools: Any) -> Any:
    return 2 * sum(mpmath.log(value) for value in np.diagonal(tools.cholesky(matrix)))
