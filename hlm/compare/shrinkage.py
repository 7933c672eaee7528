"""`shrinkage`: for each group, where the three strategies put it and how far partial pooling moved it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hlm.compare.slopes import compare_slopes
from hlm.errors import FitError

if TYPE_CHECKING:
    import pandas as pd


def shrinkage(fits: Any, *, term: str | None = None, group: str | None = None) -> pd.DataFrame:
    """What pooling did to each group.

    Parameters
    ----------
    fits : PoolingFits
        With the arms ``"none"`` and ``"partial"`` at least.
    term : str, optional
        By default every term that varies by the group.
    group : str, optional
        The grouping factor; needed where there are several.

    Returns
    -------
    pandas.DataFrame
        One row per group level x term: ``group, level, term, n, complete, none, partial, movement, note``. The arms'
        columns are posterior means; ``movement`` is partial minus none. Where a group's own rows cannot determine
        the coefficient, ``none`` and ``movement`` are NaN and the note says so. ``complete`` is NaN without that arm.
        With correlated effects a coefficient can move away from the common one: it follows the group's other
        coefficient.

    Raises
    ------
    FitError
        Where an arm is missing.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, shrinkage
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...                    draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> shrinkage(fits, term="Days").shape
    (18, 9)
    """
    for arm in ("none", "partial"):
        if not isinstance(fits, Mapping) or arm not in fits:
            raise FitError(f"shrinkage compares no pooling with partial pooling: fit both, the arm {arm!r} is missing.")
    table = compare_slopes(fits, term=term, group=group)
    keys = ["group", "level", "term", "n"]
    notes = table[table["pooling"] == "none"].set_index(keys)["note"]
    wide = table.set_index([*keys, "pooling"])["estimate"].unstack("pooling").loc[notes.index]
    wide = wide.reindex(columns=["complete", "none", "partial"])
    wide["movement"] = wide["partial"] - wide["none"]
    return wide.assign(note=notes).reset_index().rename_axis(columns=None)
