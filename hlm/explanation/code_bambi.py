"""The model in Bambi, alone where Bambi has it, and through `hlm.build`, which also has the correlations."""

from __future__ import annotations

from collections.abc import Iterator

from hlm.engines.bambi.formula_text import formulae_text
from hlm.explanation.code_columns import (
    Names,
    build_call,
    column_lines,
    labels_code,
    quoted,
    response_lines,
    unknown_contrasts,
)
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import Part
from hlm.explanation.structure import ModelStructure
from hlm.formula.formula import INTERCEPT, Term
from hlm.formula.function_calls import is_call, shown
from hlm.model.families import chosen_link


def bambi_code(model: ModelStructure) -> str:
    """Bambi's own code, with a note on how it differs from lme4's meaning, and `hlm.build`."""
    given = any(prior.given for prior in model.priors)
    priors = ", priors=priors)  # those given to explain" if given else ")  # a bambi.Model"
    return f"import hlm\n\nmodel = {build_call(model)}{priors}\n\n{_alone(model)}"


def _alone(model: ModelStructure) -> str:
    correlated = [bar for bar in model.bars if bar.correlation is not None]
    if model.formula.has_dot:
        return "# Bambi alone cannot read '.': give data to explain() to have its columns named.\n"
    if left_out := dict.fromkeys(column.label for column in (*model.left_out, *model.left_out_of_bars)):
        return f"# Bambi alone would keep {', '.join(left_out)}, of which the data say nothing: use hlm.build above.\n"
    if model.data is not None and model.data.contrasts:
        factors = ", ".join(map(shown, model.data.contrasts))
        return f"# Bambi alone does not have the contrasts of {factors}: use hlm.build above.\n"
    if asking := unknown_contrasts(model):
        return f"# Bambi alone does not have the contrasts of {asking}: use hlm.build above.\n"
    head, data = "import bambi as bmb\n\n", "data"
    if model.formula.computed or model.bases:
        head, data = "\n".join(["import bambi as bmb", "import numpy as np", "", *_computed(model), "", ""]), "rows"
    if correlated:
        bars = ", ".join(dict.fromkeys(str(b) for b in model.formula.blocks if len(b.effects) > 1))
        head += (
            f"# Bambi alone fits {' '.join(bars.split())} WITHOUT the correlation: {len(correlated)} correlation "
            f"matri{'x is' if len(correlated) == 1 else 'ces are'} missing below.\n"
            f"# For the model that lme4 and brms fit, use hlm.build above.\n"
        )
    formula, family, link = quoted(_text(model)), quoted(model.family.name), chosen_link(model.family)
    family += "" if link is None else f", link={quoted(link)}"
    return f"{head}model = bmb.Model(\n    {formula},\n    {data}, family={family},\n{_priors(model)})\n"


def _text(model: ModelStructure) -> str:
    """The formula as formulae reads it; it has no ``||``, and means by ``|`` what lme4 means by ``||``."""
    response = [formulae_text(Term((v,))) for v in model.formula.response.variables]
    left = response[0] if len(response) == 1 else f"p({', '.join(response)})"
    offsets = [f"offset({formulae_text(Term((variable,)))})" for variable in model.formula.offsets]
    bars = [f"({_sum(block.effects)}|{formulae_text(block.group)})" for block in model.formula.expanded_blocks()]
    return f"{left} ~ {' + '.join([_sum(model.formula.common), *offsets, *bars])}"


def _computed(model: ModelStructure) -> Iterator[str]:
    """What the formula computes, as columns under their own names: Bambi's functions are not all R's."""
    names = Names(model)
    yield from column_lines(model, names)
    yield from response_lines(model, names)
    response = model.formula.response
    values = {name: text for name, text in ((response.variable, names.response), (response.trials, "n")) if name}
    numbers = [part.variable for part in names.parts if part.level is None]
    for variable in dict.fromkeys([*numbers, *model.formula.offsets]):
        basis = model.basis_of(variable)
        values[variable] = names.parts[Part(variable)] if basis else names.number(variable)
    labels = [part.variable for part in names.parts if part.level is not None]
    for variable in dict.fromkeys([*labels, *model.formula.group_variables]):
        if is_call(variable, model.formula.functions):
            values[variable] = f'{labels_code(variable, model, names)}.astype("category")'
    made = [f"{quoted(v)}: {text}" for v, text in values.items() if v in model.formula.computed or model.basis_of(v)]
    yield f"rows = rows.assign(**{{{', '.join(made)}}})"


def _sum(terms: tuple[Term, ...]) -> str:
    first = "1" if INTERCEPT in terms else "0"
    return " + ".join([first, *(formulae_text(t) for t in terms if t != INTERCEPT)])


def _priors(model: ModelStructure) -> str:
    """The priors in Bambi's names; without data they have no numbers."""
    if model.data is None:
        return "    # Bambi's default priors: narrower than hlm's where columns explain each other; data give hlm's\n"
    lines: dict[str, list[ParameterPrior]] = {}
    for prior in model.priors:
        if prior.role != "correlation":
            lines.setdefault(prior.name, []).append(prior)
    entries = []
    for name, priors in lines.items():
        own = _prior(priors)
        if priors[0].role == "sd":
            name, own = name.removesuffix("_sigma"), f'bmb.Prior("Normal", mu=0, sigma={own})'
        entries.append(f"        {quoted(name)}: {own},\n")
    return f"    priors={{\n{''.join(entries)}    }},\n"


def _prior(priors: list[ParameterPrior]) -> str:
    """One prior; a list of numbers where the columns of a factor differ."""
    arguments = []
    for key, _ in priors[0].args:
        numbers = [f"{p.numbers[key]:.6g}" for p in priors if key in p.numbers]
        value = numbers[0] if len(set(numbers)) == 1 else f"[{', '.join(numbers)}]"
        arguments.append(f"{key}={value}")
    return f'bmb.Prior("{priors[0].distribution}", {", ".join(arguments)})'
