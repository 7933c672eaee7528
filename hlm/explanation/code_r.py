"""The model in R: lme4 and brms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hlm.explanation.columns import INTERCEPT_COLUMN, Column
from hlm.explanation.likelihoods import LIKELIHOODS
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.structure import ModelStructure
from hlm.formula.formula import INTERCEPT, Block, Term

_SYNTACTIC = re.compile(r"(?:[A-Za-z]|\.(?!\d))[A-Za-z0-9._]*\Z")
_RESERVED = ("if", "else", "repeat", "while", "function", "for", "next", "break", "in", "TRUE", "FALSE", "NULL", "Inf",
             "NaN", "NA", "NA_integer_", "NA_real_", "NA_character_", "NA_complex_")  # fmt: skip
# brms's name of a parameter of the response's distribution, where it is not the same as Bambi's
_BRMS_CLASS = {"alpha": "shape", "lam": "shape"}
_BRMS_CHARACTERS = str.maketrans(
    {**dict.fromkeys(" ()[],\"'?", ""), "+": "P", "-": "M", "*": "MU", "/": "D", "^": "E", "=": "EQ", "$": "USD"}
)
_STAN = {
    "Normal": ("normal", ("mu", "sigma")),
    "HalfNormal": ("normal", ("0", "sigma")),
    "StudentT": ("student_t", ("nu", "mu", "sigma")),
    "HalfStudentT": ("student_t", ("nu", "0", "sigma")),
    "Cauchy": ("cauchy", ("alpha", "beta")),
    "HalfCauchy": ("cauchy", ("0", "beta")),
    "Gamma": ("gamma", ("alpha", "beta")),
    "Beta": ("beta", ("alpha", "beta")),
    "Exponential": ("exponential", ("lam",)),
    "LKJ": ("lkj", ("eta",)),
}


def lme4_code(model: ModelStructure) -> str:
    """`lmer` or `glmer`, with what lme4 does not have said in a comment."""
    family = LIKELIHOODS[model.family.name].lme4
    if not family:
        return f"# lme4 has no {model.family.name} family: see brms below.\n"
    response = r_name(model.response)
    if model.formula.response.trials is not None:
        response = f"cbind({response}, {r_name(model.formula.response.trials)} - {response})"
    formula = r_formula(model, response)
    linear = family == "gaussian"
    if not model.bars:
        return f"fit <- lm({formula}, data)\n" if linear else f"fit <- glm({formula}, family = {family}, data)\n"
    library = "library(lme4)\n\n"
    remark = "# The same model by maximum likelihood (REML): no priors, one estimate of every standard deviation.\n"
    if linear:
        return f"{library}{remark}fit <- lmer({formula}, data)\n"
    if family == "nb":
        return f"{library}{remark.replace(' (REML)', '')}fit <- glmer.nb({formula}, data)\n"
    return f"{library}{remark.replace(' (REML)', '')}fit <- glmer({formula}, data, family = {family})\n"


def brms_code(model: ModelStructure) -> str:
    """`brm` with the same priors; without data brms's own defaults stand."""
    family = LIKELIHOODS[model.family.name].brms
    if not family:
        return f"# brms has no {model.family.name} family of this meaning.\n"
    trials = model.formula.response.trials
    response = r_name(model.response) + (f" | trials({r_name(trials)})" if trials is not None else "")
    formula = r_formula(model, response)
    head = f"library(brms)\n\nfit <- brm(\n  {formula},\n  data,\n  family = {family}"
    if model.data is None:
        return f"{head}\n)\n# brms's own default priors: give data to explain() to have hlm's in numbers here.\n"
    known, unknown = [], []
    for prior, text in _brms_priors(model):
        known.append(text) if text else unknown.append(prior.label)
    comment = f"# brms's own default priors stand for: {', '.join(map(repr, unknown))}.\n" if unknown else ""
    priors = ",\n    ".join(known)
    return f"{head},\n  prior = c(\n    {priors}\n  )\n)\n{comment}"


def r_formula(model: ModelStructure, response: str) -> str:
    """The formula as R reads it."""
    bars = [_bar(block) for block in model.formula.blocks]
    return f"{response} ~ {' + '.join([_sum(model.formula.common) or '0', *bars])}"


def r_name(name: str) -> str:
    """A column's name in R code: back-quoted unless R reads it as it is."""
    if _SYNTACTIC.match(name) and name not in _RESERVED:
        return name
    return f"`{_escaped(name, '`')}`"


def r_string(text: str) -> str:
    """A text in R code."""
    return f'"{_escaped(text, chr(34))}"'


def _escaped(text: str, mark: str) -> str:
    plain = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in plain)


def _bar(block: Block) -> str:
    return f"({_sum(block.effects)} {'|' if block.correlated else '||'} {_term(block.group)})"


def _sum(terms: tuple[Term, ...]) -> str:
    others = [_term(t) for t in terms if t != INTERCEPT]
    if INTERCEPT not in terms:
        others.insert(0, "0")
    return " + ".join(others) or "1"


def _term(term: Term) -> str:
    return ":".join(map(r_name, term.variables)) or "1"


def _brms_priors(model: ModelStructure) -> Iterator[tuple[ParameterPrior, str]]:
    """Every prior with brms's line for it, empty where brms has no such distribution."""
    for prior in model.priors:
        name = "phi" if prior.name == "kappa" and model.family.name != "vonmises" else prior.name
        group = "" if prior.bar is None else f", group = {r_string(model.bars[prior.bar].factor.name)}"
        where = {
            "intercept": "class = Intercept",
            "slope": f"class = b, coef = {r_string(_coefficient(prior.column))}",
            "sd": f"class = sd{group}, coef = {r_string(_coefficient(prior.column))}",
            "correlation": f"class = cor{group}",
            "auxiliary": f"class = {_BRMS_CLASS.get(prior.name, name)}",
        }[prior.role]
        stan = None if prior.name == "psi" else _stan(prior)  # brms's zi and hu are the probability of a zero
        yield prior, "" if stan is None else f"prior({stan}, {where})"


def _stan(prior: ParameterPrior) -> str | None:
    name, parameters = _STAN.get(prior.distribution, ("", ()))
    numbers = prior.numbers
    if not name or any(p != "0" and p not in numbers for p in parameters):
        return None
    return f"{name}({', '.join('0' if p == '0' else f'{numbers[p]:.6g}' for p in parameters)})"


def _coefficient(column: Column | None) -> str:
    """A coefficient's name as brms makes it: ``sexM``, ``pre:sexM``, without spaces and brackets."""
    if column is None or column == INTERCEPT_COLUMN:
        return "Intercept"
    return ":".join((part.variable + (part.level or "")).translate(_BRMS_CHARACTERS) for part in column.parts)
