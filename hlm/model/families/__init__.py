"""The families: one record each, and what the response must be. A multivariate family of Bambi's is not among them."""

from __future__ import annotations

import copyreg
from collections.abc import Mapping
from types import MappingProxyType

from hlm.errors import FitError, nearest
from hlm.model.families.continuous import CONTINUOUS
from hlm.model.families.counts import COUNTS
from hlm.model.families.family import Family
from hlm.model.families.labels import LABELS
from hlm.model.families.response_values import check_response, check_trials
from hlm.model.families.successes import SUCCESSES
from hlm.support.options import offending

__all__ = ["FAMILIES", "Family", "check_response", "check_trials", "get_family"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (*CONTINUOUS, *SUCCESSES, *COUNTS, *LABELS)}
)


def get_family(name: str) -> Family:
    """Look a family up by Bambi's name; an unknown name is a `FitError` with the nearest names."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise FitError(f"There is no family {offending(name)}. {nearest(name, FAMILIES)}")
    return FAMILIES[name]


copyreg.pickle(Family, lambda family: (get_family, (family.name,)))  # its functions cannot be pickled
