"""The memory that a fit of the quadrature engine takes, known before its arrays are made."""

from __future__ import annotations

from hlm.model.model import Model
from hlm.support.memory import NUMBER, check_memory, fewer_draws

_COPIES = 3  # of the draws: as they are drawn, as coefficients of the columns as written, and one between
TOGETHER = (
    50_000_000  # numbers in the groups' integrals of all pairs, 400 MB: above, those of the chosen are found anew
)
_PASSES = 4  # over the rows: columns, those inside, sorted, their differences
_OWN = "draws of the coefficients"


def check_memory_of_fit(model: Model, *, draws: int, chains: int) -> None:
    """Raise a `FitError` where the draws, or the arrays on the way to them, would not fit."""
    numbers = _numbers(model, draws * chains)
    check_memory(
        f"The fit ({model.rows:,} rows, {draws * chains:,} draws)",
        numbers,
        f"{fewer_draws(draws, chains, numbers, _OWN)}Take fewer draws or chains, or let fewer effects vary; glmm() "
        f"gives estimates without any draws.",
    )


def memory_of_fit(model: Model, total: int) -> float:
    """Bytes at the highest point."""
    return NUMBER * sum(_numbers(model, total).values())


def _numbers(model: Model, total: int) -> dict[str, float]:
    """The large arrays by what is in them: how many numbers."""
    groups, q = max([factor.size for factor in model.factors], default=1), sum(f.width for f in model.factors)
    effects, p = groups * q, len(model.common.terms)
    return {
        _OWN: float(_COPIES) * total * (effects + p),
        "integrals of all pairs": float(min(TOGETHER, 1.2 * total * groups * (4 + q + q * q))),
        "columns of the rows": float(_PASSES) * model.rows * (p + q + 1),
    }
