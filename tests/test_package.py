"""The package as a whole: what is public, what importing costs, that documents and code agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import hlm

ROOT = Path(__file__).parent.parent


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, hlm; print([m for m in ('bambi', 'pymc', 'pandas', 'numpy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_everything_public_is_there_and_documented() -> None:
    for name in hlm.__all__:
        thing = getattr(hlm, name)
        assert thing.__module__.startswith("hlm."), name
        assert len(thing.__doc__ or "") > 30, name
        if not isinstance(thing, type):
            assert all(part in thing.__doc__ for part in ("Parameters", "Returns", ">>>")) or name == "list_data", name
    assert set(hlm.__all__) <= set(dir(hlm))


def test_functions_are_not_hidden_by_folders() -> None:
    """A subpackage named like a public function would replace it on import; no folder may have such a name."""
    folders = {path.stem for path in (ROOT / "hlm").iterdir() if path.suffix in ("", ".py")}
    assert not folders & set(hlm.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(hlm, "fit_pooled")


def test_readme_commands_are_those_of_ci() -> None:
    """What .ci/run runs is the README's own test command."""
    commands = re.findall(r"^python3 -m venv .*$", (ROOT / "README.md").read_text(), flags=re.MULTILINE)
    assert len(commands) == 2
    assert commands[1] in (ROOT / ".ci" / "run").read_text()
    environments = {command.split(" && ")[0] for command in commands}  # of its own: pip refuses the system's
    assert environments == {"python3 -m venv .uv"}
    assert "uv run --no-dev hlm" in commands[0]
    assert ".uv" in (ROOT / ".gitignore").read_text().split()


def test_every_data_set_has_a_licence_that_the_distribution_names_and_ships() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    table = (ROOT / "hlm" / "data" / "sets" / "README.md").read_text()
    licences = dict(re.findall(r"^\| `(\w+)\.csv` \|.*\| ([\w.-]+) \|$", table, flags=re.MULTILINE))
    assert set(licences) == {path.stem for path in (ROOT / "hlm" / "data" / "sets").glob("*.csv")}
    assert {"MIT", *licences.values()} == set(project["license"].split(" AND "))
    described = (ROOT / "data" / "README.md").read_text().split("\n## ")[1:]
    for section in described:
        name = section.split()[0]
        assert f"**Licence:** {licences[name]}," in section, name
    shipped = {path.name for pattern in project["license-files"] for path in ROOT.glob(pattern)}
    assert shipped == {"LICENSE", "MIT-MixedModelsDatasets.txt", "GPL-2.0-or-later.txt", "GPL-3.0-or-later.txt"}


def test_data_of_other_licences_are_not_in_the_distributions() -> None:
    """The CSVs of the tests are "GPL-2 or GPL-3" in part, which the licence expression does not name."""
    targets = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["packages"] == ["hlm"]
    included = targets["sdist"]["include"]
    found = {path for name in included for path in [ROOT / name, *(ROOT / name).rglob("*")] if path.suffix == ".csv"}
    assert found == set((ROOT / "hlm" / "data" / "sets").glob("*.csv"))
