"""The model in plain PyMC: code that runs as printed and has the density of the model that `hlm.build` makes."""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator

from hlm.explanation.columns import INTERCEPT_COLUMN, Column, Part
from hlm.explanation.likelihoods import LIKELIHOODS
from hlm.explanation.prior_rules import ParameterPrior, Quantity
from hlm.explanation.structure import Bar, ModelStructure

_OWN_NAMES = ("np", "pm", "pt", "rows", "data", "coords", "model", "eta", "mu", "n", "s_alpha", "chol", "corr", "stds")
_INVERSE = {
    "identity": "eta",
    "logit": "pm.math.invlogit(eta)",
    "log": "pm.math.exp(eta)",
    "inverse": "1 / eta",
    "inverse_squared": "1 / pm.math.sqrt(eta)",
}


def pymc_code(model: ModelStructure) -> str:
    """A script that needs ``data``, a pandas data frame, and leaves ``model``, a `pymc.Model`."""
    likelihood = LIKELIHOODS[model.family.name].pymc
    if not likelihood:
        return _elsewhere(model, f"its {model.family.name} likelihood is long in plain PyMC")
    mixed = [bar for bar in model.bars if bar.correlation is not None and len(set(_sd_kinds(bar, model))) > 1]
    if mixed:
        return _elsewhere(model, "PyMC's LKJCholeskyCov takes one kind of prior for all sds of a block")
    names = _Names(model)
    body = [*_common(model, names), *_bars(model, names), *_response(model, names, likelihood)]
    lines = [*_imports(likelihood), *_columns(model, names), *_coords(model, names)]
    return "\n".join([*lines, "with pm.Model(coords=coords) as model:", *(f"    {line}".rstrip() for line in body), ""])


class _Names:
    """Python names for the user's columns and factors, each used once."""

    def __init__(self, model: ModelStructure) -> None:
        self._taken = {*_OWN_NAMES, *model.family.auxiliary, *(f"{a}_" for a in model.family.auxiliary)}
        self.response = self._new(model.response)
        columns = dict.fromkeys([*model.common, *(c for bar in model.bars for c in bar.columns)])
        self.parts: dict[Part, str] = {}
        for part in (p for column in columns for p in column.parts):
            if part not in self.parts:
                self.parts[part] = self._new(part.variable if part.level is None else f"{part.variable}_{part.level}")
        self.factors = {factor: self._new(factor.name) for factor in model.factors}
        self.coefficients = {c: self._new(f"b_{c.label}") if c.parts else "Intercept" for c in columns}

    def values(self, column: Column) -> str:
        """The column's numbers as Python."""
        return " * ".join(self.parts[part] for part in column.parts)

    def fresh(self, name: str) -> str:
        """A new name for a variable of the model."""
        return self._new(name)

    def _new(self, name: str) -> str:
        plain = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_") or "x"
        plain = plain if plain.isidentifier() and not keyword.iskeyword(plain) else f"x_{plain}"
        while plain in self._taken or not plain.isidentifier():
            plain = f"{plain}_"
        self._taken.add(plain)
        return plain


