"""How calibration.py fits a data set with each engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from compile_once import compiled_once
from laplace_only import laplace_only
from simulated import Shape

SAMPLING: dict[str, dict[str, Any]] = {
    "exact": {"method": "exact", "poolings": ("complete", "none", "partial"), "chains": 4, "draws": 250},
    "quadrature": {"method": "exact", "poolings": ("partial",), "chains": 4, "draws": 250},
    "laplace": {"method": "exact", "poolings": ("partial",), "chains": 4, "draws": 250},
    "nuts": {
        "method": "bambi", "poolings": ("partial",), "chains": 2, "draws": 1000, "tune": 500,
        "sampler_kwargs": {"cores": 1, "compute_convergence_checks": False},
    },
}  # fmt: skip


def fits_family(engine: str, shape: Shape) -> bool:
    """Whether an engine without a Markov chain is meant for the shape's family."""
    return (engine == "exact") == (shape.family == "gaussian")


@contextmanager
def surroundings(engine: str, compiled: list[Any]) -> Iterator[None]:
    """What an engine's fits take place in: no row is left out, which can take longer than the fit.

    compiled: see `compiled_once`.
    """
    from hlm.fits import run_engines

    special = {"nuts": lambda: compiled_once(compiled), "laplace": laplace_only}.get(engine, nullcontext)
    with patch.dict(run_engines._LOO_NUMBERS, exact=0, nuts=0), special():
        yield


def fitted(shape: Shape, frame: Any, engine: str, seed: int) -> Any:
    """The fits of one data set, all that `SAMPLING` asks for; with orthogonalised columns partial pooling alone."""
    import hlm

    if any(bar.orthogonalised for bar in shape.bars):
        return orthogonalised(shape, frame, engine, seed)
    options = {"family": shape.family, "priors": shape.priors, "seed": seed, "progress": False}
    return hlm.fit_pooling(shape.formula, frame, **options, **SAMPLING[engine])


def orthogonalised(shape: Shape, frame: Any, engine: str, seed: int) -> Any:
    """A fit whose given priors belong to orthogonalised columns, as default ones do."""
    from hlm.engines.interface import Options
    from hlm.fits.results import PoolingFits
    from hlm.fits.run_engines import run_engines
    from hlm.model.resolve import resolve

    model = replace(resolve(shape.formula, frame, priors=shape.priors)["partial"], as_written=frozenset())
    wanted = {key: value for key, value in SAMPLING[engine].items() if key not in ("method", "poolings")}
    fit = run_engines(model, SAMPLING[engine]["method"], Options(**wanted, seed=seed))
    return PoolingFits({"partial": fit})
