"""Where things stand in the text of a formula."""

from __future__ import annotations

import pytest

from hlm.formula.formula import Term
from hlm.formula.parser import parse
from hlm.linting.places_in_text import bars, outside, place_of_block, place_of_name, place_of_response, place_of_term

TEXT = "y ~ x*z + (x | g) + (1|a/b) + (0 + `w z`||g) + g"


def at(place: tuple[int, int] | None) -> str:
    assert place is not None
    return TEXT[slice(*place)]


def test_bars_with_the_names_on_both_sides() -> None:
    found = [(TEXT[b.start : b.stop], sorted(b.effects), sorted(b.group)) for b in bars(TEXT)]
    assert found == [("(x | g)", ["x"], ["g"]), ("(1|a/b)", [], ["a", "b"]), ("(0 + `w z`||g)", ["w z"], ["g"])]
    assert [t.start for t in outside("y ~ x | g + (1|h) || k", ("|", "||"))] == [6, 18]


@pytest.mark.parametrize(("index", "text"), [(0, "(x | g)"), (1, "(1|a/b)"), (2, "(1|a/b)"), (3, "(0 + `w z`||g)")])
def test_every_block_has_the_place_of_its_bar(index: int, text: str) -> None:
    assert at(place_of_block(TEXT, parse(TEXT).blocks[index])) == text


@pytest.mark.parametrize(
    ("term", "text"), [(("x",), "x"), (("x", "z"), "x*z"), (("z", "x"), "x*z"), (("q", "z"), None)]
)
def test_terms_have_the_place_of_what_they_come_from(term: tuple[str, ...], text: str | None) -> None:
    place = place_of_term(TEXT, Term(term))
    assert place is None if text is None else at(place) == text


def test_names_outside_of_bars_come_first() -> None:
    assert place_of_name(TEXT, "g") == (len(TEXT) - 1, len(TEXT))
    assert place_of_name(TEXT, "a") == (TEXT.index("a"), TEXT.index("a") + 1)
    assert place_of_response("p(k, n) ~ x") == (0, 7)


def test_text_that_is_no_formula_has_no_places() -> None:
    assert bars("y ~ `x") == ()
    assert place_of_name("y ~ `x", "x") is None
    assert place_of_response("x + z") is None
