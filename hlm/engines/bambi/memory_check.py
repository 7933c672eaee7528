"""The memory that a Bambi model and its draws take, known before it is built."""

from __future__ import annotations

from hlm.model.model import Model
from hlm.support.memory import NUMBER, check_memory

_DESIGN = {"complete": 1, "none": 4, "partial": 2}  # copies of the dummy columns, as measured
_DRAWS = 4  # each effect and its offset, in the sampler and in the result


def check_memory_of_model(model: Model, draws: int = 0) -> None:
    """Raise a `FitError` where the groups' dummy columns, which formulae makes dense, or the draws would not fit.

    draws: in all chains, those for warming up included; 0 where nothing is sampled.
    """
    effects = sum(factor.size * factor.width for factor in model.factors)
    check_memory(
        f"Building this model ({model.rows:,} rows, {effects:,} coefficients of groups)",
        _numbers(model, draws),
        "In the gaussian family the exact engine makes no dummy columns (method='auto', Normal priors). Otherwise "
        "take fewer groups or rows, fewer varying effects, or fewer draws.",
    )


def memory_of_model(model: Model, draws: int) -> float:
    """Bytes at the highest point."""
    return NUMBER * sum(_numbers(model, draws).values())


def _numbers(model: Model, draws: int) -> dict[str, float]:
    effects = float(sum(factor.size * factor.width for factor in model.factors))
    columns = _DESIGN[model.pooling] * model.rows * effects
    return {"dummy columns of the groups": columns, "draws": _DRAWS * draws * effects}
