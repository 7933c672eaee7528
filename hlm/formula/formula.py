"""What a formula means: the response, the common terms, and the blocks of group-level effects."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN_NAME = re.compile(r"(?:[^\W\d]|\.(?!\d))[\w.]*\Z")


@dataclass(frozen=True, slots=True)
class Term:
    """A product of columns: ``()`` is the intercept, ``("x",)`` a main effect, ``("x", "z")`` an interaction."""

    variables: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name in Bambi's manner, ``x:z``; the intercept is ``1``."""
        return ":".join(self.variables) or "1"

    @property
    def degree(self) -> int:
        return len(self.variables)

    def __str__(self) -> str:
        return ":".join(quote(v) for v in self.variables) or "1"


INTERCEPT = Term()


@dataclass(frozen=True, slots=True)
class Response:
    """The column on the left; ``trials`` is the second column of ``p(k, n)``, for binomial counts."""

    variable: str
    trials: str | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.variable,) if self.trials is None else (self.variable, self.trials)

    @property
    def name(self) -> str:
        """The name of the response in Bambi's posterior and tables."""
        return self.variable if self.trials is None else f"p({self.variable}, {self.trials})"

    def __str__(self) -> str:
        quoted = ", ".join(quote(v) for v in self.variables)
        return quoted if self.trials is None else f"p({quoted})"


@dataclass(frozen=True, slots=True)
class Block:
    """One bar: which effects vary, by which group, and whether they are correlated with each other.

    Attributes
    ----------
    effects : tuple of Term
        What varies, the intercept first where there is one.
    group : Term
        The grouping factor; two variables, as in ``batch:cask``, are the cells of both.
    correlated : bool
        True for ``(x|g)``, False for ``(x||g)``.
    """

    effects: tuple[Term, ...]
    group: Term
    correlated: bool = True

    @property
    def has_intercept(self) -> bool:
        return INTERCEPT in self.effects

    def expand(self) -> tuple[Block, ...]:
        """Blocks with one covariance matrix each: ``(x||g)`` is ``(1|g) + (0 + x|g)``, as lme4 expands it."""
        if self.correlated:
            return (self,)
        return tuple(Block((effect,), self.group) for effect in self.effects)

    def __str__(self) -> str:
        bar = "|" if self.correlated else "||"
        return f"({_sum(self.effects)}{bar}{self.group})"


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that has been read. ``str(formula)`` writes it out in lme4's dialect.

    Attributes
    ----------
    response : Response
    common : tuple of Term
        The terms that all groups share ("fixed effects"), the intercept first where there is one.
    blocks : tuple of Block
        The group-level effects ("random effects"), in the order written.
    """

    response: Response
    common: tuple[Term, ...]
    blocks: tuple[Block, ...] = ()

    @property
    def has_intercept(self) -> bool:
        return INTERCEPT in self.common

    @property
    def groups(self) -> tuple[Term, ...]:
        """The grouping factors, each once, in the order written."""
        return tuple(dict.fromkeys(block.group for block in self.blocks))

    @property
    def group_variables(self) -> tuple[str, ...]:
        """The columns that the grouping factors are made of."""
        return tuple(dict.fromkeys(v for group in self.groups for v in group.variables))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The columns that the common terms and the varying effects are made of."""
        terms = [*self.common, *(effect for block in self.blocks for effect in block.effects)]
        return tuple(dict.fromkeys(v for term in terms for v in term.variables))

    @property
    def variables(self) -> tuple[str, ...]:
        """Every column that the formula needs, the response first."""
        return tuple(dict.fromkeys([*self.response.variables, *self.predictors, *self.group_variables]))

    def expanded_blocks(self) -> tuple[Block, ...]:
        """All blocks with one covariance matrix each (see `Block.expand`)."""
        return tuple(part for block in self.blocks for part in block.expand())

    def effects_of(self, group: Term) -> tuple[Term, ...]:
        """The effects that vary by one group, over all of its blocks."""
        return tuple(dict.fromkeys(e for block in self.blocks if block.group == group for e in block.effects))

    def __str__(self) -> str:
        parts = [_sum(self.common)] if self.common else ["0"]
        return f"{self.response} ~ {' + '.join([*parts, *map(str, self.blocks)])}"


def quote(name: str) -> str:
    """A column name as it must stand in a formula: back-quoted unless it is a plain name."""
    return name if _PLAIN_NAME.match(name) else f"`{name}`"


def _sum(terms: tuple[Term, ...]) -> str:
    """``1 + x`` is written ``x``; without an intercept ``0 + x``; the intercept alone is ``1``."""
    others = [str(t) for t in terms if t != INTERCEPT]
    if INTERCEPT not in terms:
        others.insert(0, "0")
    return " + ".join(others) or "1"
