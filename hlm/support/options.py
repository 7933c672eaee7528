"""Checks of the public functions' options; an error says what was given and what is allowed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

from hlm.errors import FitError, HlmError

Method = Literal["auto", "exact", "nuts", "bambi"]
DEFAULT_PROB = 0.89  # ArviZ's default
_LONGEST = 80  # characters of an offending value that are shown


def offending(value: object) -> str:
    """A value as its caller wrote it; of a long one, such as a data frame, the type."""
    text = repr(value)
    return text if len(text) <= _LONGEST and "\n" not in text else f"a {type(value).__name__}"


def check_choice(name: str, value: object, allowed: Sequence[str]) -> None:
    """One of a few words."""
    if not (isinstance(value, str) and value in allowed):
        raise FitError(f"{name} is one of {', '.join(map(repr, allowed))}, not {offending(value)}.")


def check_flag(name: str, value: object) -> None:
    """True or False, not a value that counts as one of them."""
    if not isinstance(value, bool):
        raise FitError(f"{name} is True or False, not {offending(value)}.")


def check_whole(
    name: str, value: Any, *, least: int, most: int | None = None, error: type[HlmError] = FitError
) -> None:
    """A whole number within its limits, Python's or numpy's."""
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    above = whole and most is not None and int(value) > most
    if above or not whole or int(value) < least:
        upper = f" and at most {most:,}" if above else ""
        raise error(f"{name} is a whole number of at least {least}{upper}, not {offending(value)}.")


def check_number(
    name: str, value: Any, *, above: float = -math.inf, most: float = math.inf, error: type[HlmError] = FitError
) -> float:
    """A finite number above one limit, and at most the other."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not (number and math.isfinite(value) and above < value <= most):
        lower = "" if above == -math.inf else f" above {above:g}"
        upper = "" if most == math.inf else f" and at most {most:g}"
        raise error(f"{name} is a number{lower}{upper if number and value > most else ''}, not {offending(value)}.")
    return float(value)


def check_seed(seed: Any, *, error: type[HlmError] = FitError) -> None:
    """None, or a whole number that numpy and nutpie can both start from."""
    whole = isinstance(seed, Integral) and not isinstance(seed, bool)
    if seed is not None and not (whole and int(seed) >= 0):
        raise error(f"seed is a whole number of 0 or more, not {offending(seed)}.")


def checked_prob(prob: Any) -> float:
    """The probability of an interval; None is the default."""
    if prob is None:
        return DEFAULT_PROB
    if isinstance(prob, bool) or not (isinstance(prob, Real) and 0 < float(prob) < 1):
        raise FitError(f"prob is a probability between 0 and 1, such as 0.89, not {offending(prob)}.")
    return float(prob)


def check_functions(functions: Any) -> None:
    """The caller's own functions: names to callables."""
    if functions is None:
        return
    named = isinstance(functions, Mapping) and all(isinstance(name, str) for name in functions)
    if not (named and all(map(callable, functions.values()))):
        raise FitError(
            f"functions is a mapping of names to functions, such as {{'twice': lambda x: 2 * x}}, "
            f"not {offending(functions)}."
        )


def check_mapping(name: str, value: object, example: str) -> None:
    """None, or a mapping whose keys are names."""
    if value is None or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        return
    raise FitError(f"{name} is a mapping such as {example}, not {offending(value)}.")


def check_list(name: str, value: Any, example: str) -> tuple[Any, ...]:
    """A sequence of labels, not one text, none of them twice (308 and "308" are one label)."""
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__") or getattr(value, "ndim", 1) != 1:
        raise FitError(f"{name} is a list such as {example}, not {offending(value)}.")
    values = tuple(value)
    repeated = [text for text, count in Counter(map(str, values)).items() if count > 1]
    if repeated:
        raise FitError(f"{name} has {repeated[0]!r} more than once: name each once.")
    return values
