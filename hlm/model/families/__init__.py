"""The families: one record each, and what the response must be. A multivariate family of Bambi's is not among them."""

from __future__ import annotations

import copyreg
import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from hlm.errors import FitError, nearest
from hlm.model.families.continuous import CONTINUOUS
from hlm.model.families.counts import COUNTS
from hlm.model.families.family import Family
from hlm.model.families.labels import LABELS
from hlm.model.families.other_names import OTHER_NAMES, REMARKS
from hlm.model.families.response_values import check_response, check_trials, order_of_labels
from hlm.model.families.successes import SUCCESSES
from hlm.support.options import offending

__all__ = ["FAMILIES", "Family", "check_response", "check_trials", "chosen_link", "get_family", "order_of_labels"]

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (*CONTINUOUS, *SUCCESSES, *COUNTS, *LABELS)}
)


def get_family(name: str, link: str | None = None) -> Family:
    """A family by Bambi's name, under a link; an unknown name is a `FitError` that says what to type."""
    if not isinstance(name, str) or name not in FAMILIES:
        raise FitError(_what_to_type(name))
    if link is not None and not isinstance(link, str):
        raise FitError(f"link is the name of a link, such as {FAMILIES[name].link!r}, not {offending(link)}.")
    return FAMILIES[name] if link is None else _under(name, link)


def chosen_link(family: Family) -> str | None:
    """The name of the family's link; None where it is the default."""
    return None if family.link == FAMILIES[family.name].link else family.link


@lru_cache
def _under(name: str, link: str) -> Family:
    return FAMILIES[name].with_link(link)


def _what_to_type(name: object) -> str:
    """What is wrong with the name of a family, and what to write instead."""
    if not isinstance(name, str):
        return f"family is the name of a family, such as 'bernoulli' or 'poisson', not {offending(name)}."
    said = f"There is no family {offending(name)}. "
    called = _CALL.fullmatch(name.strip())
    plain, link = (called["family"], called["link"]) if called else (name.strip(), None)
    key = re.sub(r"[^a-z0-9]", "", plain.lower())
    known = {**{family.replace("_", ""): family for family in FAMILIES}, **OTHER_NAMES}
    if key not in known:
        return f"{said}{nearest(name, FAMILIES)}"
    family, *default_link = known[key].split()
    chosen = {"1/mu^2": "inverse_squared"}.get(link or "", link or next(iter(default_link), None))
    linked = "" if chosen in (None, FAMILIES[family].link) else f", link={chosen!r}"
    return f"{said}Write family={family!r}{linked}{REMARKS.get(key, '')}."


# a family as R writes it, ``Gamma(link = "log")``
_CALL = re.compile(r"""(?P<family>[\w.]+)\((?:(?:link\s*=\s*)?["']?(?P<link>[\w./^]+)["']?)?\)""")

copyreg.pickle(Family, lambda family: (get_family, (family.name, family.link)))  # its functions cannot be pickled
