"""`verdict`: which strategy underfits, overfits or fits, for new rows and for new groups, in sentences with numbers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from hlm.checks.check_spread import check_spread
from hlm.compare.compare_loo import leave_out, loo_table
from hlm.compare.glossary import described
from hlm.engines.interface import PointwiseLoo
from hlm.errors import FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.verdict_sentence import judge
from hlm.formula.pooling_formulas import LABEL
from hlm.support.options import check_seed

if TYPE_CHECKING:
    import pandas as pd

    from hlm.fits.results import Fit

_ODD = 0.05  # of replicated data sets on one side: the strategy does not reproduce the spread


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; prints its sentences.

    Attributes
    ----------
    sentences : tuple of str
        One for each question, then one for each strategy that does not reproduce the spread between the groups.
    evidence : pandas.DataFrame
        One row per question x strategy: the columns of `compare_loo`, ``coefficients``, ``certainty`` and ``verdict``.
    checks : pandas.DataFrame
        `check_spread` of every factor; empty in families without simulated responses.
    """

    sentences: tuple[str, ...]
    evidence: pd.DataFrame = field(repr=False)
    checks: pd.DataFrame = field(repr=False)

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<ul>{''.join(f'<li>{html.escape(sentence)}</li>' for sentence in self.sentences)}</ul>"


def verdict(fits: Mapping[str, Fit], *, seed: int | None = 0) -> Verdict:
    """Judge the pooling strategies.

    Parameters
    ----------
    fits : PoolingFits
        Or any mapping of labels to `Fit` of the same rows, two at least.
    seed : int, optional
        Of the replicated data sets in the check of the spread.

    Returns
    -------
    Verdict
        ``.sentences``, ``.evidence``, ``.checks``. A strategy is clearly worse than the best where its elpd is lower by
        more than two standard errors and more than 4; then it underfits if it is less free than the best, else it
        overfits. Otherwise the verdict is "cannot tell". ``certainty`` is the probability that the best predicts
        better, by a normal approximation.

    Raises
    ------
    FitError
        For fewer than two strategies, or fits of different rows.

    Notes
    -----
    Questions: a new row of a known group; and, where whole groups can be left out (see `compare_loo`), a new group
    of each factor. No pooling has no answer to the second. What predicts best need not be true; 4, and 2 standard
    errors, are conventions. Thresholds: Sivula et al. (2020), arXiv 2008.10296.

    Examples
    --------
    >>> from hlm import fit_pooling, load_data, verdict
    >>> fits = fit_pooling("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), seed=1, progress=False)
    >>> verdict(fits).evidence[["pooling", "verdict"]].head(3).values.tolist()
    [['partial', 'cannot tell'], ['none', 'cannot tell'], ['complete', 'underfits']]
    """
    import pandas as pd

    check_seed(seed)
    loos = {"observation": leave_out(fits, "observation")}
    some = next(iter(fits.values()))
    sentences = []
    for group in some.resolved.written.groups:
        try:
            loos[group.name] = leave_out(fits, group.name)
        except FitError as reason:
            sentences.append(f"A new {group.name}: not judged. {reason}")
    tables, judged = [], []
    for unit, found in loos.items():
        sentence, table = _answered(fits, unit, found)
        judged.append(sentence)
        tables.append(table)
    checks = _checks(fits, seed)
    evidence = described(pd.concat(tables, ignore_index=True))
    problems = tuple(f"Not to be relied on yet: {clause}." for clause in failed_diagnostics(fits).values())
    return Verdict((*judged, *sentences, *_spread_sentences(checks), *problems), evidence, checks)


def _answered(fits: Mapping[str, Fit], unit: str, loos: Mapping[str, PointwiseLoo | str]) -> tuple[str, pd.DataFrame]:
    """One question's answer, and the numbers behind it."""
    known = {label: loo for label, loo in loos.items() if isinstance(loo, PointwiseLoo)}
    judgement = judge(known, {label: fits[label].pooling for label in known})
    names = [group.name for group in next(iter(fits.values())).resolved.written.groups]
    what = f"A new row of a known {' and '.join(names)}" if unit == "observation" else f"A new {unit}"
    reasons = [loo for loo in loos.values() if isinstance(loo, str)]
    found = "nothing to compare" if judgement is None else judgement.sentence
    bad = {label: len(loo.bad) for label, loo in known.items() if len(loo.bad)}
    reasons += [f"{label} has bad Pareto k at {count} of the units left out" for label, count in bad.items()]
    table = loo_table(fits, loos, unit)
    parts = [fits[label].parts for label in table["pooling"]]
    words, certainty = ({}, {}) if judgement is None else (judgement.words, judgement.certainty)
    return f"{'; '.join([f'{what}: {found}', *reasons])}.", table.assign(
        coefficients=[  # a reference level's fixed 0 is not counted
            p.shared.shape[1] + sum(int((own.values.std(axis=0) > 0).sum()) for own in p.groups) for p in parts
        ],
        certainty=[certainty.get(label, np.nan) for label in table["pooling"]],
        verdict=[words.get(label, "no prediction") for label in table["pooling"]],
    )


def _checks(fits: Mapping[str, Fit], seed: int | None) -> pd.DataFrame:
    import pandas as pd

    groups = next(iter(fits.values())).resolved.written.groups
    try:
        return described(pd.concat([check_spread(fits, group=g.name, seed=seed) for g in groups], ignore_index=True))
    except FitError:  # a family without simulated responses
        return pd.DataFrame()


def _spread_sentences(checks: pd.DataFrame) -> list[str]:
    """The spreads that a strategy does not reproduce."""
    said = []
    for row in checks.to_dict("records"):
        if np.isnan(row["p_value"]) or _ODD <= row["p_value"] <= 1 - _ODD:
            continue
        more = "more" if row["p_value"] < _ODD else "less"
        label = LABEL.get(row["pooling"], row["pooling"])
        said.append(
            f"Check: groups of {row['group']} differ {more} than {label} expects: {row['statistic']} "
            f"{row['observed']:.3g}, replicated {row['lower']:.3g} to {row['upper']:.3g} (p {row['p_value']:.2f})."
        )
    return said
