"""What a parameter of a model is: its name in the posterior, its kind, and what it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from hlm.formula.formula import Term
from hlm.model import names
from hlm.model.design_columns import Columns

Kind = Literal["common", "group effect", "sd", "correlation", "residual", "family"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One variable of the posterior.

    Attributes
    ----------
    name : str
        In the posterior, in the table of priors, and where a user names it.
    kind : {"common", "group effect", "sd", "correlation", "residual", "family"}
        A coefficient that all groups share; the groups' departures (partial pooling) or own coefficients (no pooling);
        the standard deviation of such departures; their correlations; the residual standard deviation; a parameter of
        the family's own.
    labels : tuple of str
        Its columns in tables: ``pre``, ``sex[M]``; the correlated columns of a correlation matrix.
    term : Term or None
        The term that it is a coefficient, or the standard deviation, of.
    factor : Term or None
        The grouping factor that it belongs to.
    dims : tuple of str
        Its dims in the posterior, ``chain`` and ``draw`` apart.
    coords : Mapping of str to tuple of str
        The labels along these dims.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    term: Term | None = None
    factor: Term | None = None
    dims: tuple[str, ...] = ()
    coords: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def prior_name(self) -> str:
        """The name that its prior stands under: its own; ``sigma`` also where each group has a residual sd."""
        return names.RESIDUAL_SD if self.kind == "residual" else self.name


def common_parameters(design: Columns) -> Iterator[Parameter]:
    """The coefficients of common columns: one parameter a term, with a dim for the levels of a factor."""
    for term in dict.fromkeys(design.terms):
        name, labels, levels = names.coefficient(term), design.labels_of(term), design.levels_of(term)
        if levels is None:
            yield Parameter(name, "common", labels, term)
        else:
            dim = names.coefficient_dim(name)
            yield Parameter(name, "common", labels, term, None, (dim,), MappingProxyType({dim: levels}))
