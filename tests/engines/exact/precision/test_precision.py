"""The exact engine against the model's definition in 60 digits, where 16 digits are easily lost.

Each case says how many eps (2.2e-16) an error may be: how much the worst-conditioned step of the answer itself makes of
a last digit of the data or of L. Densities are compared relative to their size (1 at least), coefficients in units of
their own posterior sd, so that 1e-8 is far below anything that can be seen in a posterior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from hlm.engines.exact.diagnostics import rounding
from hlm.engines.exact.left_out.one_factor import groups_left_out, rows_left_out
from hlm.engines.exact.left_out.several_factors import crossed_groups_left_out, crossed_rows_left_out
from hlm.engines.exact.likelihood.marginal import common_posterior, draw_crossed, draw_effects
from hlm.engines.exact.sums.several_factors import CrossedProducts

EPS = np.finfo(np.float64).eps
PLAIN = 200  # sums over some 20 rows and 12 effects


@dataclass(frozen=True)
class Case:
    """``worth`` in eps; ``sharp``: the size of a coefficient in its posterior sds, of which it has 16 digits."""

    options: dict[str, Any]
    worth: float = PLAIN
    shape: str = "one"
    sharp: float = 1.0


def _weights() -> np.ndarray:
    return 10.0 ** np.random.default_rng(3).uniform(-9, 9, 24)


def _group_constant() -> np.ndarray:
    return np.random.default_rng(4).normal(size=6)[np.repeat(np.arange(6), [1, 2, 3, 5, 6, 7])]


CASES = {
    "ordinary": Case({}),
    # x's distance from 0 in its sds: a last digit of x, or of the intercept's sd at 0, is that many digits of the line
    "x at 2003, sd 5": Case({"origin": 2003.0, "unit": 5.0}, 400 * PLAIN),
    "x at 1e6, sd 1": Case({"origin": 1e6}, 1e6 * PLAIN),
    "x at 1e6, sd 1e-3": Case({"origin": 1e6, "unit": 1e-3}, 1e9 * PLAIN),
    "x at 1e6, sd 1e-5": Case({"origin": 1e6, "unit": 1e-5}, 1e11 * PLAIN),
    "y at 1e9": Case({"level": 1e9}, 1e9 * PLAIN),  # the intercept itself has no more digits
    "tau 0": Case({"factor": np.zeros((2, 2))}),
    "tau 1e-12": Case({"factor": np.diag([1e-12, 1e-12])}),
    "correlation 1": Case({"factor": np.array([[0.8, 0.0], [0.5, 0.0]])}),
    "correlation -1": Case({"factor": np.array([[0.8, 0.0], [-0.5, 0.0]])}),
    "correlation 1 - 1e-12": Case({"factor": np.array([[0.8, 0.0], [0.5, 0.5 * np.sqrt(2e-12)]])}),
    "uncorrelated": Case({"factor": np.diag([0.8, 0.5])}),
    "sigma 1e8": Case({"sigma": 1e8}),
    "priors of sd 1e-6": Case({"sd": np.array([1e-6, 1e-6])}, 1e6 * PLAIN),  # a last digit of beta is 1e-10 sds
    "priors of sd 1e12": Case({"sd": np.array([1e12, 1e12])}),
    "weights 1e-9 to 1e9": Case({"weights": _weights()}, 1e9 * PLAIN),  # root of the ratio: last digits of heavy rows
}  # fmt: skip
ALL = {
    f"{name}, {shape}": Case(c.options, c.worth, shape)
    for name, c in CASES.items()
    for shape in ("one", "crossed", "lines")
}
# with several factors products are kept, whose digits go with (tau / sigma)^2; one factor alone keeps square roots
ALONE = {
    "sigma 1e-8": Case({"sigma": 1e-8}, 1e3 * PLAIN),
    "tau 1e9 times sigma": Case({"sigma": 1e-3, "factor": np.array([[1e6, 0.0], [4e5, 9e5]])}, 1e3 * PLAIN),
    "x at 1e6, wide intercepts": Case({"origin": 1e6, "factor": np.array([[0.8, 0.0], [0.2, 0.45]])}, sharp=1e6),
    "x at 1e6, sd 1e-3, wide intercepts": Case(
        {"origin": 1e6, "unit": 1e-3, "factor": np.array([[0.8, 0.0], [200.0, 450.0]])}, sharp=1e8
    ),
}  # fmt: skip


def _model(tools: Any, case: Case) -> Any:
    model = tools.make_model(**case.options)
    return model if case.shape == "one" else tools.crossed(model, slopes=case.shape == "lines")


@pytest.fixture(scope="module", params=[*ALL, *ALONE])
def both(request: pytest.FixtureRequest, tools: Any) -> tuple[Case, Any, Any]:
    case = {**ALL, **ALONE}[request.param]
    model = _model(tools, case)
    return case, model, tools.Exact(model)


def _log_weights(model: Any) -> np.ndarray:
    """The engine's densities are those of the weighted responses."""
    return np.zeros(len(model.y)) if model.weights is None else np.log(model.root_weights)


def test_log_density(both: tuple[Case, Any, Any]) -> None:
    case, model, exact = both
    found = common_posterior(model.sums, model.theta, model.prior).log_marginal[0] + _log_weights(model).sum()
    assert found == pytest.approx(float(exact.log_marginal()), rel=case.worth * EPS, abs=case.worth * EPS)


