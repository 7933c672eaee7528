"""One pooling arm as the engine needs it: which columns, which priors, which names in the posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hlm.design import Columns, block_columns, columns, none_arm, own_columns
from hlm.fitting.collapsed.crossproducts import CrossProducts
from hlm.fitting.collapsed.marginal import NormalPrior
from hlm.fitting.collapsed.parameters import Correlations, Parameters
from hlm.fitting.collapsed.scales import scale
from hlm.formula.arms import Pooling
from hlm.formula.formula import INTERCEPT, Formula, Term
from hlm.frame import CleanData
from hlm.posterior import kept_columns
from hlm.prior import Prior, Priors
from hlm.priors import correlated_blocks

_UNIT = 0.3  # of a rough guess of a standard deviation: the unit of its coordinate
_ROUGH_SHARE = 0.3  # of the response's sd that the groups may make up, for that guess


@dataclass(frozen=True, slots=True)
class EffectTerm:
    """An effect that each group has for itself.

    Attributes
    ----------
    name : str
        Its variable in the posterior: ``pre|school``, or ``school:pre`` in no pooling.
    effect : Term
    columns : slice
        Its columns of Z.
    labels : tuple of str
        Its columns' labels.
    """

    name: str
    effect: Term
    columns: slice
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GaussianArm:
    """One arm: y = X beta + Z b[group] + noise.

    Attributes
    ----------
    common : Columns
        X, shape (rows, p).
    prior : NormalPrior
        Of its coefficients, the intercept's about centred columns.
    group : Term or None
        None in complete pooling, where all rows are one group without effects.
    codes : numpy.ndarray of int, shape (rows,)
    design : Columns
        Z, shape (rows, q): the columns of all blocks side by side.
    effects : tuple of EffectTerm
    mean : numpy.ndarray, shape (q,)
        Prior mean of b; 0 but in no pooling.
    known_sd : numpy.ndarray, shape (q,), or None
        Prior sd of b in no pooling.
    blocks : tuple of Correlations
    """

    common: Columns
    prior: NormalPrior
    group: Term | None
    codes: np.ndarray
    design: Columns
    effects: tuple[EffectTerm, ...]
    mean: np.ndarray
    known_sd: np.ndarray | None
    blocks: tuple[Correlations, ...] = ()


def make_arm(formula: Formula, data: CleanData, pooling: Pooling, priors: Priors) -> GaussianArm:
    """The arm of a partial-pooling formula; see `hlm.fitting.collapsed.coverage.covers` for what must hold.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    priors : Priors
        Of that arm.
    """
    if pooling == "none":
        return _none(formula, data, priors)
    common = columns(formula.common, data)
    prior = _normal(common, priors)
    if pooling == "complete" or not formula.blocks:
        one_group, no_effects = np.zeros(data.rows, dtype=np.int64), columns((), data)
        return GaussianArm(common, prior, None, one_group, no_effects, (), np.zeros(0), np.zeros(0))
    design, effects = _side_by_side(formula, data)
    group = formula.groups[0]
    blocks = _correlations(formula, data, priors)
    return GaussianArm(
        common, prior, group, data.codes(group), design, effects, np.zeros(len(design.terms)), None, blocks
    )  # fmt: skip


def make_parameters(arm: GaussianArm, sums: CrossProducts, priors: Priors) -> tuple[Parameters, np.ndarray]:
    """The coordinates of theta with their priors, and points to look for modes from, shape (starts, d)."""
    sigma, sds = _rough_sizes(sums)
    residual = scale(priors["sigma"], unit=_UNIT * sigma)
    if arm.known_sd is not None:
        return Parameters(residual, (), (), np.diag(arm.known_sd)), np.array([[residual.coordinate(sigma)]])
    scales = tuple(
        scale(priors[f"{term.name}_sigma"], unit=_UNIT * sds[j], column=j - term.columns.start)
        for term in arm.effects
        for j in range(term.columns.start, term.columns.stop)
    )
    parameters = Parameters(residual, scales, arm.blocks, np.zeros((0, 0)))
    starts = np.zeros((2, parameters.dimension))
    starts[:, 0] = residual.coordinate(sigma)
    for j, one in enumerate(scales):
        starts[:, 1 + j] = one.coordinate(sds[j]), one.coordinate(sds[j] / 10)
    return parameters, starts


def _none(formula: Formula, data: CleanData, priors: Priors) -> GaussianArm:
    arm = none_arm(formula, data)
    group = arm.own[0].group
    design = own_columns(arm.own, group, data)
    effects = tuple(_term(o.term.name, o.effect, design, 0) for o in arm.own)
    common = kept_columns(formula, arm, data)
    mean, sd = (
        np.concatenate([np.broadcast_to(priors[e.name].args[key], len(e.labels)) for e in effects])
        for key in ("mu", "sigma")
    )
    return GaussianArm(common, _normal(common, priors), group, data.codes(group), design, effects, mean, sd)


def _side_by_side(formula: Formula, data: CleanData) -> tuple[Columns, tuple[EffectTerm, ...]]:
    """The columns of all blocks of a factor as one Z."""
    parts = block_columns(formula, data)
    effects: list[EffectTerm] = []
    start = 0
    for block, design in parts:
        effects += [_term(f"{e.name}|{block.group.name}", e, design, start) for e in block.effects]
        start += len(design.terms)
    matrix = np.column_stack([design.matrix for _, design in parts])
    terms = tuple(t for _, design in parts for t in design.terms)
    labels = tuple(label for _, design in parts for label in design.labels)
    return Columns(matrix, terms, labels), tuple(effects)


def _term(name: str, effect: Term, design: Columns, start: int) -> EffectTerm:
    first = design.terms.index(effect)  # the columns of a term stand together
    labels = design.labels_of(effect)
    return EffectTerm(name, effect, slice(start + first, start + first + len(labels)), labels)


def _correlations(formula: Formula, data: CleanData, priors: Priors) -> tuple[Correlations, ...]:
    names = {index: name for name, index in correlated_blocks(formula, data).items()}
    found, start = [], 0
    for index, (_, design) in enumerate(block_columns(formula, data)):
        stop = start + len(design.terms)
        if index in names:
            eta = priors[names[index]].args["eta"]
            assert isinstance(eta, float)
            found.append(Correlations(names[index], start, stop, eta))
        start = stop
    return tuple(found)


def _normal(common: Columns, priors: Priors) -> NormalPrior:
    """The priors of the common terms as one mean and sd per column."""
    mean, sd = np.empty(len(common.terms)), np.empty(len(common.terms))
    for term in dict.fromkeys(common.terms):
        prior: Prior = priors["Intercept" if term == INTERCEPT else term.name]
        mine = [t == term for t in common.terms]
        mean[mine], sd[mine] = prior.args["mu"], prior.args["sigma"]
    return NormalPrior(mean, sd)


def _rough_sizes(sums: CrossProducts) -> tuple[float, np.ndarray]:
    """Guesses of sigma and of the effects' sds, shape (q,), from what the groups' own lines leave and explain."""
    y, q = sums.p, sums.root.shape[1]
    left = float(sums.left[:, y, y].sum())
    whole = np.sqrt((left + (sums.explained[:, :, y] ** 2).sum()) / sums.rows)
    spare = sums.rows - (np.abs(np.diagonal(sums.root, axis1=1, axis2=2)) > 0).sum()
    sigma = np.sqrt(left / spare) if spare > 0 else 0.0
    new = (np.diagonal(sums.root, axis1=1, axis2=2) ** 2).sum(axis=0) / sums.rows  # of a column beside those before
    all_ = (sums.root**2).sum(axis=(0, 1)) / sums.rows
    size = np.sqrt(np.where(new > 1e-6 * all_, new, all_))
    return float(max(sigma, 0.01 * whole)), _ROUGH_SHARE * whole / size if q else np.zeros(0)
