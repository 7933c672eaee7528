"""What the functions of a formula compute, and how to read a coefficient of theirs, in words."""

from __future__ import annotations

from collections.abc import Iterator

from hlm.explanation.code_numpy import centred_and_scaled, is_truth, options
from hlm.explanation.math_expression import visible
from hlm.explanation.structure import ModelStructure
from hlm.formula.contrasts import contrast_choice
from hlm.formula.function_calls import canonical, is_call, read_call, source_columns
from hlm.formula.syntax_tree import Call

_MEANINGS = {
    "log": "the natural logarithm of {x}: one more unit of it is 2.718 times the {x}",
    "log2": "the logarithm of {x} to base 2: one more unit of it is twice the {x}",
    "log10": "the logarithm of {x} to base 10: one more unit of it is ten times the {x}",
    "log1p": "the natural logarithm of 1 plus {x}, which exists at 0, too",
    "exp": "e to the power of {x}",
    "expm1": "e to the power of {x}, minus 1",
    "sqrt": "the square root of {x}",
    "abs": "the size of {x} without its sign",
    "sin": "the sine of {x}, an angle in radians",
    "cos": "the cosine of {x}, an angle in radians",
    "pmin": "the least of {all}, row by row",
    "pmax": "the largest of {all}, row by row",
    "mean_by": "the mean of {x} in a row's own {groups}; a row of new data has the mean that its {groups} had in these",
    "dummy": "1 where {x} is {level}, else 0",
    "factor": "{x} as labels: order and distance of its values mean nothing",
}
_CONTRASTS = {
    "treatment": "each column is one level against {base}",
    "SAS": "each column is one level against {base}",
    "sum": "column k is level k against the average of all levels (sum contrasts)",
    "helmert": "column k compares level k + 1 with the average of the levels before it (Helmert contrasts)",
    "poly": ".L, .Q, .C and so on are a straight line, a parabola, a cubic over the levels in their order",
}
# Whether it is centred, whether it is scaled.
_SCALE = {
    (True, True): "{x} minus its mean, divided by its standard deviation: 0 is the average row{mean}, and one unit is "
    "one standard deviation{sd}",
    (True, False): "{x} minus its mean: 0 is the average row{mean}",
    (False, True): "{x} divided by the root of its mean square",
    (False, False): "{x} itself",
}


def computed_meanings(model: ModelStructure) -> Iterator[tuple[str, str]]:
    """Every function call of the formula with a sentence about it."""
    functions = model.formula.functions
    for variable in model.written.computed:
        if is_call(variable, functions):
            call = read_call(variable)
            own = f"what your function {call.name} gives" if call.name in functions else None
            yield visible(variable), f"{visible(variable)} is {own or _meaning(call, variable, model)}."
    for variable in model.formula.offsets:
        scale = model.family.scale.format(y=visible(model.response))
        text = f"{visible(variable)} is added to {scale} as it is: an offset has no coefficient to estimate."
        yield f"offset({visible(variable)})", text


def basis_source(basis: str) -> str:
    """What a curve is a function of: ``pre`` of ``poly(pre, 2)``."""
    return visible(canonical(read_call(basis).args[0]))


def basis_origin(basis: str) -> str:
    """Where all columns of a curve are 0, or what their intercept is instead."""
    call, x = read_call(basis), basis_source(basis)
    if call.name != "poly":
        return f"{x} is at its minimum"
    return f"{x} is 0" if options(call).get("raw") == "TRUE" else f"the curve in {x} is at its average"


def _meaning(call: Call, variable: str, model: ModelStructure) -> str:
    x = visible(canonical(call.args[0]))
    if variable in model.bases:
        return _curve(call, x, len(model.bases[variable]))
    if call.name in ("scale", "center"):
        return _SCALE[centred_and_scaled(call)].format(x=x, **_numbers(call, model))
    if call.name == "I":
        return f"whether {x}: 1 where it is true, else 0" if is_truth(call) else f"{x}, computed row by row"
    same = {"as.factor": "factor", "C": "factor", "ave": "mean_by"}
    more = [visible(canonical(argument)) for argument in call.args[1:]]
    meaning = _MEANINGS[same.get(call.name, call.name)].format(
        x=x, all=" and ".join([x, *more]), groups=" and ".join(more), level="".join(more).strip("\"'")
    )
    choice = contrast_choice(call)
    if choice is None:
        return meaning
    contrast = None if model.data is None else model.data.contrasts.get(variable)
    base = choice.base if contrast is None else contrast.base
    reference = "the reference level" if base is None else visible(base)
    some = "" if choice.columns is None else f"; of these columns the first {choice.columns}"
    return f"{x} as labels: {_CONTRASTS[choice.kind].format(base=reference)}{some}"


def _curve(call: Call, x: str, width: int) -> str:
    """The columns of a curve mean little one by one."""
    degree = options(call).get("degree", "3")
    pieces = "cubic pieces" if degree == "3" else f"pieces of degree {degree}"
    kind = {
        "poly": f"a polynomial of degree {width} in {x}",
        "bs": f"a smooth curve in {x} of {pieces} (a B-spline)",
        "ns": f"a smooth curve in {x}, straight at both ends (a natural spline)",
    }[call.name]
    if width == 1:
        return f"{kind}, in one column"
    alone = "its powers" if options(call).get("raw") == "TRUE" else "which mean little one by one"
    return f"{kind}, made of {width} columns, {alone}: look at the curve that they make together"


def _numbers(call: Call, model: ModelStructure) -> dict[str, str]:
    """Mean and sd of the column inside, where the data have it as numbers."""
    column = canonical(call.args[0])
    values = model.data.columns.get(column) if model.data and column in source_columns(canonical(call)) else None
    if values is None or values.dtype == "category":
        return {"mean": "", "sd": ""}
    return {"mean": f" ({column} = {values.mean():.4g})", "sd": f" ({values.std():.4g})"}
