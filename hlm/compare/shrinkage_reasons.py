"""Why a group was pooled as much as it was: a sentence from the numbers of its row in the shrinkage table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hlm.compare.group_information import Level

if TYPE_CHECKING:
    import pandas as pd


def reasons(table: pd.DataFrame, level: Level | None) -> list[str]:
    """One sentence for each row.

    table: with ``group, level, term, n, pooled, share, ratio, none``.
    level: None where pooling is not measured.
    """
    halves = {} if level is None else dict(zip(level.labels, half_sizes(level), strict=True))
    several = level is not None and len(level.labels) > 1
    inner = level.inner if level is not None else ()
    return [_sentence(row, halves.get(str(row.term), np.nan), several, inner) for row in table.itertuples(index=False)]


def half_sizes(level: Level) -> np.ndarray:
    """Rows of average spread at which a group weighs as much as the others, shape (q,)."""
    sums = level.half_sums()
    return np.asarray(np.divide(sums, level.spread, out=np.full(len(sums), np.nan), where=level.spread > 0))


def _sentence(row: object, half: float, several: bool, inner: tuple[str, ...]) -> str:
    group, name, n, term = (getattr(row, field) for field in ("group", "level", "n", "term"))
    said = [f"{group} {name}: {n} row{'' if n == 1 else 's'}"]
    if inner:
        said[0] += f", in groups of {inner[-1]} that differ among themselves"
    if np.isfinite(half):
        said.append(f"{number(half)} would count as much for {term} as what the other groups of {group} say")
    pooled, share, ratio = (getattr(row, field) for field in ("pooled", "share", "ratio"))
    if np.isfinite(pooled):
        own = f"{min(max(share, 0.0), 1.0):.0%} of its {term}" if np.isfinite(share) else ""
        whole = f"{pooled:.0%} of its coefficients together" if several else ""
        said.append(f"the others decide {' and '.join(part for part in (own, whole) if part)}")
    if np.isnan(getattr(row, "none")):  # noqa: B009 - a row has no attributes that a checker knows
        said.append("its own rows cannot tell, so what is said is the other groups' and its other coefficients'")
    elif np.isfinite(ratio) and 0 <= ratio <= 1:
        said.append(f"its {term} moved {ratio:.0%} of the way to the common one")
    elif np.isfinite(ratio):
        said.append(
            f"its {term} moved with its other coefficients, {'past' if ratio > 1 else 'away from'} the common one"
        )
    return "; ".join(part for part in said if part)


def number(value: float) -> str:
    """Whole numbers from 3 on."""
    if value >= 1e4:
        return "more than 10,000"
    if value < 1:
        return "less than one"
    return f"{value:.0f}" if value >= 3 else f"{value:.2g}"
