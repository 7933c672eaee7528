"""Terms as formulae, Bambi's reader of formulas, writes them."""

from __future__ import annotations

import keyword

from hlm.formula.formula import Term
from hlm.model import names


def formulae_text(term: Term) -> str:
    """A term as formulae reads it: other names than Python's in back-quotes; the intercept as an empty text."""
    known = map(names.in_posterior, term.variables)
    return ":".join(name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`" for name in known)


def grouped_text(term: Term) -> str:
    """A grouping factor as formulae reads it; cells ``a:b`` are one column under that name."""
    return formulae_text(Term((term.name,)))
