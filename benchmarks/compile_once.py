"""Many fits by NUTS for the price of one compilation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def compiled_once(compiled: list[Any]) -> Iterator[None]:
    """While inside, nutpie compiles the first model only, and of the next ones just takes the responses.

    All must be one model: the same formula, design and priors. ``compiled`` keeps it, and is empty at first.
    """
    import nutpie
    import pytensor
    from pymc.model.fgraph import ModelObservedRV, fgraph_from_model, model_from_fgraph

    original = nutpie.compile_pymc_model

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
