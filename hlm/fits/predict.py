"""`predict`: what a fit says about new rows, of known groups and of new ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

import numpy as np

from hlm.data.new_rows import prepare
from hlm.data.pandas_polars_arrow import narwhalize
from hlm.errors import DataError, FitError
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.linear_predictors import Groups, NewGroups, linear_predictors
from hlm.fits.new_responses import labels_drawn, new_responses, parents
from hlm.fits.prediction_tables import array_of_draws, check_column_names, table_of_draws, with_gaps
from hlm.fits.results import check_fit
from hlm.formula.formula import Formula, Term
from hlm.formula.function_calls import source_columns
from hlm.formula.pooling_formulas import complete_formula
from hlm.model.model import find_group
from hlm.support.memory import check_memory
from hlm.support.options import check_choice, check_flag, check_list, check_seed, checked_prob, offending
from hlm.support.random_streams import stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import xarray as xr

    from hlm.fits.results import Fit

Kind = Literal["mean", "linear", "response"]


@overload
def predict(
    fit: Fit, newdata: Any = ..., *, kind: Kind = ..., groups: Groups | Sequence[str] = ...,
    new_groups: NewGroups = ..., prob: float | None = ..., draws: Literal[False] = ..., seed: int | None = ...,
) -> pd.DataFrame: ...  # fmt: skip
@overload
def predict(
    fit: Fit, newdata: Any = ..., *, kind: Kind = ..., groups: Groups | Sequence[str] = ...,
    new_groups: NewGroups = ..., prob: float | None = ..., draws: Literal[True], seed: int | None = ...,
) -> xr.DataArray: ...  # fmt: skip
def predict(
    fit: Fit, newdata: Any = None, *, kind: Kind = "mean", groups: Groups | Sequence[str] = "own",
    new_groups: NewGroups = "gaussian", prob: float | None = None, draws: bool = False, seed: int | None = None,
) -> pd.DataFrame | xr.DataArray:  # fmt: skip
    """Predict new rows.

    Parameters
    ----------
    fit : Fit
        One strategy, for example ``fits["partial"]``.
    newdata : data frame, optional
        With the predictors, the grouping columns that are needed, and offsets; the rows of the fit by default.
    kind : {"mean", "linear", "response"}
        The expected response (for binomial: the probability; for labels: the probability of each), the linear
        predictor, or a new response with all of its variation. A response needs the column of trials; of a gaussian
        model with weights its residual sd is ``sigma / sqrt(weight)``.
    groups : {"own", "average", "new"} or sequence of str
        Whose effects: of the rows' own groups; none, the effects being 0, as in the typical group; of one new group of
        each factor, the same in all rows, drawn for each draw; or the names of some grouping factors, whose own effects
        count while those of the others are 0. Columns of factors that do not count need not be there. On the scale of
        the response a mean over groups is not the mean of the typical group, unless the link is the identity.
    new_groups : {"gaussian", "zero", "resample"}
        Effects of groups that the data did not have: drawn from their Normal(0, Sigma), one draw for all rows of a
        group; zero, the common line; or, for each draw, those of one known group.
    prob : float, optional
        Probability of the central intervals; 0.89 by default.
    draws : bool
        Whether to have the draws themselves instead of a table of them.
    seed : int, optional
        For ``kind="response"`` and for new groups.

    Returns
    -------
    pandas.DataFrame
        The columns of the formula as predicted from, then ``estimate`` (posterior mean), ``sd``, ``lower``, ``upper``,
        ``prob``, in units of the response (``kind="linear"``: of the linear predictor), ``new_group``, and ``note``,
        why not to rely on the fit's draws, if so, where weight 1 was taken, and why there is no number: no pooling has
        nothing to say of a new or an average group (NaN); or what the fit left out and a row needs, as in an empty
        cell. For a response of labels one row for each row and ``label``.
    xarray.DataArray
        With ``draws=True``: dims ``chain, draw, row`` (and ``label``), the columns predicted from as coordinates along
        ``row``.

    Raises
    ------
    DataError
        For a missing column or value, a factor level that the data did not have, or a column of the formula that has
        the name of one of the above.
    FitError
        Where a link gives an impossible mean, and for unknown options.

    Examples
    --------
    >>> import pandas as pd
    >>> from hlm import fit, load_data, predict
    >>> lines = fit("Reaction ~ Days + (Days|Subject)", load_data("sleepstudy"),
    ...             draws=200, tune=200, chains=2, seed=1, progress=False)
    >>> days = pd.DataFrame({"Days": [0, 9], "Subject": ["308", "somebody new"]})
    >>> predict(lines, days, seed=1)["new_group"].tolist()
    [False, True]
    >>> predict(lines, days[["Days"]], groups="average", draws=True).dims
    ('chain', 'draw', 'row')
    """
    check_fit(fit, "such as fits['partial']")
    check_choice("kind", kind, get_args(Kind))
    check_choice("new_groups", new_groups, get_args(NewGroups))
    check_flag("draws", draws)
    probability = checked_prob(prob)
    check_seed(seed)
    own = _own_factors(fit, groups)
    formula, generator = _of_predictors(fit, groups, own), stream(seed, "prediction")
    rows = _original(fit, formula, own) if newdata is None else _new_rows(fit, formula, own, newdata)
    check_column_names(rows, labelled=not fit.resolved.family.has_linear_predictor)
    new = _in_new_groups(fit, rows, own)
    if groups == "new" and fit.pooling != "complete":
        new[:] = True
    unknown = _not_in_no_pooling(fit, groups, own, new)
    _check_memory(fit, len(rows))
    known = rows if not unknown else rows[[row not in unknown for row in range(len(rows))]].reset_index(drop=True)
    eta = linear_predictors(fit, known, own, groups == "new" and fit.pooling != "none", new_groups, generator)
    drawn = with_gaps(_drawn(fit, known, kind, eta, generator), [*unknown], len(rows))
    said = [*failed_diagnostics(fit).values(), *_notes(fit, rows, kind)]
    why = dict(unknown)
    for row, labels in fit.resolved.design.untold(rows).items():
        why.setdefault(row, f"the data do not tell the effect of {', '.join(labels)} here: it counts as 0")
    if draws:
        note = "; ".join([*dict.fromkeys(why.values()), *said])
        return array_of_draws(rows, drawn, fit.idata["posterior"].to_dataset(), kind, note)
    notes = ["; ".join([*([why[row]] if row in why else []), *said]) for row in range(len(rows))]
    return table_of_draws(rows, drawn, probability, new, notes)


def _own_factors(fit: Fit, groups: Any) -> tuple[Term, ...]:
    """The grouping factors whose own effects count."""
    every = fit.resolved.written.groups
    if isinstance(groups, str) and groups not in get_args(Groups):
        named = [group.name for group in every]
        hint = f" For the effects of one factor write groups=[{groups!r}]." if groups in named else ""
        raise FitError(
            f"groups is one of {', '.join(map(repr, get_args(Groups)))}, or a list of grouping factors such as "
            f"{named[:1]}, not {offending(groups)}.{hint}"
        )
    if isinstance(groups, str):
        chosen: tuple[Term, ...] = every if groups == "own" else ()
    else:
        wanted = check_list("groups", groups, str([group.name for group in every[:1]]))
        named_here = [find_group(fit.resolved.written, name) for name in wanted]
        chosen = tuple(group for group in every if group in named_here)
    return () if fit.pooling == "complete" else chosen


def _of_predictors(fit: Fit, groups: Any, own: tuple[Term, ...]) -> Formula:
    """The formula with the bars that count; what only others need is no predictor."""
    written = fit.resolved.written
    if fit.pooling == "complete":
        return complete_formula(written)
    kept = tuple(block for block in written.blocks if groups == "new" or block.group in own)
    return replace(written, blocks=kept)


def _original(fit: Fit, formula: Formula, own: tuple[Term, ...]) -> pd.DataFrame:
    model = fit.resolved
    groups = [*(variable for group in own for variable in group.variables), *(group.name for group in own)]
    names = dict.fromkeys([*formula.predictors, *groups, *formula.offsets, *formula.response.variables])
    rows = model.data.columns[[*names]].reset_index(drop=True)
    return rows if model.data.weights_column is None else rows.assign(**{model.data.weights_column: model.data.weights})


def _new_rows(fit: Fit, formula: Formula, own: tuple[Term, ...], newdata: Any) -> pd.DataFrame:
    available = narwhalize(newdata).columns
    for group in own:
        inside = [c for variable in group.variables for c in source_columns(variable, formula.functions)]
        missing = [name for name in inside if name not in available]
        if missing:
            without = (
                "" if fit.pooling == "none" else
                " Without it: groups='average' (effects at 0) or groups='new' (a group that the data did not have)."
            )  # fmt: skip
            raise DataError(f"The new rows have no column {missing[0]!r}, and so no {group.name}.{without}")
    rows: pd.DataFrame = prepare(formula, fit.resolved.data, newdata, own)
    return rows


def _in_new_groups(fit: Fit, rows: pd.DataFrame, own: tuple[Term, ...]) -> np.ndarray:
    """Which rows have a group that the data did not have."""
    new = np.zeros(len(rows), dtype=bool)
    for group in own:
        new |= ~rows[group.name].astype(str).isin(fit.resolved.data.levels(group)).to_numpy()
    return new


def _not_in_no_pooling(fit: Fit, groups: Any, own: tuple[Term, ...], new: np.ndarray) -> dict[int, str]:
    """The rows of which no pooling has nothing to say, by their places, each with the reason."""
    if fit.pooling != "none":
        return {}
    without = " and ".join(group.name for group in fit.resolved.written.groups if group not in own)
    if without and groups != "new":
        reason = f"no pooling has no average {without}, since each has coefficients of its own"
        new = np.ones(len(new), dtype=bool)
    else:
        reason = "no pooling has no prediction for a new group: only its prior would speak"
    return dict.fromkeys(np.flatnonzero(new).tolist(), f"{reason}; use the partial or the complete fit")


def _check_memory(fit: Fit, rows: int) -> None:
    sizes, model = fit.idata["posterior"].sizes, fit.resolved
    draws = sizes["chain"] * sizes["draw"]
    widths = sum(factor.width for factor in model.factors)
    labels = 1 if model.family.has_linear_predictor else len(_labels(fit))
    check_memory(
        f"Predicting {rows:,} rows from {draws:,} draws",
        {
            "linear predictor and its sorted copy": 2.0 * draws * rows * labels,
            "effects row by row": float(widths) * draws * rows,
        },
        "Predict fewer rows at a time, or fit with fewer draws.",
    )


def _labels(fit: Fit) -> list[str]:
    model = fit.resolved
    return list(model.data.columns[model.written.response.variable].cat.categories)


def _drawn(
    fit: Fit, rows: pd.DataFrame, kind: Kind, eta: dict[str, np.ndarray], generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """By label of the response, or under an empty one: draws, shape (draws, rows)."""
    family = fit.resolved.family
    if kind == "linear":
        return eta
    parent = parents(fit, eta)
    if family.has_linear_predictor:
        return {"": new_responses(fit, rows, parent, kind, generator) if len(rows) else parent}
    if kind == "response":
        parent = labels_drawn(parent, generator)
    return {label: parent[:, :, k] for k, label in enumerate(_labels(fit))}


def _notes(fit: Fit, rows: pd.DataFrame, kind: Kind) -> list[str]:
    column = fit.resolved.data.weights_column
    if kind != "response" or column is None or column in rows:
        return []
    return [f"the new rows have no weights ({column}): each was taken as 1, a residual sd of sigma"]
