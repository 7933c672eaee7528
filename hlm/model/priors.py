"""What a prior is: a distribution's name and numbers, a table of them, and how a user's replace the defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from hlm.errors import FitError, UnknownNameError, nearest
from hlm.formula.function_calls import kept
from hlm.model.prior_distributions import DISTRIBUTIONS
from hlm.support.options import check_mapping, offending

type Number = float | tuple[float, ...]
# replacements of default priors by name, each a Prior or a bambi.Prior; or ``"bambi"`` for Bambi's own defaults
type GivenPriors = Mapping[str, Any] | Literal["bambi"]

_POSITIVE = ("sigma", "eta", "lam", "nu", "tau")  # wherever PyMC has them, of distributions without a record


class Prior:
    """A prior distribution by its PyMC name and parameters.

    Parameters
    ----------
    name : str
        A PyMC distribution such as ``"Normal"``, ``"Exponential"``, ``"HalfStudentT"``; ``"LKJ"`` for a correlation.
    dist : callable, optional
        A distribution of one's own, as in `bambi.Prior`.
    **args : float or sequence of float
        The parameters; a sequence where the columns of a term differ.

    Examples
    --------
    >>> Prior("Normal", mu=0, sigma=2.5)
    Normal(mu=0, sigma=2.5)
    """

    __slots__ = ("args", "dist", "name")
    name: str
    dist: Any
    args: Mapping[str, Number]

    def __init__(self, name: str, dist: Any = None, **args: Any) -> None:
        if not (isinstance(name, str) and name.strip()):
            raise FitError(
                f"A prior has the name of a distribution, such as Prior('Normal', ...), not {offending(name)}."
            )
        if dist is not None and not callable(dist):
            raise FitError(f"Prior({name!r}): dist is a function that makes a distribution, not {offending(dist)}.")
        numbers = {key: _number(name, key, value) for key, value in args.items()}
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dist", dist)
        object.__setattr__(self, "args", MappingProxyType(numbers))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"A Prior is not changed: write a new one, Prior({self.name!r}, ...).")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prior) and (self.name, self.dist, self.args) == (other.name, other.dist, other.args)

    def __hash__(self) -> int:
        return hash((self.name, self.dist, tuple(self.args.items())))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.name, self.dist, dict(self.args))

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={_show(value)}' for key, value in self.args.items())})"


class Priors(Mapping[str, Prior]):
    """The priors of one strategy by the name of the variable in the posterior; prints as a table.

    Attributes
    ----------
    notes : tuple of str
        What must be known to read the numbers.
    """

    def __init__(self, priors: Mapping[str, Prior], notes: tuple[str, ...] = ()) -> None:
        self._priors = dict(priors)
        self.notes = notes

    def __getitem__(self, name: str) -> Prior:
        if name not in self._priors:
            raise UnknownNameError(f"There is no prior {name!r}. {nearest(name, self._priors)}")
        return self._priors[name]

    def __contains__(self, name: object) -> bool:
        return name in self._priors

    def __iter__(self) -> Iterator[str]:
        return iter(self._priors)

    def __len__(self) -> int:
        return len(self._priors)

    def __repr__(self) -> str:
        width = max((len(name) for name in self), default=0)
        lines = [f"{name:<{width}} ~ {prior}" for name, prior in self.items()]
        return "\n".join([*lines, *(f"({note})" for note in self.notes)])


def replace_priors(
    defaults: Priors, given: Mapping[str, Any] | None, sds: Mapping[str, str], *, also_known: tuple[str, ...] = ()
) -> Priors:
    """The defaults with a user's priors in their places.

    given: by the names of ``defaults``. Bambi's ``{"1|school": Normal(mu=0, sigma=<prior>)}`` is understood as the
        prior of ``1|school_sigma``.
    sds: by the name of the groups' departures, ``1|school``, that of their standard deviation.
    also_known: names of other strategies, passed over here.
    FitError: for an unknown name, with the names that there are, and for what is not a prior.
    """
    check_mapping("priors", given, "{'sigma': Prior('HalfNormal', sigma=1)}")
    replaced = dict(defaults)
    for name, prior in (given or {}).items():
        target, value = _group_level_sd(kept(name), prior, sds)
        if target in replaced:
            replaced[target] = as_prior(target, value)
        elif target not in also_known:
            names = dict.fromkeys([*defaults, *also_known])
            raise FitError(f"There is no parameter {name!r} to give a prior to. {nearest(name, names)}")
    return Priors(replaced, defaults.notes)


def as_prior(name: str, prior: Any) -> Prior:
    """Hlm's or Bambi's prior as hlm's; ``name`` is the parameter it is for."""
    if isinstance(prior, Prior):
        _check_parameters(prior)
        return prior
    args = getattr(prior, "args", None)
    if not isinstance(args, dict) or not hasattr(prior, "name"):
        raise FitError(
            f"The prior of {name!r} must be a Prior, such as Prior('Normal', mu=0, sigma=1), not {offending(prior)}."
        )
    if any(hasattr(value, "args") for value in args.values()):
        raise FitError(f"The prior of {name!r} has a hyperprior; only those of group-level effects, 'x|g', may.")
    return as_prior(name, Prior(prior.name, getattr(prior, "dist", None), **args))


def _group_level_sd(name: str, prior: Any, sds: Mapping[str, str]) -> tuple[str, Any]:
    """A prior of group-level effects, Bambi's way, as the prior of their standard deviation."""
    args = getattr(prior, "args", {})
    sigma = args.get("sigma") if isinstance(args, Mapping) else None
    if not hasattr(sigma, "args"):
        return name, prior
    if prior.name != "Normal" or np.any(np.asarray(args.get("mu", 0.0)) != 0):
        raise FitError(f"Group-level effects are Normal with mean 0 here; {name!r} was given {prior}.")
    return sds.get(name, name), sigma


def _restore(name: str, dist: Any, args: dict[str, Any]) -> Prior:
    return Prior(name, dist, **args)


def _check_parameters(prior: Prior) -> None:
    """Raise a `FitError` for a parameter that a distribution does not have, or a scale that is not above 0."""
    if prior.dist is not None:
        return
    name, numbers = prior.name, prior.args
    record = DISTRIBUTIONS.get(name)
    known, positive = (tuple(numbers), _POSITIVE) if record is None else (record.parameters, record.positive)
    for key, value in numbers.items():
        if key not in known:
            raise FitError(f"Prior({name!r}) has no parameter {key!r}. {nearest(key, known)}")
        if not np.isfinite(value).all():
            raise FitError(f"Prior({name!r}): {key} must be finite, not {_show(value)}.")
        if key in positive and np.min(value) <= 0:
            raise FitError(f"Prior({name!r}): {key} must be above 0, not {_show(value)}.")
    if name == "LKJ" and not numbers:
        raise FitError("Prior('LKJ') needs its eta: Prior('LKJ', eta=1).")


def _number(name: str, key: str, value: Any) -> Number:
    try:
        values = np.asarray(value, dtype=None if isinstance(value, str | bytes) else np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.empty(0)
    if values.size == 0 or values.dtype != np.float64 or np.isnan(values).any():
        raise FitError(f"Prior({name!r}): {key} must be a number, not {offending(value)}.")
    if values.size == 1 or np.all(values == values.flat[0]):
        return float(values.flat[0])
    return tuple(values.ravel().tolist())


def _show(value: Number) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if len(value) > 4:
        return f"{min(value):.4g} to {max(value):.4g}"
    return f"[{', '.join(f'{v:.4g}' for v in value)}]"
