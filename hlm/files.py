"""Files that are whole or not there: written under another name, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


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
