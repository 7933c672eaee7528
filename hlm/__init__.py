"""Hierarchical linear models from lme4-style formulas: complete, no and partial pooling, side by side.

Everything public is loaded when it is first used, so that ``import hlm`` takes a few milliseconds. The names and their
modules stand once, in ``__init__.pyi``.
"""

import importlib
import re
from pathlib import Path

_LIST = Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")
_HOME = {name: module for module, name in re.findall(r"^from (\S+) import \w+ as (\w+)$", _LIST, re.MULTILINE)}
__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'hlm' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
