"""Calls that no formula may make: misspelt functions, Python's, and those of brms and mgcv."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

from hlm.errors import FormulaError, closest
from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.parser import parse
from hlm.linting.findings import Finding, finding_at
from hlm.linting.places_in_text import calls
from hlm.linting.rewritten_formulas import if_read

_RESPONSES = ("p", "prop", "proportion", "cbind")
# What comes nearest to a function of another program, of its first argument.
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "s": "ns({x}, df = 4)", "gp": "ns({x}, df = 4)", "mo": "factor({x})", "me": "{x}", "mi": "{x}", "cs": "{x}",
        "gr": "{x}", "ln": "log({x})", "np.log": "log({x})", "square": "I({x}^2)", "standardize": "scale({x})",
        "zscore": "scale({x})", "as.numeric": "{x}", "pow": "I({x}^2)",
    }
)  # fmt: skip


def unknown_functions(text: str, functions: Collection[str] = ()) -> Iterator[Finding]:
    """A finding for each call of a function that formulas do not have."""
    right = text.find("~")
    for name, (start, stop) in calls(text):
        response = name in _RESPONSES and start < right
        if name in FUNCTIONS or name in functions or response:
            continue
        call = text[start:stop]
        try:
            parse(f"` ` ~ {call}", functions=functions)
        except FormulaError as problem:
            instead = _instead(name, call)
            changed = None if instead is None else if_read(text[:start] + instead + text[stop:], functions)
            yield finding_at("unknown-function", text, (start, stop), problem.message, changed)


def _instead(name: str, call: str) -> str | None:
    """The call with the function that was probably meant."""
    inside = call[call.index("(") + 1 : -1]
    if name in _INSTEAD:
        return _INSTEAD[name].format(x=inside.partition(",")[0].strip())
    last = name.rpartition(".")[2]  # np.log
    near = [last] if last in FUNCTIONS else closest(name, list(FUNCTIONS))
    return f"{near[0]}({inside})" if near and len(name) > 1 else None
