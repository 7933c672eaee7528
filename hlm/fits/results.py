"""What a fit is: `Fit` for one pooling strategy, `PoolingFits` for several. The numbers come from functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from hlm.engines.engine_list import ENGINES, engine_named, without_chain
from hlm.engines.interface import Diagnostics, Draws, PointwiseLoo
from hlm.engines.sampling.leave_one_out import pointwise_loo
from hlm.errors import FitError, UnknownNameError, nearest
from hlm.fits.arviz_groups import arviz_groups
from hlm.fits.log_likelihood import log_density_of
from hlm.fits.posterior_coefficients import Parts, parts
from hlm.fits.table_of_fits import html_of_fits, table_of_fits, text_of_fits
from hlm.formula.expansion import contracted
from hlm.formula.formula import Term
from hlm.formula.pooling_formulas import Pooling
from hlm.model.model import Model
from hlm.model.priors import Priors
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import offending

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel


@dataclass(frozen=True, eq=False)
class Fit:
    """One fitted model: the model, its draws, and their diagnostics. `hlm.fit` makes it.

    Attributes
    ----------
    resolved : Model
        Formula, data, family, priors, and all that follows from them.
    method : {"exact", "nuts", "bambi"}
        The option of `hlm.fit` that gives these draws.
    engine : str
        The engine that drew them, by its folder.
    idata : xarray.DataTree
        The posterior under Bambi's names and dims; ``chain`` x ``draw`` joint draws.
    diagnostics : Diagnostics
        ``.ok``, and one sentence. Of a Markov chain: r_hat, effective sample size, divergences; else: Pareto k,
        effective points.
    notes : tuple of str
        What must be known to read the numbers.
    """

    resolved: Model = field(repr=False)
    method: str
    engine: str
    idata: xr.DataTree
    diagnostics: Diagnostics
    notes: tuple[str, ...] = ()
    _left_out: dict[str, PointwiseLoo] = field(init=False, repr=False, default_factory=dict)

    @property
    def formula(self) -> str:
        """The formula of this strategy, in lme4's dialect."""
        return self.resolved.text

    @property
    def pooling(self) -> Pooling:
        """``"complete"``, ``"none"`` or ``"partial"``."""
        return self.resolved.pooling

    @property
    def family(self) -> str:
        """The name of the family."""
        return self.resolved.family.name

    @property
    def priors(self) -> Priors:
        """What was used, with numbers."""
        return self.resolved.priors

    @cached_property
    def model(self) -> HlmModel:
        """The Bambi model of this fit, built when first asked for."""
        from hlm.engines.bambi.build import bambi_model

        return bambi_model(self.resolved)

    @cached_property
    def parts(self) -> Parts:
        """The coefficients as arrays, common and per group."""
        return parts(self.idata["posterior"].to_dataset(), self.resolved)

    @property
    def loo(self) -> PointwiseLoo | None:
        """Leave-one-out of the rows, where it is there already; `leave_out` computes it."""
        return self._left_out.get("observation")

    @one_blas_thread()
    def leave_out(self, group: Term | str | None = None) -> PointwiseLoo:
        """Leave-one-out of the rows, or of the groups of a factor, each as if it were new; kept for later.

        Parameters
        ----------
        group : Term or str, optional
            A grouping factor or its name; by default each row is left out.

        Raises
        ------
        FitError
            For groups in no pooling, which cannot predict a new one, and where no engine can leave groups out.
        """
        if isinstance(group, str):
            group = self.resolved.group(group)
        unit = "observation" if group is None else group.name
        if unit not in self._left_out:
            self._left_out[unit] = _rows_left_out(self) if group is None else _groups_left_out(self, group)
        return self._left_out[unit]

    def arviz(self, *, seed: int | None = None) -> xr.DataTree:
        """Fill ``idata`` with what ArviZ reads: ``az.loo``, ``az.compare`` and ``az.plot_ppc_dist`` then work on it.

        Parameters
        ----------
        seed : int, optional
            Of the replicated responses.

        Returns
        -------
        xarray.DataTree
            ``idata`` itself, with ``log_likelihood`` and ``posterior_predictive`` (``chain, draw, __obs__``).

        Raises
        ------
        FitError
            Where they do not fit into memory.

        Notes
        -----
        Densities are conditional on coefficients that have learned from the row itself: in small groups ``az.loo`` has
        large Pareto k and is too high. `compare_loo` integrates them out first (exact engine), for the same quantity.

        Examples
        --------
        >>> import arviz as az, hlm
        >>> line = hlm.fit("Reaction ~ Days + (1|Subject)", hlm.load_data("sleepstudy"), pooling="complete", seed=1)
        >>> round(float(az.loo(line.arviz(seed=1)).elpd))
        -953
        """
        self.idata.update(arviz_groups(self.resolved, self.idata, lambda: self.parts, lambda: self.model, seed))
        return self.idata

    def __repr__(self) -> str:
        return text_of_fits({self.pooling: self})

    def _repr_html_(self) -> str:
        return html_of_fits({self.pooling: self})


