"""What a fit is: `Fit` for one arm, `PoolingFits` for several. They carry data; the numbers come from functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hlm.data.clean_data import CleanData
from hlm.engines.exact.engine import CollapsedDiagnostics, covers
from hlm.engines.exact.left_out.leave_one_out import integrated_group_loo, integrated_loo
from hlm.engines.sampling.chain_diagnostics import Diagnostics
from hlm.engines.sampling.leave_one_out import PointwiseLoo, pointwise_loo
from hlm.errors import FitError, nearest
from hlm.fits.posterior_coefficients import Parts, linear_predictor, parts, residual_sd
from hlm.fits.summary import summary_html, summary_table, summary_text
from hlm.formula.formula import Formula, Term
from hlm.formula.pooling_formulas import Pooling, Residual
from hlm.model.families import get_family
from hlm.model.no_pooling import separate_by
from hlm.model.priors import Priors
from hlm.support.memory import check_memory
from hlm.support.options import offending

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

    from hlm.engines.bambi.adapter import HlmModel


@dataclass(frozen=True, eq=False)
class Fit:
    """One fitted arm.

    Attributes
    ----------
    formula : str
        This arm's formula, in lme4's dialect.
    pooling : {"complete", "none", "partial"}
    family : str
    priors : Priors
        What was used, with numbers.
    method : {"nuts", "collapsed"}
    idata : xarray.DataTree
        The posterior under Bambi's names and dims; ``chain`` x ``draw`` joint draws.
    diagnostics : Diagnostics or CollapsedDiagnostics
        NUTS: r_hat, effective sample size, divergences. Collapsed: Pareto k, effective points. One sentence of each.
    written : Formula
        The partial-pooling formula that the arm was made from.
    data : CleanData
        The rows and columns that were used.
    notes : tuple of str
        What must be known to read the numbers.
    residual : {"shared", "separate"}
        Whether there is one residual sd, or one for each group (in no pooling).
    """

    formula: str
    pooling: Pooling
    family: str
    priors: Priors
    method: str
    idata: xr.DataTree
    diagnostics: Diagnostics | CollapsedDiagnostics
    written: Formula = field(repr=False)
    data: CleanData = field(repr=False)
    notes: tuple[str, ...] = ()
    residual: Residual = "shared"

    @cached_property
    def separate(self) -> Term | None:
        """The factor whose groups have a residual sd each; None if one is shared."""
        return None if self.residual == "shared" else separate_by(self.written, self.data)

    @cached_property
    def model(self) -> HlmModel:
        """The Bambi model of this arm, built when first asked for."""
        from hlm.engines.bambi.build import build

        built: HlmModel = build(
            self.written, self.data, pooling=self.pooling, family=self.family, priors=self.priors,
            residual=self.residual,
        )  # fmt: skip
        return built

    @cached_property
    def parts(self) -> Parts:
        """The arm's coefficients, common and per group."""
        return parts(self.idata["posterior"].to_dataset(), self.written, self.data, self.pooling)

    @cached_property
    def loo(self) -> PointwiseLoo:
        """Leave-one-out over responses; computed when first asked for.

        Draws of the collapsed engine: with every coefficient integrated out, else conditional on them.
        """
        posterior = self.idata["posterior"]
        if self.method == "collapsed" and self.separate is None:
            found = integrated_loo(
                posterior.to_dataset(), self.written, self.data, pooling=self.pooling, priors=self.priors
            )
            if found is not None:
                return found
        draws = posterior.sizes["chain"] * posterior.sizes["draw"]
        return pointwise_loo(self.log_density, self.data.rows, draws)

    def loo_of_groups(self, group: Term) -> PointwiseLoo:
        """Leave-one-out over the groups of a factor, each as if it were new.

        Raises
        ------
        FitError
            For no pooling, which cannot predict a new group, and where the coefficients cannot be integrated out.
        """
        why_not = covers(self.written, self.data, pooling=self.pooling, family=self.family, priors=self.priors)
        if self.pooling == "none":
            why_not = f"No pooling cannot predict a new {group.name}: its prior would be all that speaks."
        if why_not is not None:
            raise FitError(f"There is no leave-one-out of whole groups here. {why_not}")
        posterior = self.idata["posterior"].to_dataset()
        return integrated_group_loo(
            posterior, self.written, self.data, pooling=self.pooling, priors=self.priors, group=group
        )

    def log_density(self, rows: slice) -> np.ndarray:
        """Log density of some responses given each draw, shape (draws, rows)."""
        import numpy as np

        family = get_family(self.family)
        if family.log_density is None:
            return self._bambi_log_density[:, rows]
        posterior = self.idata["posterior"]
        auxiliary = {str(n): v.to_numpy().reshape(-1, 1) for n, v in posterior.data_vars.items() if n == "alpha"}
        if family.is_gaussian:
            group = self.separate
            codes = None if group is None else self.data.codes(group)[rows]
            sigma = residual_sd(posterior.to_dataset(), codes, group)
            auxiliary["sigma"] = sigma if self.data.weights is None else sigma / np.sqrt(self.data.weights[rows])
        response = self.written.response
        y = self.data.columns[response.variable].to_numpy()[rows].astype(np.float64)
        trials = None if response.trials is None else self.data.columns[response.trials].to_numpy()[rows]
        return family.log_density(y, linear_predictor(self.parts, self.data, rows), trials, auxiliary)

    @cached_property
    def _bambi_log_density(self) -> np.ndarray:
        sizes = self.idata["posterior"].sizes
        check_memory(
            f"The log-likelihood of {self.data.rows:,} rows given {sizes['chain'] * sizes['draw']:,} draws",
            {"one for each row and draw, and a copy": 2.0 * self.data.rows * sizes["chain"] * sizes["draw"]},
            "Fit with fewer draws.",
        )
        idata = self.model.compute_log_likelihood(self.idata, inplace=False)
        values = next(iter(idata["log_likelihood"].data_vars.values()))
        array: np.ndarray = values.transpose("chain", "draw", ...).to_numpy()
        return array.reshape(-1, self.data.rows)

    def __repr__(self) -> str:
        return summary_text({self.pooling: self})

    def _repr_html_(self) -> str:
        return summary_html({self.pooling: self})


