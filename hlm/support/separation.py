"""Whether a combination of columns separates rows, by a linear programme.

There is separation where some combination of the columns is at least 0 in every row with successes only, at most 0 in
every row with failures only, 0 in the others, and not 0 everywhere (Albert and Anderson, Biometrika 1984).
"""

from __future__ import annotations

import numpy as np

MARGIN = 1e-5  # of a combination, of columns whose largest value is 1; the programme's own tolerance is 1e-7
_PART = 2_000  # rows that are asked first: where these are not separated, all are not


def separating_direction(rows: np.ndarray, signs: np.ndarray) -> np.ndarray | None:
    """The coefficients of such a combination, shape (p,), none beyond 1; None where there is none.

    rows: shape (n, p); the largest value of a column is 1.
    signs: shape (n,); 1 where there are successes only, -1 for failures only, 0 for both.
    """
    settled = signs != 0
    signed, mixed = signs[settled, None] * rows[settled], rows[~settled]
    if not len(signed) or not rows.shape[1]:
        return None
    if len(mixed) > rows.shape[1]:
        mixed = np.linalg.qr(mixed, mode="r")  # has the same null space
    if len(signed) > _PART:
        part = np.random.default_rng(0).choice(len(signed), _PART, replace=False)
        if _direction(signed[part], mixed) is None:
            return None
    return _direction(signed, mixed)


def _direction(signed: np.ndarray, mixed: np.ndarray) -> np.ndarray | None:
    from scipy.optimize import linprog

    found = linprog(
        -signed.mean(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1, 1),
        A_eq=mixed if len(mixed) else None, b_eq=np.zeros(len(mixed)) if len(mixed) else None,
    )  # fmt: skip
    return np.asarray(found.x) if found.status == 0 and (signed @ found.x).max() > MARGIN else None
