"""Terms that stand for several columns, written out and gathered again."""

from __future__ import annotations

from hlm.formula.expansion import contracted, expanded
from hlm.formula.parser import parse


def test_a_function_with_several_columns_is_expanded_and_contracted() -> None:
    formula = parse("y ~ poly(x, 2)*c + (poly(x, 2)|g) + (poly(x, 2)||h)")
    columns = {"poly(x, 2)": ("poly(x, 2)1", "poly(x, 2)2")}
    whole = expanded(formula, columns)
    first, second = "`poly(x, 2)1`", "`poly(x, 2)2`"
    assert str(whole) == (
        f"y ~ {first} + {second} + c + {first}:c + {second}:c + ({first} + {second}|g) + (1|h) + (0 + {first} + {second}|h)"
    )
    assert parse(str(whole)) == whole
    assert str(contracted(whole, columns)) == (
        "y ~ poly(x, 2) + c + poly(x, 2):c + (poly(x, 2)|g) + (1|h) + (0 + poly(x, 2)|h)"
    )
    part = parse(f"y ~ {second} + c + {first}:c + {second}:c")
    assert str(contracted(part, columns)) == f"y ~ {second} + c + poly(x, 2):c"  # one column alone is not the function
    assert expanded(formula, {}) is formula


def test_all_other_columns_are_put_in_and_taken_out() -> None:
    others = {".": ("a", "b", "c")}
    assert str(expanded(parse("y ~ . + (1|g)"), others)) == "y ~ a + b + c + (1|g)"
    assert str(expanded(parse("y ~ x:. + a:b - b"), others)) == "y ~ x:a + x:b + x:c + a:b"
    assert str(expanded(parse("y ~ . - b - 1"), others)) == "y ~ 0 + a + c"
