"""`resolve`: one `Model` for each pooling strategy from a formula and data. Every public function calls it first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from types import MappingProxyType
from typing import Any, get_args

from hlm.data.clean_data import formula_and_data
from hlm.data.transforms import Functions
from hlm.errors import DataError, FitError
from hlm.formula.formula import INTERCEPT, Formula
from hlm.formula.pooling_formulas import POOLINGS, Pooling, Residual, check_has_groups, complete_formula
from hlm.model import names
from hlm.model.chosen_priors import with_priors
from hlm.model.design import Design
from hlm.model.design_columns import Columns
from hlm.model.families import Family, check_response, get_family
from hlm.model.grouping_factors import GroupingFactor, own_factors, partial_factors
from hlm.model.model import Model
from hlm.model.parameters import Parameter, common_parameters
from hlm.model.priors import GivenPriors, Priors
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import check_choice, offending

_LARGEST_ETA = 1e6  # beyond, all correlations are 0


@one_blas_thread()
def resolve(
    formula: str | Formula,
    data: Any,
    *,
    poolings: Sequence[Pooling] = ("partial",),
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
    priors: GivenPriors | None = None,
    lkj_eta: float = 1.0,
    residual: Residual = "shared",
    comparing: bool = False,
) -> dict[Pooling, Model]:
    """The models of some strategies, by strategy.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model.
    data : data frame or CleanData
    poolings : sequence of {"complete", "none", "partial"}
    family, link, weights, functions, lkj_eta
        As in `hlm.fit`.
    priors : mapping of str to Prior or bambi.Prior, or "bambi", optional
        Replacements by name. A prior is used in every strategy that has a parameter of its name.
    residual : {"shared", "separate"}
        Of no pooling; the other strategies share one residual standard deviation always.
    comparing : bool
        Whether the strategies are to be compared, so that a formula without a grouping factor is an error.

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data or options cannot be used.

    Examples
    --------
    >>> from hlm import load_data
    >>> models = resolve("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"), poolings=["none", "partial"])
    >>> models["none"].text
    'Reaction ~ 0 + Subject + Subject:Days'
    >>> [parameter.name for parameter in models["partial"].of_kind("sd", "correlation")]
    ['1|Subject_sigma', 'Days|Subject_sigma', 'Subject_corr']
    """
    for pooling in poolings:
        check_choice("pooling", pooling, POOLINGS)
    kind = get_family(family, link)
    _check_residual(residual, ("none",) if comparing else poolings, kind)
    if not (isinstance(lkj_eta, Real) and not isinstance(lkj_eta, bool) and 0 < lkj_eta <= _LARGEST_ETA):
        raise FitError(
            f"lkj_eta is a positive number, not {offending(lkj_eta)}: 1 for any correlations, 2 or more to hold them "
            f"near 0. For correlations of 0 write (x||g)."
        )
    written, table = formula_and_data(formula, data, family=kind, weights=weights, functions=functions)
    check_response(kind, written, table)
    if comparing or "none" in poolings:
        check_has_groups(written)
    design = Design(written, table)
    models = {pooling: strategy(design, pooling, kind, residual) for pooling in poolings}
    for model in models.values():
        check_names(model)
    return with_priors(models, priors, lkj_eta)


def default_priors(
    formula: str | Formula,
    data: Any,
    *,
    pooling: Pooling = "partial",
    family: str = "gaussian",
    link: str | None = None,
    weights: str | None = None,
    functions: Functions | None = None,
    lkj_eta: float = 1.0,
) -> Priors:
    """The priors that `fit` uses when none are given, with the numbers filled in.

    Parameters
    ----------
    formula : str
        The lme4 formula of the partial-pooling model.
    data : data frame
    pooling : {"partial", "complete", "none"}
        Complete and partial: 2.5 standard deviations of the response for each standard deviation of a column that the
        other columns leave. None: each group's own coefficients have the centre of the common prior and, with an
        identity link, 100 times its standard deviation, so that the other groups say nothing and each estimate is the
        group's own least squares; with other links 4 times.
    family : str
    link, weights, functions
        As in `fit`.
    lkj_eta : float
        Of the LKJ prior of a correlated block; 1 is uniform over correlation matrices, larger pulls towards 0.

    Returns
    -------
    Priors
        A mapping from the variable's name in the posterior to its prior: ``Intercept``, ``pre``, ``sigma``,
        ``1|school_sigma``, ``school_corr``. The prior of ``Intercept`` is about centred predictors, those of a block
        with an intercept and numbers are about its columns orthogonalised in written order.

    Raises
    ------
    FormulaError, DataError, FitError
        Where formula, data or options cannot be used.

    Examples
    --------
    >>> from hlm import default_priors, load_data
    >>> default_priors("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"))["Days"]
    Normal(mu=0, sigma=48.89)
    """
    models = resolve(
        formula, data, poolings=(pooling,), family=family, link=link, weights=weights, functions=functions,
        lkj_eta=lkj_eta,
    )  # fmt: skip
    return models[pooling].priors


def strategy(design: Design, pooling: Pooling, family: Family, residual: Residual = "shared") -> Model:
    """The model of one strategy, without priors yet."""
    written, data = design.formula, design.data
    if pooling == "none":
        none = design.no_pooling
        formula, common = none.formula, none.kept
        factors = own_factors(none.own, data, none.designs, none.fixed)
        notes = none.notes
    else:
        common = design.common
        formula = written if pooling == "partial" else complete_formula(written)
        factors = partial_factors(written, data, design.blocks) if pooling == "partial" else ()
        notes = design.left_out_of_bars if pooling == "partial" else ()
    one_sigma: Residual = residual if pooling == "none" else "shared"
    if one_sigma == "separate" and len(factors) > 1:
        groups = ", ".join(factor.name for factor in factors)
        raise FitError(
            f"residual='separate' gives each group of one factor its own residual standard deviation, but the groups "
            f"of {groups} all have coefficients of their own. Use residual='shared', or leave one factor out."
        )
    return Model(
        pooling=pooling, residual=one_sigma, family=family, written=written, formula=formula, design=design,
        common=common, factors=factors, parameters=tuple(_parameters(common, factors, family, one_sigma)),
        priors=Priors({}), notes=(*design.left_out, *notes),
    )  # fmt: skip


def _parameters(
    common: Columns, factors: tuple[GroupingFactor, ...], family: Family, residual: Residual
) -> Iterator[Parameter]:
    """In the order in which views list them."""
    for parameter in common_parameters(common):
        if not (parameter.term == INTERCEPT and family.has_thresholds):  # thresholds stand in for the intercept
            yield parameter
    effects = [effect for factor in factors for effect in factor.effects]
    yield from (effect.coefficients for effect in effects)
    for name in family.auxiliary:
        if name == names.RESIDUAL_SD and residual == "separate":
            group, levels = factors[0].group, factors[0].levels
            own = names.residual_sd(group)
            dim = names.coefficient_dim(own)
            yield Parameter(own, "residual", (name,), None, group, (dim,), MappingProxyType({dim: levels}))
        else:
            yield Parameter(name, "residual" if name == names.RESIDUAL_SD else "family", (name,))
    yield from (effect.sd for effect in effects if effect.sd is not None)
    blocks = [block for factor in factors for block in factor.blocks]
    yield from (block.correlation for block in blocks if block.correlation is not None)


def _check_residual(residual: str, poolings: Sequence[Pooling], family: Family) -> None:
    """Raise a `FitError` for an unknown choice, and where no strategy can have a residual sd for each group."""
    check_choice("residual", residual, get_args(Residual))
    if residual == "separate" and ("none" not in poolings or not family.is_gaussian):
        raise FitError(
            f"residual='separate' gives each group its own residual standard deviation in no pooling, gaussian family: "
            f"not for pooling={poolings[0]!r}, family={family.name!r}."
        )


def check_names(model: Model) -> None:
    """Raise a `DataError` for a column whose name is that of another variable, or of a dim, of the posterior."""
    taken = {*names.RESERVED, model.family.parent, *model.family.auxiliary}
    owners: dict[str, Parameter] = {}
    for parameter in model.parameters:
        taken |= {*parameter.dims}
        own = parameter.kind == "group effect" and model.pooling == "none"
        if parameter.kind != "common" and not own:  # these are named after the columns themselves
            taken.add(parameter.name)
        other = owners.setdefault(parameter.name, parameter)
        if (other.term, other.factor) != (parameter.term, parameter.factor):
            variables = [v for p in (parameter, other) if p.term is not None for v in p.term.variables]
            raise _name_taken(variables[0])  # a column called 1 in a bar: 1|g is the intercept's
    for name in model.written.variables:
        if names.in_posterior(name) in taken and name != model.written.response.variable:
            raise _name_taken(name)
        if name in names.IN_TABLES and name in model.written.group_variables:
            raise DataError(f"The grouping column {name!r} has the name of a column in hlm's results: rename it.")


def _name_taken(name: str) -> DataError:
    return DataError(f"The column {name!r} has the name of a model parameter: rename it, for example {name}_x.")
