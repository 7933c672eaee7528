"""Which strategy underfits, overfits or fits: a judgement of leave-one-out densities, and its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtr

from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.leave_one_out import best_of, difference

Word = Literal["fits", "underfits", "overfits", "cannot tell", "no prediction"]
_FLEXIBILITY = {"complete": 0, "partial": 1, "none": 2}  # of the strategies; what predicts worse and is freer overfits
_LEAST = 4.0  # nats: the normal approximation of smaller differences is not to be trusted
_ERRORS = 2.0  # standard errors


@dataclass(frozen=True, slots=True)
class Judgement:
    """The strategies judged by one question."""

    unit: str  # what was left out: ``observation``, or a grouping factor
    best: str  # the strategy of largest elpd
    # by strategy. The best ``fits`` if all others are clearly worse; else it and those within the error ``cannot
    # tell``.
    words: Mapping[str, Word]
    # differences, errors: by strategy: elpd less the best's, and its standard error
    differences: Mapping[str, float]
    errors: Mapping[str, float]

    @property
    def certainty(self) -> Mapping[str, float]:
        """By strategy: the probability that the best predicts better, by a normal approximation; NaN of the best."""
        return {
            label: float(ndtr(-gap / self.errors[label])) if self.errors[label] > 0 else np.nan
            for label, gap in self.differences.items()
        }

    @property
    def sentence(self) -> str:
        """Without the question: which strategies are clearly worse, and which cannot be told apart."""
        worse = [
            f"{label} {self.words[label]} (elpd {-self.differences[label]:.1f} lower, se {self.errors[label]:.1f})"
            for label in self.words
            if self.words[label] in ("underfits", "overfits")
        ]
        level = [label for label in self.words if self.words[label] == "cannot tell"]
        if not level:
            return "; ".join([f"{self.best} fits best", *worse])
        gaps = [
            f"{label} could not be computed" if np.isnan(self.differences[label])
            else f"{label} {-self.differences[label]:.1f} lower than of {self.best}, se {self.errors[label]:.1f}"
            for label in level if label != self.best
        ]  # fmt: skip
        apart = f"{', '.join(level[:-1])} and {level[-1]}"
        return "; ".join([f"cannot tell {apart} apart (elpd of {', of '.join(gaps)})", *worse])


def judge(loos: Mapping[str, PointwiseLoo], poolings: Mapping[str, str] | None = None) -> Judgement | None:
    """Judge strategies by their leave-one-out densities of the same units.

    poolings: the pooling of each strategy, where their labels are not these.
    result: None for fewer than two strategies: there is nothing to compare.

    A strategy is clearly worse where its elpd is lower by more than two standard errors and by more than 4 (Sivula,
    Magnusson, Matamoros & Vehtari 2020, arXiv 2008.10296), and neither it nor the best has more bad Pareto k than
    could make up for the difference: one, or one in a hundred of the units. It underfits if it is less free
    than the best.
    """
    if len(loos) < 2:
        return None
    best = best_of(loos)
    free = {label: _FLEXIBILITY.get((poolings or {}).get(label, label), 1) for label in loos}
    gaps = {label: difference(loo, loos[best]) for label, loo in loos.items()}
    words: dict[str, Word] = dict.fromkeys(loos, "cannot tell")
    for label, gap in gaps.items():
        if _clearly_worse(gap["elpd_diff"], gap["se_diff"], loos[label], loos[best]):
            words[label] = "underfits" if free[label] < free[best] else "overfits"
    if sum(word == "cannot tell" for word in words.values()) == 1:
        words[best] = "fits"
    return Judgement(
        unit=loos[best].unit, best=best, words=words,
        differences={label: gap["elpd_diff"] for label, gap in gaps.items()},
        errors={label: gap["se_diff"] for label, gap in gaps.items()},
    )  # fmt: skip


def _clearly_worse(gap: float, error: float, loo: PointwiseLoo, best: PointwiseLoo) -> bool:
    trusted = max(len(loo.bad), len(best.bad)) <= max(1, len(loo.elpd) // 100)
    return trusted and -gap > max(_LEAST, _ERRORS * error)
