"""The model in Bambi, alone where Bambi has it, and through `hlm.build`, which also has the correlations."""

from __future__ import annotations

from hlm.design import formulae_text
from hlm.explanation.code_pymc import quoted
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.structure import ModelStructure
from hlm.formula.formula import INTERCEPT, Term


def bambi_code(model: ModelStructure) -> str:
    """Bambi's own code, with the difference from lme4's meaning said, and `hlm.build`."""
    return f"{_build(model)}\n{_alone(model)}"


def _build(model: ModelStructure) -> str:
    family = "" if model.family.name == "gaussian" else f", family={quoted(model.family.name)}"
    given = any(prior.given for prior in model.priors)
    priors = ", priors=priors)  # those given to explain" if given else ")  # a bambi.Model"
    return f"import hlm\n\nmodel = hlm.build({quoted(str(model.formula))}, data{family}{priors}\n"


def _alone(model: ModelStructure) -> str:
    correlated = [bar for bar in model.bars if bar.correlation is not None]
    head = "import bambi as bmb\n\n"
    if correlated:
        bars = ", ".join(dict.fromkeys(str(b) for b in model.formula.blocks if len(b.effects) > 1))
        head += (
            f"# Bambi alone fits {' '.join(bars.split())} WITHOUT the correlation: {len(correlated)} correlation "
            f"matri{'x is' if len(correlated) == 1 else 'ces are'} missing below.\n"
            f"# For the model that lme4 and brms fit, use hlm.build above.\n"
        )
    family = f", family={quoted(model.family.name)}"
    priors = _priors(model)
    return f"{head}model = bmb.Model(\n    {quoted(_text(model))},\n    data{family},\n{priors})\n"


def _text(model: ModelStructure) -> str:
    """The formula as formulae reads it; it has no ``||``, and means by ``|`` what lme4 means by ``||``."""
    response = [formulae_text(Term((v,))) for v in model.formula.response.variables]
    left = response[0] if len(response) == 1 else f"p({', '.join(response)})"
    bars = [f"({_sum(block.effects)}|{formulae_text(block.group)})" for block in model.formula.expanded_blocks()]
    return f"{left} ~ {' + '.join([_sum(model.formula.common), *bars])}"


def _sum(terms: tuple[Term, ...]) -> str:
    first = "1" if INTERCEPT in terms else "0"
    return " + ".join([first, *(formulae_text(t) for t in terms if t != INTERCEPT)])


def _priors(model: ModelStructure) -> str:
    """The priors in Bambi's names; without data Bambi's own defaults, which are the same rule."""
    if model.data is None:
        return "    # Bambi's default priors are the same rule as hlm's\n"
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
