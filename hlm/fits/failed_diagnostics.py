"""A diagnostic that failed stands beside the numbers that rest on it, in every table and picture."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Any

from hlm.fits.results import fits_by_label

if TYPE_CHECKING:
    import pandas as pd


def cautions(fits: Any, arms: Container[str] | None = None) -> dict[str, str]:
    """By arm: one clause about its draws, where they are not to be trusted; of some arms only, or of all."""
    return {
        arm: f"draws of {arm} pooling not reliable: {fit.diagnostics.problem}"
        for arm, fit in fits_by_label(fits).items()
        if not fit.diagnostics.ok and (arms is None or arm in arms)
    }


def cautioned(table: pd.DataFrame, fits: Any, *, by_arm: bool) -> pd.DataFrame:
    """The table with these clauses in its notes.

    Parameters
    ----------
    table : pandas.DataFrame
        With a column ``note``. Changed in place.
    fits : PoolingFits or Fit
    by_arm : bool
        Whether each row is of one arm, named in the column ``pooling``; else every row rests on all of them.
    """
    for arm, clause in cautions(fits).items():
        missing = ~table["note"].str.contains(clause, regex=False)
        if by_arm:
            missing &= table["pooling"] == arm
        table.loc[missing, "note"] = [f"{note}; {clause}" if note else clause for note in table.loc[missing, "note"]]
    return table
