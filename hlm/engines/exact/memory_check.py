"""Whether a fit of the collapsed engine has room in memory, known before its arrays are made."""

from __future__ import annotations

from hlm.engines.exact.gaussian_model import GaussianArm
from hlm.support.memory import check_memory, fewer_draws

OPERATIONS = 2e11  # for one fit, some 20 s: where theta is dear, few values with several coefficient draws each do
_POINTS = 3  # values of theta for each draw, unless the posterior is very far from a mixture of t's
_LEAST_POINTS = 100
_COPIES = 5  # of the common coefficients' matrices, for each point
_PASSES = 4  # over the rows: columns, their centred and orthonormal copies
_OWN, _CROSSED = "draws of the groups' effects", "matrix of the crossed factors"


def check_room(arm: GaussianArm, *, draws: int, chains: int) -> None:
    """Raise a `FitError` where an arm's draws, or the matrices on the way to them, would not fit.

    Parameters
    ----------
    arm : GaussianArm
    draws, chains : int
        As in `fit`.
    """
    rows, p = arm.common.matrix.shape
    levels = [int(f.codes.max()) + 1 for f in arm.factors]
    sizes = [k * len(f.design.terms) for k, f in zip(levels, arm.factors, strict=True)]
    effects, q = sum(sizes), len(arm.mean)
    total, crossed = draws * chains, len(arm.factors) > 1
    points = min(float(_POINTS * total), max(OPERATIONS / (p + 1) ** 3, _LEAST_POINTS))
    numbers = {
        _OWN: float(total) * effects * (3 if crossed else 1),  # crossed: sorted by theta, and back
        "columns of the rows": float(_PASSES) * rows * (p + q + 1),
        "products per group": float(max(levels, default=1)) * (p + q + 1) ** 2,
        "common coefficients given theta": points * _COPIES * (p + 1) ** 2,
        _CROSSED: 4.0 * (effects - max(sizes, default=0) + p + 1) ** 2 if crossed else 0.0,
    }
    check_memory(
        f"The fit ({rows:,} rows, {p + effects:,} coefficients, {total:,} draws)",
        numbers,
        f"{fewer_draws(draws, chains, numbers, _OWN)}Take fewer draws or chains, or let fewer effects vary; "
        f"reml() gives lme4's estimates without any draws.",
    )
