"""The quadrature engine with Laplace's approximation as its answer, to see what the quadrature is for.

One node at the mode of each group is Laplace's approximation of its integral. hlm itself never returns such draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

_EXACT = 1e-20  # Newton's decrement: the node stands at the very mode


@contextmanager
def laplace_only() -> Iterator[None]:
    """While inside, the quadrature engine takes one node a group."""
    from hlm.engines.quadrature import sampling
    from hlm.engines.quadrature.integrals import integrals
    from hlm.engines.quadrature.nodes import one_rule

    exactly = patch.dict(integrals.__kwdefaults__, near=_EXACT)
    with patch.object(sampling, "rules", lambda effects: one_rule(1, effects)), exactly:
        yield
