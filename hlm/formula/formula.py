"""What a formula means: the response, the common terms, and the blocks of group-level effects."""

from __future__ import annotations

from dataclasses import dataclass

from hlm.formula.function_calls import PLAIN_NAME, is_call, shown, source_columns

ALL_OTHERS = "."  # the variable of the term '.', until the data are known


@dataclass(frozen=True, slots=True)
class Term:
    """A product of columns: ``()`` is the intercept, ``("x",)`` a main effect, ``("x", "z")`` an interaction.

    A variable is a column of the data or a computed one under its text, ``scale(x)``.
    """

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
    """What stands on the left."""

    variable: str  # the column, or a computed one such as ``log(y)``
    trials: str | None = None  # the number of trials of a binomial count: of ``cbind(k, f)`` it is ``I(k + f)``
    written: str = ""  # how it was written, where that is not plain from the other two: ``cbind(k, n - k)``, ``k/n``

    @property
    def variables(self) -> tuple[str, ...]:
        return (self.variable,) if self.trials is None else (self.variable, self.trials)

    @property
    def name(self) -> str:
        """The name of the response in Bambi's posterior and tables."""
        return self.variable if self.trials is None else f"p({self.variable}, {self.trials})"

    def __str__(self) -> str:
        if self.written:
            return self.written
        quoted = ", ".join(quote(v) for v in self.variables)
        return quoted if self.trials is None else f"p({quoted})"


@dataclass(frozen=True, slots=True)
class Block:
    """One bar: which effects vary, by which group, and whether they are correlated with each other."""

    effects: tuple[Term, ...]  # what varies, the intercept first where there is one
    group: Term  # the grouping factor; two variables, as in ``batch:cask``, are the cells of both
    correlated: bool = True  # True for ``(x|g)``, False for ``(x||g)``

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
    offsets : tuple of str
        Variables added to the linear predictor with coefficient 1: of ``offset(log(n))`` it is ``log(n)``.
    removed : tuple of Term
        What is taken away from ``.``, as in ``y ~ . - id``; empty without a ``.``.
    functions : tuple of str
        Names of the caller's own functions that it calls.
    """

    response: Response
    common: tuple[Term, ...]
    blocks: tuple[Block, ...] = ()
    offsets: tuple[str, ...] = ()
    removed: tuple[Term, ...] = ()
    functions: tuple[str, ...] = ()

    @property
    def has_intercept(self) -> bool:
        return INTERCEPT in self.common

    @property
    def has_dot(self) -> bool:
        """Whether a term holds ``.``, all other columns: only the data say which."""
        return ALL_OTHERS in self.predictors

    @property
    def groups(self) -> tuple[Term, ...]:
        """The grouping factors, each once, in the order written."""
        return tuple(dict.fromkeys(block.group for block in self.blocks))

    @property
    def group_variables(self) -> tuple[str, ...]:
        """The variables that the grouping factors are made of."""
        return tuple(dict.fromkeys(v for group in self.groups for v in group.variables))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The variables that the common terms and the varying effects are made of."""
        terms = [*self.common, *(effect for block in self.blocks for effect in block.effects)]
        return tuple(dict.fromkeys(v for term in terms for v in term.variables))

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable, the response first: columns of the data, and computed ones such as ``log(x)``."""
        parts = [*self.response.variables, *self.predictors, *self.group_variables, *self.offsets]
        return tuple(dict.fromkeys(parts))

    @property
    def computed(self) -> tuple[str, ...]:
        """The variables that are computed from columns of the data."""
        return tuple(v for v in self.variables if is_call(v, self.functions))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the data that is needed, the response's first; what ``.`` stands for is not among them."""
        names = [c for v in self.variables if v != ALL_OTHERS for c in source_columns(v, self.functions)]
        return tuple(dict.fromkeys(names))

    def expanded_blocks(self) -> tuple[Block, ...]:
        """All blocks with one covariance matrix each (see `Block.expand`)."""
        return tuple(part for block in self.blocks for part in block.expand())

    def effects_of(self, group: Term) -> tuple[Term, ...]:
        """The effects that vary by one group, over all of its blocks."""
        return tuple(dict.fromkeys(e for block in self.blocks if block.group == group for e in block.effects))

    def __str__(self) -> str:
        common = _sum(self.common) if self.common else "0"
        common += "".join(f" - {term}" for term in self.removed)
        offsets = [f"offset({quote(v)})" for v in self.offsets]
        text = f"{self.response} ~ {' + '.join([common, *offsets, *map(str, self.blocks)])}"
        for variable in self.computed:  # `f(x)` of a function of the caller's
            text = text.replace(f"`{variable}`", shown(variable))
        return text


def quote(name: str) -> str:
    """A variable as it must stand in a formula: a column back-quoted unless it has a plain name, a call as it is."""
    if is_call(name):
        return shown(name)
    return name if PLAIN_NAME.match(name) else f"`{name}`"


def _sum(terms: tuple[Term, ...]) -> str:
    """``1 + x`` is written ``x``; without an intercept ``0 + x``; the intercept alone is ``1``."""
    others = [str(t) for t in terms if t != INTERCEPT]
    if INTERCEPT not in terms:
        others.insert(0, "0")
    return " + ".join(others) or "1"
