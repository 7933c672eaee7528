"""The engine that takes every model: Bambi builds it, nutpie's NUTS samples it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hlm.engines.bambi.build import bambi_model
from hlm.engines.bambi.memory_check import check_memory_of_model, memory_of_model
from hlm.engines.bambi.safe_names import under_safe_names, unsafe_variables, with_own_names
from hlm.engines.bambi.sampler import sample
from hlm.engines.interface import Cost, Draws, Options, PointwiseLoo, Unit
from hlm.engines.sampling.chain_diagnostics import diagnose
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import Model
from hlm.support.random_streams import spawned

LABEL: Mapping[Pooling, str] = {"complete": "complete pooling", "none": "no pooling", "partial": "partial pooling"}
_COMPILING = 8.0  # seconds, for PyTensor, once a model
_PER_ROW_AND_DRAW = 3e-7  # seconds for the density and its gradient at one row, times the steps of a draw


@dataclass(frozen=True, slots=True)
class BambiEngine:
    """The engine as a value; see `hlm.engines.interface.Engine`."""

    name: str = "bambi"
    label: str = "NUTS"

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
        safe = under_safe_names(model) if unsafe_variables(model) else model
        idata = sample(bambi_model(safe), options, seed=seed, label=LABEL[model.pooling])
        idata = idata if safe is model else with_own_names(idata, model, safe)
        return Draws(idata, diagnose(idata, model.of_kind("correlation")))

    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """None: densities given the coefficients are known for every engine's draws."""
        return None


BAMBI = BambiEngine()
