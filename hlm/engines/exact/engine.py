"""The exact engine: the posterior of a gaussian hierarchical model without a Markov chain.

All coefficients are integrated out, so that only theta (the standard deviations and correlations, a few dimensions) has
to be sampled; then the coefficients are drawn exactly, given theta. docs/engine.md follows one evaluation of the
likelihood and one draw through the files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.engines.exact.coverage import covers
from hlm.engines.exact.diagnostics import ExactDiagnostics, rounding
from hlm.engines.exact.draws.coefficients import draw_coefficients
from hlm.engines.exact.draws.separate_residuals import sample_separate
from hlm.engines.exact.gaussian_model import gaussian_model, summed
from hlm.engines.exact.left_out.leave_one_out import integrated_group_loo, integrated_loo
from hlm.engines.exact.memory_check import check_memory_of_fit, cost, most_points
from hlm.engines.exact.theta.starts import make_parameters
from hlm.engines.exact.theta.weighted_thetas import theta_of, weighted_thetas
from hlm.engines.interface import Cost, Draws, Options, PointwiseLoo, Unit
from hlm.engines.posterior_tree import posterior_tree
from hlm.engines.sampling.importance_sampling import resample
from hlm.model.model import Model
from hlm.support.random_streams import stream

_CHECKED = 4  # draws at which rounding is looked at


@dataclass(frozen=True, slots=True)
class ExactEngine:
    """The engine as a value; see `hlm.engines.interface.Engine`."""

    name: str = "exact"
    label: str = "the exact engine"

    def covers(self, model: Model) -> str | None:
        """None, or the sentence that says why the engine cannot fit the model."""
        return covers(model)

    def cost(self, model: Model, options: Options) -> Cost:
        """What the fit takes."""
        return cost(gaussian_model(model), options)

    def sample(self, model: Model, options: Options) -> Draws:
        """Draw from the posterior; do not use the draws where their diagnostics are not ``ok``.

        Examples
        --------
        >>> from hlm import load_data
        >>> from hlm.model.resolve import resolve
        >>> model = resolve("post ~ pre + (pre|school)", load_data("exam"))["partial"]
        >>> drawn = ExactEngine().sample(model, Options(seed=1))
        >>> round(float(drawn.idata["posterior"]["1|school_sigma"].mean()), 2), drawn.diagnostics.ok
        (0.31, True)
        """
        return sample_separate(model, options) if model.separate is not None else _sample(model, options)

    @np.errstate(all="ignore")  # where rounding leaves nothing, densities are NaN, and Pareto k infinite
    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """With all coefficients integrated out, given the draws of theta, from whatever engine they are."""
        if model.separate is not None or covers(model) is not None:
            return None
        gaussian = gaussian_model(model)
        theta = theta_of(draws.idata["posterior"].to_dataset(), gaussian)
        if unit is None:
            return integrated_loo(theta, gaussian)
        return integrated_group_loo(theta, gaussian, model.data.codes(unit), unit.name)


EXACT = ExactEngine()


def _sample(model: Model, options: Options) -> Draws:
    rng = stream(options.seed, f"{model.pooling} pooling")
    gaussian = gaussian_model(model)
    check_memory_of_fit(gaussian, draws=options.draws, chains=options.chains)
    sums = summed(gaussian)
    total, most = options.chains * options.draws, int(most_points(gaussian, sums.operations))
    parameters, starts = make_parameters(gaussian, sums, model.priors)
    sampled = weighted_thetas(parameters, starts, sums, gaussian.prior, draws=total, most=most, rng=rng)
    found = sampled.points
    chosen, which = np.unique(resample(found, total, rng), return_inverse=True)
    theta, given = sampled.theta.some(chosen), sampled.given.some(chosen)
    drawn = draw_coefficients(gaussian, sums, theta, given, which, chains=options.chains, rng=rng)
    some = np.linspace(0, len(chosen) - 1, _CHECKED).astype(int)
    error = rounding(sums, theta.some(some), gaussian.prior, given.some(some)) if drawn.finite else np.inf
    diagnostics = ExactDiagnostics(found.pareto_k, found.ess, len(found.weights), total, found.lost, error)
    return Draws(posterior_tree(model, gaussian, drawn.joint), diagnostics)
