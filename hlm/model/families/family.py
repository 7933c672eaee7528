"""What a family is: everything that hlm knows of one response distribution, in one record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hlm.errors import FitError, closest
from hlm.formula.response import ResponseKind, Support, WeightsMeaning
from hlm.model.families.links import Link
from hlm.model.priors import Prior
from hlm.model.shapes import Shape
from hlm.support.options import offending

# by name: the values of a family's own parameters, of shape (draws, 1) or (draws, rows)
type Values = Mapping[str, np.ndarray]
# response (rows,), linear predictor (draws, rows), trials (rows,) or None, the family's own parameters
type OfResponse = Callable[[np.ndarray, np.ndarray, np.ndarray | None, Values], np.ndarray]
# linear predictor, trials, the family's own parameters
type OfPredictor = Callable[[np.ndarray, np.ndarray | None, Values], np.ndarray]
# the parameter that the formula describes, the family's own parameters
type OfParent = Callable[[np.ndarray, Values], np.ndarray]
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
    # those of them that are in units of the response: their default prior is HalfStudentT(4, sd of the response)
    in_units_of_response: tuple[str, ...] = ()
    is_of_logarithm: bool = False  # whether the formula describes the logarithm of the (positive) response
    distribution: str  # its name in equations
    arguments: tuple[str, ...]  # the parameters there in order: the family's own names, ``n`` for trials
    meaning: str  # what one row of the response is, in words
    describes: str  # the parameter that the formula describes, in words; ``{y}`` is the response
    curve: Shape | None = None  # a typical density
    bars: tuple[float, ...] = ()  # typical probabilities, where there is no density
    pymc: str = ""  # the call in PyMC, without name, link and data; empty where it is long
    # brms, lme4: the family there; empty where there is none
    brms: str = ""
    lme4: str = ""
    links_not_in_brms: tuple[str, ...] = ()
    # log_density, slope, curvature: of a response given the linear predictor, and its first and second derivative with
    # respect to the linear predictor; None where they are left to Bambi. The derivatives are of the default link alone.
    log_density: OfResponse | None = None
    slope: OfResponse | None = None
    curvature: OfResponse | None = None
    draw: Draw | None = None  # new responses; None of labels
    expected: OfParent | None = None  # the expected response, where the formula describes another parameter
    # the expected information of a row about its linear predictor: the weight of iteratively reweighted least squares,
    # (d mu / d eta)^2 / Var(y) (McCullagh & Nelder 1989, section 2.5)
    information: OfPredictor | None = None

    @property
    def link(self) -> str:
        """The name of the link: of the record, the default; after `with_link`, the chosen one."""
        return self.links[0].name

    @property
    def scale(self) -> str:
        """What the coefficients are added up to, in words; ``{y}`` is the response."""
        if self.has_thresholds:
            return self.describes
        text = self.links[0].words.format(self.describes)
        return text.replace("log-odds of the probability of", "log-odds of")  # odds are of an event

    @property
    def is_gaussian(self) -> bool:
        """Whether a group's own estimate is its least squares, and every coefficient can be integrated out."""
        return self.name == "gaussian" and self.link == "identity"

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

    @property
    def parent_limits(self) -> tuple[float, float]:
        """Between which numbers the parameter that the formula describes must lie."""
        if self.support in ("binary", "trials", "unit"):
            return 0.0, 1.0
        positive = self.support in ("positive", "nonnegative", "count") and not self.is_of_logarithm
        return (0.0, np.inf) if positive else (-np.inf, np.inf)

    @property
    def keeps_limits(self) -> bool:
        """Whether any linear predictor gives a parameter within these limits."""
        return self.parent_limits == (-np.inf, np.inf) or self.link in ("log", "logit", "probit", "cloglog", "softmax")

    @property
    def safe_link(self) -> str | None:
        """Another link, of which this is true; None where there is none."""
        return next((link.name for link in self.links if link.name in ("log", "logit")), None)

    @property
    def limits_sentence(self) -> str:
        """What the linear predictor must be under a link that does not keep the limits; empty under another."""
        if self.keeps_limits:
            return ""
        needed = "between 0 and 1" if self.parent_limits[1] == 1 else "above 0"
        instead = "" if self.safe_link is None else f": link={self.safe_link!r} holds for any"
        return (
            f"the {self.link} link of the {self.name} family needs a linear predictor {needed} in every row, which "
            f"coefficients with normal distributions do not keep to{instead}"
        )

    def with_link(self, name: str) -> Family:
        """The family under another of its links, which stands first in ``links`` then.

        Densities are those of the default link at the linear predictor that gives the same parameter there. A
        `FitError` names the links where there is no such one.
        """
        if name not in [link.name for link in self.links]:
            names = [link.name for link in self.links]
            plain = name.strip().lower()
            close = [plain] if plain in names else [c for c in closest(name, names) if len(names) > 1]
            hint = f"Did you mean {' or '.join(map(repr, close))}? " if close else ""
            allowed = ", ".join(map(repr, names))
            raise FitError(f"The {self.name} family has no link {offending(name)}. {hint}It has: {allowed}.")
        if name == self.link:
            return self
        default, chosen = self.links[0], next(link for link in self.links if link.name == name)
        density, information = self.log_density, self.information

        def log_density(y: np.ndarray, eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
            assert density is not None
            with np.errstate(divide="ignore", invalid="ignore"):
                found = density(y, same_parameter(chosen, default, eta), trials, own)
            return np.where(np.isnan(found), -np.inf, found)  # no such parameter

        def about_predictor(eta: np.ndarray, trials: np.ndarray | None, own: Values) -> np.ndarray:
            assert information is not None
            at = same_parameter(chosen, default, eta)
            return np.asarray(information(at, trials, own) * (chosen.derivative(eta) / default.derivative(at)) ** 2)

        return replace(
            self,
            links=(chosen, *(link for link in self.links if link is not chosen)),
            brms="" if name in self.links_not_in_brms else _with_r_link(self.brms, chosen),
            lme4="" if self.lme4 == "nb" else _with_r_link(self.lme4, chosen),
            log_density=None if density is None else log_density,
            slope=None,
            curvature=None,
            information=None if information is None else about_predictor,
        )

    def undo_link(self, eta: np.ndarray) -> np.ndarray:
        """The parameter that the formula describes, at a linear predictor."""
        return self.links[0].inverse(eta)

    def __repr__(self) -> str:
        return f"<the {self.name} family>"


def same_parameter(link: Link, other: Link, eta: np.ndarray) -> np.ndarray:
    """The linear predictor under another link that gives the same parameter."""
    if other.name == "logit" and link.log_odds is not None:  # a probability near 1 has too few digits
        return link.log_odds(eta)
    return other.of(link.inverse(eta))


def _with_r_link(family: str, link: Link) -> str:
    """A family in R with a link: ``poisson()`` as ``poisson(link = "identity")``; nothing of nothing."""
    return f'{family.partition("(")[0]}(link = "{link.r or link.name}")' if family else ""
