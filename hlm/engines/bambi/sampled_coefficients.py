"""What NUTS moves in: coefficients of orthogonalised columns, whatever columns the formula has.

``y ~ 0 + g + year`` has an intercept for each group in the year 0, so that intercepts and slope are correlated to many
digits, and a sampler that starts with each near its prior's mean starts where ``exp(eta)`` overflows. The coefficients
b of all common columns X are therefore ``mu + T u``, with mu the means of their priors, and T the inverse of the
triangle R in ``X'X / s^2 + P'P = R'R``, P'P the prior's precision: for a response whose linear predictor varies by s, u
is nearly standard normal. The model is the same: T is constant, and the prior is that of b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.engines.bambi.own_intercepts import OwnIntercepts
from hlm.model.model import Model
from hlm.model.prior_scales import Scales
from hlm.support.linear_algebra import root_of_inverse

if TYPE_CHECKING:
    from hlm.engines.bambi.adapter import HlmModel

_MOST_OPERATIONS = 2e10  # of one decomposition, some ten seconds; beyond, coefficients are sampled as they are


@dataclass(frozen=True, slots=True)
class OrthogonalisedTerm:
    """In the place of a term's Normal prior: its coefficients from those of orthogonalised columns."""

    variable: str  # the name of u, which ends in Bambi's ``_offset``
    rows: np.ndarray  # the term's rows of T, shape (columns of the term, columns of all terms)
    at_means: OwnIntercepts | None = None  # whose prior holds at means

    def __call__(self, name: str, *, mu: Any, sigma: Any, dims: tuple[str, ...] | None = None) -> Any:
        import pymc as pm
        import pytensor.tensor as pt

        model = pm.modelcontext(None)
        columns, every = self.rows.shape
        sizes = tuple(len(model.coords[dim] or ()) for dim in dims or ())
        labels = sizes[1:] if columns > 1 or sizes[:1] == (1,) else sizes  # of several linear predictors
        if self.variable not in model.named_vars:
            pm.Flat(self.variable, shape=(every, *labels))
        values = pt.dot(self.rows, model[self.variable])
        coefficients = mu + values.reshape(sizes)
        where = coefficients if self.at_means is None else coefficients + self.at_means.to_means(model, dims or ())
        pm.Potential(f"{name}_prior_offset", pm.logp(pm.Normal.dist(mu, sigma), where).sum())
        return pm.Deterministic(name, coefficients, dims=dims)


def orthogonalise(built: HlmModel, model: Model) -> None:
    """Let the common terms with Normal priors be sampled as coefficients of orthogonalised columns.

    built: not yet with its PyMC model.
    """
    component = built.parameters[model.family.parent]
    spread = Scales(model).spread
    centred = component.intercept_term is not None  # by Bambi
    if centred:
        _replace([component.intercept_term], "Intercept_u_offset", spread, centred=False)
    _replace([*component.common_terms.values()], "coefficients_u_offset", spread, centred=centred)


def _replace(terms: list[Any], variable: str, spread: float, *, centred: bool) -> None:
    import bambi

    terms = [t for t in terms if (t.prior.name, t.prior.dist) == ("Normal", None) or _holds_at_means(t)]
    columns = [np.reshape(term.data, (len(term.data), -1)) for term in terms]
    width = sum(values.shape[1] for values in columns)
    if not terms or len(columns[0]) * width**2 > _MOST_OPERATIONS:
        return
    sds = np.concatenate(
        [np.broadcast_to(t.prior.args["sigma"], x.shape[1]) for t, x in zip(terms, columns, strict=True)]
    )
    ends = np.cumsum([values.shape[1] for values in columns])
    places = {t.name: slice(e - x.shape[1], e) for t, x, e in zip(terms, columns, ends, strict=True)}
    prior_root = np.eye(width)  # from the coefficients to what has independent priors
    for term in terms:
        if _holds_at_means(term):
            for name, means in term.prior.dist.means.items():
                if name in places:
                    prior_root[places[term.name], places[name]] = means
    x = np.concatenate(columns, axis=1)
    root = root_of_inverse((x - x.mean(axis=0) if centred else x) / spread, prior_root / sds[:, None])
    for term in terms:
        at_means = term.prior.dist if _holds_at_means(term) else None
        dist = OrthogonalisedTerm(variable, root[places[term.name]], at_means)
        term.prior = bambi.Prior("Orthogonalised", auto_scale=False, dist=dist, **term.prior.args)


def _holds_at_means(term: Any) -> bool:
    return isinstance(term.prior.dist, OwnIntercepts)
