"""A file of kernels names the files that it takes compiled functions from, with their hashes: see `hlm.engines.compiled`."""

from __future__ import annotations

import ast
import hashlib
import importlib
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

import hlm

ROOT = Path(hlm.__file__).parent
FILES = [path for path in sorted((ROOT / "engines").rglob("*.py")) if "hlm.engines.compiled" in path.read_text()]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def wanted(path: Path) -> dict[str, str]:
    """The files with compiled functions that a file imports from, and their hashes."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module != "hlm.engines.compiled":
            module = importlib.import_module(node.module or "")
            if any(isinstance(getattr(module, alias.name, None), Dispatcher) for alias in node.names):
                source = Path(str(module.__file__))
                found[source.stem] = digest(source)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_of_kernels_changes_with_those_that_it_takes_functions_from(path: Path) -> None:
    name = ".".join(("hlm", *path.relative_to(ROOT).with_suffix("").parts))
    assert getattr(importlib.import_module(name), "COMPILED_WITH", {}) == wanted(path)


def test_the_kernels_of_two_engines_are_seen() -> None:
    assert {"group_integrals.py", "kernels_one_factor.py"} <= {path.name for path in FILES}
    assert set(wanted(ROOT / "engines/quadrature/kernels/effects.py")) == {"group_integrals", "matrices", "row_density"}
