"""Which engine draws: the first that covers the model and whose diagnostic is good; and why not an earlier one."""

from __future__ import annotations

from collections.abc import Sequence

from hlm.engines.engine_list import BY_METHOD, ENGINES
from hlm.engines.interface import Engine, Options
from hlm.errors import FitError
from hlm.fits.results import Fit
from hlm.model.model import Model
from hlm.support.blas_threads import one_blas_thread
from hlm.support.options import Method

# rows x draws of which a fit computes its leave-one-out values at once, so that printing shows them without computing
_LOO_NUMBERS = {"exact": 1_000_000}  # some 0.05 s, less than such a fit takes
_AFTER_A_CHAIN = 20_000_000  # about a second, after a fit of ten and more


@one_blas_thread()
def run_engines(model: Model, method: Method, options: Options) -> Fit:
    """Draw from the posterior of a model; leave each row out where that takes a fraction of the fit's own time.

    FitError: where no engine of the method covers the model, or the last one cannot fit it.
    """
    notes: tuple[str, ...] = ()
    engines = BY_METHOD[method]
    for place, engine in enumerate(engines):
        last = place == len(engines) - 1
        why_not = engine.covers(model)
        if why_not is None:
            try:
                draws = engine.sample(model, options)
            except FitError as problem:  # too little memory, for example
                if not notes:
                    raise
                raise FitError(f"{problem} The model was to be {notes[0]}.") from problem
            if not draws.diagnostics.ok and model.family.limits_sentence:
                notes = (*notes, model.family.limits_sentence)
            if draws.diagnostics.ok or last:
                about = (*model.notes, *notes)
                fit = Fit(model, _method_of(engine, method), engine.name, draws.idata, draws.diagnostics, about)
                sizes = draws.idata["posterior"].sizes
                size = model.rows * sizes["chain"] * sizes["draw"]
                if model.family.log_density is not None and size <= _LOO_NUMBERS.get(fit.method, _AFTER_A_CHAIN):
                    fit.leave_out()
                return fit
            why = f"of {engine.label} {draws.diagnostics.problem}"
            notes = (f"sampled by {engines[place + 1].label}, since {why}",)
        elif last:
            raise FitError(_no_engine(engines, why_not))
        elif model.family.name == "gaussian":  # in the other families nobody expects the exact engine
            because = f"{why_not[0].lower()}{why_not[1:].rstrip('.')}"
            notes = (f"sampled by {engines[place + 1].label}, not exactly: {because}",)
        else:
            notes = ()
    raise AssertionError("an engine list is never empty")


def _no_engine(engines: Sequence[Engine], why_not: str) -> str:
    label = engines[-1].label
    return f"{label[0].upper()}{label[1:]} does not cover this model. {why_not} Use method='nuts' or 'auto'."


def _method_of(engine: Engine, asked: Method) -> str:
    """The option that takes an engine: what was asked for, or the first that has it."""
    if asked != "auto":
        return asked
    return next(name for name, engines in BY_METHOD.items() if name != "auto" and engine in engines)


def chosen_engine(model: Model, method: Method) -> tuple[Engine, str]:
    """The engine that would be tried first, and why not one before it; for `hlm.plan`."""
    reasons: list[str] = []
    for engine in BY_METHOD[method]:
        why_not = engine.covers(model)
        if why_not is None:
            first = "the first engine, and it covers the model" if engine is ENGINES[0] else "asked for by method"
            return engine, " ".join(reasons) or first
        reasons.append(why_not)
    raise FitError(_no_engine(BY_METHOD[method], reasons[-1]))
