"""The model in R: lme4 and brms."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import ModelStructure
from hlm.formula.contrasts import ContrastChoice, contrast_choice
from hlm.formula.formula import INTERCEPT, Term
from hlm.formula.function_calls import canonical, is_call, read_call, shown
from hlm.formula.tokens import tokenize
from hlm.model.families import chosen_link
from hlm.model.prior_distributions import DISTRIBUTIONS

type _Centred = dict[int, dict[Column, tuple[str, str]]]  # by the place of the bar

_SYNTACTIC = re.compile(r"(?:[A-Za-z]|\.(?!\d))[A-Za-z0-9._]*\Z")
_RESERVED = ("if", "else", "repeat", "while", "function", "for", "next", "break", "in", "TRUE", "FALSE", "NULL", "Inf",
             "NaN", "NA", "NA_integer_", "NA_real_", "NA_character_", "NA_complex_")  # fmt: skip
_BRMS_CHARACTERS = str.maketrans(
    {**dict.fromkeys(" ()[],\"'?", ""), "+": "P", "-": "M", "*": "MU", "/": "D", "^": "E", "=": "EQ", "$": "USD"}
)


def lme4_code(model: ModelStructure) -> str:
    """`lmer` or `glmer`, with a comment on what lme4 does not have."""
    family = model.family.lme4
    if not family:
        return f"# lme4 has no {_called(model)}: see brms below.\n"
    formula = r_formula(model, _lme4_response(model))
    linear = model.family.is_gaussian
    weights = "" if model.weights is None else f", weights = {r_name(model.weights)}"
    computed = [v for v in model.formula.group_variables if is_call(v, model.formula.functions)]
    head = _head(model, [f"# lme4 1.1-31 wants a grouping factor as a column: make {r_name(v)} one" for v in computed])
    if not model.bars:
        fitted = f"lm({formula}, data)" if linear else f"glm({formula}, family = {family}, data{weights})"
        return f"{head}fit <- {fitted}\n"
    likelihood = "maximum likelihood (REML)" if linear else "maximum likelihood"
    remark = f"# The same model by {likelihood}: no priors, one estimate of every standard deviation.\n"
    if linear or family == "nb":
        fitted = f"{'lmer' if linear else 'glmer.nb'}({formula}, data)"
    else:
        fitted = f"glmer({formula}, data, family = {family}{weights})"
    return f"library(lme4)\n{head or chr(10)}{remark}fit <- {fitted}\n"


def brms_code(model: ModelStructure) -> str:
    """`brm` with the same priors; without data brms's own defaults stand."""
    family = model.family.brms
    if not family:
        return f"# brms has no {_called(model)} of this meaning.\n"
    trials = model.formula.response.trials
    response = _plain(model.response) + (f" | trials({_plain(trials)})" if trials is not None else "")
    centred = _centred_columns(model)
    formula = r_formula(model, response, centred)
    made = ["library(lme4)  # has dummy()"] if "dummy(" in str(model.written) else []
    made += [f"data${new} <- {code}" for columns in centred.values() for new, code in columns.values()]
    made += [
        f"# The priors of the sds and correlations of {bar.factor.name} belong to the columns as written, in hlm\n"
        f"# to columns less what those before them explain."
        for place, bar in enumerate(model.bars)
        if model.model.is_orthogonalised(bar.block) and place not in centred and model.data is not None
    ]
    head = f"library(brms)\n{_head(model, made) or chr(10)}fit <- brm(\n  {formula},\n  data,\n  family = {family}"
    if model.data is None:
        return f"{head}\n)\n# brms's own default priors: give data to explain() to have hlm's in numbers here.\n"
    known, unknown = [], []
    for prior, text in _brms_priors(model, centred):
        known.append(text) if text else unknown.append(prior.label)
    # brms keeps columns that others explain
    known += [f"prior(constant(0), class = b, coef = {_quoted(_coefficient(column))})" for column in model.left_out]
    comment = f"# brms's own default priors stand for: {', '.join(map(repr, unknown))}.\n" if unknown else ""
    priors = ",\n    ".join(known)
    return f"{head},\n  prior = c(\n    {priors}\n  )\n)\n{comment}"


