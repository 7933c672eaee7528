"""`simulate`: grouped data whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from hlm.errors import DataError
from hlm.formula.formula import INTERCEPT, Block, Formula, Response, Term
from hlm.support.options import check_number, check_seed, check_whole, offending

if TYPE_CHECKING:
    import pandas as pd

Simulated = Literal["gaussian", "bernoulli", "binomial", "poisson"]
_GROUP = "group"
_MOST_COUNT = 1e15  # so that counts are whole numbers in a data frame
_MOST_ROWS = 100_000_000
_LARGEST = 1e100  # so that no product and no square of a response overflows


@dataclass(frozen=True, slots=True)
class Truth:
    """What simulated data were made from.

    Attributes
    ----------
    formula : str
        The model: ``y ~ x + (x|group)``.
    coefficients : pandas.DataFrame
        Each group's total intercept and slopes: index ``group``, a column a term.
    fixed, sd : pandas.Series
        By term: the mean of the groups' coefficients, and their sd.
    corr : pandas.DataFrame
        Correlations between the terms' coefficients; 0 where an sd is 0.
    sigma : float or None
        Residual sd; None in families that have none.
    family : str
        Coefficients are log-odds in bernoulli and binomial, logarithms of means in poisson.
    """

    formula: str
    coefficients: pd.DataFrame
    fixed: pd.Series
    sd: pd.Series
    corr: pd.DataFrame
    sigma: float | None
    family: Simulated = "gaussian"


def simulate(
    n_groups: int,
    group_size: int | Sequence[int],
    *,
    fixed: float | Sequence[float],
    sd: float | Sequence[float],
    corr: float = 0.0,
    sigma: float | None = None,
    family: Simulated = "gaussian",
    trials: int | None = None,
    seed: int | None = None,
) -> tuple[pd.DataFrame, Truth]:
    """Draw groups from a hierarchical linear model, or from a generalised one.

    Parameters
    ----------
    n_groups : int
    group_size : int or sequence of int
        Rows of every group, or of each.
    fixed : float or sequence of float
        Means of the groups' intercepts and slopes, the intercept first; on the scale of the link.
    sd : float or sequence of float
        Their sds between groups, one for each of ``fixed``; 0 where all groups share a coefficient.
    corr : float
        The correlation of every two coefficients that vary.
    sigma : float, optional
        Residual sd, by default 1; of the gaussian family alone.
    family : {"gaussian", "bernoulli", "binomial", "poisson"}
        Of the response; with the logit link, of poisson with the log link.
    trials : int, optional
        Of each row in the binomial family.
    seed : int, optional
        The same seed gives the same data.

    Returns
    -------
    data : pandas.DataFrame
        ``group`` (labels ``1``, ``2``, ...), ``x`` (``x1, x2, ...`` where there are several slopes; independent
        standard normal numbers), and ``y``: numbers, 0 and 1, successes out of ``n``, or counts.
    truth : Truth

    Raises
    ------
    DataError
        For numbers that no such model has.

    Examples
    --------
    >>> from hlm import simulate
    >>> data, truth = simulate(20, 10, fixed=(0.0, 1.0), sd=(0.5, 0.3), corr=0.4, seed=1)
    >>> data.shape, truth.formula, truth.coefficients.shape
    ((200, 3), 'y ~ x + (x|group)', (20, 2))
    >>> data, truth = simulate(20, 10, fixed=(0.0, 1.0), sd=(0.5, 0.3), family="binomial", trials=5, seed=1)
    >>> list(data.columns), truth.formula
    (['group', 'x', 'n', 'y'], 'p(y, n) ~ x + (x|group)')
    """
    import pandas as pd

    means, sds = numbers("fixed", fixed), numbers("sd", sd)
    sizes = _sizes(n_groups, group_size)
    if means.shape != sds.shape or not len(means):
        raise DataError(
            f"fixed has {means.size} numbers and sd {sds.size}: give an sd for the intercept and for each slope, 0 "
            f"where a coefficient does not vary."
        )
    if (sds < 0).any():
        raise DataError(f"fixed holds finite numbers and sd none below 0, not {means.tolist()} and {sds.tolist()}.")
    _check_family(family, sigma, trials)
    check_seed(seed, error=DataError)
    correlations = _correlations(sds, check_number("corr", corr, error=DataError))
    rng = np.random.default_rng(seed)
    slopes = ["x"] if len(means) == 2 else [f"x{j}" for j in range(1, len(means))]
    terms = ["Intercept", *slopes]
    groups = pd.Index([str(k + 1) for k in range(n_groups)], name=_GROUP)
    own = means + rng.standard_normal((n_groups, len(means))) @ np.linalg.cholesky(correlations).T * sds
    codes = np.repeat(np.arange(n_groups), sizes)
    x = np.column_stack([np.ones(len(codes)), rng.standard_normal((len(codes), len(slopes)))])
    y = _responses(np.einsum("ij,ij->i", x, own[codes]), family, sigma, trials, rng)
    columns = {_GROUP: groups.to_numpy()[codes], **dict(zip(slopes, x[:, 1:].T, strict=True))}
    data = pd.DataFrame({**columns, **({} if trials is None else {"n": trials}), "y": y})
    truth = Truth(
        formula=_formula(slopes, sds, Response("y", None if trials is None else "n")),
        coefficients=pd.DataFrame(own, index=groups, columns=terms),
        fixed=pd.Series(means, index=terms),
        sd=pd.Series(sds, index=terms),
        corr=pd.DataFrame(correlations, index=terms, columns=terms),
        sigma=None if family != "gaussian" else 1.0 if sigma is None else float(sigma),
        family=family,
    )
    return data, truth


def numbers(name: str, value: object) -> np.ndarray:
    """One or several finite numbers as an array, shape (numbers,)."""
    found = np.atleast_1d(np.asarray(value, dtype=object))
    if found.ndim != 1 or not all(isinstance(v, Real) and abs(float(v)) <= _LARGEST for v in found.tolist()):
        raise DataError(f"{name} holds finite numbers, such as (0, 1), not {offending(value)}.")
    return found.astype(np.float64)


def _check_family(family: str, sigma: object, trials: object) -> None:
    """Raise a `DataError` for a family that cannot be simulated, and for a parameter that it does not have."""
    if not isinstance(family, str) or family not in get_args(Simulated):
        raise DataError(f"family is one of {', '.join(map(repr, get_args(Simulated)))}, not {offending(family)}.")
    if sigma is not None and family != "gaussian":
        raise DataError(f"sigma={sigma!r}: the {family} family has no residual sd; leave sigma out.")
    if sigma is not None:
        check_number("sigma", sigma, above=0, most=_LARGEST, error=DataError)
    if (trials is None) == (family == "binomial"):
        raise DataError(
            "The binomial family needs the trials of each row: trials=10, for example."
            if trials is None
            else f"trials={trials!r}: the {family} family has no trials; leave trials out, or take family='binomial'."
        )
    if trials is not None:
        check_whole("trials", trials, least=1, most=_MOST_ROWS, error=DataError)


def _responses(
    eta: np.ndarray, family: Simulated, sigma: float | None, trials: int | None, rng: np.random.Generator
) -> np.ndarray:
    """Of each row, given its linear predictor."""
    if family == "gaussian":
        return np.asarray(eta + (1.0 if sigma is None else sigma) * rng.standard_normal(len(eta)))
    if family == "poisson":
        if eta.max() > np.log(_MOST_COUNT):
            raise DataError(
                f"fixed and sd give a mean count of exp({eta.max():.3g}): they are on the scale of logarithms, and "
                f"counts go up to {_MOST_COUNT:.0e}."
            )
        return np.asarray(rng.poisson(np.exp(eta)))
    p = np.exp(-np.logaddexp(0.0, -eta))
    return np.asarray(rng.binomial(1 if trials is None else trials, p))


def _formula(slopes: list[str], sds: np.ndarray, response: Response) -> str:
    terms = (INTERCEPT, *(Term((name,)) for name in slopes))
    varying = tuple(term for term, sd in zip(terms, sds, strict=True) if sd > 0)
    return str(Formula(response, terms, (Block(varying, Term((_GROUP,))),) if varying else ()))


def _sizes(n_groups: int, group_size: int | Sequence[int]) -> np.ndarray:
    check_whole("n_groups", n_groups, least=2, most=_MOST_ROWS, error=DataError)
    sizes = np.asarray(group_size)
    if sizes.dtype.kind not in "iu" or sizes.ndim > 1 or (sizes < 1).any():
        raise DataError(
            f"group_size is a whole number of at least 1, or one for each group, not {offending(group_size)}."
        )
    if sizes.ndim == 1 and len(sizes) != n_groups:
        raise DataError(
            f"group_size has {len(sizes)} numbers for {n_groups} groups: give one for each, or one for all."
        )
    if float(np.broadcast_to(sizes, n_groups).sum(dtype=np.float64)) > _MOST_ROWS:
        raise DataError(f"simulate makes {_MOST_ROWS:,} rows at most: take fewer groups, or smaller ones.")
    return np.broadcast_to(sizes, n_groups)


def _correlations(sds: np.ndarray, corr: float) -> np.ndarray:
    varying = sds > 0
    found = np.where(np.outer(varying, varying), corr, 0.0)
    np.fill_diagonal(found, 1.0)
    if not np.linalg.eigvalsh(found)[0] > 1e-12:
        count = int(varying.sum())
        raise DataError(
            f"corr={corr!r} is no correlation of {count} coefficients: it lies between {-1 / max(count - 1, 1):.2g} "
            f"and 1, ends excluded."
        )
    return found
