"""`pooling_path`: every group's coefficients as the group-level sds go from 0 to infinity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.compare.compare_slopes import determined
from hlm.compare.path_points import Moving, Trace, moving, trace
from hlm.data.transforms import Functions
from hlm.engines.quadrature.nodes import MOST_ERROR
from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K
from hlm.errors import DataError
from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.posterior_coefficients import parts
from hlm.formula.formula import Formula, Term
from hlm.model.model import Model
from hlm.model.priors import GivenPriors
from hlm.model.resolve import resolve
from hlm.support.blas_threads import one_blas_thread
from hlm.support.interrupts import interruptible
from hlm.support.options import check_seed, check_whole

if TYPE_CHECKING:
    import xarray as xr

_LEAST_POINTS, _MOST_POINTS = 10, 10_000
_LEAST_EFFICIENCY = 0.1  # of the sums at one sd
_RULED_OUT = 0.01  # of the posterior: what few points do to sds beyond is no matter


@dataclass(frozen=True, slots=True)
class PoolingPath:
    """Every group's coefficients as functions of the group-level sds.

    Attributes
    ----------
    group : str
        The grouping factor.
    n : numpy.ndarray of int, shape (K,)
        Rows of each group.
    response : str
    estimates : xarray.DataArray
        Dims ``sd, <group>, term``: posterior means of the groups' total coefficients given the sd, on the link's scale
        (with the identity link in units of the response). The coordinate ``sd`` goes from 0 to infinity: the sd itself
        where one moves, else the factor by which all that move are multiplied, 1 being their estimates.
    density : xarray.DataArray
        Dim ``sd``: posterior density of that sd or factor, per unit of it.
    estimated : Mapping
        Posterior mean of every sd that moves, by its name in the posterior (``pre|school_sigma``).
    moving : tuple of str
        The effects of these sds, ``pre|school``; of a factor with its column, ``c[a]|school``.
    at_0, at_infinity : str
        What the ends are, in a few words.
    efficiency : xarray.DataArray
        Dim ``sd``: the share of effective points in the sums behind the estimates; where it is below 0.1 the second
        digit of a movement may be wrong.
    note : str
        A diagnostic that failed: Pareto k of the sds' estimates, few effective points or too few nodes where the
        posterior is. Empty if none did.
    """

    group: str
    n: np.ndarray = field(repr=False)
    response: str
    estimates: xr.DataArray = field(repr=False)
    density: xr.DataArray = field(repr=False)
    estimated: Mapping[str, float]
    moving: tuple[str, ...]
    at_0: str
    at_infinity: str
    efficiency: xr.DataArray = field(repr=False)
    note: str = ""

    @property
    def unit(self) -> float:
        """The value of the coordinate ``sd`` that stands for the estimates: the sd's posterior mean, or 1."""
        return next(iter(self.estimated.values())) if len(self.estimated) == 1 else 1.0


@one_blas_thread()
def pooling_path(
    formula: str | Formula, data: Any, *, term: str | None = None, group: str | None = None,
    family: str = "gaussian", link: str | None = None, weights: str | None = None, functions: Functions | None = None,
    priors: GivenPriors | None = None, lkj_eta: float = 1.0, points: int = 100, seed: int | None = None,
) -> PoolingPath:  # fmt: skip
    """How far each group is pooled, for every amount of pooling there could be.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model.
    data : data frame
    term : str, optional
        The varying effect whose sd moves: ``"pre"``, ``"Intercept"``. By default all sds of the factor move together
        by a common factor, their ratios and correlations as estimated: the path that joins the strategies.
    group : str, optional
        The grouping factor; needed where there are several.
    family, link, weights, functions, lkj_eta
        As in `fit`.
    priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        As in `fit_pooling`; a prior is used in every strategy that has a parameter of its name.
    points : int
        Places on the path, about 60 % of them evenly spread over the axis s / (s + estimate), the others where the
        posterior is.
    seed : int, optional
        Of the draws that the estimates of the sds come from; the path itself has no random numbers.

    Returns
    -------
    PoolingPath

    Raises
    ------
    FitError
        For models that ``method="exact"`` does not cover, an unknown term or factor, too few points.
    FormulaError, DataError
        Where formula or data cannot be used.

    Notes
    -----
    At each sd the estimates are posterior means given that sd: all other parameters (residual sd or the family's own
    parameter, the other sds, the correlations) are averaged over their posterior given it. Averaging the path of one
    sd over its density therefore gives partial pooling itself. Where several sds move, their ratios and correlations
    stay as estimated.

    In other families than gaussian the means are those of skewed posteriors, and a group that is all successes or all
    failures, or all counts of 0, moves on as long as the sd grows: its end at infinity is the doing of no pooling's
    prior.

    With one factor and all of its sds, sd = 0 is complete pooling and infinity no pooling, each with its own priors:
    no pooling's are 100 times as wide as the common ones (4 times without an identity link), not flat, so that the last
    step to infinity may be a small jump for a group that says very little. What a group's own rows cannot determine is
    NaN there.

    One sd of several at 0 is the model without that effect, at infinity each group has its own, the other effects still
    partially pooled; so it is for one factor of several. Infinity is then 10,000 times the estimate. With correlated
    effects the lines of one sd may turn again far from what the data allow, at tens of times the estimate, where only
    the prior keeps the other sd from growing too.

    Examples
    --------
    >>> from hlm import load_data, pooling_path
    >>> path = pooling_path("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1)
    >>> path.estimates.sel(sd=[0, 1, float("inf")], Subject="335", term="Days").round(1).values
    array([10.5, -0.7, -2.9])
    """
    check_seed(seed)
    models = resolve(
        formula, data, poolings=("complete", "none", "partial"), family=family, link=link, weights=weights,
        functions=functions, priors=priors, lkj_eta=lkj_eta, comparing=True,
    )  # fmt: skip
    with interruptible(lambda: "following the pooling path"):
        return path_of(models["partial"], models["none"], term=term, group=group, points=points, seed=seed)


