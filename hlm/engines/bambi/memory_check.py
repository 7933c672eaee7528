"""Whether a Bambi model and its draws have room in memory, known before it is built."""

from __future__ import annotations

from hlm.data.clean_data import CleanData
from hlm.formula.formula import Formula
from hlm.formula.pooling_formulas import Pooling
from hlm.model.design_columns import block_columns
from hlm.model.no_pooling import none_arm, own_columns
from hlm.support.memory import check_memory

_DESIGN = {"complete": 1, "none": 4, "partial": 2}  # copies of the dummy columns, as measured
_DRAWS = 4  # each effect and its offset, in the sampler and in the result


def check_room(formula: Formula, data: CleanData, pooling: Pooling, draws: int = 0) -> None:
    """Raise a `FitError` where the groups' dummy columns, which formulae makes dense, or the draws would not fit.

    Parameters
    ----------
    formula : Formula
        Of the partial-pooling model.
    data : CleanData
    pooling : {"complete", "none", "partial"}
    draws : int
        In all chains, those for warming up included; 0 where nothing is sampled.
    """
    effects = _effects(formula, data, pooling)
    check_memory(
        f"Building this model ({data.rows:,} rows, {effects:,} coefficients of groups)",
        {
            "dummy columns of the groups": float(_DESIGN[pooling]) * data.rows * effects,
            "draws": float(_DRAWS) * draws * effects,
        },
        "In the gaussian family the collapsed engine makes no dummy columns (method='auto', Normal priors). Otherwise "
        "take fewer groups or rows, fewer varying effects, or fewer draws.",
    )


def _effects(formula: Formula, data: CleanData, pooling: Pooling) -> int:
    """How many coefficients the groups have of their own."""
    if pooling == "complete":
        return 0
    if pooling == "partial":
        return sum(len(data.levels(block.group)) * len(design.terms) for block, design in block_columns(formula, data))
    own = none_arm(formula, data).own
    groups = dict.fromkeys(o.group for o in own)
    return sum(len(data.levels(group)) * len(own_columns(own, group, data).terms) for group in groups)
