"""Which arm underfits, overfits or fits: a judgement of leave-one-out densities, and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import best_of, difference

Word = Literal["fits", "underfits", "overfits", "cannot tell", "no prediction"]
_FLEXIBILITY = {"complete": 0, "partial": 1, "none": 2}  # of the arms; what predicts worse and is freer overfits
_LEAST = 4.0  # nats: the normal approximation of smaller differences is not to be trusted
_ERRORS = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Judgement:
    """The arms judged by one question.

    Attributes
    ----------
    unit : str
        What was left out: ``observation``, or a grouping factor.
    best : str
        The arm of largest elpd.
    words : Mapping
        By arm. The best ``fits`` if all others are clearly worse; else it and those within the error ``cannot tell``.
    differences, errors : Mapping
        By arm: elpd less the best's, and its standard error.
    """

    unit: str
    best: str
    words: Mapping[str, Word]
    differences: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def certainty(self) -> Mapping[str, float]:
        """By arm: the probability that the best predicts better, by a normal approximation; NaN of the best."""
        return {
            arm: float(ndtr(-gap / self.errors[arm])) if self.errors[arm] > 0 else np.nan
            for arm, gap in self.differences.items()
        }

    @property
    def sentence(self) -> str:
        """Without the question: which arms are clearly worse, and which cannot be told apart."""
        worse = [
            f"{arm} {self.words[arm]} (elpd {-self.differences[arm]:.1f} lower, se {self.errors[arm]:.1f})"
            for arm in self.words
            if self.words[arm] in ("underfits", "overfits")
        ]
        level = [arm for arm in self.words if self.words[arm] == "cannot tell"]
        if not level:
            return "; ".join([f"{self.best} fits best", *worse])
        gaps = [f"{arm} {self._gap(arm)}" for arm in level if arm != self.best]
        return "; ".join([f"cannot tell {' and '.join(level)} apart (elpd of {', of '.join(gaps)})", *worse])

    def _gap(self, arm: str) -> str:
        if np.isnan(self.differences[arm]):
            return "could not be computed"
        return f"{-self.differences[arm]:.1f} lower than of {self.best}, se {self.errors[arm]:.1f}"


def judge(loos: Mapping[str, PointwiseLoo], poolings: Mapping[str, str] | None = None) -> Judgement | None:
    """Judge arms by their leave-one-out densities of the same units.

    Parameters
    ----------
    loos : mapping of str to PointwiseLoo
    poolings : mapping of str to str, optional
        The pooling of each arm, where their labels are not these.

    Returns
    -------
    Judgement or None
        None for fewer than two arms: there is nothing to compare.

    Notes
    -----
    An arm is clearly worse where its elpd is lower by more than two standard errors and by more than 4 (Sivula,
    Magnusson, Matamoros & Vehtari 2020, arXiv 2008.10296), and neither it nor the best has more bad Pareto k than
    could make up for the difference: one, or one in a hundred of the units. It underfits if it is less free
    than the best.
    """
    if len(loos) < 2:
        return None
    best = best_of(loos)
    free = {arm: _FLEXIBILITY.get((poolings or {}).get(arm, arm), 1) for arm in loos}
    gaps = {arm: difference(loo, loos[best]) for arm, loo in loos.items()}
    words: dict[str, Word] = {}
    for arm, gap in gaps.items():
        if not _clearly_worse(gap["elpd_diff"], gap["se_diff"], loos[arm], loos[best]):
            words[arm] = "cannot tell"
        else:
            words[arm] = "underfits" if free[arm] < free[best] else "overfits"
    if sum(word == "cannot tell" for word in words.values()) == 1:
        words[best] = "fits"
    return Judgement(
        unit=loos[best].unit, best=best, words=words,
        differences={arm: gap["elpd_diff"] for arm, gap in gaps.items()},
        errors={arm: gap["se_diff"] for arm, gap in gaps.items()},
    )  # fmt: skip


def _clearly_worse(gap: float, error: float, loo: PointwiseLoo, best: PointwiseLoo) -> bool:
    trusted = max(len(loo.bad), len(best.bad)) <= max(1, len(loo.elpd) // 100)
    return trusted and -gap > max(_LEAST, _ERRORS * error)
