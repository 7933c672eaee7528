"""The command line: the same verbs as in Python. Bad input exits with status 2 and a message, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, CycloptsError, Parameter, Token

from hlm.errors import HlmError
from hlm.support.options import Method

if TYPE_CHECKING:
    import pandas as pd

app = App(
    name="hlm",
    help="Hierarchical linear models from lme4-style formulas: complete, no and partial pooling, side by side.",
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # cyclopts would exit without a word
)


def _whole(kind: type, tokens: Sequence[Token]) -> int:
    """A whole number as it is written: cyclopts would round 1.5."""
    text = tokens[0].value
    if not text.removeprefix("-").isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


@app.command
def compare(
    formula: str,
    data: str,
    /,
    *,
    family: str = "gaussian",
    weights: str | None = None,
    method: Method = "auto",
    seed: Annotated[int | None, Parameter(converter=_whole)] = None,
    quiet: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Fit the three pooling strategies and print them side by side.

    Parameters
    ----------
    formula
        For example "post ~ pre + (pre|school)".
    data
        A packaged name (see hlm data), a .csv or a .parquet file.
    family
        gaussian, bernoulli, binomial (with cbind(k, n - k) ~ ...), poisson, negativebinomial, ...
    weights
        The column of trials of a binomial proportion, as in "k/n ~ x + (1|g)" --family binomial --weights n.
    method
        The engine.
    seed
        A whole number; the same seed gives the same numbers.
    quiet
        Say nothing while fitting.
    """
    from hlm.formula.parser import parse

    read = parse(formula)  # a wrong formula is told before anything slow is loaded

    from hlm.compare.compare_loo import compare_loo
    from hlm.fits.fit import fit_pooling

    fits = fit_pooling(read, _table(data), family=family, weights=weights, method=method, seed=seed, progress=not quiet)
    table = compare_loo(fits)
    print(fits)
    print("\nPredicting a new row of a known group (leave-one-out, best first):")
    print(table.drop(columns=["unit", "note"]).round(2).to_string(index=False))
    for label, note in zip(table["pooling"], table["note"], strict=True):
        if note:
            print(f"{label}: {note}.")


@app.command
def plan(
    formula: str,
    data: str,
    /,
    *,
    family: str = "gaussian",
    weights: str | None = None,
    method: Method = "auto",
) -> None:
    """Say which engine would fit each pooling strategy, why that one, and what it takes. Nothing is fitted.

    Parameters
    ----------
    formula
        For example "post ~ pre + (pre|school)".
    data
        A packaged name (see hlm data), a .csv or a .parquet file.
    family
        gaussian, bernoulli, binomial (with cbind(k, n - k) ~ ...), poisson, negativebinomial, ...
    weights
        The column of trials of a binomial proportion, as in "k/n ~ x + (1|g)" --family binomial --weights n.
    method
        The engine.
    """
    from hlm.fits.plan import plan as plan_of

    for row in plan_of(formula, _table(data), family=family, weights=weights, method=method).to_dict("records"):
        rough = f"; roughly {row['seconds']:.2g} s and {row['memory_mb']:.3g} MB" if row["engine"] != "none" else ""
        print(
            f"{row['pooling'].replace('none', 'no')} pooling: {row['formula']}\n"
            f"  engine: {row['engine']} ({row['why'].rstrip('.')})\n"
            f"  coefficients: {row['coefficients']}, other parameters: {row['parameters']}{rough}"
        )


@app.command
def lint(formula: str, data: str | None = None, /, *, family: str = "gaussian", weights: str | None = None) -> int:
    """Say what a formula means that may not be meant, and what to write instead. Nothing is fitted.

    Parameters
    ----------
    formula
        For example "post ~ pre + (pre|school)".
    data
        A packaged name (see hlm data), a .csv or a .parquet file; without it only the formula is checked.
    family
        gaussian, bernoulli, binomial (with p(k, n) ~ ...), poisson, negativebinomial, ...
    weights
        The column of trials of a binomial proportion, as in "k/n ~ x + (1|g)" --family binomial --weights n.
    """
    from hlm.linting.lint import lint as check

    findings = check(formula, None if data is None else _table(data), family=family, weights=weights)
    print(findings)
    return 2 if findings.errors else 0


@app.command
def explain(formula: str, data: str | None = None, /, *, family: str = "gaussian", weights: str | None = None) -> None:
    """Say what a formula means: words, equations, priors, and code for lme4, brms, Bambi and PyMC.

    Parameters
    ----------
    formula
        For example "post ~ pre + (pre|school)".
    data
        A packaged name (see hlm data), a .csv or a .parquet file; gives the numbers.
    family
        gaussian, bernoulli, binomial (with p(k, n) ~ ...), poisson, negativebinomial, ...
    weights
        The column of trials of a binomial proportion, as in "k/n ~ x + (1|g)" --family binomial --weights n.
    """
    from hlm.explanation.explain import explain as explain_model
    from hlm.formula.parser import parse

    read = parse(formula)
    _print_any_letter()
    print(explain_model(read, None if data is None else _table(data), family=family, weights=weights), end="")


@app.command
def cheatsheet(response: str, x: str, group: str, /) -> None:
    """Say what lme4's formulas mean for one predictor and one group, in your own names.

    Parameters
    ----------
    response
        A column's name, for example post.
    x
        The predictor, for example pre.
    group
        The grouping factor, for example school.
    """
    from hlm.explanation.cheatsheet import cheatsheet as sheet

    table = sheet(response, x, group)
    _print_any_letter()
    print(table, end="")


@app.command(name="data")
def show_data(name: str | None = None, /) -> None:
    """List the packaged data, or show the first rows of one.

    Parameters
    ----------
    name
        One of the packaged names.
    """
    from hlm.data.packaged_sets import list_data, load_data

    if name is None:
        table = list_data()
        width = max(map(len, table["name"]))
        for row in table.itertuples(index=False):
            print(f"{row.name:<{width}}  {row.rows} rows, {row.groups}\n{'':<{width}}  {row.story}")
        return
    frame = load_data(name)
    print(f"{name}: {len(frame)} rows\n{frame.head(10).to_string()}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 when done, 2 for bad input, 130 when interrupted."""
    try:
        status = app(arguments, exit_on_error=False, result_action="return_value")
    except HlmError as problem:
        print(f"hlm: {problem}", file=sys.stderr)
        return 2
    except CycloptsError:  # cyclopts has printed its own message
        return 2
    except KeyboardInterrupt as stop:
        print(f"hlm: {str(stop) or 'Interrupted.'}", file=sys.stderr)
        return 130
    return status if isinstance(status, int) else 0


def _table(name: str) -> pd.DataFrame:
    """The data, by a packaged name or a path."""
    from hlm.data.files import read_table

    return read_table(name)


def _print_any_letter() -> None:
    """A terminal without Greek letters shows question marks, not a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
