"""CSV files: read whole and right, or refused with a sentence: encodings, separators, ragged rows, double headers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hlm.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_LOOK = 65_536  # bytes at the start of a file that say what it is
_KINDS = {b"\x1f\x8b": "compressed (gzip)", b"PK": "a zip or Excel file", b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_csv(path: Path) -> pd.DataFrame:
    """The table in a CSV file; a file that pandas would read with columns shifted or joined is a `DataError`."""
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
    """A file that is not 8-bit text is named in an error: pandas would read some of it, as one odd column."""
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
