"""The memory and the time that a fit of the exact engine takes, known before its arrays are made."""

from __future__ import annotations

from hlm.engines.exact.gaussian_model import GaussianModel
from hlm.engines.interface import Cost, Options
from hlm.support.memory import NUMBER, check_memory, fewer_draws

OPERATIONS = 2e11  # for one fit, some 20 s: where theta is expensive, few values with several coefficient draws each do
_OF_SIGMA = 2e10  # the same where sigma alone is drawn: some hundred values are plenty
_LARGEST = 2e7  # numbers in the common coefficients' matrices of all values of theta, 160 MB
_POINTS = 3  # values of theta for each draw, unless the posterior is very far from a mixture of t's
_LEAST_POINTS = 100
_COPIES = 5  # of the common coefficients' matrices, for each point
_PASSES = 4  # over the rows: columns, their centred and orthonormal copies
_SCATTERED = 10  # a multiplication at a scattered place takes as long as so many at neighbouring ones
_PER_SECOND = 3e8  # multiplications on one core, with all that goes with them
_LEAST_SECONDS = 0.03
_OWN, _CROSSED = "draws of the groups' effects", "matrix of the crossed factors"


def check_memory_of_fit(gaussian: GaussianModel, *, draws: int, chains: int) -> None:
    """Raise a `FitError` where the draws, or the matrices on the way to them, would not fit.

    draws, chains: as in `fit`.
    """
    numbers = _numbers(gaussian, draws * chains)
    check_memory(
        f"The fit ({len(gaussian.response):,} rows, {gaussian.coefficients:,} coefficients, {draws * chains:,} draws)",
        numbers,
        f"{fewer_draws(draws, chains, numbers, _OWN)}Take fewer draws or chains, or let fewer effects vary; "
        f"reml() gives lme4's estimates without any draws.",
    )


def most_points(gaussian: GaussianModel, operations: float) -> float:
    """How many values of theta are worth it, each taking so many multiplications."""
    all_together = OPERATIONS if gaussian.known_sd is None else _OF_SIGMA
    return min(all_together / operations, _LARGEST / (len(gaussian.common.terms) + 1) ** 2)


def cost(gaussian: GaussianModel, options: Options) -> Cost:
    """Memory and seconds, roughly."""
    total = options.draws * options.chains
    per_point = _operations(gaussian)
    points = min(float(_POINTS * total), max(most_points(gaussian, per_point), _LEAST_POINTS))
    columns = len(gaussian.common.terms) + len(gaussian.mean)
    rows = _PASSES * len(gaussian.response) * (columns + 1) ** 2
    drawing = total * sum(gaussian.sizes) * columns
    seconds = _LEAST_SECONDS + (points * per_point + rows + drawing) / _PER_SECOND
    return Cost(NUMBER * sum(_numbers(gaussian, total).values()), seconds)


def _numbers(gaussian: GaussianModel, total: int) -> dict[str, float]:
    """The large arrays by what is in them: how many numbers."""
    rows, p = gaussian.common.matrix.shape
    sizes, q = gaussian.sizes, len(gaussian.mean)
    effects, crossed = sum(sizes), len(gaussian.factors) > 1
    points = min(float(_POINTS * total), max(most_points(gaussian, (p + 1) ** 3), _LEAST_POINTS))
    groups = max((factor.size for factor in gaussian.factors), default=1)
    return {
        _OWN: float(total) * effects * (3 if crossed else 1),  # crossed: sorted by theta, and back
        "columns of the rows": float(_PASSES) * rows * (p + q + 1),
        "products per group": float(groups) * (p + q + 1) ** 2,
        "common coefficients given theta": points * _COPIES * (p + 1) ** 2,
        _CROSSED: 4.0 * (effects - max(sizes, default=0) + p + 1) ** 2 if crossed else 0.0,
    }


def _operations(gaussian: GaussianModel) -> float:
    """Multiplications for one theta, from the sizes alone."""
    p, sizes = len(gaussian.common.terms), gaussian.sizes
    groups = max((factor.size for factor in gaussian.factors), default=1)
    q = max((factor.width for factor in gaussian.factors), default=0)
    rest = sum(sizes) - max(sizes, default=0)
    touched = min(rest, len(gaussian.response) / groups) + p + 1
    scattered = _SCATTERED if rest else 1
    return float(groups * max(q, 1) * scattered * (q + touched) ** 2 / 2 + rest**3 / 3 + p**3)
