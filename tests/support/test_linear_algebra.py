"""Matrices that are singular, or not finite, end in NaN and never in numpy's exception."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import hlm
from hlm.compare.pooling_matrix import pooling_matrix
from hlm.engines.exact.gaussian_model import gaussian_model
from hlm.engines.exact.likelihood.marginal import Theta, common_posterior
from hlm.engines.exact.sums.one_factor import cross_products
from hlm.engines.exact.theta.weighted_thetas import theta_of
from hlm.engines.normal_coefficients import NormalPrior
from hlm.engines.reml.search import _widened
from hlm.engines.sampling.importance_sampling import importance_sample
from hlm.engines.sampling.modes import laplace
from hlm.engines.sampling.t_mixtures import safe_cholesky
from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT, Term
from hlm.model.design_columns import Columns
from hlm.model.resolve import resolve
from hlm.support.linear_algebra import inverses, lower_roots, solve_lower, solve_upper, solve_with_root

RNG = np.random.default_rng(1)
GOOD = np.array([[4.0, 2.0], [2.0, 5.0]])
LITERAL = np.array([[2.36e15, -1.06e16], [-1.06e16, 4.78e16]])  # as a fit with heavy tails met it


def _singular_by_lu() -> np.ndarray:
    """A matrix with a finite Cholesky factor in whose LU decomposition a pivot is exactly 0, shape (2, 2).

    [[a, b], [b, d]] with a one last digit above b^2 / d. By columns: LU's pivot a - b (b / d) rounds to 0, where
    Cholesky's d - (b / sqrt(a))^2 does not. A tenth of such matrices are of this kind, on every kernel tried.
    """
    rng = np.random.default_rng(0)
    for _ in range(1000):
        d, b = float(rng.integers(2**50, 2**53)), -float(rng.integers(2**48, 2**51))
        matrix = np.array([[np.nextafter(b * b / d, np.inf), b], [b, d]])
        try:
            np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            continue
        try:
            np.linalg.solve(matrix, np.ones((2, 1)))
        except np.linalg.LinAlgError:
            return matrix
    pytest.skip("this processor's LAPACK has no such matrix among 1000")


def _roots(*shape: int) -> np.ndarray:
    return np.tril(RNG.normal(size=(*shape, shape[-1]))) / shape[-1] + 2 * np.eye(shape[-1])


@pytest.mark.parametrize("n", [1, 2, 5, 16, 17, 40, 100])
@pytest.mark.parametrize("columns", [1, 3])
def test_triangles_are_solved_as_any_matrix(n: int, columns: int) -> None:
    roots, right = _roots(6, n), RNG.normal(size=(6, n, columns))
    np.testing.assert_allclose(roots @ solve_lower(roots, right), right, rtol=1e-13, atol=1e-13)
    upper = roots.swapaxes(1, 2)
    np.testing.assert_allclose(upper @ solve_upper(upper, right), right, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(roots @ (upper @ solve_with_root(roots, right)), right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [3, 20])
def test_stacks_on_either_side_and_single_matrices(n: int) -> None:
    roots, right = _roots(4, n), RNG.normal(size=(n, 2))
    expected = np.linalg.solve(roots, np.broadcast_to(right, (4, n, 2)))
    np.testing.assert_allclose(solve_lower(roots, right), expected, rtol=1e-12)
    np.testing.assert_allclose(solve_lower(roots[0], right), expected[0], rtol=1e-12)
    np.testing.assert_allclose(solve_lower(roots[0], np.stack([right, 2 * right])), [expected[0], 2 * expected[0]])
    np.testing.assert_allclose(solve_lower(roots, np.eye(n)), np.linalg.inv(roots), rtol=1e-12, atol=1e-14)


def test_the_upper_half_of_a_lower_root_is_not_read() -> None:
    roots = _roots(3, 20)
    spoilt = np.where(np.triu(np.ones((20, 20)), 1) > 0, np.nan, roots)
    assert np.array_equal(solve_lower(spoilt, np.eye(20)), solve_lower(roots, np.eye(20)))


def test_right_sides_are_left_as_they_are() -> None:
    right = np.ones((3, 1))
    solve_lower(_roots(3), right)
    assert (right == 1.0).all()


def test_a_checked_factor_solves_where_lu_has_a_zero_pivot() -> None:
    matrix = _singular_by_lu()
    found = solve_with_root(lower_roots(matrix), np.ones((2, 1)))
    assert np.isfinite(found).all()


def test_one_theta_with_such_a_precision_matrix_does_not_end_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The literal precision of the failing fit, and one of this processor, in the middle of a good batch."""
    x = Columns(np.column_stack([np.ones(6), np.arange(6.0)]), (INTERCEPT, Term(("x",))), ("Intercept", "x"))
    sums = cross_products(x, Columns(np.empty((6, 0)), (), ()), np.zeros(6, dtype=np.int64), np.arange(6.0) ** 2)
    reduced = np.zeros((3, 3, 3))
    for place, matrix in enumerate((GOOD, LITERAL, _singular_by_lu())):
        reduced[place, :2, :2] = matrix
    reduced[:, :2, 2] = reduced[:, 2, :2] = 1.0
    reduced[:, 2, 2] = 10.0
    monkeypatch.setattr("hlm.engines.exact.likelihood.marginal.sweep", lambda *_: (reduced, np.zeros(3)))
    theta = Theta(np.ones(3), np.zeros((3, 0, 0)))
    flat = NormalPrior(sums.shift, np.full(2, 1e150))  # adds nothing: the matrices stay as they are
    found = common_posterior(sums, theta, flat)
    np.testing.assert_allclose(found.mean[0], np.linalg.solve(GOOD, np.ones(2)), rtol=1e-14)
    assert np.isfinite(found.log_marginal[0]) and np.isfinite(found.mean).all()


