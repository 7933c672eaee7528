"""What a family is: everything that hlm knows of one response distribution, in one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from hlm.formula.response import ResponseKind, Support, WeightsMeaning
from hlm.model.families.links import Link
from hlm.model.priors import Prior
from hlm.model.shapes import Shape

# by name: the values of a family's own parameters, of shape (draws, 1) or (draws, rows)
type Values = Mapping[str, np.ndarray]
# response (rows,), linear predictor (draws, rows), trials (rows,) or None, the family's own parameters
type OfResponse = Callable[[np.ndarray, np.ndarray, np.ndarray | None, Values], np.ndarray]
# linear predictor, trials, the family's own parameters
type OfPredictor = Callable[[np.ndarray, np.ndarray | None, Values], np.ndarray]
# generator, the parameter that the formula describes, trials, the family's own parameters
type Draw = Callable[[np.random.Generator, np.ndarray, np.ndarray | None, Values], np.ndarray]


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """One of a family's own parameters."""

    prior: Prior  # the default
    meaning: str  # after "sigma is ..."
    caption: str  # the same in the diagram
    brms: str = ""  # its class in brms; empty where brms has none of the same meaning
    reason: str = "positive, most likely small, large values allowed"  # for the default prior


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Family(ResponseKind):
    """A response distribution."""

    name: str  # Bambi's name
    parent: str = "mu"  # the parameter that the formula describes
    links: tuple[Link, ...]  # from the linear predictor to it; the default first
    support: Support  # what values the response may have
    weights: WeightsMeaning | None = None  # what a column of weights means; None where it means nothing
    auxiliary: Mapping[str, Auxiliary] = field(default_factory=dict)  # the other parameters by name
    # the one of them whose default prior is HalfStudentT(4, sd of the response; 1 if the family is not scaled) in place
    # of its own, as in Bambi
    half_student: str = ""
    # whether the default priors follow the mean and sd of the response (Bambi: gaussian and t only)
    is_scaled: bool = False
    distribution: str  # its name in equations
    arguments: tuple[str, ...]  # the parameters there in order: the family's own names, ``n`` for trials
    meaning: str  # what one row of the response is, in words
    scale: str  # what the coefficients are added up to, before the link is undone; ``{y}`` is the response
    curve: Shape | None = None  # a typical density
    bars: tuple[float, ...] = ()  # typical probabilities, where there is no density
    pymc: str = ""  # the call in PyMC, without name, link and data; empty where it is long
    # brms, lme4: the family there; empty where there is none
    brms: str = ""
    lme4: str = ""
    # log_density, slope, curvature: of a response given the linear predictor, under the default link, and its first and
    # second derivative with respect to the linear predictor; None where they are left to Bambi
    log_density: OfResponse | None = None
    slope: OfResponse | None = None
    curvature: OfResponse | None = None
    draw: Draw | None = None  # new responses
    # the expected information of a row about its linear predictor: the weight of iteratively reweighted least squares,
    # (d mu / d eta)^2 / Var(y) (McCullagh & Nelder 1989, section 2.5)
    information: OfPredictor | None = None

    @property
    def link(self) -> str:
        """The name of the default link."""
        return self.links[0].name

    @property
    def is_gaussian(self) -> bool:
        """Whether a group's own estimate is its least squares, and every coefficient can be integrated out."""
        return self.name == "gaussian"

    @property
    def has_trials(self) -> bool:
        """Whether the response is successes out of trials."""
        return self.support == "trials"

    @property
    def is_success_or_failure(self) -> bool:
        """Whether a group without a success, or without a failure, has no finite estimate: 0 and 1, and trials."""
        return self.support in ("binary", "trials") and "psi" not in self.auxiliary

    @property
    def is_binomial(self) -> bool:
        """Whether the response is one or more independent trials with a probability: bernoulli and binomial."""
        return self.is_success_or_failure and not self.auxiliary

    @property
    def has_thresholds(self) -> bool:
        """Whether thresholds between ordered labels stand in for the intercept."""
        return self.support == "ordered"

    @property
    def has_predictor_per_label(self) -> bool:
        """Whether each label but the first has a linear predictor of its own."""
        return self.support == "labels"

    @property
    def has_linear_predictor(self) -> bool:
        """Whether there is one linear predictor, and no thresholds."""
        return not (self.has_thresholds or self.has_predictor_per_label)

    def undo_link(self, eta: np.ndarray) -> np.ndarray:
        """The parameter that the formula describes, at a linear predictor."""
        return self.links[0].inverse(eta)

    def __repr__(self) -> str:
        return f"<the {self.name} family>"
