"""`glmm`: lme4's ``glmer``, from the integrals that the quadrature engine adds up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hlm.data.transforms import Functions
from hlm.engines.normal_coefficients import NormalCoefficients, normal_coefficients
from hlm.engines.quadrature.coverage import KINDS, covers
from hlm.engines.quadrature.gauss_hermite import MOST_NODES, one_rule
from hlm.engines.quadrature.glmm_estimates import Estimates
from hlm.engines.quadrature.glmm_result import Glmm
from hlm.engines.quadrature.grouped_rows import GroupedRows, grouped_rows
from hlm.engines.quadrature.infinite_estimates import Limit, limit
from hlm.engines.quadrature.kernels.row_density import NEGATIVE_BINOMIAL, POISSON
from hlm.engines.quadrature.maximum_likelihood import Maximum, maximise
from hlm.errors import FitError
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import check_has_groups
from hlm.model.families import chosen_link
from hlm.model.model import Model
from hlm.model.resolve import resolve
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import check_whole

_MOST_NAGQ = 101
_LARGEST_SD = 20.0  # of effects, on the scale of the link: beyond, every response is settled by them
_EXACT = 1e8  # shape of the gamma family: its residuals are a ten thousandth of the mean
_POISSON = 1e3  # alpha of the negative binomial family beyond which it may be infinite
_NO_LOSS = 1e-6  # of log-likelihood, in the Poisson limit


@one_blas_thread()
def glmm(
    formula: str | Formula, data: Any, *, family: str = "gaussian", link: str | None = None, nagq: int = 9,
    weights: str | None = None, functions: Functions | None = None,
) -> Glmm:  # fmt: skip
    """Estimate a hierarchical model of another family as lme4's ``glmer`` does, without priors.

    The standard deviations and correlations, the coefficients and the family's own parameter maximise the likelihood,
    in which the groups' effects are integrated out by adaptive quadrature. For comparison with lme4, and a first look:
    with few groups sds are often estimated as exactly 0 (a singular fit), and separated responses have infinite
    estimates, where `fit` shows all the values that the data allow.

    Parameters
    ----------
    formula : str
        In lme4's dialect, with one grouping factor and at most three effects that vary by it, as in
        ``"p(incidence, size) ~ period + (1|herd)"``.
    data : data frame
        pandas, polars, pyarrow, or anything narwhals reads; rows with missing values are left out and counted.
    family : str
        ``bernoulli``, ``binomial``, ``poisson``, ``negativebinomial``, ``gamma``, ``exponential``; it must be
        given, since gaussian responses are for `reml`.
    link : str, optional
        ``logit``, ``probit`` or ``cloglog`` for successes, ``log`` for the others; by default the family's own, which
        of ``gamma`` is another (inverse), so that ``link="log"`` must be given.
    nagq : int
        Nodes of the quadrature along each effect, an odd number: 9 nodes of a group with one effect, 81 with two. 1 is
        Laplace's approximation, which ``glmer`` takes by default, and glmmTMB always: it puts standard deviations too
        low where groups are small.
    weights : str, optional
        The number of trials of a binomial proportion, ``k/n ~ x`` with ``weights="n"``.
    functions : mapping of str to callable, optional
        The caller's own functions by the names that the formula calls them.

    Returns
    -------
    Glmm
        Shows itself as glmer's summary does. Names are those of `reml`: ``Intercept``, ``sex[M]``.

    Raises
    ------
    FormulaError, DataError
        For a formula that cannot be read, or without a grouping factor; where the data cannot be used.
    FitError
        For a family, a link or a structure that is not covered: several grouping factors, more than three effects.
        Where the likelihood has no maximum for a finite standard deviation.

    Notes
    -----
    `Glmm.loglik` has all constants. With one node ``glmer`` has them too; with ``nAGQ`` above 1 it leaves out the
    log-likelihood of the saturated model, in which every response is its own expectation: add it to glmer's number,
    in R for counts ``sum(dbinom(k, n, k/n, log = TRUE))`` or ``sum(dpois(y, y, log = TRUE))``; of 0 and 1 it is 0. In
    the gamma family the shape is estimated by maximum likelihood, as in glmmTMB and not as in lme4. A note says where
    twice as many nodes would change the log-likelihood by more than 0.01. The likelihood is that of Pinheiro & Chao
    2006, J. Comput. Graph. Stat. 15:58-81; adaptive nodes are those of Liu & Pierce 1994, Biometrika 81:624-629.

    Examples
    --------
    >>> from hlm import glmm, load_data
    >>> found = glmm("p(incidence, size) ~ period + (1|herd)", load_data("cbpp"), family="binomial")
    >>> round(found.loglik, 3), found.fixef.round(2).to_dict()
    (-91.983, {'Intercept': -1.4, 'period[2]': -0.99, 'period[3]': -1.13, 'period[4]': -1.58})
    >>> found.varcorr["sdcor"].round(3).tolist()
    [0.648]
    """
    check_whole("nagq", nagq, least=1, most=_MOST_NAGQ)
    if nagq % 2 == 0:
        raise FitError(f"nagq is an odd number, not {nagq}: one node is at the mode. Write nagq={nagq + 1}.")
    model = resolve(
        formula, data, poolings=("partial",), family=family, link=link, weights=weights, functions=functions
    )["partial"]  # fmt: skip
    _check_covered(model)
    effects = model.factors[0].width
    if nagq**effects > MOST_NODES:
        most = next(n for n in range(nagq, 0, -2) if n**effects <= MOST_NODES)
        raise FitError(f"nagq={nagq} is {nagq**effects:,} nodes for {effects} effects of a group. Write nagq={most}.")
    coefficients = normal_coefficients(model)
    whole = grouped_rows(model, coefficients)
    finite = limit(whole)
    found, endless = _maximum(finite.grouped, coefficients, nagq, has_own=bool(model.of_kind("family")))
    _check_exists(model, finite, found)
    return Estimates(model, coefficients, whole, finite, found, endless, nagq).result()


def _check_covered(model: Model) -> None:
    """Raise an error that says what to write instead."""
    check_has_groups(model.written)
    family = model.family
    text = f"{model.text!r}, data"
    if family.is_gaussian:
        raise FitError(
            f"glmm fits other families than the gaussian: name one, such as family='bernoulli', or take reml({text})."
        )
    if (why_not := covers(model)) is None:
        return
    links = [covered for name, covered in KINDS if name == family.name]
    link = chosen_link(family)
    fit = f"fit({text}, family={family.name!r}{', link=' + repr(link) if link else ''})"
    if links and family.link not in links:
        raise FitError(f"glmm does not cover this model. {why_not} Write link={links[0]!r}, or take {fit}.")
    raise FitError(f"glmm does not cover this model. {why_not} Take {fit}.")


def _maximum(
    grouped: GroupedRows, coefficients: NormalCoefficients, nagq: int, *, has_own: bool
) -> tuple[Maximum, bool]:
    """The maximum, and whether alpha of the negative binomial family is infinite there: the Poisson family."""
    rule = one_rule(nagq, grouped.z.shape[1])
    found = maximise(grouped, coefficients, rule, has_own=has_own)
    if grouped.kind == NEGATIVE_BINOMIAL and not found.theta.phi[0] < _POISSON:
        poisson = maximise(replace(grouped, kind=POISSON), coefficients, rule, has_own=False)
        if poisson.loglik > found.loglik - _NO_LOSS:
            return poisson, True
    return found, False


def _check_exists(model: Model, finite: Limit, found: Maximum) -> None:
    """Raise an error where no finite sd is the best one."""
    fit = f"fit({model.text!r}, data, family={model.family.name!r}), whose priors decide then"
    if finite.separated.all():
        raise FitError(
            f"The common terms separate the responses without an exception: their coefficients would be infinite, and "
            f"any standard deviation by {model.factors[0].name} is as good as another. Leave a term out, or take {fit}."
        )
    if not found.largest < _LARGEST_SD:
        raise FitError(
            f"The likelihood has no maximum that could be found: it rises with the standard deviations by "
            f"{model.factors[0].name} up to {found.largest:.3g} and beyond, on the scale of the {model.family.link} "
            f"link, where the groups' own effects settle every response. Let less vary, or take {fit}."
        )
    if model.family.name == "gamma" and not found.theta.phi[0] < _EXACT:
        raise FitError(
            "The model explains the response exactly, so that alpha would be infinite: let less vary by group, or "
            "leave common terms out."
        )
