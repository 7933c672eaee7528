"""nutpie's chains on the compiled density, side by side, each started at a point of Laplace's approximation."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlm.engines.nuts.kernels.log_density import EXPANDS, callbacks

_TRIES = 20


@dataclass(frozen=True, slots=True)
class Chains:
    """Draws of all chains."""

    expanded: np.ndarray  # shape (chains, draws, d + coefficients); values of theta, beta, b
    stats: Mapping[str, np.ndarray]  # by nutpie's name, shape (chains, draws)


def sample_chains(
    numbers: np.ndarray, theta: int, coefficients: int, *, draws: int, tune: int, chains: int, seed: int | None,
    progress: bool, settings: Mapping[str, Any],
) -> Chains:  # fmt: skip
    """Sample the density of a `block`."""
    import nutpie
    from nutpie.compile_pymc import CompiledPyMCModel

    size = theta + coefficients
    density, keep = callbacks()
    model = CompiledPyMCModel(
        dims={}, _n_dim=size, _coords={}, _shapes={"x": (size,)}, compiled_logp_func=density,
        compiled_expand_func=keep, initial_point_func=lambda seed: _start(numbers, size, seed),
        shared_data={}, shared_var_keys={}, user_data=numbers, n_expanded=size,
        shape_info=(["x"], [slice(0, size)], [(size,)]), logp_func=None, expand_func=None,
    )  # fmt: skip
    found = nutpie.sample(
        model, draws=draws, tune=tune, chains=chains, seed=seed, progress_bar=progress, save_warmup=False,
        **settings,
    )  # fmt: skip
    stats = found["sample_stats"].to_dataset()
    kept = {str(name): v.to_numpy() for name, v in stats.data_vars.items() if v.dims == ("chain", "draw")}
    points = np.ascontiguousarray(found["posterior"]["x"].to_numpy().reshape(-1, size))
    return Chains(_expanded(numbers, points).reshape(chains, draws, size), kept)


def density_at(numbers: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The log density of a `block` at a point and its slopes; None where they are not finite."""
    out, density = np.empty_like(x), np.empty(1)
    return None if _called(numbers, x, out, density) else (float(density[0]), out)


def _expanded(numbers: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(values of theta, beta, b) of many points, shape (S, d + coefficients)."""
    asking, out, unused = numbers.copy(), np.empty_like(points), np.empty(1)
    asking[EXPANDS] = 1
    for point, row in zip(points, out, strict=True):
        _called(asking, point, row, unused)
    return out


def _called(numbers: np.ndarray, *arrays: np.ndarray) -> int:
    real = ctypes.POINTER(ctypes.c_double)
    places = (array.ctypes.data_as(real) for array in arrays)
    return int(callbacks()[0].ctypes(len(arrays[0]), *places, numbers.ctypes.data))


def _start(numbers: np.ndarray, size: int, seed: int | None) -> np.ndarray:
    """A point of the approximation with a finite density; nearer to the mode where there was none."""
    rng, x = np.random.default_rng(seed), np.zeros(size)
    for k in range(_TRIES):
        x = rng.standard_normal(size) * 0.8**k
        if density_at(numbers, x) is not None:
            break
    return x
