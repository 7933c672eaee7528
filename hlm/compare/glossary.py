"""`glossary`: what every column of every table means, in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from hlm.errors import DataError
from hlm.support.options import offending

if TYPE_CHECKING:
    import pandas as pd

GLOSSARY: Mapping[str, str] = MappingProxyType(
    {
        "group": "grouping factor",
        "level": "one group of it",
        "versus": "what it is compared with: the common line ('pooled') or another group",
        "n": "rows of the group",
        "term": "intercept or slope, the group's total, in units of the linear predictor",
        "pooling": "the pooling strategy: complete, none or partial",
        "pooled": "tr(B)/q: the share of a group's coefficients that the other groups decide, 0 no pooling, 1 complete",
        "complete": "posterior mean under complete pooling, the same for all groups",
        "none": "posterior mean under no pooling, the group's own",
        "partial": "posterior mean under partial pooling",
        "none_lower": "lower end of the central interval under no pooling",
        "none_upper": "upper end of the central interval under no pooling",
        "movement": "partial minus none",
        "share": "the term's own entry on the diagonal of B; it can leave [0, 1] with correlated effects",
        "reliability": "tau^2 / (tau^2 + V): share of the group's own least-squares estimate that is not error",
        "ratio": "observed: 1 - (partial - complete) / (none - complete); NaN where none is too near to complete; with "
        "correlated effects it can leave [0, 1]",
        "why": "the same in a sentence",
        "estimate": "posterior mean",
        "sd": "posterior standard deviation; in pooling_factors posterior mean of the groups' standard deviation",
        "lower": "lower end of the central interval",
        "upper": "upper end of the central interval",
        "prob": "probability of the interval",
        "least_squares": "ordinary least squares of the group's rows alone (gaussian family)",
        "note": "what must be known to read the numbers of the row",
        "p_greater": "probability that the group's coefficient is larger than what it is compared with",
        "rank": "expected rank, 1 + sum of P(larger than another group): 1 the smallest, K the largest",
        "percentile": "100 (rank - 1/2) / K",
        "p_lowest": "probability that the group is the lowest of all",
        "p_highest": "probability that the group is the highest of all",
        "groups": "number of groups",
        "lambda": "Gelman & Pardoe's pooling factor: 0 the groups' estimates vary as much as the groups, 1 not at all",
        "r2": "Gelman & Pardoe's R2: share of the variance of the level's coefficients (or of the response) explained",
        "half_size": "rows, of average spread of the predictor, at which a group weighs as much as the other groups do",
        "half_sum": "the same as a sum of squares of the predictor about its group's mean (of the intercept: rows)",
        "spread_ratio": "1 - variance of the groups' estimates under partial pooling over that under no pooling, "
        "which is ruled by the smallest groups",
        "icc": "variance partition coefficient: share of the variance that lies between the groups, at 'at'",
        "at": "values of the varying columns at which icc is taken",
        "p_eff": "effective number of coefficients that the groups have: sum over the groups of 1 - share",
        "statistic": "what is computed of the data and of every replicated data set",
        "observed": "of the data",
        "mean": "of the replicated data sets",
        "p_value": "share of the replicated data sets with a larger value; near 0 or 1, the strategy misses it",
        "p_loo": "effective number of parameters, from leave-one-out",
        "unit": "what is left out each time, and so what is predicted: a row, or a whole group",
        "elpd": "expected log predictive density of the left-out units, larger is better",
        "se": "its standard error",
        "elpd_diff": "difference to the best strategy",
        "se_diff": "standard error of the difference, from paired units",
        "bad_k": "units whose leave-one-out cannot be trusted",
        "weight": "stacking weight",
        "coefficients": "number of coefficients that the strategy has",
        "certainty": "probability, by a normal approximation, that the best strategy predicts better than this one",
        "verdict": "fits, underfits, overfits, cannot tell, or no prediction",
    }
)  # fmt: skip


def glossary(table: pd.DataFrame | None = None) -> pd.DataFrame:
    """What the columns of a table mean.

    Parameters
    ----------
    table : pandas.DataFrame, optional
        Any table of hlm; by default every column of all tables.

    Returns
    -------
    pandas.DataFrame
        ``column, meaning``, in the order of the table.

    Examples
    --------
    >>> from hlm import glossary
    >>> glossary().set_index("column").loc["half_sum", "meaning"][:28]
    'the same as a sum of squares'
    """
    import pandas as pd

    if table is not None and not isinstance(table, pd.DataFrame):
        raise DataError(f"glossary takes one of hlm's tables, a data frame, not {offending(table)}.")
    names = list(GLOSSARY if table is None else table.columns)
    if not set(names) & set(GLOSSARY):
        raise DataError(f"No column of this table ({', '.join(map(str, names))}) is one of hlm's tables'.")
    found = {name: GLOSSARY[name] for name in names if name in GLOSSARY}
    return pd.DataFrame({"column": list(found), "meaning": list(found.values())})


def described(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the meaning of its columns in ``attrs["glossary"]``."""
    table.attrs["glossary"] = {name: GLOSSARY[name] for name in table.columns}
    return table
