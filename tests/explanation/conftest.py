"""The models that every view is tested on, and names that would break careless printing."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from hlm.data.packaged_sets import load_data
from hlm.explanation.explain import Explanation, explain

# name: formula, data set or None, family
MODELS: dict[str, tuple[str, str | None, str]] = {
    "correlated": ("post ~ pre + (pre|school)", "exam", "gaussian"),
    "uncorrelated": ("post ~ pre + (pre||school)", "exam", "gaussian"),
    "intercepts": ("post ~ pre + (1|school)", "exam", "gaussian"),
    "slopes": ("post ~ pre + (0 + pre|school)", "exam", "gaussian"),
    "nested": ("strength ~ 1 + (1|batch/cask)", "pastes", "gaussian"),
    "crossed": ("diameter ~ 1 + (1|plate) + (1|sample)", "penicillin", "gaussian"),
    "binomial": ("p(incidence, size) ~ period + (1|herd)", "cbpp", "binomial"),
    "covariates": ("post ~ pre + sex + schavg + intake + (pre|school)", "exam", "gaussian"),
    "factor in the bar": ("post ~ pre + intake + (pre + intake|school)", "exam", "gaussian"),
    "factor without intercept": ("post ~ sex + (0 + sex|school)", "exam", "gaussian"),
    "interaction": ("post ~ pre * sex + (pre + sex||school)", "exam", "gaussian"),
    "no common slope": ("post ~ 1 + (pre|school)", "exam", "gaussian"),
    "no intercept": ("post ~ 0 + pre + (pre|school)", "exam", "gaussian"),
    "without a group": ("post ~ pre + sex", "exam", "gaussian"),
    "without data": ("post ~ pre + (pre|school)", None, "gaussian"),
    "many slopes": ("y ~ x * z + (x * z|a/b) + (0 + x|h)", None, "poisson"),
    "many covariates": ("y ~ a + b + c + d + e + f + g1 + g2 + (1|k)", None, "negativebinomial"),
    "mixed nesting": ("y ~ x + (x|a) + (1|a:b)", None, "t"),
    "two bars nested": ("y ~ x + (x||a/b)", None, "zero_inflated_negativebinomial"),
    "nothing common": ("y ~ 0 + (1|g)", None, "laplace"),
    "ordinal": ("y ~ x + (1|g)", None, "cumulative"),
    "functions": (
        "log1p(I(pre^2)) ~ scale(pre) + poly(post, 2) + factor(intake) + offset(pre/2) + (scale(pre)|factor(school))",
        "exam",
        "gaussian",
    ),
    "functions without data": (
        "log(y) ~ center(x) + bs(z, df = 4) + I(x > 3) + offset(log(n)) + (center(x)||g)",
        None,
        "gaussian",
    ),
    "counts": ("cbind(incidence, size - incidence) ~ ns(size, df = 3) + (1|herd)", "cbpp", "binomial"),
    "dot": ("post ~ . - student + (1|school)", "exam", "gaussian"),
    "dot without data": ("y ~ . + (x|g)", None, "gaussian"),
    "labels": ("y ~ x + (x|g)", None, "categorical"),
}
# response, predictor, group
NAMES = [
    ("exam score", "x (scaled)", "school id"),
    ("100%", "a_b^c", "{g}$&#~"),
    ("<script>alert(1)</script>", "x<y & 'z'", '"quoted"'),
    ("größe", "температура", "学校"),
    ("if", "TRUE", "lambda"),
    ("\\frac{1}{2}", "back\\slash", "]]>"),
    ("a" * 70, "b" * 80, "c" * 60),
    ("mu", "eta", "data"),
]


@pytest.fixture(scope="session", params=list(MODELS), ids=lambda name: name.replace(" ", "_"))
def explained(request: pytest.FixtureRequest) -> Explanation:
    """Each model in turn."""
    formula, data, family = MODELS[request.param]
    return explain(formula, None if data is None else load_data(data), family=family)


@pytest.fixture(scope="session")
def explained_as() -> Callable[[str], Explanation]:
    """One model by its name."""

    def of(name: str) -> Explanation:
        formula, data, family = MODELS[name]
        return explain(formula, None if data is None else load_data(data), family=family)

    return of


@pytest.fixture(params=NAMES, ids=range(len(NAMES)))
def named(request: pytest.FixtureRequest) -> tuple[tuple[str, str, str], str, pd.DataFrame]:
    """Awkward names, the formula ``y ~ x + (x|g)`` in them, and data."""
    y, x, g = request.param
    frame = pd.DataFrame(
        {y: [0.1 * i * i % 3 for i in range(12)], x: [float(i % 5) for i in range(12)], g: list("aabbccddeeff")}
    )
    return request.param, f"`{y}` ~ `{x}` + (`{x}`|`{g}`)", frame