def test_coefficients_given_theta(both: tuple[Case, Any, Any]) -> None:
    """Means and covariances of all coefficients, in units of their posterior sds."""
    case, model, exact = both
    sums, p = model.sums, len(model.x)
    given = common_posterior(sums, model.theta, model.prior)
    mean, covariance = exact.moments()
    sds = np.array([float(v) ** 0.5 for v in np.diagonal(covariance)])
    effects, of_common, of_normals = _linear(sums, model, given.mean[0])
    found = np.concatenate([given.mean[0] + sums.shift, effects])
    error = np.array([float(e - f) for e, f in zip(mean, found, strict=True)])
    assert (np.abs(error) <= case.worth * case.sharp * EPS * sds).all()
    scale = np.outer(sds, sds)
    scale[scale == 0] = 1.0  # an effect that cannot vary has no covariance
    common = np.linalg.inv(given.precision[0])
    together = np.block([[common, common @ of_common.T], [of_common @ common, of_common @ common @ of_common.T]])
    together[p:, p:] += of_normals @ of_normals.T
    assert together / scale == pytest.approx(covariance.astype(np.float64) / scale, abs=case.worth * case.sharp * EPS)


def _linear(sums: Any, model: Any, common: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The drawn effects at ``common`` with normal numbers 0, their change with it, and with each normal number."""
    groups, q, _ = sums.root.shape
    p, m = len(common), sums.m if isinstance(sums, CrossedProducts) else 0
    moves = np.vstack([np.zeros(p + groups * q + m), np.eye(p + groups * q + m)])
    size = np.abs(common).max() + 1.0  # of a change: not lost beside the coefficients
    commons, first = common + size * moves[:, :p], moves[:, p : p + groups * q].reshape(-1, groups, q).copy()
    which = np.zeros(len(moves), dtype=int)
    if m:
        drawn = draw_crossed(sums, model.theta, which, commons, first, moves[:, p + groups * q :].copy())
    else:
        drawn = [draw_effects(sums, model.theta.some(which), commons, first)]
    effects = np.hstack([e.reshape(len(moves), -1) for e in drawn])
    changes = (effects[1:] - effects[0]).T
    return effects[0], changes[:, :p] / size, changes[:, p:]


def test_left_out_rows_and_groups(both: tuple[Case, Any, Any]) -> None:
    case, model, exact = both
    codes = model.factors[0][1]
    groups = [np.flatnonzero(codes == k) for k in range(codes.max() + 1)]
    if case.shape == "one":
        (rows,) = rows_left_out(model.gaussian, model.theta)
        whole = groups_left_out(model.sums, model.theta, model.prior)
    else:
        (rows,) = crossed_rows_left_out(model.gaussian, model.theta)
        whole = crossed_groups_left_out(model.gaussian, model.theta, groups)
    logs = _log_weights(model)
    expected = [float(v) for v in exact.left_out([np.array([i]) for i in rows.units])]
    assert rows.without[0] + logs[rows.units] == pytest.approx(expected, rel=case.worth * EPS, abs=case.worth * EPS)
    expected = [float(v) for v in exact.left_out(groups)]
    found = whole.without[0] + [logs[rows].sum() for rows in groups]
    assert found == pytest.approx(expected, rel=case.worth * EPS, abs=case.worth * EPS)


@pytest.mark.parametrize("shape", ["one", "crossed", "lines"])
@pytest.mark.parametrize("sigma", [1e-8, 1e-12, 1e-160])
def test_where_rounding_leaves_nothing_left_out_densities_are_no_numbers(sigma: float, shape: str, tools: Any) -> None:
    """Collinear effects and sds of 1e8 sigma: I is lost in I + A A'. All is NaN, and no foreign error is raised."""
    model = _model(tools, Case({"sigma": sigma, "factor": tools.root_of(0.8, 0.5, 1.0)}, shape=shape))
    groups = [np.flatnonzero(tools.codes == k) for k in range(6)]
    with np.errstate(all="ignore"):  # as integrated_loo has it
        if shape == "one":
            (rows,) = rows_left_out(model.gaussian, model.theta)
            whole = groups_left_out(model.sums, model.theta, model.prior)
        else:
            (rows,) = crossed_rows_left_out(model.gaussian, model.theta)
            whole = crossed_groups_left_out(model.gaussian, model.theta, groups)
    assert np.isnan(rows.without).all() and np.isnan(whole.without).all() and np.isnan(whole.inside).all()


def test_the_estimate_of_rounding_is_no_smaller_than_the_error(both: tuple[Case, Any, Any]) -> None:
    case, model, exact = both
    sums = model.sums
    given = common_posterior(sums, model.theta, model.prior)
    error = abs(float(given.log_marginal[0] + _log_weights(model).sum() - exact.log_marginal()))
    # the data, and so the intercept's L of columns far from 0, are taken as they are: their last digits are the user's
    own = 0.0 if case.options.get("origin", 0) == 0 and "level" not in case.options else case.worth * EPS
    assert error <= rounding(sums, model.theta, model.prior, given) + own + PLAIN * EPS * abs(given.log_marginal[0])
