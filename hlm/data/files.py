"""Files in, a packaged name, .csv or .parquet as a data frame, or a sentence why not; files out, whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hlm.data.packaged_sets import list_data, load_data
from hlm.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd

_LOOK = 65_536  # bytes at the start of a file that say what it is
_KINDS = {b"\x1f\x8b": "compressed (gzip)", b"PK": "a zip or Excel file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_OTHER = {".tsv": "sep='\\t'", ".txt": "sep=...", ".gz": "", ".dat": "sep=..."}


def read_table(name: str) -> pd.DataFrame:
    """A packaged data set, or a file.

    Raises
    ------
    DataError
        For a name that is neither, and a file that cannot be read, or only with columns shifted or joined.
    """
    path = Path(name)
    reader = {".csv": _read_csv, ".parquet": _read_parquet}.get(path.suffix.lower())
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


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        with path.open("rb") as file:
            start = file.read(_LOOK)
        _check_text(path, start)
        names = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False).iloc[0].tolist()
        _check_separator(path, names)
        frame = pd.read_csv(path)
    except OSError as problem:
        raise DataError(f"{path.name} cannot be read: {problem.strerror}.") from problem
    except UnicodeDecodeError as problem:
        raise DataError(
            f"{path.name} cannot be read as CSV (UTF-8, commas): {problem}. Save it as UTF-8, or read it in Python, "
            f"pd.read_csv({path.name!r}, encoding='latin-1')."
        ) from problem
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as problem:
        raise DataError(f"{path.name} cannot be read as CSV (UTF-8, commas): {str(problem).strip()}") from problem
    _check_header(path, names, frame)
    return frame


def _check_text(path: Path, start: bytes) -> None:
    """What is no text of 8 bits at all, said by name: pandas would read some of it, as one odd column."""
    found = next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), None)
    if found is None and b"\0" in start:
        found = "no text: it has bytes of 0, as binary files and UTF-16 have"
    if found is not None:
        raise DataError(
            f"{path.name} cannot be read as CSV (UTF-8, commas): it is {found}. Save it as CSV, UTF-8, and try again."
        )


def _check_separator(path: Path, names: list[str]) -> None:
    for separator, shown in ((";", "';'"), ("\t", "tabs")):
        if len(names) == 1 and separator in names[0]:
            decimal = ", decimal=','" if separator == ";" else ""
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


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except ImportError as problem:
        raise DataError("Reading .parquet needs pyarrow: pip install pyarrow.") from problem
    except (OSError, ValueError) as problem:
        raise DataError(f"{path.name} cannot be read as parquet: {problem}") from problem


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file (UTF-8) that nobody ever sees half written, not after Ctrl-C or on a full disk either.

    Returns
    -------
    pathlib.Path
        Of the file.

    Raises
    ------
    OSError
        Where it cannot be written; a file that was there before is as it was.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target


def _mode(target: Path) -> int:
    """Permissions as the file has them, or as a new file gets them: temporary ones are for their owner alone."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
