"""A diagnostic that failed stands beside the numbers that rest on it, in every table and picture."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

from hlm.fits.results import Fits, fits_by_label
from hlm.formula.pooling_formulas import LABEL

if TYPE_CHECKING:
    import pandas as pd


def failed_diagnostics(fits: Fits, labels: Container[str] | None = None) -> dict[str, str]:
    """By strategy: one clause about its draws, where they are not to be trusted; of some strategies only, or of all."""
    return {
        label: f"draws of {LABEL.get(label, label)} not reliable: {fit.diagnostics.problem}"
        for label, fit in fits_by_label(fits).items()
        if not fit.diagnostics.ok and (labels is None or label in labels)
    }


def with_failed_diagnostics(table: pd.DataFrame, fits: Fits, *, by_row: bool) -> pd.DataFrame:
    """The table with these clauses in its notes.

    table: with a column ``note``. Changed in place.
    by_row: whether each row is of one strategy, named in the column ``pooling``; else every row rests on all of them.
    """
    for label, clause in failed_diagnostics(fits).items():
        missing = ~table["note"].str.contains(clause, regex=False)
        if by_row:
            missing &= table["pooling"] == label
        table.loc[missing, "note"] = [f"{note}; {clause}" if note else clause for note in table.loc[missing, "note"]]
    return table