class PoolingFits(Mapping[str, Fit]):
    """The arms by their label, in the order complete, none, partial; shows itself as a table."""

    def __init__(self, fits: Mapping[str, Fit]) -> None:
        self._fits = dict(fits)

    def __getitem__(self, pooling: str) -> Fit:
        if pooling not in self._fits:
            raise FitError(f"There is no fit {pooling!r}. {nearest(pooling, self._fits)}")
        return self._fits[pooling]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fits)

    def __len__(self) -> int:
        return len(self._fits)

    def __contains__(self, pooling: object) -> bool:
        return pooling in self._fits

    @property
    def summary(self) -> pd.DataFrame:
        """Posterior means and sds side by side: one row per parameter, columns ``(pooling, mean | sd)``."""
        return summary_table(self._fits)

    def __repr__(self) -> str:
        return summary_text(self._fits)

    def _repr_html_(self) -> str:
        return summary_html(self._fits)


def check_fit(fit: object, example: str) -> None:
    """Raise a `FitError` for what is not one `Fit`."""
    if not isinstance(fit, Fit):
        raise FitError(f"This needs one fitted arm, {example}, not {offending(fit)}.")


def fits_by_arm(fits: Any) -> Mapping[str, Fit]:
    """What `fit_pooling` or `fit` returned, as a mapping of labels to fits."""
    if isinstance(fits, Fit):
        return {fits.pooling: fits}
    if not (isinstance(fits, Mapping) and len(fits) and all(isinstance(fit, Fit) for fit in fits.values())):
        raise FitError(f"This needs fits, as fit_pooling(formula, data) returns them, not {offending(fits)}.")
    return fits
