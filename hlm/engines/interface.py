"""What an engine is: a value that says which models it covers, what a fit costs, and draws from the posterior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hlm.engines.sampling.pareto_smoothing import GOOD_PARETO_K
from hlm.formula.formula import Term
from hlm.model.model import Model

if TYPE_CHECKING:
    import xarray as xr

type Unit = Term | None  # a grouping factor, whose groups are left out one by one; None for the rows


@dataclass(frozen=True, slots=True)
class Options:
    """How to draw."""

    # draws, chains: posterior draws in each chain, and chains
    draws: int = 1000
    chains: int = 4
    tune: int = 1000  # draws of each chain to warm up with; of engines without a Markov chain none
    seed: int | None = None
    progress: bool = False  # whether to say on standard error what is being done
    sampler_kwargs: Mapping[str, Any] | None = None  # as in {"nuts": {"target_accept": 0.95}}


class Diagnostics(Protocol):
    """Whether draws can be trusted."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""

    @property
    def problem(self) -> str | None:
        """What is wrong, as the end of a sentence; None if nothing is."""

    @property
    def sentence(self) -> str:
        """What to make of it."""


@dataclass(frozen=True, eq=False)
class Draws:
    """A posterior."""

    # group ``posterior`` with the model's parameters, ``chain`` x ``draw`` joint draws; ``observed_data``
    idata: xr.DataTree
    diagnostics: Diagnostics


@dataclass(frozen=True, slots=True)
class Cost:
    """What a fit takes, roughly."""

    memory: float  # bytes at the highest point
    seconds: float  # on one core of today, compiling apart


@dataclass(frozen=True, slots=True)
class PointwiseLoo:
    """Leave-one-out, unit by unit: response by response, or group by group.

    Attributes
    ----------
    elpd : numpy.ndarray
        Log predictive density of each unit given all others, shape (units,).
    lppd : numpy.ndarray
        The same given all units, itself included; the difference is the effective number of parameters.
    pareto_k : numpy.ndarray
        Above 0.7 the unit's ``elpd`` cannot be trusted.
    unit : str
        What was left out each time: ``observation``, a row, or the name of a grouping factor, a whole group.
    """

    elpd: np.ndarray
    lppd: np.ndarray
    pareto_k: np.ndarray
    unit: str = "observation"

    @property
    def total(self) -> float:
        return float(self.elpd.sum())

    @property
    def se(self) -> float:
        """Standard error of the total, from the variation between units."""
        return float(np.sqrt(len(self.elpd) * self.elpd.var(ddof=0)))

    @property
    def p_loo(self) -> float:
        """Effective number of parameters."""
        return float((self.lppd - self.elpd).sum())

    @property
    def bad(self) -> np.ndarray:
        """The units that cannot be trusted."""
        return np.flatnonzero(~(self.pareto_k <= GOOD_PARETO_K))


class Engine(Protocol):
    """One way to the posterior of a model."""

    @property
    def name(self) -> str:
        """The folder of the engine."""

    @property
    def label(self) -> str:
        """How sentences call it."""

    def covers(self, model: Model) -> str | None:
        """None, or the sentence that says why the engine cannot fit the model."""

    def cost(self, model: Model, options: Options) -> Cost:
        """What the fit takes."""

    def sample(self, model: Model, options: Options) -> Draws:
        """Draw from the posterior of a model that the engine covers."""

    def leave_out(self, model: Model, draws: Draws, unit: Unit) -> PointwiseLoo | None:
        """Leave-one-out with coefficients integrated out; None where the engine has none for these draws."""
