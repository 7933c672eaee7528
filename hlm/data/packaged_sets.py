"""The packaged data sets: six classics of multilevel modelling, ready to fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlm.data.pandas_polars_arrow import sorted_labels
from hlm.errors import DataError, nearest
from hlm.support.options import offending

if TYPE_CHECKING:
    import pandas as pd

_DATASETS = (  # name, rows, groups, story, source: one row each of the table that `list_data` shows
    ("exam", 4059, "school (65)", "Does an intake reading test predict the exam at 16 equally well in every school?",
     "Goldstein et al. (1993), Oxford Review of Education; R package mlmRev"),
    ("sleepstudy", 180, "Subject (18)", "How much slower does each person react with every day of too little sleep?",
     "Belenky et al. (2003), Journal of Sleep Research; R package lme4"),
    ("radon", 919, "county (85)",
     "How much radon is in a home, given the floor it was measured on and the county's soil?",
     "Price et al. (1996), Health Physics; Gelman and Hill (2007); R package rstanarm"),
    ("pastes", 60, "batch (10), sample (30)",
     "Does the strength of a paste vary between deliveries, or between casks of one delivery?",
     "Davies and Goldsmith (1972), section 6.5; R package lme4"),
    ("penicillin", 144, "plate (24), sample (6)",
     "Every penicillin sample on every plate: which of the two makes the measurement vary?",
     "Davies and Goldsmith (1972), section 6.6; R package lme4"),
    ("cbpp", 56, "herd (15)", "How fast does a cattle disease spread in a herd, quarter by quarter?",
     "Lesnoff et al. (2004), Preventive Veterinary Medicine; R package lme4"),
)  # fmt: skip
_NAMES = tuple(name for name, *_ in _DATASETS)
_IDENTIFIERS = ("school", "student", "Subject", "county", "batch", "cask", "sample", "plate", "herd", "period")


def load_data(name: str) -> pd.DataFrame:
    """One of the packaged data sets, with its group columns marked as categories.

    Where each set comes from, what its columns mean and what is easy to get wrong with it is in ``data/README.md``.

    Parameters
    ----------
    name : str
        A name from `list_data`.

    Returns
    -------
    pandas.DataFrame
        A new frame each time. Identifiers and text are unordered categories of strings, in numeric order when every
        label is an integer (``"2"`` before ``"10"``), else in alphabetical order; every other column is numeric.

    Raises
    ------
    DataError
        If there is no data set of that name.

    Examples
    --------
    >>> from hlm import load_data
    >>> exam = load_data("exam")
    >>> exam.shape
    (4059, 10)
    >>> exam["school"].cat.categories[:3].tolist()
    ['1', '2', '3']
    """
    if not isinstance(name, str) or name not in _NAMES:
        raise DataError(f"There is no packaged data set {offending(name)}. {nearest(name, _NAMES)}")
    path = Path(__file__).parent / "sets" / f"{name}.csv"  # in a clone as in an installed package
    if not path.is_file():
        raise DataError(f"The file of {name!r} is missing: no {path}. Install hlm again.")
    import pandas as pd

    frame = pd.read_csv(path, dtype=dict.fromkeys(_IDENTIFIERS, str))
    labels = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{c: pd.Categorical(frame[c], sorted_labels(set(frame[c]))) for c in labels})


def list_data() -> pd.DataFrame:
    """The packaged data sets: how large each one is, what it asks and who collected it.

    Returns
    -------
    pandas.DataFrame
        One row per data set, with columns ``name``, ``rows``, ``groups`` (each grouping factor with its number of
        levels), ``story`` and ``source``.

    Examples
    --------
    >>> from hlm import list_data
    >>> print(list_data()[["name", "rows", "groups"]].tail(2).to_string(index=False))
          name  rows                 groups
    penicillin   144 plate (24), sample (6)
          cbpp    56              herd (15)
    """
    import pandas as pd

    return pd.DataFrame(_DATASETS, columns=["name", "rows", "groups", "story", "source"])
