"""The NUTS engine: Bambi builds the model, nutpie samples it."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from hlm.errors import FitError

TARGET_ACCEPT = 0.9  # nutpie's 0.8 leaves 20 to 100 divergences on pastes, whose batches hardly differ; 0.9 leaves none


def sample(
    model: Any,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int | None,
    progress: bool,
    label: str,
    sampler_kwargs: Mapping[str, Any] | None,
) -> Any:
    """Sample a built model.

    Parameters
    ----------
    model : bambi.Model
    draws, tune, chains : int
    seed : int or None
    progress : bool
        Say on standard error what is being done and how long it took, with nutpie's progress bar where it has one.
    label : str
        What is being fitted, for that.
    sampler_kwargs : mapping, optional
        Handed on to `bambi.Model.fit`, for example ``{"nuts": {"target_accept": 0.9}}``.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``observed_data``.
    """
    from hlm.engines.bambi.adapter import sampling_graph

    options = {"inference_method": "nutpie", "nuts": {"target_accept": TARGET_ACCEPT}, **(sampler_kwargs or {})}
    started = time.perf_counter()
    if progress:
        print(f"{label}: compiling, then sampling {chains} x {tune + draws} draws ...", file=sys.stderr, flush=True)
    try:
        with sampling_graph(model), _quiet_unless(progress):
            idata = model.fit(draws=draws, tune=tune, chains=chains, random_seed=seed, progressbar=progress, **options)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise FitError(f"The sampler could not fit this model ({label}): {problem}") from problem
    if progress:
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
