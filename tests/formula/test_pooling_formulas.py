"""The three strategies as text, before any data."""

from __future__ import annotations

import pytest

from hlm.errors import FormulaError
from hlm.formula.parser import parse
from hlm.formula.pooling_formulas import check_has_groups, complete_formula, none_formula, own_effects

ARMS = [
    ("post ~ pre + (pre|school)", "post ~ pre", "post ~ 0 + school + school:pre"),
    ("post ~ pre + (pre||school)", "post ~ pre", "post ~ 0 + school + school:pre"),
    ("post ~ pre + (1|school)", "post ~ pre", "post ~ 0 + school + pre"),
    ("post ~ pre + sex + (pre|school)", "post ~ pre + sex", "post ~ 0 + school + school:pre + sex"),
    ("y ~ 1 + (1|g)", "y ~ 1", "y ~ 0 + g"),
    ("y ~ 1 + (x|g)", "y ~ 1", "y ~ 0 + g + g:x"),
    ("y ~ x + (0 + x|g)", "y ~ x", "y ~ g:x"),
    ("y ~ 1 + (1|a/b)", "y ~ 1", "y ~ 0 + a:b"),
    ("y ~ x + (x|a) + (1|a:b)", "y ~ x", "y ~ 0 + a:x + a:b"),
    ("y ~ x + (x|a/b)", "y ~ x", "y ~ 0 + a:b + a:b:x"),
    ("d ~ 1 + (1|plate) + (1|sample)", "d ~ 1", "d ~ 0 + plate + sample"),
    ("y ~ x*c + (x*c|g)", "y ~ x + c + x:c", "y ~ 0 + g + g:x + g:c + g:x:c"),
    ("y ~ x*z + (x|g)", "y ~ x + z + x:z", "y ~ 0 + g + g:x + z + x:z"),
    ("y ~ g + (1|g)", "y ~ g", "y ~ 0 + g"),
    ("p(k, n) ~ t + (1|h)", "p(k, n) ~ t", "p(k, n) ~ 0 + h + t"),
]


@pytest.mark.parametrize(("formula", "complete", "none"), ARMS)
def test_strategies(formula: str, complete: str, none: str) -> None:
    read = parse(formula)
    assert str(complete_formula(read)) == complete
    assert str(none_formula(read, own_effects(read))) == none


def test_nothing_to_pool_without_a_group() -> None:
    with pytest.raises(FormulaError, match=r"y ~ x \+ \(1\|group\)"):
        check_has_groups(parse("y ~ x"))
