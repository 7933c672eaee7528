"""A packaged name, a .csv or a .parquet file as a data frame, or a sentence why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlm.data.csv_files import read_csv
from hlm.data.packaged_sets import list_data, load_data
from hlm.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

_OTHER = {".tsv": "sep='\\t'", ".txt": "sep=...", ".gz": "", ".dat": "sep=..."}


def read_table(name: str) -> pd.DataFrame:
    """A packaged data set, or a file.

    DataError: for a name that is neither, and a file that cannot be read, or only with columns shifted or joined.
    """
    path = Path(name)
    reader = {".csv": read_csv, ".parquet": _read_parquet}.get(path.suffix.lower())
    if reader is None:
        if path.suffix:
            known = ", ".join(list_data()["name"])
            raise DataError(f"{name!r} is not a .csv or .parquet file, nor a packaged name ({known}).{_instead(path)}")
        return load_data(name)
    _check_there(path, name)
    return reader(path)


def _instead(path: Path) -> str:
    """How Python reads what the command line does not."""
    if path.suffix.lower() not in _OTHER:
        return ""
    option = _OTHER[path.suffix.lower()]
    return f" In Python: hlm.fit_pooling(formula, pd.read_csv({path.name!r}{', ' if option else ''}{option}))."


def _check_there(path: Path, name: str) -> None:
    try:
        if path.is_file():
            return
        if path.is_dir():
            raise DataError(f"{name!r} is a folder: name the file in it.")
        beside = [p.name for p in path.parent.glob(f"*{path.suffix}") if p.is_file()] if path.parent.is_dir() else []
    except OSError as problem:  # a name that no file can have
        raise DataError(f"There is no file {name[:60]!r}: {problem.strerror}.") from problem
    raise DataError(f"There is no file {name!r}.{' ' + nearest(path.name, beside) if beside else ''}")


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as problem:
        raise DataError("Reading .parquet needs pyarrow: pip install pyarrow.") from problem
    except (OSError, ValueError) as problem:
        raise DataError(f"{path.name} cannot be read as parquet: {problem}") from problem
