"""Which engine draws: the first that covers the model and whose diagnostic is good; and why not an earlier one."""

from __future__ import annotations

from collections.abc import Mapping

from hlm.engines.engine_list import BY_METHOD, ENGINES, without_chain
from hlm.engines.exact.engine import EXACT
from hlm.engines.interface import Engine, Options
from hlm.engines.nuts.engine import NUTS
from hlm.engines.sampling.chain_diagnostics import too_few
from hlm.errors import FitError
from hlm.fits.results import Fit
from hlm.fits.separation_notes import separation_notes
from hlm.model.model import Model
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import Method

# rows x draws of which a fit computes its leave-one-out values at once, so that printing shows them without computing
# by engine. exact: some 0.05 s, less than such a fit takes. quadrature: below a second, but as long as the fit itself
# at any size, so that only small data, as cbpp, have it at once
_LOO_NUMBERS = {"exact": 1_000_000, "quadrature": 250_000}
_AFTER_A_CHAIN = 20_000_000  # about a second, after a fit of ten and more


@one_blas_thread()
def run_engines(model: Model, method: Method, options: Options) -> Fit:
    """Draw from the posterior of a model; leave each row out where that takes a fraction of the fit's own time.

    FitError: where no engine of the method covers the model, or the last one cannot fit it.
    """
    notes: tuple[str, ...] = ()
    reasons = {engine: engine.covers(model) for engine in BY_METHOD[method]}
    engines = [engine for engine, why_not in reasons.items() if why_not is None]
    if not engines:
        raise FitError(_no_engine(model, reasons))
    if model.family.name == "gaussian" and (why_not := reasons.get(EXACT)) is not None:
        # in the other families nobody expects the exact engine
        notes = (f"sampled by {engines[0].label}, not exactly: {why_not[0].lower()}{why_not[1:].rstrip('.')}",)
    failed: list[str] = []
    for engine, following in zip(engines, [*engines[1:], None], strict=True):
        try:
            draws = engine.sample(model, options)
        except FitError as problem:  # too little memory, for example
            if not notes:
                raise
            raise FitError(f"{problem} The model was to be {notes[0]}.") from problem
        if draws.diagnostics.ok or following is None:
            break
        if engine is NUTS and too_few(options.draws, options.chains):  # nor would another sampler's be enough
            break
        failed.append(f"of {engine.label} {draws.diagnostics.problem}")
        notes = (f"sampled by {following.label}, since {', and '.join(failed)}",)
    if not draws.diagnostics.ok and model.family.limits_sentence:
        notes = (*notes, model.family.limits_sentence)
    notes = (*model.notes, *separation_notes(model), *notes)
    fit = Fit(model, _method_of(engine, method), engine.name, draws.idata, draws.diagnostics, notes)
    sizes = draws.idata["posterior"].sizes
    size = model.rows * sizes["chain"] * sizes["draw"]
    if model.family.log_density is not None and size <= _LOO_NUMBERS.get(fit.engine, _AFTER_A_CHAIN):
        fit.leave_out()
    return fit


def _no_engine(model: Model, reasons: Mapping[Engine, str | None]) -> str:
    """Why no engine of a method covers a model: the reason of that which is meant for its family."""
    engine = without_chain(model)
    label = engine.label
    return f"{label[0].upper()}{label[1:]} does not cover this model. {reasons[engine]} Use method='nuts' or 'auto'."


def _method_of(engine: Engine, asked: Method) -> str:
    """The option that takes an engine: what was asked for, or the first that has it."""
    if asked != "auto":
        return asked
    return next(name for name, engines in BY_METHOD.items() if name != "auto" and engine in engines)


def chosen_engine(model: Model, method: Method) -> tuple[Engine, str]:
    """The engine that would be tried first, and why not one before it; for `hlm.plan`."""
    reasons: dict[Engine, str | None] = {}
    for engine in BY_METHOD[method]:
        reasons[engine] = engine.covers(model)
        if reasons[engine] is None:
            first = "the first engine, and it covers the model" if engine is ENGINES[0] else "asked for by method"
            return engine, " ".join(filter(None, reasons.values())) or first
    raise FitError(_no_engine(model, reasons))