def quoted(text: str) -> str:
    """A text as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _elsewhere(model: ModelStructure, why: str) -> str:
    family = "" if model.family.name == "gaussian" else f", family={quoted(model.family.name)}"
    return (
        f"# Not written out here: {why}.\n# The PyMC model is the one that Bambi builds:\nimport hlm\n\n"
        f"model = hlm.build({quoted(str(model.formula))}, data{family}).backend.model\n"
    )


def _sd_kinds(bar: Bar, model: ModelStructure) -> list[tuple[str, ...]]:
    priors = [model.prior(bar.sd_name(column), column) for column in bar.columns]
    return [(p.distribution, *(key for key, _ in p.args)) for p in priors]


def _imports(likelihood: str) -> Iterator[str]:
    yield "import numpy as np"
    yield "import pymc as pm"
    if "pt." in likelihood:
        yield "import pytensor.tensor as pt"
    yield ""


def _columns(model: ModelStructure, names: _Names) -> Iterator[str]:
    """The data: complete rows, the response, the predictors, the groups."""
    wanted = ", ".join(map(quoted, model.formula.variables))
    yield "# data: a pandas data frame"
    yield f"rows = data[[{wanted}]].dropna()"
    yield f"{names.response} = {_numbers(model.response, model)}"
    if model.formula.response.trials is not None:
        yield f"n = rows[{quoted(model.formula.response.trials)}].to_numpy(int)"
    for part, name in names.parts.items():
        if part.level is None:
            yield f"{name} = rows[{quoted(part.variable)}].to_numpy(float)"
        else:
            yield f"{name} = (rows[{quoted(part.variable)}].astype(str) == {quoted(part.level)}).to_numpy(float)"
    for factor, name in names.factors.items():
        cells = [f"rows[{quoted(v)}].astype(str)" for v in factor.term.variables]
        whole = f"rows[{quoted(factor.name)}]" if len(cells) == 1 else f"({' + ":" + '.join(cells)})"
        yield f'{name} = {whole}.astype("category").cat.remove_unused_categories().cat'
    yield ""


def _numbers(name: str, model: ModelStructure) -> str:
    match model.family.support:
        case "binary":
            return f'rows[{quoted(name)}].astype("category").cat.codes.to_numpy()  # the second label is a success'
        case "count" | "trials":
            return f"rows[{quoted(name)}].to_numpy(int)"
        case _:
            return f"rows[{quoted(name)}].to_numpy(float)"


def _coords(model: ModelStructure, names: _Names) -> Iterator[str]:
    entries = [f"{quoted(_dim(factor.name))}: {name}.categories" for factor, name in names.factors.items()]
    entries += [
        f"{quoted(bar.correlation + '_effect')}: [{', '.join(quoted(column.label) for column in bar.columns)}]"
        for bar in model.bars
        if bar.correlation is not None
    ]
    yield f"coords = {{{', '.join(entries)}}}"
    if any(q.rule == "intercept" for prior in model.priors for _, q in prior.args):
        response = f"(2.5 * {names.response}.std()) ** 2" if model.family.scaled else "2.5**2"
        slopes = [
            f"({_value(Quantity(rule='slope'), column, model, names)} * {_statistic('mean', column, names)}) ** 2"
            for column in model.common
            if column.parts
        ]
        yield f"s_alpha = np.sqrt({' + '.join([response, *slopes])})"
    yield ""


def _dim(name: str) -> str:
    return f"{name}_level"


def _common(model: ModelStructure, names: _Names) -> Iterator[str]:
    """Common coefficients and the part of the predictor that all groups share."""
    summands = []
    for column in model.common:
        prior, name = model.prior(column.term.name if column.parts else "Intercept", column), names.coefficients[column]
        remark = "  # at the average of the predictors" if not column.parts and model.centred else ""
        yield f"{name} = {_variable(column.label, prior, model, names)}{remark}"
        values = names.values(column)
        if column in model.centred:
            values = f"({values} - {_statistic('mean', column, names)})"
        summands.append(f"{name} * {values}" if column.parts else name)
    yield from _sum("eta", summands or ["np.zeros(len(rows))"])


def _sum(name: str, summands: list[str]) -> Iterator[str]:
    yield f"{name} = {summands[0]}"
    yield from (f"{name} += {summand}" for summand in summands[1:])


def _bars(model: ModelStructure, names: _Names) -> Iterator[str]:
    for bar in model.bars:
        yield ""
        yield from _correlated(bar, model, names) if bar.correlation is not None else _single(bar, model, names)


def _single(bar: Bar, model: ModelStructure, names: _Names) -> Iterator[str]:
    (column,) = bar.columns
    factor, label = names.factors[bar.factor], f"{column.label if column.parts else '1'}|{bar.factor.name}"
    sd, z = names.fresh(f"sd_{label}"), names.fresh(f"z_{label}")
    prior = model.prior(bar.sd_name(column), column)
    yield f"{sd} = {_variable(f'{label}_sigma', prior, model, names)}"
    yield f"{z} = pm.Normal({quoted(f'{label}_z')}, 0, 1, dims={quoted(_dim(bar.factor.name))})"
    times = f" * {names.values(column)}" if column.parts else ""
    yield f"eta += ({sd} * {z})[{factor}.codes]{times}"


def _correlated(bar: Bar, model: ModelStructure, names: _Names) -> Iterator[str]:
    """The sds and the correlation as one Cholesky factor, times standard normal variables."""
    assert bar.correlation is not None
    name, factor = bar.correlation, names.factors[bar.factor]
    priors = [model.prior(bar.sd_name(column), column) for column in bar.columns]
    sds = ", ".join(f"{key}={_listed(_argument_values(key, priors, model, names))}" for key, _ in priors[0].args)
    eta = _value(model.prior(name).args[0][1], None, model, names)
    yield "chol, corr, stds = pm.LKJCholeskyCov("
    yield f"    {quoted(f'{name}_chol')}, n={len(priors)}, eta={eta}, sd_dist=pm.{priors[0].distribution}.dist({sds})"
    yield ")"
    z, b = names.fresh(f"z_{bar.factor.name}"), names.fresh(f"b_{bar.factor.name}")
    dims = f"({quoted(f'{name}_effect')}, {quoted(_dim(bar.factor.name))})"
    yield f"{z} = pm.Normal({quoted(f'{name}_z')}, 0, 1, dims={dims})"
    yield f"{b} = chol @ {z}  # one row per effect, one column per group"
    for place, column in enumerate(bar.columns):
        times = f" * {names.values(column)}" if column.parts else ""
        yield f"eta += {b}[{place}][{factor}.codes]{times}"


def _response(model: ModelStructure, names: _Names, likelihood: str) -> Iterator[str]:
    yield ""
    for name in model.family.auxiliary:
        yield f"{name} = {_variable(name, model.prior(name), model, names)}"
    yield f"mu = {_INVERSE[model.family.link]}"
    function, _, arguments = likelihood.partition("(")
    yield f"{function}({quoted(model.formula.response.name)}, {arguments}, observed={names.response})"


def _variable(label: str, prior: ParameterPrior, model: ModelStructure, names: _Names) -> str:
    arguments = [f"{key}={_value(value, prior.column, model, names)}" for key, value in prior.args]
    return f"pm.{prior.distribution}({', '.join([quoted(label), *arguments])})"


def _argument_values(key: str, priors: list[ParameterPrior], model: ModelStructure, names: _Names) -> list[str]:
    return [_value(dict(prior.args)[key], prior.column, model, names) for prior in priors]


def _listed(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def _value(quantity: Quantity, column: Column | None, model: ModelStructure, names: _Names) -> str:
    """A number to six digits, or the rule as Python."""
    if quantity.value is not None:
        return f"{quantity.value:.6g}"
    response = names.response
    if quantity.rule in ("mean_y", "sd_y"):
        return f"{response}.{'mean' if quantity.rule == 'mean_y' else 'std'}()"
    if quantity.rule == "intercept" or column is None or column == INTERCEPT_COLUMN:
        return "s_alpha"
    spread = _statistic("std", column, names)
    if quantity.rule == "logit_slope":
        return f"1 / {spread}"
    return f"2.5 * {response}.std() / {spread}" if model.family.scaled else f"2.5 / {spread}"


def _statistic(name: str, column: Column, names: _Names) -> str:
    values = names.values(column)
    return f"({values}).{name}()" if len(column.parts) > 1 else f"{values}.{name}()"
