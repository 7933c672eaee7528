"""The engines in the order in which they are tried; a new engine is one more line."""

from __future__ import annotations

from collections.abc import Mapping

from hlm.engines.bambi.engine import BAMBI
from hlm.engines.exact.engine import EXACT
from hlm.engines.interface import Engine
from hlm.engines.nuts.engine import NUTS
from hlm.engines.quadrature.engine import QUADRATURE
from hlm.model.model import Model
from hlm.support.options import Method

ENGINES: tuple[Engine, ...] = (EXACT, QUADRATURE, NUTS, BAMBI)
BY_METHOD: Mapping[Method, tuple[Engine, ...]] = {
    "auto": ENGINES,
    "exact": (EXACT, QUADRATURE),  # no Markov chain
    "nuts": (NUTS, BAMBI),
    "bambi": (BAMBI,),  # Bambi's own model and sampler, whatever faster engines there are
}


def without_chain(model: Model) -> Engine:
    """Of the engines without a Markov chain, the one that is meant for a model's family."""
    return EXACT if model.family.name == "gaussian" else QUADRATURE


def engine_named(name: str) -> Engine:
    """The engine of a folder."""
    return next(engine for engine in ENGINES if engine.name == name)
