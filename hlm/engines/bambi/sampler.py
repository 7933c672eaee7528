"""The NUTS engine: Bambi builds the model, nutpie samples it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hlm.engines.interface import Options
from hlm.errors import FitError

if TYPE_CHECKING:
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel

TARGET_ACCEPT = 0.9  # nutpie's 0.8 leaves 20 to 100 divergences on pastes, whose batches hardly differ; 0.9 leaves none


def sample(model: HlmModel, options: Options, *, seed: int | None, label: str) -> xr.DataTree:
    """Sample a built model.

    options: with ``progress``, what is being done and how long it took is said on standard error, with nutpie's
        progress bar where it has one. ``sampler_kwargs`` are handed on to `bambi.Model.fit`: ``{"nuts":
        {"target_accept": 0.95}}``.
    label: what is being fitted, for that.
    result: groups ``posterior``, ``sample_stats``, ``observed_data``.
    """
    from hlm.engines.bambi.adapter import sampling_graph

    nuts = {"target_accept": TARGET_ACCEPT}
    settings = {"inference_method": "nutpie", "nuts": nuts, **(options.sampler_kwargs or {})}
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
        raise FitError(f"The sampler could not fit this model ({label}): {problem}") from problem
    if options.progress:
        print(f"{label}: done in {time.perf_counter() - started:.0f} s.", file=sys.stderr, flush=True)
    return idata


@contextmanager
def _quiet_unless(progress: bool) -> Iterator[None]:
    """PyMC and Bambi report through logging whatever the progress bar says."""
    loggers = [logging.getLogger(name) for name in ("pymc", "bambi")]
    levels = [logger.level for logger in loggers]
    if not progress:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
