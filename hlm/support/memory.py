"""The memory check: arrays that do not fit into memory are refused before they are made, with their sizes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hlm.errors import FitError

NUMBER = 8  # bytes of one
_MEMINFO = Path("/proc/meminfo")
_GROUPS = (  # of a container: the limit of its memory, and how much it uses
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def check_memory(what: str, numbers: Mapping[str, float], instead: str) -> None:
    """Raise where arrays that are about to be made are larger than the free memory.

    what: what is about to be made, as the subject of a sentence.
    numbers: for each large array, by what is in it: the most floating-point numbers at any time, copies included.
    instead: what to do, as sentences.
    FitError: with the sizes of the largest.

    Examples
    --------
    >>> check_memory("A small table", {"rows": 1000}, "Nothing needs to be done.")
    """
    need, free = NUMBER * sum(numbers.values()), _free()
    if need <= free:
        return
    largest = sorted(numbers.items(), key=lambda part: -part[1])
    parts = ", ".join(f"{name} {_size(NUMBER * size)}" for name, size in largest if size > 0.05 * largest[0][1])
    raise FitError(f"{what} would need about {_size(need)} of memory ({parts}), and {_size(free)} are free. {instead}")


def fewer_draws(draws: int, chains: int, numbers: Mapping[str, float], growing: str) -> str:
    """How many draws per chain would fit into memory, as a sentence; empty where fewer would not help.

    draws, chains: what was asked for.
    numbers: as for `check_memory`.
    growing: the arrays that grow with the draws.
    """
    free = _free() / NUMBER - sum(size for name, size in numbers.items() if name != growing)
    fitting = int(0.9 * draws * free / numbers[growing]) if min(free, numbers[growing]) > 0 else 0
    if fitting >= draws or fitting * chains < 100:
        return ""
    return f"There is memory for draws={fitting} in {chains} chain(s). "


def _free() -> float:
    """Bytes that are free, in a container those below its limit; infinite where they are unknown."""
    found: list[float] = []
    with suppress(OSError, StopIteration, ValueError):
        lines = _MEMINFO.read_text().splitlines()
        found.append(1024.0 * next(float(line.split()[1]) for line in lines if line.startswith("MemAvailable:")))
    if not found:  # macOS: the total memory
        with suppress(AttributeError, OSError, ValueError):
            found.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    for limit, used in _GROUPS:
        with suppress(OSError, ValueError):  # no such group, or "max"
            found.append(float(limit.read_text()) - float(used.read_text()))
    return min(found, default=float("inf"))


def _size(bytes_: float) -> str:
    return f"{bytes_ / 1e6:,.0f} MB" if bytes_ < 1e9 else f"{bytes_ / 1e9:,.1f} GB"