def _called(model: ModelStructure) -> str:
    """The family, and its link where that is not the default."""
    link = chosen_link(model.family)
    return f"{model.family.name} family{'' if link is None else f' with the {link} link'}"


def r_formula(model: ModelStructure, response: str, centred: _Centred | None = None) -> str:
    """The formula as R reads it; ``centred`` are columns that stand for others in bars."""
    new = {
        (model.bars[place].factor.term, tuple(effect.term for effect in model.bars[place].block.effects)): [
            name for name, _ in columns.values()
        ]
        for place, columns in (centred or {}).items()
    }
    bars = []
    for block in model.written.blocks:
        effects = " + ".join(new.get((block.group, block.effects), ())) or _sum(block.effects)
        bars.append(f"({effects} {'|' if block.correlated else '||'} {_term(block.group)})")
    offsets = [f"offset({r_name(variable)})" for variable in model.written.offsets]
    removed = [_term(term) for term in model.written.removed]
    if model.written.has_dot:  # in R it stands for the grouping factors, too
        removed += [r_name(name) for name in model.written.group_variables]
    common = " - ".join([_sum(model.written.common), *removed])
    return f"{response} ~ {' + '.join([common, *offsets, *bars])}"


def _centred_columns(model: ModelStructure) -> _Centred:
    """For bars whose priors belong to orthogonalised columns, by column: a name for it, and the code that makes it.

    Only where all columns of the bar are numbers of one variable each; nothing without data, where no priors are given.
    """
    found: _Centred = {}
    for at, bar in enumerate(model.bars if model.data is not None else ()):
        slopes = [column for column in bar.columns if column.parts]
        single = all(len(c.parts) == 1 and c.level is None and not model.basis_of(c.parts[0].variable) for c in slopes)
        if model.model.is_orthogonalised(bar.block) and single:
            found[at], names = {}, [r_name(column.parts[0].variable) for column in slopes]
            for place, (column, name) in enumerate(zip(slopes, names, strict=True)):
                left = f"resid(lm({name} ~ {' + '.join(names[:place])}, data))"
                new = re.sub(r"[^A-Za-z0-9]+", "_", shown(column.parts[0].variable)).strip("_") or "x"
                found[at][column] = f"c_{new}", left if place else f"with(data, {name} - mean({name}))"
    return found


def r_name(name: str) -> str:
    """A variable in R code: a column back-quoted unless R reads it as it is, a call with R's own functions."""
    if is_call(name):
        return _r_call(name)
    if _SYNTACTIC.match(name) and name not in _RESERVED:
        return name
    return _quoted(name, "`")


def _r_call(variable: str) -> str:
    """A call as written, its columns in R's quotes; center() and mean_by() are not R's, and its C() wants a factor."""
    choice = contrast_choice(read_call(variable))
    if choice is not None:
        return _r_contrast(variable, choice)
    pieces, text = [], shown(variable)
    for token, after in pairwise(tokenize(text)):
        called = after.text == "(" and after.kind == "op"
        named = token.text in ("TRUE", "FALSE") or after.text == "="
        piece = text[token.start : after.start]
        column = token.kind == "name" and not called and not named
        pieces.append(r_name(token.text) + piece[token.stop - token.start :] if column else piece)
    written = re.sub(r"\bC\(", "factor(", "".join(pieces))
    written = re.sub(r"\bmean_by\(", "ave(", written)
    return re.sub(r"\bcenter\(([^()]*(?:\([^()]*\)[^()]*)*)\)", r"scale(\1, scale = FALSE)", written)


