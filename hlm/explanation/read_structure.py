"""`model_structure`: a formula, with or without data, as the one object that every view is printed from."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from hlm.errors import FitError
from hlm.explanation.prior_rules import parameter_priors
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, columns_in, term_columns
from hlm.explanation.structure import Bar, Factor, ModelStructure
from hlm.formula.expansion import basis_columns, expanded
from hlm.formula.formula import ALL_OTHERS, Formula, Term
from hlm.formula.parser import parse
from hlm.formula.response import with_weights
from hlm.model.design import Design
from hlm.model.families import check_trials, get_family
from hlm.model.model import Model
from hlm.model.priors import GivenPriors
from hlm.model.resolve import check_names, resolve, strategy
from hlm.support.options import check_functions

if TYPE_CHECKING:
    from hlm.data.transforms import Functions

_LETTERS = "klmjhrstuvwabcdefg"


def model_structure(
    formula: str | Formula,
    data: Any = None,
    *,
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
    priors: GivenPriors | None = None,
) -> ModelStructure:
    """Read a formula, and data where there are, into the structure that all views share; arguments as in `explain`."""
    chosen = get_family(family, link)
    check_functions(functions)
    if weights is not None and chosen.weights == "precisions":
        raise FitError(
            f"explain does not show the weights of a gaussian model ({weights!r}): leave them out, and read sigma as "
            f"the residual standard deviation of a row of weight 1."
        )
    parsed = with_weights(parse(formula, functions=tuple(functions or ())), weights, chosen)
    if data is None:
        if isinstance(priors, str):
            raise FitError(f"priors={priors!r} are numbers that come from data: give data, too.")
        check_trials(chosen, parsed)
        model, written = strategy(Design(expanded(parsed, basis_columns(parsed)), None), "partial", chosen), parsed
        check_names(model)
    else:
        model = resolve(parsed, data, family=family, link=link, functions=functions, priors=priors)["partial"]
        written = expanded(parsed, {name: found for name, found in model.data.expansions.items() if name == ALL_OTHERS})
    common = columns_in(model.design.common, term_columns(model.written.common, model.design.data))
    if chosen.has_thresholds:
        common = tuple(column for column in common if column != INTERCEPT_COLUMN)
    letters = (letter + "'" * times for times in count() for letter in _LETTERS)
    factors = tuple(
        Factor(factor.group, letter, factor.size if model.has_data else None)
        for letter, factor in zip(letters, sorted(model.factors, key=lambda factor: factor.group.degree), strict=False)
    )
    bars = _bars(model, factors, common)
    rows = parameter_priors(model, common, [(bar.block, bar.columns) for bar in bars], priors)
    return ModelStructure(model, written, factors, common, bars, rows)


def _bars(model: Model, factors: tuple[Factor, ...], common: tuple[Column, ...]) -> tuple[Bar, ...]:
    """The blocks, coarse factors first, each column's centre found."""
    by_term = {factor.term: factor for factor in factors}
    of_factor = {factor.group: iter(factor.blocks) for factor in model.factors}
    carrier: dict[Column, Column | Bar] = {column: column for column in common}
    bars = []
    for block, design in sorted(model.design.blocks, key=lambda pair: pair[0].group.degree):
        columns = columns_in(design, term_columns(block.effects, model.design.data))
        centres = tuple(_centre(carrier.get(column), block.group, columns) for column in columns)
        bars.append(Bar(by_term[block.group], next(of_factor[block.group]), columns, centres))
        for column, centre in zip(columns, centres, strict=True):
            if centre is not None or column not in carrier:
                carrier[column] = bars[-1]
    return tuple(bars)


def _centre(carrier: Column | Bar | None, group: Term, columns: tuple[Column, ...]) -> Factor | Column | None:
    """The common coefficient, or a coarser factor's if all that varies with it varies in this bar too, else 0."""
    if not isinstance(carrier, Bar):
        return carrier
    finer = set(carrier.factor.term.variables) < set(group.variables)
    return carrier.factor if finer and set(carrier.columns) <= set(columns) else None
