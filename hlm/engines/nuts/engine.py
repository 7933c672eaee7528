"""The compiled NUTS engine: any number of grouping factors and effects, families with a compiled log density."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.engines.interface import Cost, Draws, Options, PointwiseLoo, Unit
from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.engines.nuts.approximation import approximation, mode_of_all
from hlm.engines.nuts.block import block
from hlm.engines.nuts.chains import Chains, sample_chains
from hlm.engines.nuts.columns import Rows, sampled_rows
from hlm.engines.nuts.coverage import covers
from hlm.engines.nuts.memory_check import check_memory_of_fit, memory_of_fit
from hlm.engines.nuts.theta import Theta, theta_of
from hlm.engines.posterior_tree import JointDraws, posterior_tree
from hlm.engines.sampling.chain_diagnostics import diagnose, too_few
from hlm.errors import FitError
from hlm.formula.formula import INTERCEPT
from hlm.formula.pooling_formulas import LABEL
from hlm.model.model import Model
from hlm.support.interrupts import checkpoint
from hlm.support.linear_algebra import rotated_to_lower
from hlm.support.options import check_choice, check_mapping, check_number, check_whole, offending
from hlm.support.random_streams import spawned

if TYPE_CHECKING:
    import xarray as xr

# draws to warm up, and nutpie's target of the acceptance probability: the coordinates are nearly those of independent
# standard normal variables, so that few draws and long steps do; where they are not, the second numbers
_ENOUGH, _MORE = 400, 2  # at most; times what was asked for
_ACCEPT = 0.7, 0.95
_HIGHEST, _DEEPEST = 0.999, 20  # a target and a depth of trees that still end


@dataclass(frozen=True, slots=True)
class NutsEngine:
    """The engine as a value; see `hlm.engines.interface.Engine`."""

    name: str = "nuts"
    label: str = "NUTS"

    def covers(self, model: Model) -> str | None:
        """None, or the sentence that says why the engine cannot fit the model."""
        return covers(model)

    def cost(self, model: Model, options: Options) -> Cost:
        """What the fit takes."""
        draws = options.chains * (options.tune + options.draws)
        memory = memory_of_fit(model, options.chains * options.draws)
        return Cost(memory, 1.0 + 4e-7 * model.rows * draws)

    def sample(self, model: Model, options: Options) -> Draws:
        """Draw from the posterior; do not use the draws where their diagnostics are not ``ok``.

        Examples
        --------
        >>> from hlm import load_data
        >>> from hlm.model.resolve import resolve
        >>> model = resolve("post ~ pre + (1|school)", load_data("exam"), family="t")["partial"]
        >>> drawn = NutsEngine().sample(model, Options(seed=1, draws=500, tune=300))
        >>> round(float(drawn.idata["posterior"]["1|school_sigma"].mean()), 1), drawn.diagnostics.ok
        (0.3, True)
        """
        check_memory_of_fit(model, draws=options.draws, chains=options.chains)
        settings, started = _settings(options), time.perf_counter()
        seed = spawned(options.seed, f"{model.pooling} pooling, nuts")
        coefficients = normal_coefficients(model)
        rows, theta = sampled_rows(model, coefficients), theta_of(model, coefficients)
        numbers = block(rows, theta, approximation(rows, theta))
        found, label = None, LABEL[model.pooling]
        for tune, accept in zip((min(options.tune, _ENOUGH), _MORE * options.tune), _ACCEPT, strict=True):
            if options.progress:
                said = f"{label}: sampling {options.chains} x {tune + options.draws} draws ..."
                print(said, file=sys.stderr, flush=True)
            chains = sample_chains(
                numbers, len(theta.coordinates), rows.coefficients, draws=options.draws, tune=tune,
                chains=options.chains, seed=seed, progress=options.progress,
                settings={"target_accept": accept, **settings},
            )  # fmt: skip
            tree = posterior_tree(model, coefficients, _as_written(model, coefficients, rows, theta, chains))
            tree["sample_stats"] = _stats(chains)
            found = Draws(tree, diagnose(tree, model.of_kind("correlation")))
            if options.progress:
                print(f"{label}: done in {time.perf_counter() - started:.0f} s.", file=sys.stderr, flush=True)
            checkpoint()
            if found.diagnostics.ok or too_few(options.draws, options.chains):
                break
        assert found is not None
        return found

    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """None: densities given the coefficients are known for every engine's draws."""
        return None


