"""theta as NUTS moves in it: own parameters of the family, sds and correlations, a coordinate for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from hlm.engines.nuts.kernels.theta import INTERVAL, POSITIVE, PRIOR_NUMBERS
from hlm.engines.theta.estimated import column_sizes
from hlm.model.prior_distributions import DISTRIBUTIONS
from hlm.model.prior_scales import Scales
from hlm.model.priors import Prior

if TYPE_CHECKING:
    from hlm.engines.normal_coefficients import NormalCoefficients
    from hlm.model.model import Model

_ROUGH = 0.3  # a guess of the effects' sds, in spreads of the linear predictor
_UNITS = {"alpha": 2.0, "kappa": 10.0, "lam": 2.0, "nu": 10.0}  # guesses of a family's own parameters


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One value of theta, as `coordinate` in kernels/theta.py says."""

    kind: int
    low: float
    width: float
    numbers: tuple[float, ...]

    def value(self, u: np.ndarray) -> np.ndarray:
        """Coordinates to values."""
        if self.kind == INTERVAL:
            return np.asarray(self.low + self.width * ndtr(u))
        return np.asarray(self.width * np.exp(log_ndtr(u) - log_ndtr(-u)))

    def at(self, value: float) -> float:
        """The coordinate of a value, to start from."""
        share = (value - self.low) / self.width if self.kind == INTERVAL else value / (value + self.width)
        return float(ndtri(np.clip(share, 1e-3, 1 - 1e-3)))


@dataclass(frozen=True, slots=True)
class Theta:
    """All coordinates: own parameters, then an sd for each column of Z, then the correlations, block by block."""

    coordinates: tuple[Coordinate, ...]
    own: int
    pairs: np.ndarray  # shape (correlations, 2); the two columns of Z
    start: np.ndarray  # shape (d,)
    known_sd: np.ndarray | None  # shape (q,); where sds are not estimated

    def values(self, u: np.ndarray) -> np.ndarray:
        """Coordinates, shape (d,), to values."""
        return np.array([one.value(u[j]) for j, one in enumerate(self.coordinates)])

    @property
    def kinds(self) -> np.ndarray:
        return np.array([one.kind for one in self.coordinates], dtype=np.int64)

    @property
    def numbers(self) -> np.ndarray:
        """As the kernels read them, 2 + PRIOR_NUMBERS for each coordinate."""
        rows = [[one.low, one.width, *one.numbers] for one in self.coordinates]
        return np.array(rows, dtype=np.float64).ravel()

    def roots(self, values: np.ndarray) -> np.ndarray:
        """L of the orthogonalised effects from values, shape (S, d), as shape (S, q, q)."""
        if self.known_sd is not None:
            return np.repeat(np.diag(self.known_sd)[None], len(values), axis=0)
        q = values.shape[1] - self.own - len(self.pairs)
        root = np.zeros((len(values), q, q))
        root[:, range(q), range(q)] = 1.0
        for k, (i, j) in enumerate(self.pairs):
            w, left = values[:, self.own + q + k], root[:, i, i].copy()
            root[:, i, j], root[:, i, i] = left * w, left * np.sqrt(1 - w**2)
        return np.asarray(root * values[:, self.own : self.own + q, None])


def theta_of(model: Model, coefficients: NormalCoefficients) -> Theta:
    """The coordinates of a model's theta with their priors."""
    found, starts = [], []
    for parameter in model.of_kind("residual", "family"):
        name = parameter.prior_name
        unit = Scales(model).spread if name in model.family.in_units_of_response else _UNITS.get(name, 1.0)
        found.append(coordinate(model.priors[name], unit=unit))
        starts.append(found[-1].at(0.5 if name == "psi" else unit))
    own = len(found)
    if coefficients.known_sd is not None:
        return Theta(tuple(found), own, np.empty((0, 2), dtype=np.int64), np.array(starts), coefficients.known_sd)
    units = _ROUGH * Scales(model).spread / column_sizes(coefficients)
    for factor in coefficients.factors:
        for effect in factor.effects:
            assert effect.sd is not None
            for j in range(effect.columns.start, effect.columns.stop):
                one = coordinate(
                    model.priors[effect.sd.name], unit=units[factor.start + j], column=j - effect.columns.start
                )
                found.append(one)
                starts.append(one.at(units[factor.start + j]))
    pairs = []
    for block in coefficients.blocks:
        for i, j in block.pairs:
            found.append(Coordinate(INTERVAL, -1.0, 2.0, _filled(block.beta(j), block.beta(j))))
            starts.append(0.0)
            pairs.append((i, j))
    return Theta(tuple(found), own, np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(starts), None)


def coordinate(prior: Prior, *, unit: float, column: int = 0) -> Coordinate:
    """The coordinate of a value with a prior; ``column`` picks its numbers where they differ by column.

    unit: about the size of the value, on which only the efficiency of sampling depends.
    """
    args = {key: value[column] if isinstance(value, tuple) else value for key, value in prior.args.items()}
    record = DISTRIBUTIONS[prior.name]
    convert = record.conversions.get(tuple(sorted(args)))
    numbers = dict(args if convert is None else convert(**args))
    if prior.name == "Uniform":
        return Coordinate(INTERVAL, numbers["lower"], numbers["upper"] - numbers["lower"], _filled(1.0, 1.0))
    if prior.name == "Beta":
        return Coordinate(INTERVAL, 0.0, 1.0, _filled(numbers["alpha"], numbers["beta"]))
    return Coordinate(POSITIVE, 0.0, unit, _filled(*_as_numbers(prior.name, numbers)))


def _as_numbers(name: str, numbers: Mapping[str, float]) -> tuple[float, ...]:
    """The log prior of a positive value as c0 .. c6 of `coordinate`, less what has no value in it."""
    match name:
        case "HalfNormal":
            return 0.0, 0.0, 0.5 / numbers["sigma"] ** 2
        case "Exponential":
            return 0.0, numbers["lam"]
        case "Gamma":
            return numbers["alpha"] - 1.0, numbers["beta"]
        case "InverseGamma":
            return -numbers["alpha"] - 1.0, 0.0, 0.0, numbers["beta"]
        case "LogNormal" | "Lognormal":
            precision = numbers["sigma"] ** -2
            return numbers["mu"] * precision - 1.0, 0.0, 0.0, 0.0, 0.5 * precision
        case "HalfStudentT":
            nu = numbers["nu"]
            return 0.0, 0.0, 0.0, 0.0, 0.0, 0.5 * (nu + 1.0), nu * numbers["sigma"] ** 2
        case _:
            assert name == "HalfCauchy", name
            return 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, numbers["beta"] ** 2


def _filled(*numbers: float) -> tuple[float, ...]:
    """As many numbers as the kernel reads; c6 is 1 where it does not matter."""
    return (*numbers, *(0.0 for _ in range(PRIOR_NUMBERS - 1 - len(numbers))), 1.0)[:PRIOR_NUMBERS]
