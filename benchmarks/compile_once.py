"""Many fits by NUTS for the price of one compilation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def compiled_once() -> Iterator[None]:
    """While inside, nutpie compiles the first model and only changes the responses of the next."""
    import nutpie
    import pytensor
    from pymc.model.fgraph import ModelObservedRV, fgraph_from_model, model_from_fgraph

    original, compiled = nutpie.compile_pymc_model, []

    def once(model: Any, **options: Any) -> Any:
        graph, _ = fgraph_from_model(model)
        (observed,) = [node.inputs[1] for node in graph.toposort() if isinstance(node.op, ModelObservedRV)]
        if compiled:
            return compiled[0].with_data(responses=observed.data)
        shared = pytensor.shared(observed.data, name="responses", shape=observed.data.shape)
        graph.replace(observed, shared, import_missing=True)
        compiled.append(original(model_from_fgraph(graph, mutate_fgraph=True), **options))
        return compiled[0]

    with patch.object(nutpie, "compile_pymc_model", once):
        yield