class PoolingFits(Mapping[str, Fit]):
    """The fits by pooling strategy, in the order complete, none, partial; shows itself as a table."""

    def __init__(self, fits: Mapping[str, Fit]) -> None:
        self._fits = dict(fits)

    def __getitem__(self, pooling: str) -> Fit:
        if pooling not in self._fits:
            raise UnknownNameError(f"There is no fit {pooling!r}. {nearest(pooling, self._fits)}")
        return self._fits[pooling]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fits)

    def __len__(self) -> int:
        return len(self._fits)

    def __contains__(self, pooling: object) -> bool:
        return pooling in self._fits

    @property
    def formula(self) -> str:
        """The formula of partial pooling, from which the strategies were made."""
        model = self._some.resolved
        return str(contracted(model.written, model.data.expansions))

    @property
    def data(self) -> pd.DataFrame:
        """The rows and columns that were used; the index is each row's place in the caller's frame, from 0."""
        return self._some.resolved.data.columns.copy()

    @property
    def family(self) -> str:
        """The name of the family."""
        return self._some.family

    @property
    def summary(self) -> pd.DataFrame:
        """Posterior means and sds side by side: one row per parameter, columns ``(pooling, mean | sd)``."""
        return table_of_fits(self._fits)

    @property
    def _some(self) -> Fit:
        return next(iter(self._fits.values()))

    def __repr__(self) -> str:
        return text_of_fits(self._fits)

    def _repr_html_(self) -> str:
        return html_of_fits(self._fits)


type Fits = Fit | Mapping[str, Fit]  # one fit, or several by their labels; what the comparisons take


def check_fit(fit: object, example: str) -> None:
    """Raise a `FitError` for what is not one `Fit`."""
    if not isinstance(fit, Fit):
        raise FitError(f"This needs one fit, {example}, not {offending(fit)}.")


def fits_by_label(fits: Fits) -> Mapping[str, Fit]:
    """What `fit_pooling` or `fit` returned, as a mapping of labels to fits."""
    if isinstance(fits, Fit):
        return {fits.pooling: fits}
    if not (isinstance(fits, Mapping) and len(fits) and all(isinstance(fit, Fit) for fit in fits.values())):
        raise FitError(f"This needs fits, as fit_pooling(formula, data) returns them, not {offending(fits)}.")
    return fits


def _rows_left_out(fit: Fit) -> PointwiseLoo:
    """By the engine that drew, with coefficients integrated out where it can, else conditional on them."""
    found = engine_named(fit.engine).leave_out(fit.resolved, Draws(fit.idata, fit.diagnostics), None)
    if found is not None:
        return found
    density = log_density_of(fit.resolved, fit.idata, fit.parts, lambda: fit.model)
    sizes = fit.idata["posterior"].sizes
    return pointwise_loo(density, fit.resolved.rows, sizes["chain"] * sizes["draw"])


def _groups_left_out(fit: Fit, group: Term) -> PointwiseLoo:
    """By the first engine that can: their draws of the standard deviations are the same."""
    if fit.pooling == "none":
        why_not: str | None = f"No pooling cannot predict a new {group.name}: its prior would be all that speaks."
    else:
        for engine in ENGINES:
            if (found := engine.leave_out(fit.resolved, Draws(fit.idata, fit.diagnostics), group)) is not None:
                return found
        why_not = without_chain(fit.resolved).covers(fit.resolved)
    raise FitError(f"There is no leave-one-out of whole groups here. {why_not}")
