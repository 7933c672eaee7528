"""The engine that takes every model: Bambi builds it, nutpie's NUTS samples it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hlm.engines.bambi.build import bambi_model
from hlm.engines.bambi.memory_check import check_memory_of_model, memory_of_model
from hlm.engines.bambi.safe_names import under_safe_names, unsafe_variables, with_own_names
from hlm.engines.bambi.starts import Start, near_complete_pooling, start_of
from hlm.engines.interface import Cost, Draws, Options, PointwiseLoo, Unit
from hlm.engines.sampling.chain_diagnostics import diagnose
from hlm.errors import FitError
from hlm.formula.pooling_formulas import LABEL
from hlm.model.model import Model
from hlm.support.random_streams import spawned

if TYPE_CHECKING:
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel

# nutpie's 0.8 leaves 20 to 100 divergences on pastes, whose batches hardly differ; 0.9 leaves none
_TARGET_ACCEPT = 0.9
_COMPILING = 8.0  # seconds, for PyTensor, once a model
_PER_ROW_AND_DRAW = 3e-7  # seconds for the density and its gradient at one row, times the steps of a draw


@dataclass(frozen=True, slots=True)
class BambiEngine:
    """The engine as a value; see `hlm.engines.interface.Engine`."""

    name: str = "bambi"
    label: str = "Bambi's NUTS"

    def covers(self, model: Model) -> str | None:
        """None: what Bambi cannot build it says itself."""
        return None

    def cost(self, model: Model, options: Options) -> Cost:
        """What the fit takes."""
        draws = options.chains * (options.tune + options.draws)
        return Cost(memory_of_model(model, draws), _COMPILING + _PER_ROW_AND_DRAW * model.rows * draws)

    def sample(self, model: Model, options: Options) -> Draws:
        """Draw from the posterior; a wrong prior or too little memory is a `FitError`."""
        check_memory_of_model(model, options.chains * (options.tune + options.draws))
        # the strategies are independent of each other
        seed = options.seed if model.pooling == "partial" else spawned(options.seed, model.pooling)
        safe = under_safe_names(model) if unsafe_variables(model, sampled=True) else model
        built = bambi_model(safe, for_sampling=True)
        start = start_of(built, safe)
        said = {"label": LABEL[model.pooling], "limits": model.family.limits_sentence}
        try:
            idata = _sampled(built, options, start, seed=seed, **said)
        except FitError as problem:
            if not (start.at_mode and "nitialization" in str(problem)):
                raise
            # a gradient that is not finite at the mode itself, of correlations at their limit for example
            idata = _sampled(built, options, near_complete_pooling(built, safe), seed=seed, **said)
        idata = idata if safe is model else with_own_names(idata, model, safe)
        return Draws(idata, diagnose(idata, model.of_kind("correlation")))

    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """None: densities given the coefficients are known for every engine's draws."""
        return None


BAMBI = BambiEngine()


def _sampled(
    model: HlmModel, options: Options, start: Start, *, seed: int | None, label: str, limits: str
) -> xr.DataTree:
    """Sample a built model.

    options: with ``progress``, what is being done and how long it took is said on standard error, with nutpie's
        progress bar where it has one. ``sampler_kwargs`` are handed on to `bambi.Model.fit`: ``{"nuts":
        {"target_accept": 0.95}}``.
    start: where the variables start.
    label: what is being fitted, for that.
    limits: what the linear predictor must be, if not any number.
    result: groups ``posterior``, ``sample_stats``, ``observed_data``.
    """
    from hlm.engines.bambi.adapter import sampling_graph

    nuts, given = {"target_accept": _TARGET_ACCEPT}, options.sampler_kwargs or {}
    settings = {"inference_method": "nutpie", "nuts": nuts, **given}
    if settings["inference_method"] in ("nutpie", "pymc"):
        at_mode = start.at_mode and settings["inference_method"] == "nutpie" and "initvals" not in settings
        settings.setdefault("initvals", dict(start.values))
        if at_mode:  # nutpie adds U(-1, 1) to each coordinate, which leads far from a narrow mode
            settings["compile_kwargs"] = {"jitter_rvs": set(), **settings.get("compile_kwargs", {})}
    started = time.perf_counter()
    if options.progress:
        said = f"{label}: compiling, then sampling {options.chains} x {options.tune + options.draws} draws ..."
        print(said, file=sys.stderr, flush=True)
    try:
        with sampling_graph(model), _quiet_unless(options.progress):
            idata: xr.DataTree = model.fit(
                draws=options.draws, tune=options.tune, chains=options.chains, random_seed=seed,
                progressbar=options.progress, **settings,
            )  # fmt: skip
    except (TypeError, ValueError, RuntimeError) as problem:
        said = str(problem).strip().partition("\n")[0].rstrip(".")  # of nutpie's, a stack of unknown frames follows
        hint = f" Perhaps {limits}." if limits else ""
        raise FitError(f"The sampler could not fit this model ({label}): {said}.{hint}") from problem
    if options.progress:
        print(f"{label}: done in {time.perf_counter() - started:.0f} s.", file=sys.stderr, flush=True)
    return idata


@contextmanager
def _quiet_unless(progress: bool) -> Iterator[None]:
    """PyMC and Bambi report through logging whatever the progress bar says."""
    levels = {logger: logger.level for logger in map(logging.getLogger, ("pymc", "bambi"))}
    for logger in () if progress else levels:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