def path_of(
    partial: Model, none: Model, *, term: str | None = None, group: str | None = None, points: int = 100,
    seed: int | None = None,
) -> PoolingPath:  # fmt: skip
    """The path from the models of partial and of no pooling."""
    check_whole("points", points, least=_LEAST_POINTS, most=_MOST_POINTS)
    factor = partial.group(group)
    if factor.name == "sd":
        raise DataError("The grouping column 'sd' has the name of the path's own axis: rename it.")
    moved = moving(partial, factor, term, seed)
    trace_ = trace(none, moved, points)
    unit = 1.0 if len(moved.names) > 1 else float(moved.estimates[0])
    density = _density(trace_, unit)
    return PoolingPath(
        group=factor.name, n=partial.factor(factor).counts, response=partial.written.response.name,
        estimates=_labelled(partial, factor, trace_, unit), density=density,
        estimated=dict(zip(moved.names, moved.estimates.tolist(), strict=True)), moving=moved.effects,
        **_ends(moved, trace_), efficiency=_along(trace_, unit, trace_.efficiency, "efficiency"),
        note="; ".join(_problems(moved, trace_, density.to_numpy())),
    )  # fmt: skip


def _labelled(model: Model, factor: Term, trace_: Trace, unit: float) -> xr.DataArray:
    """Group coefficients along the path."""
    import xarray as xr

    found = np.concatenate(
        [group_coefficients(parts(tree["posterior"].to_dataset(), own), factor, own) for own, tree in trace_.trees]
    )
    if trace_.trees[-1][0].pooling == "none":
        for j, tell in enumerate(determined(model, factor).values()):
            found[-1, ~tell, j] = np.nan
    terms = list(model.design.group_coefficients.labels)
    coords = {"sd": unit * trace_.s, factor.name: model.data.levels(factor), "term": terms}
    return xr.DataArray(found, coords=coords, dims=list(coords), name="estimate")


def _density(trace_: Trace, unit: float) -> xr.DataArray:
    """Density per unit of sd: the area over the path's finite part is 1; what lies beyond is a matter of rounding."""
    finite = np.isfinite(trace_.s)
    values = np.zeros(len(trace_.s))
    values[finite] = np.exp(trace_.log_density - trace_.log_density.max())
    area = np.trapezoid(values[finite], unit * trace_.s[finite])
    return _along(trace_, unit, values / area, "density")


def _problems(moved: Moving, trace_: Trace, density: np.ndarray) -> Iterator[str]:
    """Diagnostics that failed, a clause each."""
    if not moved.pareto_k <= GOOD_PARETO_K:
        yield f"the sds are estimated from importance weights of Pareto k {moved.pareto_k:.2f}, wanted 0.7 at most"
    few = _share(trace_, density, ~(trace_.efficiency >= _LEAST_EFFICIENCY))
    if few > _RULED_OUT:
        yield (
            f"for sds that hold {few:.0%} of the posterior the estimates rest on few points and may be wrong in the "
            f"second digit; where a column lies far from 0, write center(x)"
        )
    rough = _share(trace_, density, ~(trace_.error <= MOST_ERROR))
    if rough > _RULED_OUT:
        yield f"for sds that hold {rough:.0%} of the posterior the groups' integrals have too few nodes"


def _share(trace_: Trace, density: np.ndarray, bad: np.ndarray) -> float:
    """How much of the posterior of the finite sds some of the places hold."""
    finite = np.isfinite(trace_.s)
    at, values = trace_.s[finite], density[finite]
    return float(np.trapezoid(values * bad[finite], at) / np.trapezoid(values, at))


def _along(trace_: Trace, unit: float, values: np.ndarray, name: str) -> xr.DataArray:
    import xarray as xr

    return xr.DataArray(values, coords={"sd": unit * trace_.s}, dims=["sd"], name=name)


def _ends(moved: Moving, trace_: Trace) -> dict[str, str]:
    if moved.whole:
        none = "no pooling" if trace_.trees[-1][0].pooling == "none" else "no pooling with flat priors"
        return {"at_0": "complete pooling", "at_infinity": none}
    what = " and ".join(moved.effects)
    return {"at_0": f"without {what}", "at_infinity": f"{what} not pooled, all else partially"}
