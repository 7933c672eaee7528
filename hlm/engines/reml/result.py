"""`Reml`: the estimates, as lme4 gives them."""

from __future__ import annotations

from dataclasses import dataclass

from hlm.engines.reml.estimates import Estimates
from hlm.engines.reml.summary import summary_html, summary_text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Reml(Estimates):
    """What lme4 would answer, with its summary; `hlm.reml` makes it, and `Estimates` says what it holds."""

    def __repr__(self) -> str:
        return summary_text(self)

    def _repr_html_(self) -> str:
        return summary_html(self)