@pytest.mark.parametrize("n", [3, 20])
@pytest.mark.parametrize("spoilt", [0.0, np.nan, np.inf])
def test_a_bad_pivot_spoils_no_other_matrix_and_raises_nothing(n: int, spoilt: float) -> None:
    roots, right = _roots(3, n), RNG.normal(size=(3, n, 1))
    expected = solve_lower(roots, right)
    roots[1, n // 2, n // 2] = spoilt
    with np.errstate(all="raise"):
        found, upper = solve_lower(roots, right), solve_upper(roots.swapaxes(1, 2), right)
    assert np.array_equal(found[[0, 2]], expected[[0, 2]]) and np.isfinite(upper[[0, 2]]).all()
    if spoilt != np.inf:  # a division by it is 0
        assert not np.isfinite(found[1]).all() and not np.isfinite(upper[1]).all()


@pytest.mark.parametrize("bad", [[[1.0, 2.0], [2.0, 1.0]], [[np.nan, 0.0], [0.0, 1.0]], [[np.inf, 1.0], [1.0, 1.0]]])
def test_a_matrix_without_a_root_spoils_no_other(bad: list[list[float]]) -> None:
    roots = lower_roots(np.stack([GOOD, np.array(bad), GOOD, GOOD]))
    assert not np.isfinite(roots[1]).all() and not np.isfinite(lower_roots(np.array(bad))).all()
    assert roots[[0, 2, 3]].tolist() == [[[2.0, 0.0], [1.0, 2.0]]] * 3


def test_a_singular_matrix_spoils_no_other_inverse() -> None:
    singular = np.ones((2, 2))
    found = inverses(np.stack([[GOOD, GOOD], [GOOD, singular]]))
    np.testing.assert_allclose(found[0, 0] @ GOOD, np.eye(2), atol=1e-15)
    assert np.isfinite(found[[0, 0, 1], [0, 1, 0]]).all() and np.isnan(found[1, 1]).all()


def test_a_pooling_matrix_lost_in_rounding_is_nan() -> None:
    """Effects of correlation 1 and 1e10 times the sampling errors: 1 + Sigma I is Sigma I."""
    covariance = np.stack([np.ones((2, 2)), 1e20 * np.ones((2, 2))])
    found = pooling_matrix(covariance, np.eye(2)[None, None])
    np.testing.assert_allclose(found[0, 0], [[2 / 3, -1 / 3], [-1 / 3, 2 / 3]], rtol=1e-14)
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("entry", [np.nan, np.inf, 1e308])
def test_a_covariance_that_is_not_finite_gives_a_proposal_that_is_none(entry: float) -> None:
    covariance = np.stack([np.eye(2), np.array([[entry, 0.0], [0.0, entry]])])
    with np.errstate(all="ignore"):
        found = safe_cholesky(covariance)
    np.testing.assert_allclose(found[0], np.eye(2), rtol=1e-8)
    assert not np.isfinite(found[1]).all()


def test_curvature_too_large_for_a_number_counts_as_none() -> None:
    """A log density so steep that its second derivative is infinite: `eigh` would not converge."""
    modes, covariances = laplace(lambda u: -1e303 * u[:, :, 0] ** 2, np.array([[0.4]]))
    assert np.isfinite(modes).all() and np.isfinite(covariances).all()


def test_importance_sampling_of_such_a_density_says_that_it_failed() -> None:
    with np.errstate(all="ignore"):
        found = importance_sample(
            lambda u: -1e303 * (u**2).sum(axis=1), np.ones((1, 2)), draws=100, rng=np.random.default_rng(1)
        )
    assert found.pareto_k > 0.7 and found.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("size", [1.0, 1e9, 1e140])
def test_the_floor_of_remls_directions_is_not_lost_in_a_large_factor(size: float) -> None:
    """A singular factor: squared, with 1e9 beside a floor of 0.3, it has no Cholesky factor."""
    lower = size * np.array([[1.0, 0.0], [1.0, 0.0]])
    found = _widened(lower, 0.3)
    assert (np.diagonal(found) > 0).all() and found[0, 1] == 0.0
    np.testing.assert_allclose(found @ found.T, lower @ lower.T + 0.09 * np.eye(2), rtol=1e-12)


EXAM = hlm.load_data("exam")
LINES = "post ~ pre + (pre|school)"


def test_an_sd_of_0_has_a_correlation_of_nan_and_theta_is_read_all_the_same() -> None:
    gaussian = gaussian_model(resolve(LINES, EXAM)["partial"])
    one = np.ones((1, 1))
    posterior = xr.Dataset(
        {
            "sigma": (("chain", "draw"), one),
            "1|school_sigma": (("chain", "draw"), one),
            "pre|school_sigma": (("chain", "draw"), 0 * one),
            "school_corr": (("chain", "draw", "i", "j"), np.array([[[[1.0, np.nan], [np.nan, np.nan]]]])),
        }
    )
    assert theta_of(posterior, gaussian).factor.tolist() == [[[1.0, 0.0], [0.0, 0.0]]]


def test_the_tables_of_a_fit_whose_sds_are_0_raise_nothing_foreign() -> None:
    """A response that the groups explain exactly: sigma and the slopes' sd go to 0, and correlations are NaN."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 12), "x": rng.normal(size=120)})
    data["y"] = data["g"] + data["x"]
    fits = hlm.fit_pooling("y ~ x + (x|g)", data, method="exact", draws=100, chains=2, seed=1, progress=False)
    with np.errstate(all="ignore"):
        assert len(hlm.pooling_factors(fits)) == 3 and len(hlm.shrinkage(fits)) == 20
        assert len(hlm.compare_loo(fits)) == 3
        new = hlm.predict(fits["partial"], data.head(3).assign(g=99))
    assert len(new) == 3


def _two_numbers(size: float) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(8), 5), "x": rng.uniform(1, 2, 40), "z": rng.uniform(1, 2, 40)})
    return data.assign(y=rng.normal(size=40) + data["x"], x=size * data["x"], z=size * data["z"])


@pytest.mark.parametrize(("size", "says"), [(1e99, "as large as"), (1e-90, "no larger than")])
@pytest.mark.parametrize("formula", ["y ~ x*z + (1|g)", "y ~ x + (0 + x:z|g)"])
def test_products_whose_squares_overflow_are_refused(size: float, says: str, formula: str) -> None:
    for estimate in (hlm.reml, hlm.fit):
        with pytest.raises(DataError, match=f"The products of 'x:z' are {says}") as raised:
            estimate(formula, _two_numbers(size))
        assert "use other units for x and z" in str(raised.value)


def test_reml_refuses_an_effect_whose_column_is_0() -> None:
    data = _two_numbers(1.0)
    half = np.arange(40) % 2
    with pytest.raises(DataError, match="x:z is 0 in every row, so that it cannot vary by g"):
        hlm.reml("y ~ x + (0 + x:z|g)", data.assign(x=data["x"] * half, z=data["z"] * (1 - half)))


FOLDERS = ("checks", "compare", "engines", "fits", "model", "support")
HARMLESS = {"LinAlgError", "norm"}
MAY_RAISE = {
    "checks/check_spread.py": {"pinv": "columns of finite sizes, each divided by a size above 0"},
    "compare/group_least_squares.py": {"pinv": "columns of length 1"},
    "compare/pooling_matrix.py": {"pinv": "of finite information, divided by its sizes"},
    "engines/posterior_tree.py": {"eigh": "NaN is replaced before", "qr": "does not raise"},
    "engines/exact/draws/separate_residuals.py": {"svd": "of the columns' own root, finite as they are"},
    "engines/exact/left_out/one_factor.py": {"qr": "does not raise"},
    "engines/exact/likelihood/kernels_several_factors.py": {"cholesky": "compiled, inside a try"},
    "engines/bambi/starts.py": {"eigh": "of correlations at the mode, NaN replaced before", "qr": "does not raise"},
    "engines/nuts/approximation.py": {"eigh": "what is not finite is 0"},
    "engines/quadrature/infinite_estimates.py": {"svd": "of rows of the common columns, finite as they are"},
    "engines/quadrature/maximum_likelihood.py": {
        "eigh": "of differences of values that are finite, the impossible too",
        "eigvalsh": "of the same differences",
    },
    "engines/exact/sums/orthogonalised.py": {"eigvalsh": "of products of finite columns of length 1"},
    "engines/exact/sums/one_factor.py": {"pinv": "of the columns' own products, finite as they are"},
    "engines/reml/design.py": {"qr": "does not raise", "matrix_rank": "columns of 0 are refused before"},
    "engines/reml/search.py": {
        "eigh": "after a check of the Hessian",
        "qr": "does not raise",
        "svd": "of a factor whose criterion is finite, or a start",
    },
    "engines/sampling/modes.py": {"eigh": "curvatures that are not finite are 0"},
    "support/linear_algebra.py": {
        "cholesky": "inside a try",
        "inv": "inside a try",
        "lstsq": "columns of length 1",
        "pinv": "of roots of columns of length 1",
        "qr": "does not raise",
    },
    "support/independent_columns.py": {"qr": "does not raise"},
    "support/separation.py": {"qr": "does not raise"},
}


def test_numpys_decompositions_are_called_where_their_exception_cannot_come() -> None:
    """`solve` is called nowhere; a new call of another function has to be entered above with its reason."""
    root = Path(hlm.__file__).parent
    found: dict[str, set[str]] = {}
    for path in (path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np.linalg" and node.attr not in HARMLESS:
                found.setdefault(path.relative_to(root).as_posix(), set()).add(node.attr)
    assert found == {path: set(calls) for path, calls in MAY_RAISE.items()}
