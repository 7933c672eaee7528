"""The model in plain PyMC: code that runs as printed and has the density of the model that `hlm.build` makes."""

from __future__ import annotations

from collections.abc import Iterator

from hlm.explanation.code_columns import (
    Names,
    build_call,
    column_lines,
    group_lines,
    quoted,
    response_lines,
    unknown_contrasts,
)
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column
from hlm.explanation.structure import Bar, Factor, ModelStructure
from hlm.model.prior_scales import STANDARD_DEVIATIONS, Quantity


def pymc_code(model: ModelStructure) -> str:
    """A script that needs ``data``, a pandas data frame, and leaves ``model``, a `pymc.Model`."""
    likelihood = model.family.pymc
    if not likelihood:
        return _elsewhere(model, f"its {model.family.name} likelihood is long in plain PyMC")
    if any(bar.correlation is not None and len(set(_sd_kinds(bar, model))) > 1 for bar in model.bars):
        return _elsewhere(model, "PyMC's LKJCholeskyCov takes one kind of prior for all sds of a block")
    if model.formula.has_dot:
        return _elsewhere(model, "only the data say which columns '.' stands for")
    if asking := unknown_contrasts(model):
        return _elsewhere(model, f"only the data say which levels {asking} has")
    names = Names(model)
    body = [*_common(model, names), *_bars(model, names), *_response(model, names, likelihood)]
    data = [*column_lines(model, names), *response_lines(model, names), *group_lines(model, names), ""]
    lines = [*_imports(model, likelihood), *data, *_coords(model, names), *_scales(model, names)]
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
    yield ""


def _scales(model: ModelStructure, names: Names) -> Iterator[str]:
    """Orthogonalised columns, and what the default priors' rules divide by where columns stand beside each other."""
    for bar in model.bars:
        if model.model.is_orthogonalised(bar.block) and len(bar.columns) > 2:
            name, width = _basis(bar, names), len(bar.columns)
            own = [names.values(column) if column.parts else "np.ones(len(rows))" for column in bar.columns]
            yield f"{name} = np.column_stack([{', '.join(own)}])"
            yield f"for j in range(1, {width}):  # each column less what those before it explain"
            yield f"    before = {name}[:, :j]"
            yield f"    {name}[:, j] -= before @ np.linalg.lstsq(before, {name}[:, j])[0]"
    needed = {_together(prior, model, names) for prior in model.priors if any(q.rule for _, q in prior.args)}
    if any(len(columns) > 1 for _, columns in needed):
        yield ""
        yield "def per_sd(*columns):"
        yield '    """1 / the root mean square of what the others leave of each column."""'
        yield "    return np.sqrt(len(rows)) * np.linalg.norm(np.linalg.pinv(np.column_stack(columns)), axis=1)"
        yield ""
    for name, columns in sorted(needed):
        if len(columns) > 1:
            yield f"{name} = per_sd({', '.join(columns)})"
    yield ""


def _basis(bar: Bar, names: Names) -> str:
    return f"{names.factors[bar.factor]}_columns"


def _regressor(bar: Bar, column: Column, model: ModelStructure, names: Names) -> str:
    """The column that a group's effect is multiplied by, orthogonalised where the block is; empty for an intercept."""
    if not column.parts:
        return ""
    if not model.model.is_orthogonalised(bar.block):
        return names.values(column)
    if len(bar.columns) == 2:
        return f"({names.values(column)} - {_statistic('mean', column, names)})"
    return f"{_basis(bar, names)}[:, {bar.columns.index(column)}]"


def _together(prior: ParameterPrior, model: ModelStructure, names: Names) -> tuple[str, tuple[str, ...]]:
    """A name for the scales of all columns that stand beside a prior's own, and these columns as Python."""
    if prior.role == "slope":
        values = [
            f"{names.values(c)} - {_statistic('mean', c, names)}" if model.has_intercept else names.values(c)
            for c in model.slopes
        ]
        return "slope_scales", tuple(values)
    if prior.role != "sd" or prior.bar is None:
        return "", ()
    factor = model.bars[prior.bar].factor
    pairs = _columns_of(factor, model)
    if len(pairs) == 2 and model.model.is_orthogonalised(pairs[0][0].block):
        pairs = [pair for pair in pairs if pair[1] == prior.column]  # a mean of 0: each stands as if it were alone
    columns = [_regressor(bar, column, model, names) or "np.ones(len(rows))" for bar, column in pairs]
    return f"{names.factors[factor]}_scales", tuple(columns)


