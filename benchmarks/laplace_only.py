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
    from hlm.engines.quadrature import gauss_hermite, sampling
    from hlm.engines.quadrature.integrals import integrals

    def one_node(effects: int) -> gauss_hermite.Rules:
        return gauss_hermite._rules([1, 1, 1], effects)  # a rule is compared with the next but one

    exactly = patch.dict(integrals.__kwdefaults__, near=_EXACT)
    with patch.object(sampling, "rules", one_node), exactly:
        yield
