"""`slope_differences`: each group against the common line or against the others, with probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from hlm.compare.compare_slopes import NOT_ESTIMABLE, determined, model_of, varying_terms
from hlm.compare.glossary import described
from hlm.errors import FitError, nearest
from hlm.fits.failed_diagnostics import with_failed_diagnostics
from hlm.fits.group_coefficients import group_coefficients
from hlm.fits.results import Fits, fits_by_label
from hlm.formula.formula import Term
from hlm.support.options import check_list, checked_prob, offending

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

Against = Literal["pooled", "pairwise"]
_MOST = 300  # groups: 45,000 pairs for each term and strategy
NO_COMMON_LINE = "no pooling has no common line: fit complete pooling too"


def slope_differences(
    fits: Fits, *, against: Against = "pooled", term: str | None = None, group: str | None = None,
    levels: Sequence[Any] | None = None, prob: float | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Each group's coefficients less the common ones, or less every other group's.

    Parameters
    ----------
    fits : PoolingFits or Fit
    against : {"pooled", "pairwise"}
        ``"pooled"``: the common line of the same fit, draw by draw; no pooling has none, and is compared with the line
        of the complete strategy. ``"pairwise"``: every other group.
    term : str, optional
        By default every term that varies by the group.
    group : str, optional
        The grouping factor; needed where there are several.
    levels : sequence, optional
        Some of the groups; by default all (300 at most for pairs).
    prob : float, optional
        Probability of the central intervals; 0.89 by default.

    Returns
    -------
    pandas.DataFrame
        ``group, level, versus, term, pooling, estimate, sd, lower, upper, prob, p_greater, note``: ``estimate`` is the
        posterior mean of ``level``'s coefficient less that of ``versus``, ``p_greater`` the probability that the
        difference is above 0 (1/2 where both are the same, as in complete pooling). NaN where no pooling cannot say.

    Raises
    ------
    FitError
        For unknown names or options, or too many groups for pairs.

    Notes
    -----
    With partial pooling no correction for many comparisons is needed: the estimates are already drawn together (Gelman,
    Hill & Yajima 2012, J. Research on Educational Effectiveness 5:189-211). With no pooling one is.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, slope_differences
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> pairs = slope_differences(fits["partial"], against="pairwise", term="Days", levels=["308", "309"])
    >>> pairs[["level", "versus", "p_greater"]].round(2).values.tolist()
    [['308', '309', 1.0]]
    """
    import pandas as pd

    if not (isinstance(against, str) and against in get_args(Against)):
        raise FitError(f"against is 'pooled' or 'pairwise', not {offending(against)}.")
    model = model_of(fits)
    factor = model.group(group)
    probability = checked_prob(prob)
    wanted = _chosen(model.data.levels(factor), factor, levels, against)
    known = determined(model, factor)
    by_label = fits_by_label(fits)
    tables = []
    for name in varying_terms(model, factor, term):
        for pooling, fit in by_label.items():
            values, common = _draws(fit, by_label, factor, name)
            tell = known[name] if fit.pooling == "none" else np.ones(len(known[name]), dtype=bool)
            pairs = _pairs(against, model.data.levels(factor), wanted, values, common, tell)
            table = pd.DataFrame([_row(difference, probability) | about for difference, about in pairs])
            tables.append(table.assign(group=factor.name, term=name, pooling=pooling, prob=probability))
    columns = [
        "group", "level", "versus", "term", "pooling", "estimate", "sd", "lower", "upper", "prob", "p_greater", "note",
    ]  # fmt: skip
    return described(with_failed_diagnostics(pd.concat(tables, ignore_index=True)[columns], fits, by_row=True))


def _chosen(levels: list[str], factor: Term, wanted: Sequence[Any] | None, against: Against) -> list[int]:
    """Places of the wanted groups."""
    example = repr(levels[:3])
    names = levels if wanted is None else [str(level) for level in check_list("levels", wanted, example)]
    for name in names if wanted is not None else ():
        if name not in levels:
            raise FitError(f"There is no {factor.name} {name!r}. {nearest(name, levels)}")
    least = 2 if against == "pairwise" else 1
    if not least <= len(names) <= (_MOST if against == "pairwise" else len(levels)):
        raise FitError(
            f"{against!r} compares {least} to {_MOST} groups, not {len(names)}: name some, levels={example}."
        )
    places = {name: k for k, name in enumerate(levels)}
    return [places[name] for name in names]


def _draws(fit: Fit, by_label: Mapping[str, Fit], factor: Term, term: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Draws of the groups' coefficients, shape (T, K), and of the common line's at each group, or None."""
    target = fit.resolved.design.group_coefficients
    j = target.labels.index(term)
    values = group_coefficients(fit.parts, factor, fit.resolved)[:, :, j]
    other = fit if fit.pooling != "none" else by_label.get("complete")
    if other is None:
        return values, None
    common = group_coefficients(replace(other.parts, groups=()), factor, fit.resolved)[:, :, j]
    shortest = min(len(values), len(common))
    return values[:shortest], common[:shortest]


def _pairs(
    against: Against, levels: list[str], wanted: list[int], values: np.ndarray, common: np.ndarray | None,
    tell: np.ndarray,
) -> Iterator[tuple[np.ndarray, dict[str, str]]]:  # fmt: skip
    """Draws of each difference, NaN where it cannot be told, and what it is."""
    nothing = np.full(len(values), np.nan)
    if against == "pairwise":
        for k, j in combinations(wanted, 2):
            both = bool(tell[k] and tell[j])
            about = {"level": levels[k], "versus": levels[j], "note": "" if both else NOT_ESTIMABLE}
            yield (values[:, k] - values[:, j] if both else nothing), about
        return
    for k in wanted:
        note = NO_COMMON_LINE if common is None else "" if tell[k] else NOT_ESTIMABLE
        about = {"level": levels[k], "versus": "pooled", "note": note}
        yield (nothing if note or common is None else values[:, k] - common[:, k]), about


def _row(difference: np.ndarray, prob: float) -> dict[str, Any]:
    lower, upper = np.quantile(difference, [(1 - prob) / 2, (1 + prob) / 2])
    greater = (difference > 0).mean() + (difference == 0).mean() / 2
    return {
        "estimate": difference.mean(), "sd": difference.std(ddof=1), "lower": lower, "upper": upper,
        "p_greater": np.nan if np.isnan(lower) else greater,
    }  # fmt: skip
