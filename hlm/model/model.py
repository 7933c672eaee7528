"""`Model`: one formula on its data, for one pooling strategy, with all that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np

from hlm.data.clean_data import CleanData
from hlm.errors import FitError, nearest
from hlm.formula.expansion import contracted
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model.design import Design, response_less_offset
from hlm.model.design_columns import Columns
from hlm.model.families import Family
from hlm.model.grouping_factors import CovarianceBlock, GroupingFactor
from hlm.model.parameters import Kind, Parameter
from hlm.model.priors import GivenPriors, Priors
from hlm.support.linear_algebra import orthogonalising
from hlm.support.options import offending


@dataclass(frozen=True, eq=False)
class Model:
    """A resolved model; `hlm.model.resolve.resolve` makes it.

    Attributes
    ----------
    pooling : {"complete", "none", "partial"}
    residual : {"shared", "separate"}
    family : Family
    written : Formula
        Of partial pooling, from which the strategies are made; one term for each column.
    formula : Formula
        Of this strategy.
    design : Design
        The columns of the formula, which all strategies share.
    common : Columns
        X, shape (rows, p): the columns whose coefficients all groups share.
    factors : tuple of GroupingFactor
        The factors whose groups have effects, or coefficients of their own; empty in complete pooling.
    parameters : tuple of Parameter
        Every variable of the posterior: common coefficients, the groups' effects with their standard deviations and
        correlations, the residual standard deviation, the family's own parameters.
    priors : Priors
        By the names of the parameters.
    notes : tuple of str
        What must be known to read the numbers.
    as_written : frozenset of str
        Names of correlations in whose blocks the user gave a prior: all priors of these blocks belong to the columns as
        they are written, not to orthogonalised ones. Names of no pooling's own intercepts with a prior of the user's.
    given_priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        What the user gave, for the other strategies of the same formula.
    """

    pooling: Pooling
    residual: Residual
    family: Family
    written: Formula
    formula: Formula
    design: Design
    common: Columns
    factors: tuple[GroupingFactor, ...]
    parameters: tuple[Parameter, ...]
    priors: Priors
    notes: tuple[str, ...]
    as_written: frozenset[str] = frozenset()
    given_priors: GivenPriors | None = None

    @property
    def has_data(self) -> bool:
        """False for a formula alone, whose terms are one column each and whose factors have no groups yet."""
        return self.design.data is not None

    @property
    def data(self) -> CleanData:
        """The rows and columns that are used."""
        assert self.design.data is not None, "a model without data"
        return self.design.data

    @property
    def rows(self) -> int:
        return self.data.rows

    @property
    def text(self) -> str:
        """The formula of this strategy as it would be written: ``poly(x, 2)`` is one term again."""
        expansions = self.data.expansions if self.has_data else {}
        return str(contracted(self.formula, expansions))

    @cached_property
    def response(self) -> np.ndarray:
        """The response less its offset, shape (rows,)."""
        return response_less_offset(self.written, self.data)

    @cached_property
    def root_weights(self) -> np.ndarray | None:
        """Square roots of the rows' weights, shape (rows,)."""
        return None if self.data.weights is None else np.sqrt(self.data.weights)

    @property
    def separate(self) -> GroupingFactor | None:
        """The factor whose groups have a residual standard deviation each; None if all rows share one."""
        return self.factors[0] if self.residual == "separate" else None

    @cached_property
    def transformations(self) -> Mapping[str, np.ndarray]:
        """By the name of the correlation: T of a block whose priors belong to orthogonalised columns, b = T b_c.

        These are the correlated blocks with numbers and an intercept, or one for each level of a factor. Z b =
        (Z T) b_c, and the columns of Z T are those of Z less what the ones before them explain: ``Days`` is
        ``Days - mean(Days)``, and the intercept of b_c is where Days is at its mean. So the posterior does not depend
        on where a predictor has its origin.
        """
        return MappingProxyType(
            {
                block.correlation.name: orthogonalising(factor.design.matrix[:, block.columns])
                for factor in self.factors
                for block in factor.blocks
                if block.correlation is not None and self.has_data and self.is_orthogonalised(block)
            }
        )

    def is_orthogonalised(self, block: CovarianceBlock) -> bool:
        """Whether the priors of a block belong to orthogonalised columns; see `transformations`."""
        if block.correlation is None or block.correlation.name in self.as_written:
            return False
        places = [effect.term == INTERCEPT or self.is_factor(effect.term) for effect in block.effects]
        return any(places) and not all(places)

    def orthogonalised(self, factor: GroupingFactor) -> np.ndarray:
        """The columns of a factor that the priors of its sds belong to, shape (rows, q)."""
        found = factor.design.matrix
        for block in factor.blocks:
            if block.correlation is not None and block.correlation.name in self.transformations:
                found = found.copy() if found is factor.design.matrix else found
                found[:, block.columns] = found[:, block.columns] @ self.transformations[block.correlation.name]
        return found

    def of_kind(self, *kinds: Kind) -> tuple[Parameter, ...]:
        """The parameters of some kinds."""
        return tuple(parameter for parameter in self.parameters if parameter.kind in kinds)

    def factor(self, group: Term) -> GroupingFactor:
        """The grouping factor of a group whose effects are in this model."""
        return next(factor for factor in self.factors if factor.group == group)

    def columns_of(self, parameter: Parameter) -> np.ndarray:
        """The columns of a coefficient, or of a standard deviation of coefficients, shape (rows, columns)."""
        assert parameter.term is not None
        for factor in self.factors:
            for effect in factor.effects:
                if parameter in (effect.coefficients, effect.sd):
                    return factor.design.matrix[:, effect.columns]
        return self.common.of(parameter.term)

    def is_factor(self, term: Term) -> bool:
        """Whether a term is made of factors alone; False without data, which would tell."""
        return self.has_data and all(self.data.columns[v].dtype == "category" for v in term.variables)

    def group(self, name: str | None) -> Term:
        """A grouping factor of the formula by its name; the only one if there is one only.

        FitError: for an unknown name, and for none where there are several factors.
        """
        return find_group(self.written, name)


def find_group(formula: Formula, name: str | None) -> Term:
    """A grouping factor of a formula by its name; see `Model.group`."""
    groups = {group.name: group for group in formula.groups}
    if name is None:
        if len(groups) == 1:
            return next(iter(groups.values()))
        several = f"several grouping factors ({', '.join(groups)}): name one, group=..."
        raise FitError(f"The formula {formula} has {several if groups else 'no grouping factor'}.")
    if not isinstance(name, str) or name not in groups:
        raise FitError(f"There is no grouping factor {offending(name)}. {nearest(name, groups)}")
    return groups[name]