def _columns_of(factor: Factor, model: ModelStructure) -> list[tuple[Bar, Column]]:
    return [(bar, column) for bar in model.bars if bar.factor == factor for column in bar.columns]


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
    values = [{key: _value(value, prior, model, names) for key, value in prior.args} for prior in priors]
    sds = ", ".join(f"{key}=[{', '.join(value[key] for value in values)}]" for key in values[0])
    eta = _value(model.prior(name).args[0][1], model.prior(name), model, names)
    yield "chol, corr, stds = pm.LKJCholeskyCov("
    yield f"    {quoted(f'{name}_chol')}, n={len(priors)}, eta={eta}, sd_dist=pm.{priors[0].distribution}.dist({sds})"
    yield ")"
    z, b = names.fresh(f"z_{bar.factor.name}"), names.fresh(f"b_{bar.factor.name}")
    dims = f"({quoted(f'{name}_effect')}, {quoted(_dim(bar.factor.name))})"
    yield f"{z} = pm.Normal({quoted(f'{name}_z')}, 0, 1, dims={dims})"
    yield f"{b} = chol @ {z}  # one row per effect, one column per group"
    for place, column in enumerate(bar.columns):
        times = f" * {_regressor(bar, column, model, names)}" if column.parts else ""
        yield f"eta += {b}[{place}][{factor}.codes]{times}"


def _response(model: ModelStructure, names: Names, likelihood: str) -> Iterator[str]:
    yield ""
    for name in model.family.auxiliary:
        yield f"{name} = {_variable(name, model.prior(name), model, names)}"
    yield f"mu = {model.family.links[0].pymc}"
    function, _, arguments = likelihood.partition("(")
    yield f"{function}({quoted(model.formula.response.name)}, {arguments}, observed={names.response})"


def _variable(label: str, prior: ParameterPrior, model: ModelStructure, names: Names) -> str:
    arguments = [f"{key}={_value(value, prior, model, names)}" for key, value in prior.args]
    return f"pm.{prior.distribution}({', '.join([quoted(label), *arguments])})"


def _value(quantity: Quantity, prior: ParameterPrior, model: ModelStructure, names: Names) -> str:
    """A number to six digits, or the rule as Python."""
    if quantity.value is not None:
        return f"{quantity.value:.6g}"
    y, link = names.response, "identity" if quantity.rule == "response" else model.family.link
    if model.family.is_of_logarithm:
        y = f"np.log({y}[{y} > 0])"
    if model.formula.response.trials is not None:
        y = f"({y} / n)"
    offsets = [names.number(variable) for variable in model.formula.offsets]
    if offsets and model.family.link == "identity":
        y = f"({' - '.join([y, *offsets])})"
    if quantity.rule == "centre":
        exposure = f" - np.log(np.exp({' + '.join(offsets)}).mean())" if offsets else ""
        centres = {"log": f"np.log({y}.mean()){exposure}", "inverse": f"1 / {y}.mean()"}
        return centres.get(link, f"{y}.mean()" if link == "identity" else f"{y}.mean() ** -2.0")
    spread = f"{y}.std()" if model.formula.has_intercept else f"np.sqrt(({y} ** 2).mean())"
    spreads = {
        "identity": f" * {spread}", "inverse": f" * {y}.std() / {y}.mean() ** 2",
        "inverse_squared": f" * 2 * {y}.std() / {y}.mean() ** 3",
    }  # fmt: skip
    whole = quantity.rule in ("spread", "response")
    times = 1.0 if whole else STANDARD_DEVIATIONS
    text = f"{times * quantity.times:g}{spreads.get(link, '')}".removeprefix("1 * ")
    name, columns = ("", ()) if whole else _together(prior, model, names)
    if len(columns) > 1:
        pairs = [] if prior.role == "slope" else _columns_of(model.bars[prior.bar or 0].factor, model)
        places = [*model.slopes] if prior.role == "slope" else [column for _, column in pairs]
        same = [i for i, column in enumerate(places) if column == prior.column]
        if pairs and len(same) > 1:  # an effect in two bars
            same = [i for i in same if pairs[i][0] == model.bars[prior.bar or 0]]
        return f"{text} * {name}[{same[0]}]"
    if not columns or prior.column in (None, INTERCEPT_COLUMN):
        return text
    centred = (
        model.has_intercept
        if prior.role == "slope"
        else model.model.is_orthogonalised(model.bars[prior.bar or 0].block)
    )
    spread = _statistic("std", prior.column, names)
    return f"{text} / {spread if centred else f'np.sqrt(np.mean(({names.values(prior.column)}) ** 2))'}"


def _statistic(name: str, column: Column, names: Names) -> str:
    values = names.values(column)
    return f"({values}).{name}()" if len(column.parts) > 1 else f"{values}.{name}()"
