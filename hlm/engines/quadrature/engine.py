"""The quadrature engine: the posterior of a model with one grouping factor in other families, without a Markov chain.

Given the common coefficients and theta the groups are independent, and the integral over a group's effects has one to
three dimensions. These integrals are the exact likelihood; Laplace's approximation only proposes.
"""

from __future__ import annotations

from dataclasses import dataclass

from hlm.engines.interface import Cost, Draws, Options, PointwiseLoo, Unit
from hlm.engines.normal_coefficients import normal_coefficients
from hlm.engines.posterior_tree import posterior_tree
from hlm.engines.quadrature.as_written import as_written
from hlm.engines.quadrature.coverage import covers
from hlm.engines.quadrature.diagnostics import QuadratureDiagnostics
from hlm.engines.quadrature.grouped_rows import grouped_rows
from hlm.engines.quadrature.left_out import left_out
from hlm.engines.quadrature.memory_check import check_memory_of_fit, memory_of_fit
from hlm.engines.quadrature.sampling import sample_pairs
from hlm.engines.quadrature.theta import theta_coordinates
from hlm.model.model import Model
from hlm.support.random_streams import stream


@dataclass(frozen=True, slots=True)
class QuadratureEngine:
    """The engine as a value; see `hlm.engines.interface.Engine`."""

    name: str = "quadrature"
    label: str = "the quadrature engine"

    def covers(self, model: Model) -> str | None:
        """None, or the sentence that says why the engine cannot fit the model."""
        return covers(model)

    def cost(self, model: Model, options: Options) -> Cost:
        """What the fit takes."""
        total, q = options.chains * options.draws, 0
        if model.pooling == "partial":
            q = sum(factor.width for factor in model.factors)
        # measured with up to 10,000 rows, all different; equal ones are summed, which makes large data faster than this
        return Cost(memory_of_fit(model, total), 0.3 + 2e-7 * (1 + q) * model.rows * total)

    def sample(self, model: Model, options: Options) -> Draws:
        """Draw from the posterior; do not use the draws where their diagnostics are not ``ok``.

        Examples
        --------
        >>> from hlm import load_data
        >>> from hlm.model.resolve import resolve
        >>> cbpp = load_data("cbpp")
        >>> model = resolve("p(incidence, size) ~ period + (1|herd)", cbpp, family="binomial")["partial"]
        >>> drawn = QuadratureEngine().sample(model, Options(seed=1))
        >>> 0.7 < float(drawn.idata["posterior"]["1|herd_sigma"].mean()) < 0.8, drawn.diagnostics.ok
        (True, True)
        """
        check_memory_of_fit(model, draws=options.draws, chains=options.chains)
        rng = stream(options.seed, f"{model.pooling} pooling, quadrature")
        coefficients = normal_coefficients(model)
        grouped = grouped_rows(model, coefficients)
        total = options.chains * options.draws
        found = sample_pairs(grouped, theta_coordinates(model, coefficients), total, rng)
        draws = as_written(model, coefficients, grouped, found.theta, found.u, found.v, options.chains)
        counts = found.rules.counts[found.chosen]
        diagnostics = QuadratureDiagnostics(
            found.pareto_k, found.ess, found.points, total, found.error, (int(counts.min()), int(counts.max())),
            found.proposals,
        )  # fmt: skip
        return Draws(posterior_tree(model, coefficients, draws), diagnostics)

    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """With the groups' effects integrated out, given the draws of the rest, from whatever engine they are."""
        if covers(model) is not None:
            return None
        return left_out(model, draws.idata["posterior"].to_dataset(), unit)


QUADRATURE = QuadratureEngine()
