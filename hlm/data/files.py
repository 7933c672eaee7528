"""A packaged name, a .csv or a .parquet file as a data frame, or a sentence why not.

A CSV is read whole and right, or refused: encodings, separators, ragged rows, double headers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlm.data.packaged_sets import list_data, load_data
from hlm.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

_OTHER = {".tsv": ", sep='\\t'", ".txt": ", sep=...", ".gz": "", ".dat": ", sep=..."}  # how pandas reads them
_LOOK = 65_536  # bytes at the start of a file that say what it is
_KINDS = {b"\x1f\x8b": "compressed (gzip)", b"PK": "a zip or Excel file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_table(name: str) -> pd.DataFrame:
    """A packaged data set, or a file.

    DataError: for a name that is neither, and a file that cannot be read, or only with columns shifted or joined.
    """
    path = Path(name)
    kind = path.suffix.lower()
    if not kind:
        return load_data(name)
    if kind not in (".csv", ".parquet"):
        known = ", ".join(list_data()["name"])
        call = f"hlm.fit_pooling(formula, pd.read_csv({path.name!r}{_OTHER.get(kind)}))"
        instead = f" In Python: {call}." if kind in _OTHER else ""
        raise DataError(f"{name!r} is not a .csv or .parquet file, nor a packaged name ({known}).{instead}")
    _check_there(path, name)
    return _read_csv(path) if kind == ".csv" else _read_parquet(path)


def _check_there(path: Path, name: str) -> None:
    try:
        if path.is_file():
            return
        if path.is_dir():
            raise DataError(f"{name!r} is a folder: name the file in it.")
        beside = [p.name for p in path.parent.glob(f"*{path.suffix}") if p.is_file()]
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


def _read_csv(path: Path) -> pd.DataFrame:
    """The table in a CSV file; one that pandas would read with columns shifted or joined is a `DataError`."""
    import pandas as pd

    refused = f"{path.name} cannot be read as CSV (UTF-8, commas)"
    try:
        with path.open("rb") as file:
            start = file.read(_LOOK)
        found = next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), None)
        if found is None and b"\0" in start:
            found = "no text: it has bytes of 0, as binary files and UTF-16 have"
        if found is not None:  # pandas would read some of these, as one odd column
            raise DataError(f"{refused}: it is {found}. Save it as CSV, UTF-8, and try again.")
        names = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
        _check_separator(path, names)
        frame = pd.read_csv(path)
    except OSError as problem:
        raise DataError(f"{path.name} cannot be read: {problem.strerror}.") from problem
    except ValueError as problem:  # pandas' errors of parsing and of empty files are ValueErrors, too
        again = f"Save it as UTF-8, or read it in Python, pd.read_csv({path.name!r}, encoding='latin-1')."
        why = f"{problem}. {again}" if isinstance(problem, UnicodeDecodeError) else str(problem).strip()
        raise DataError(f"{refused}: {why}") from problem
    _check_header(path, names, frame)
    return frame


def _check_separator(path: Path, names: list[str]) -> None:
    for separator, shown, decimal in ((";", "';'", ", decimal=','"), ("\t", "tabs", "")):
        if len(names) == 1 and separator in names[0]:
            raise DataError(
                f"{path.name} is separated by {shown}, not by commas. Save it with commas, or read it in Python, "
                f"pd.read_csv({path.name!r}, sep={separator!r}{decimal})."
            )


def _check_header(path: Path, names: list[str], frame: pd.DataFrame) -> None:
    """A header that does not fit the rows shifts or renames columns without a word."""
    import pandas as pd

    again = next((name for name in names if name and names.count(name) > 1), None)
    if again is not None:
        raise DataError(f"{path.name} has two columns named {again!r}: rename one in the first line.")
    if not isinstance(frame.index, pd.RangeIndex):
        raise DataError(
            f"{path.name} has {len(names)} names in its first line, but rows of {len(names) + frame.index.nlevels} "
            f"fields: name every column."
        )
