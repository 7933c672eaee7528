"""The model in plain PyMC: code that runs as printed and has the density of the model that `hlm.build` makes."""

from __future__ import annotations

from collections.abc import Iterator

from hlm.explanation.code_columns import Names, build_call, column_lines, group_lines, quoted, response_lines
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, ModelStructure
from hlm.model.default_priors import Quantity


def pymc_code(model: ModelStructure) -> str:
    """A script that needs ``data``, a pandas data frame, and leaves ``model``, a `pymc.Model`."""
    likelihood = model.family.pymc
    if not likelihood:
        return _elsewhere(model, f"its {model.family.name} likelihood is long in plain PyMC")
    if any(bar.correlation is not None and len(set(_sd_kinds(bar, model))) > 1 for bar in model.bars):
        return _elsewhere(model, "PyMC's LKJCholeskyCov takes one kind of prior for all sds of a block")
    if model.formula.has_dot:
        return _elsewhere(model, "only the data say which columns '.' stands for")
    names = Names(model)
    body = [*_common(model, names), *_bars(model, names), *_response(model, names, likelihood)]
    data = [*column_lines(model, names), *response_lines(model, names), *group_lines(model, names), ""]
    lines = [*_imports(model, likelihood), *data, *_coords(model, names)]
    return "\n".join([*lines, "with pm.Model(coords=coords) as model:", *(f"    {line}".rstrip() for line in body), ""])


def _elsewhere(model: ModelStructure, why: str) -> str:
    return (
        f"# Not written out here: {why}.\n# The PyMC model is the one that Bambi builds:\nimport hlm\n\n"
        f"model = {build_call(model)}).backend.model\n"
    )


def _sd_kinds(bar: Bar, model: ModelStructure) -> list[tuple[str, ...]]:
    return [(prior.distribution, *(key for key, _ in prior.args)) for prior in model.sd_priors(bar)]


def _imports(model: ModelStructure, likelihood: str) -> Iterator[str]:
    if not all(function.startswith("poly(") for function in model.bases):
        yield "import hlm"
    yield "import numpy as np"
    yield "import pymc as pm"
    if "pt." in likelihood:
        yield "import pytensor.tensor as pt"
    yield ""


def _coords(model: ModelStructure, names: Names) -> Iterator[str]:
    entries = [f"{quoted(_dim(factor.name))}: {name}.categories" for factor, name in names.factors.items()]
    entries += [
        f"{quoted(bar.correlation + '_effect')}: [{', '.join(quoted(column.label) for column in bar.columns)}]"
        for bar in model.bars
        if bar.correlation is not None
    ]
    yield f"coords = {{{', '.join(entries)}}}"
    if any(q.rule == "intercept" for prior in model.priors for _, q in prior.args):
        response = f"(2.5 * {names.response}.std()) ** 2" if model.family.is_scaled else "2.5**2"
        slopes = [
            f"({_value(Quantity(rule='slope'), column, model, names)} * {_statistic('mean', column, names)}) ** 2"
            for column in model.common
            if column.parts
        ]
        yield f"s_alpha = np.sqrt({' + '.join([response, *slopes])})"
    yield ""


def _dim(name: str) -> str:
    return f"{name}_level"


def _common(model: ModelStructure, names: Names) -> Iterator[str]:
    """Common coefficients and the part of the predictor that all groups share."""
    summands = []
    for column in model.common:
        prior, name = model.coefficient_prior(column), names.coefficients[column]
        remark = "  # at the average of the predictors" if not column.parts and model.centred else ""
        yield f"{name} = {_variable(column.label, prior, model, names)}{remark}"
        values = names.values(column)
        if column in model.centred:
            values = f"({values} - {_statistic('mean', column, names)})"
        summands.append(f"{name} * {values}" if column.parts else name)
    offsets = [names.number(variable) for variable in model.formula.offsets]
    first, *others = [*(summands or ["np.zeros(len(rows))"]), *offsets]
    yield f"eta = {first}"
    yield from (f"eta += {summand}" for summand in others)


def _bars(model: ModelStructure, names: Names) -> Iterator[str]:
    for bar in model.bars:
        yield ""
        yield from _correlated(bar, model, names) if bar.correlation is not None else _single(bar, model, names)


def _single(bar: Bar, model: ModelStructure, names: Names) -> Iterator[str]:
    (column,) = bar.columns
    factor, label = names.factors[bar.factor], f"{column.label if column.parts else '1'}|{bar.factor.name}"
    sd, z = names.fresh(f"sd_{label}"), names.fresh(f"z_{label}")
    (prior,) = model.sd_priors(bar)
    yield f"{sd} = {_variable(f'{label}_sigma', prior, model, names)}"
    yield f"{z} = pm.Normal({quoted(f'{label}_z')}, 0, 1, dims={quoted(_dim(bar.factor.name))})"
    times = f" * {names.values(column)}" if column.parts else ""
    yield f"eta += ({sd} * {z})[{factor}.codes]{times}"


def _correlated(bar: Bar, model: ModelStructure, names: Names) -> Iterator[str]:
    """The sds and the correlation as one Cholesky factor, times standard normal variables."""
    assert bar.correlation is not None
    name, factor = bar.correlation, names.factors[bar.factor]
    priors = model.sd_priors(bar)
    values = [{key: _value(value, prior.column, model, names) for key, value in prior.args} for prior in priors]
    sds = ", ".join(f"{key}=[{', '.join(value[key] for value in values)}]" for key in values[0])
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


def _response(model: ModelStructure, names: Names, likelihood: str) -> Iterator[str]:
    yield ""
    for name in model.family.auxiliary:
        yield f"{name} = {_variable(name, model.prior(name), model, names)}"
    yield f"mu = {model.family.links[0].pymc}"
    function, _, arguments = likelihood.partition("(")
    yield f"{function}({quoted(model.formula.response.name)}, {arguments}, observed={names.response})"


def _variable(label: str, prior: ParameterPrior, model: ModelStructure, names: Names) -> str:
    arguments = [f"{key}={_value(value, prior.column, model, names)}" for key, value in prior.args]
    return f"pm.{prior.distribution}({', '.join([quoted(label), *arguments])})"


def _value(quantity: Quantity, column: Column | None, model: ModelStructure, names: Names) -> str:
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
    return f"2.5 * {response}.std() / {spread}" if model.family.is_scaled else f"2.5 / {spread}"


def _statistic(name: str, column: Column, names: Names) -> str:
    values = names.values(column)
    return f"({values}).{name}()" if len(column.parts) > 1 else f"{values}.{name}()"
