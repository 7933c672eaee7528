"""The command line: the same verbs as in Python. Bad input exits with status 2 and a message, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, Token

from hlm.data.files import read_table
from hlm.errors import HlmError
from hlm.support.options import Method

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


_DATA = "A packaged name (see hlm data), a .csv or a .parquet file"
_FAMILY = "gaussian, bernoulli, binomial (with {} ~ ...), poisson, negativebinomial, ..."
_TRIALS = 'The column of trials of a binomial proportion, as in "k/n ~ x + (1|g)" --family binomial --weights n.'
Formula = Annotated[str, Parameter(help='For example "post ~ pre + (pre|school)".')]
Data = Annotated[str, Parameter(help=f"{_DATA}.")]
Family = Annotated[str, Parameter(help=_FAMILY.format("cbind(k, n - k)"))]
FamilyP = Annotated[str, Parameter(help=_FAMILY.format("p(k, n)"))]
Link = Annotated[str | None, Parameter(help="The family's link, such as log or probit; by default its own.")]
Weights = Annotated[str | None, Parameter(help=_TRIALS)]
Engine = Annotated[Method, Parameter(help="The engine.")]
Seed = Annotated[int | None, Parameter(converter=_whole, help="A whole number; the same seed gives the same numbers.")]
Quiet = Annotated[bool, Parameter(negative="", help="Say nothing while fitting.")]
DataToCheck = Annotated[str | None, Parameter(help=f"{_DATA}; without it only the formula is checked.")]
DataForNumbers = Annotated[str | None, Parameter(help=f"{_DATA}; gives the numbers.")]


@app.command
def compare(
    formula: Formula,
    data: Data,
    /,
    *,
    family: Family = "gaussian",
    link: Link = None,
    weights: Weights = None,
    method: Engine = "auto",
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:
    """Fit the three pooling strategies and print them side by side."""
    from hlm.formula.parser import parse

    read = parse(formula)  # a wrong formula is told before anything slow is loaded

    from hlm.compare.compare_loo import compare_loo
    from hlm.fits.fit import fit_pooling

    rows, progress = read_table(data), not quiet
    fits = fit_pooling(
        read, rows, family=family, link=link, weights=weights, method=method, seed=seed, progress=progress
    )
    table = compare_loo(fits)
    print(fits)
    print("\nPredicting a new row of a known group (leave-one-out, best first):")
    print(table.drop(columns=["unit", "note"]).round(2).to_string(index=False))
    for label, note in zip(table["pooling"], table["note"], strict=True):
        if note:
            print(f"{label}: {note}.")


@app.command
def plan(
    formula: Formula,
    data: Data,
    /,
    *,
    family: Family = "gaussian",
    link: Link = None,
    weights: Weights = None,
    method: Engine = "auto",
) -> None:
    """Say which engine would fit each pooling strategy, why that one, and what it takes. Nothing is fitted."""
    from hlm.fits.plan import plan as plan_of

    table = plan_of(formula, read_table(data), family=family, link=link, weights=weights, method=method)
    for row in table.to_dict("records"):
        rough = f"; roughly {row['seconds']:.2g} s and {row['memory_mb']:.3g} MB" if row["engine"] != "none" else ""
        print(
            f"{row['pooling'].replace('none', 'no')} pooling: {row['formula']}\n"
            f"  engine: {row['engine']} ({row['why'].rstrip('.')})\n"
            f"  coefficients: {row['coefficients']}, other parameters: {row['parameters']}{rough}"
        )


@app.command
def lint(
    formula: Formula,
    data: DataToCheck = None,
    /,
    *,
    family: FamilyP = "gaussian",
    link: Link = None,
    weights: Weights = None,
) -> int:
    """Say what a formula means that may not be meant, and what to write instead. Nothing is fitted."""
    from hlm.linting.lint import lint as check

    findings = check(formula, None if data is None else read_table(data), family=family, link=link, weights=weights)
    print(findings)
    return 2 if findings.errors else 0


@app.command
def explain(
    formula: Formula,
    data: DataForNumbers = None,
    /,
    *,
    family: FamilyP = "gaussian",
    link: Link = None,
    weights: Weights = None,
) -> None:
    """Say what a formula means: words, equations, priors, and code for lme4, brms, Bambi and PyMC."""
    from hlm.explanation.explain import explain as explain_model
    from hlm.formula.parser import parse

    read = parse(formula)
    _print_any_letter()
    rows = None if data is None else read_table(data)
    print(explain_model(read, rows, family=family, link=link, weights=weights), end="")


@app.command
def cheatsheet(
    response: Annotated[str, Parameter(help="A column's name, for example post.")],
    x: Annotated[str, Parameter(help="The predictor, for example pre.")],
    group: Annotated[str, Parameter(help="The grouping factor, for example school.")],
    /,
) -> None:
    """Say what lme4's formulas mean for one predictor and one group, in your own names."""
    from hlm.explanation.cheatsheet import cheatsheet as sheet

    table = sheet(response, x, group)
    _print_any_letter()
    print(table, end="")


@app.command(name="data")
def show_data(name: Annotated[str | None, Parameter(help="One of the packaged names.")] = None, /) -> None:
    """List the packaged data, or show the first rows of one."""
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


def _print_any_letter() -> None:
    """A terminal without Greek letters shows question marks, not a traceback."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
