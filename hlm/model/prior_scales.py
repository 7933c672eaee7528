"""The numbers that the rules of the default priors make of data: spreads, and what other columns leave of a column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from hlm.formula.formula import INTERCEPT
from hlm.model.design_columns import Columns, side_by_side
from hlm.model.parameters import Parameter
from hlm.support.linear_algebra import left_over
from hlm.support.special_functions import logsumexp

if TYPE_CHECKING:
    from hlm.model.model import Model

type Scale = Literal["centre", "spread", "response", "coefficient", "group_sd", "own_intercept"]

STANDARD_DEVIATIONS = 2.5


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or the rule that data turn into one for each column."""

    value: float | None = None
    # ``centre``, ``spread``: mean and sd of the response, on the scale of the link; ``response``: its sd on its own
    # scale; ``coefficient``: 2.5 spreads for
    # each sd that the other common columns leave; ``group_sd``: for each root mean square that the factor's other
    # columns leave; ``own_intercept``: 2.5 spreads at the means, and where all predictors are 0 as much as that allows
    rule: Scale | None = None
    times: float = 1.0  # what the rule's number is multiplied by


@dataclass(frozen=True)
class Scales:
    """The few numbers of the data that the rules are made of."""

    model: Model

    @cached_property
    def centre(self) -> float:
        """The linear predictor that gives the mean of the response, which an intercept is near."""
        link = self.model.family.links[0]
        match link.name:
            case "identity":
                return float(self._response.mean())
            case "log":  # an offset is the logarithm of an exposure: the centre is that of the rate
                offset = self.model.data.offset
                exposure = 0.0 if offset is None else float(logsumexp(offset) - np.log(len(offset)))
                return float(np.log(self._mean)) - exposure
            case "inverse" | "inverse_squared":
                return float(link.of(np.asarray(self._mean)))
            case _:
                return 0.0

    @cached_property
    def spread(self) -> float:
        """How much the linear predictor may vary: the response's sd (divisor n), or what that is worth there.

        Without a common intercept the response's root mean square: the coefficients then carry its mean, too. On a
        logarithm or log-odds 1 is much.
        """
        link = self.model.family.links[0]
        match link.name:
            case "identity":
                return self._in_units_of_response
            case "inverse" | "inverse_squared":
                slope = link.derivative(link.of(np.asarray(self._mean)))
                return float(self._response.std() / np.abs(slope)) or 1.0
            case _:
                return 1.0

    def number(self, quantity: Quantity, parameter: Parameter) -> float | np.ndarray:
        """A quantity as a number, or one for each column of the parameter."""
        match quantity.rule:
            case None:
                assert quantity.value is not None
                return quantity.value
            case "centre":
                return self.centre
            case "spread":
                return quantity.times * self.spread
            case "response":
                return quantity.times * self._in_units_of_response
            case "coefficient":
                return quantity.times * STANDARD_DEVIATIONS * self.spread / self._left_of_coefficient(parameter)
            case "group_sd":
                return quantity.times * STANDARD_DEVIATIONS * self.spread / self._left_of_effect(parameter)
            case "own_intercept":
                together = np.column_stack([np.ones(self.model.rows), self._beside.matrix])
                return float(quantity.times * STANDARD_DEVIATIONS * self.spread / left_over(together, centred=False)[0])

    @property
    def _in_units_of_response(self) -> float:
        y = self._response
        return float(y.std() if self.model.written.has_intercept else np.sqrt(np.mean(y**2))) or 1.0

    @property
    def _mean(self) -> float:
        """Of the response; of counts that are all 0, half a count in all rows.

        The logarithm of a mean below 0 does not exist: there the root mean square.
        """
        y = self._response
        mean = float(y.mean()) or 0.5 / len(y)
        return float(np.sqrt(np.mean(y**2))) if mean < 0 and self.model.family.link != "inverse" else mean

    @cached_property
    def _response(self) -> np.ndarray:
        """What the linear predictor describes, less its offset where that is on the response's own scale."""
        model = self.model
        response, offset = model.written.response, model.data.offset
        y = model.data.columns[response.variable].to_numpy(dtype=np.float64)
        if response.trials is not None:
            y = y / model.data.columns[response.trials].to_numpy(dtype=np.float64)
        if model.family.link == "identity" and offset is not None:
            y = y - offset
        if model.family.is_of_logarithm:
            return np.asarray(np.log(y[y > 0]))
        return y[y > 0] if "hurdle" in model.family.name and (y > 0).any() else y

    def _left_of_coefficient(self, parameter: Parameter) -> np.ndarray:
        """What the other columns, common ones and numbers in bars, leave of a coefficient's columns; 1 of zeros."""
        assert parameter.term is not None
        values = self.model.columns_of(parameter)
        mine = [term == parameter.term for term in self._beside.terms]
        if np.array_equal(self._beside.matrix[:, mine], values):
            left = self._left[mine]
        else:  # coded otherwise in no pooling
            others = self._beside.matrix[:, np.logical_not(mine)]
            left = self._left_over(np.column_stack([others, values]))[others.shape[1] :]
        return np.asarray(np.where(np.isnan(left), 1.0, left))  # of a column of zeros, an empty cell of own slopes

    def _left_of_effect(self, parameter: Parameter) -> np.ndarray:
        """What the other columns of the factor's effects leave of the parameter's own; 1 of a column of zeros."""
        assert parameter.factor is not None
        factor = self.model.factor(parameter.factor)
        places = [e.columns for e in factor.effects if parameter in (e.coefficients, e.sd)]
        left = left_over(self.model.orthogonalised(factor), centred=False)[places[0]]
        return np.asarray(np.where(np.isnan(left), 1.0, left))

    @cached_property
    def _beside(self) -> Columns:
        """The common columns but the intercept, then those of numbers that vary by groups."""
        common = self.model.design.common
        varying = [
            design.select(tuple(term for term in block.effects if term != INTERCEPT and not self.model.is_factor(term)))
            for block, design in self.model.design.blocks
        ]
        slopes = common.select(tuple(term for term in common.terms if term != INTERCEPT))
        return side_by_side([slopes, *varying])

    @cached_property
    def _left(self) -> np.ndarray:
        return self._left_over(self._beside.matrix)

    def _left_over(self, columns: np.ndarray) -> np.ndarray:
        """What all other columns leave of each; the less of both where intercepts vary by group and none is common."""
        written = self.model.written
        if written.has_intercept:
            return left_over(columns, centred=True)
        left = left_over(columns, centred=False)
        grouped = any(INTERCEPT in block.effects for block in written.blocks)
        return np.fmin(left, left_over(columns, centred=True)) if grouped else left
