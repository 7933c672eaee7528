"""When a fit computes its leave-one-out values at once, so that printing it shows them without computing anything."""

from __future__ import annotations

from hlm.fits.results import Fit

_NUMBERS = {"exact": 1_000_000}  # rows x draws: some 0.05 s, less than such a fit takes
_AFTER_A_CHAIN = 20_000_000  # rows x draws: about a second, after a fit of ten and more


def keep_loo_if_quick(fit: Fit) -> None:
    """Leave each row out where that takes a fraction of the fit's own time: few rows x draws, and a density of ours."""
    sizes = fit.idata["posterior"].sizes
    numbers = fit.resolved.rows * sizes["chain"] * sizes["draw"]
    if fit.resolved.family.log_density is not None and numbers <= _NUMBERS.get(fit.method, _AFTER_A_CHAIN):
        fit.leave_out()