NUTS = NutsEngine()


def mode_as_written(model: Model) -> xr.Dataset | None:
    """The mode that chains start at, one draw of each variable by Bambi's names; None where there is none."""
    if covers(model) is not None:
        return None
    coefficients = normal_coefficients(model)
    rows, theta = sampled_rows(model, coefficients), theta_of(model, coefficients)
    try:
        found = mode_of_all(rows, theta)
    except np.linalg.LinAlgError:
        return None
    if found is None or not np.isfinite(found).all():
        return None
    chains = Chains(found[None, None], {})
    tree = posterior_tree(model, coefficients, _as_written(model, coefficients, rows, theta, chains))
    return tree["posterior"].to_dataset()


def _settings(options: Options) -> Mapping[str, Any]:
    """The settings of the sampler, by nutpie's names; a `FitError` where they cannot be used."""
    given = options.sampler_kwargs or {}
    if other := [key for key in given if key != "nuts"]:
        raise FitError(
            f"sampler_kwargs: {offending(other[0])} is for Bambi. Write method='bambi', or {{'nuts': {{...}}}}."
        )
    nuts = given.get("nuts", {})
    check_mapping("sampler_kwargs['nuts']", nuts, "{'target_accept': 0.95}")
    found: dict[str, Any] = {}
    for name, value in (nuts or {}).items():
        check_choice("A setting in sampler_kwargs['nuts']", name, ("target_accept", "maxdepth"))
        if name == "maxdepth":
            check_whole(name, value, least=1, most=_DEEPEST)
            found[name] = int(value)
        else:
            found[name] = check_number(name, value, above=0, most=_HIGHEST)
    return found


def _stats(chains: Chains) -> xr.DataTree:
    import xarray as xr

    return xr.DataTree(xr.Dataset({name: (("chain", "draw"), values) for name, values in chains.stats.items()}))


def _as_written(model: Model, coefficients: NormalCoefficients, rows: Rows, theta: Theta, chains: Chains) -> JointDraws:
    """The draws as coefficients of the columns as they are written."""
    count, d, p = len(chains.expanded), len(theta.coordinates), rows.x.shape[1]
    flat = chains.expanded.reshape(-1, chains.expanded.shape[-1])
    values, beta = flat[:, :d], flat[:, d : d + p]
    common = coefficients.prior.mean + beta @ rows.to_common.T
    intercept = [term == INTERCEPT for term in coefficients.common.terms]
    if any(intercept):  # of the columns as they are, not centred
        common[:, intercept] -= (common @ rows.means)[:, None]
    root = theta.roots(values)
    transformation = coefficients.transformation
    factor = root if transformation is None else rotated_to_lower(root, transformation)
    effects = []
    for f, one in enumerate(coefficients.factors):
        here = rows.of_factor(f)
        mine = flat[:, d + here.start : d + here.stop].reshape(len(flat), one.size, one.width)
        if transformation is not None:
            mine = mine @ transformation[one.columns, one.columns].T
        effects.append(mine + coefficients.mean[one.columns])
    if rows.in_groups is not None:  # of each group's columns as they are, not centred there
        of_common, of_effects = rows.in_groups
        own = [term == INTERCEPT for term in coefficients.factors[0].design.terms]
        moved = np.einsum("skq,kq->sk", effects[0], of_effects) + common @ of_common.T
        effects[0][:, :, own] -= moved[:, :, None]
    named = {p.prior_name: values[:, j] for j, p in enumerate(model.of_kind("residual", "family"))}
    return JointDraws(count, named, factor, common, effects)
