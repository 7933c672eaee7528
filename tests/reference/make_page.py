"""Writes docs/references.md: `.uv/bin/uv run python tests/reference/make_page.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import brms_cases
import gelman_hill
import lme4_cases
import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "references.md"

HEAD = """# Other software's answers beside ours

Every number of another program that is stored in `tests/reference/`, and what hlm gives for it. The tests compare them on
every run (`tests/engines/reml/test_reml_lme4.py`, `tests/fits/test_posteriors.py`,
`tests/fits/test_gelman_hill.py`), with the tolerances that stand
there; a further test holds this page to what its script writes. To see it again:

```
.uv/bin/uv run python tests/reference/make_page.py     # our numbers, a minute; writes this page
cd tests/reference && Rscript lme4_r.R && Rscript lme4_reml.R && Rscript gelman_hill.R && Rscript brms.R   # theirs
```
"""


def lme4_part() -> Iterator[str]:
    """All models in one table, then every number of each."""
    stored = json.loads((HERE / "lme4_r.json").read_text())
    cases = lme4_cases.lme4_cases()
    yield f"## lme4 {stored['lme4']}: {len(cases)} models\n"
    yield (
        "`reml(formula, data)` beside `lmer`. A difference is in units of the coefficient's standard error, of the sd itself, "
        "or of 1 (log-likelihoods, correlations); AIC, BIC and the first groups' coefficients are among those that are compared, "
        "but are not printed. In three models on simulated data lme4's optimiser stopped before the "
        "maximum: our log-likelihood is higher, and their other numbers are not ours; they are printed with three digits, since "
        "rounding moves the rest. In one (`x + c || g`) several "
        "covariance matrices give the same likelihood.\n"
    )
    yield from _table(
        ["data and formula", "kind", "rows", "singular", "log-likelihood, lme4", "hlm", "largest difference"],
        [_overview(case) for case in cases],
    )
    for case in cases:
        yield f"### {case.title}\n"
        yield from _table(
            ["", "lme4", "hlm"],
            [[_code(n.label), *(shown(v, _digits(case, n.label, v)) for v in (n.theirs, n.ours))] for n in _kept(case)],
        )


def brms_part() -> Iterator[str]:
    """Means and sds of every parameter; the quantiles are in brms.json and in the test."""
    stored = brms_cases.STORED
    yield f"## brms {stored['brms']} (rstan {stored['rstan']}): six posteriors with the same priors\n"
    yield (
        "The default priors of hlm, worked out again by `brms.R`. The last column is the largest difference of mean, sd, 5 %, "
        "50 % and 95 % quantile in Monte Carlo standard errors of both; the test asks for less than 4.\n"
    )
    for name, row in stored["models"].items():
        ours = brms_cases.fitted(name)
        yield f"### {name}: {row['formula']}\n"
        yield f"brms: {row['draws']}; hlm: {ours.method}, {ours.idata['posterior'].sizes['draw'] * 4:,} draws.\n"
        by_name: dict[str, dict[str, brms_cases.Number]] = {}
        for n in brms_cases.numbers(name, ours):
            by_name.setdefault(n.parameter, {})[n.summary] = n
        yield from _table(
            ["", "mean, brms", "hlm", "sd, brms", "hlm", "in errors"],
            [
                [_code(parameter), *(shown(v) for s in ("mean", "sd") for v in (found[s].theirs, found[s].ours)),
                 f"{max(n.distance for n in found.values()):.1f}"]
                for parameter, found in by_name.items()
            ],
        )  # fmt: skip


def book_part() -> Iterator[str]:
    """Gelman & Hill's radon models, at their printed precision."""
    yield "## Gelman & Hill (2007), chapters 12 and 13: radon\n"
    yield (
        "*Data Analysis Using Regression and Multilevel/Hierarchical Models*, sections 12.2 to 12.6 and 13.1. The book's "
        "response is log(radon) with 0.1 for three readings of 0; the packaged `log_radon` is log(radon + 0.1) for all, and "
        "gives 1.49, -0.66, 0.32 and 0.73 for M1 instead of the book's 1.46, -0.69, 0.33 and 0.76. Below the book's response is "
        "made from it, exactly. Complete and no pooling are posterior means and sds, whose priors are nearly flat; the book's "
        "are least squares. In M4 lme4's default optimiser stops at an sd of 0, where the log-likelihood is 2.8 lower.\n"
    )
    rows = list(gelman_hill.comparisons())
    yield from _table(
        ["model", "", "book", "lm or lme4 today", "hlm"],
        [
            [f"{model}: {_code(formula)}", _code(label), f"{printed:.2f}", shown(today), shown(ours)]
            for model, formula, label, printed, today, ours in rows
        ],
    )


def page() -> str:
    return "\n".join([HEAD, *book_part(), *brms_part(), *lme4_part()]).rstrip() + "\n"


def _overview(case: lme4_cases.Case) -> list[str]:
    both = list(lme4_cases.numbers(case))
    likelihood = both[0]
    worst = max(n.difference for n in both)
    gap = "see above" if worst > 1e-3 else "less than 0.0001" if worst < 1e-4 else "less than 0.001"
    cells = [shown(likelihood.theirs, 8), shown(likelihood.ours, 8), gap]
    singular = "yes" if case.answer["singular"] else ""
    return [_code(case.title), case.kind, str(case.answer["n"]), singular, *cells]


def _digits(case: lme4_cases.Case, label: str, value: float) -> int:
    """Of a number; fewer where the likelihood is so flat that rounding, which differs by processor, moves the rest."""
    if max(n.difference for n in lme4_cases.numbers(case)) <= 1e-3:
        return 4 if label.startswith("corr") else 5
    return 5 if label.startswith("log") or np.isnan(value) else max(3, len(str(int(abs(value)))))


def _kept(case: lme4_cases.Case) -> list[lme4_cases.Number]:
    return [n for n in lme4_cases.numbers(case) if n.kind not in ("criterion", "group's coefficient")]


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def shown(value: float, digits: int = 5) -> str:
    """Significant digits; what is 0 but for rounding is 0, and NaN (a correlation beside an sd of 0) is a dash."""
    if np.isnan(value):
        return "-"
    return "0" if abs(value) < 1e-6 else f"{value:.{digits}g}"


def _table(header: list[str], rows: list[list[str]]) -> Iterator[str]:
    for cells in [header, ["---"] * len(header), *rows]:
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page())
