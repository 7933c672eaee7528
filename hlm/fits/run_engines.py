"""Which engine draws: the first that covers the model and whose diagnostic is good; and why not an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hlm.engines.engine_list import BY_METHOD, ENGINES
from hlm.engines.interface import Draws, Engine, Options
from hlm.errors import FitError
from hlm.model.model import Model
from hlm.support.options import Method


@dataclass(frozen=True, eq=False)
class Run:
    """What an engine drew."""

    draws: Draws
    engine: str  # its folder
    method: str  # the option that takes this engine
    notes: tuple[str, ...]  # why it was not an engine before it


def run_engines(model: Model, method: Method, options: Options) -> Run:
    """Draw from the posterior of a model.

    FitError: where no engine of the method covers the model, or the last one cannot fit it.
    """
    notes: tuple[str, ...] = ()
    engines = BY_METHOD[method]
    for place, engine in enumerate(engines):
        last = place == len(engines) - 1
        why_not = engine.covers(model)
        if why_not is None:
            draws = _sample(engine, model, options, notes)
            if draws.diagnostics.ok or last:
                return Run(draws, engine.name, _method_of(engine, method), notes)
            why = f"of {engine.label} {draws.diagnostics.problem}"
            notes = (f"sampled by {engines[place + 1].label}, since {why}",)
        elif last:
            raise FitError(_no_engine(engines, why_not))
        else:
            notes = _why_next(model, why_not, engines[place + 1])
    raise AssertionError("an engine list is never empty")


def _sample(engine: Engine, model: Model, options: Options, notes: tuple[str, ...]) -> Draws:
    try:
        return engine.sample(model, options)
    except FitError as problem:  # too little memory, for example
        if not notes:
            raise
        raise FitError(f"{problem} The model was to be {notes[0]}.") from problem


def _why_next(model: Model, why_not: str, following: Engine) -> tuple[str, ...]:
    """A note of a gaussian model; in the other families nobody expects the exact engine."""
    if not model.family.is_gaussian:
        return ()
    return (f"sampled by {following.label}, not exactly: {why_not[0].lower()}{why_not[1:].rstrip('.')}",)


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
            return engine, " ".join(reasons) or _first_reason(engine)
        reasons.append(why_not)
    raise FitError(_no_engine(BY_METHOD[method], reasons[-1]))


def _first_reason(engine: Engine) -> str:
    return "the first engine, and it covers the model" if engine is ENGINES[0] else "asked for by method"