def _r_contrast(variable: str, choice: ContrastChoice) -> str:
    """A factor with contrasts: R's treatment contrasts have a place where ours have a label, so that they relevel."""
    whole = read_call(variable)
    factor = _r_call(canonical(replace(whole, name="factor", args=whole.args[:1])))
    some = f", {choice.columns}" if choice.columns is not None else ""
    if choice.kind == "treatment" and choice.base is not None:
        releveled = f"relevel({factor}, {_quoted(choice.base)})"
        return f"C({releveled}, contr.treatment{some})" if some else releveled
    place = f", base = {choice.place}" if choice.place is not None else ""
    return f"C({factor}, contr.{choice.kind}{some}{place})"


def _lme4_response(model: ModelStructure) -> str:
    response = model.written.response
    if response.written:
        return response.written
    if response.trials is None:
        return r_name(response.variable)
    return f"cbind({r_name(response.variable)}, {r_name(response.trials)} - {r_name(response.variable)})"


def _head(model: ModelStructure, remarks: Sequence[str] = ()) -> str:
    """What R needs before the formula can be read there."""
    lines = [f"# {name}() is a function of your own: define it in R, too" for name in model.formula.functions]
    if any(basis.startswith(("bs(", "ns(")) for basis in model.bases):
        lines.insert(0, "library(splines)")
    lines += remarks
    return "".join(f"{line}\n" for line in [*lines, ""]) if lines else ""


def _plain(name: str) -> str:
    """A response without the I() around it, which brms does not need."""
    text = r_name(name)
    return text[2:-1] if text.startswith("I(") else text


def _quoted(text: str, mark: str = '"') -> str:
    plain = text.replace("\\", "\\\\").replace(mark, f"\\{mark}")
    return mark + "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in plain) + mark


def _sum(terms: tuple[Term, ...]) -> str:
    zero = [] if INTERCEPT in terms else ["0"]
    return " + ".join([*zero, *(_term(t) for t in terms if t != INTERCEPT)]) or "1"


def _term(term: Term) -> str:
    return ":".join(map(r_name, term.variables)) or "1"


def _brms_priors(model: ModelStructure, centred: _Centred) -> Iterator[tuple[ParameterPrior, str]]:
    """Every prior with brms's line for it, empty where brms has no such distribution."""
    for prior in model.priors:
        own = model.family.auxiliary.get(prior.name)
        distributional = "" if own is None else own.brms
        group = "" if prior.bar is None else f", group = {_quoted(model.bars[prior.bar].factor.name)}"
        new = {} if prior.bar is None else centred.get(prior.bar, {})
        coefficient = new[prior.column][0] if prior.column in new else _coefficient(prior.column)
        where = {
            "intercept": "class = Intercept",
            "slope": f"class = b, coef = {_quoted(_coefficient(prior.column))}",
            "sd": f"class = sd{group}, coef = {_quoted(coefficient)}",
            "correlation": f"class = cor{group}",
            "auxiliary": f"class = {distributional}",
        }[prior.role]
        record = None if prior.role == "auxiliary" and not distributional else DISTRIBUTIONS.get(prior.distribution)
        stan = None if record is None else record.stan_call(prior.numbers)
        yield prior, "" if stan is None else f"prior({stan}, {where})"


def _coefficient(column: Column | None) -> str:
    """A coefficient's name as brms makes it: ``sexM``, ``pre:sexM``, without spaces and brackets."""
    if column is None or column == INTERCEPT_COLUMN:
        return "Intercept"
    level = {None: "", "True": "TRUE", "False": "FALSE"}
    names = [_brms_name(part.variable) + (level.get(part.level) or part.level or "") for part in column.parts]
    return ":".join(name.translate(_BRMS_CHARACTERS) for name in names)


def _brms_name(variable: str) -> str:
    """A variable as it stands in the R formula: the functions that R calls otherwise have R's names."""
    return shown(variable) if not is_call(variable) else r_name(variable)
