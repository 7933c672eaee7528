"""The memory that a fit of compiled NUTS takes, known before its arrays are made."""

from __future__ import annotations

from hlm.engines.nuts.columns import MOST_BORDER, MOST_DENSE
from hlm.model.model import Model
from hlm.support.memory import NUMBER, check_memory, fewer_draws

_COPIES = 5  # of the draws: nutpie's, in one array, as effects, as coefficients of the columns as written, in the tree
_PASSES = 4  # over the rows: columns as written, centred, scaled, and for the compiled density
_TRIANGLES = 5  # of the middle: its curvature, scaled, its root, the inverse of that, and for the compiled density
_OWN = "draws of the coefficients"


def check_memory_of_fit(model: Model, *, draws: int, chains: int) -> None:
    """Raise a `FitError` where the draws, or the arrays on the way to them, would not fit."""
    numbers = _numbers(model, draws * chains)
    check_memory(
        f"The fit ({model.rows:,} rows, {draws * chains:,} draws)",
        numbers,
        f"{fewer_draws(draws, chains, numbers, _OWN)}Take fewer draws or chains, fewer groups or rows, or let fewer "
        f"effects vary.",
    )


def memory_of_fit(model: Model, total: int) -> float:
    """Bytes at the highest point."""
    return NUMBER * sum(_numbers(model, total).values())


def _numbers(model: Model, total: int) -> dict[str, float]:
    """The large arrays by what is in them: how many numbers."""
    p, widths = len(model.common.labels), [factor.width for factor in model.factors]
    effects = sum(factor.size * factor.width for factor in model.factors)
    dense = min(p + effects, p + MOST_DENSE)
    return {
        _OWN: float(_COPIES) * total * (effects + p),
        "columns of the rows": float(_PASSES) * model.rows * (p + sum(widths) + len(widths) + 1),
        "curvature": float(_TRIANGLES) * dense**2
        + 2 * effects * max(widths, default=1)
        + min(2 * effects * dense, 2 * MOST_BORDER),
    }
