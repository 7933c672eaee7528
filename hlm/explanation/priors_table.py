"""The priors as a table: name, letter, distribution with its numbers, and one reason each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from hlm.explanation import symbols
from hlm.explanation.html_pieces import column, table
from hlm.explanation.math_expression import Expression, row, visible
from hlm.explanation.math_html import math_html
from hlm.explanation.math_text import plain
from hlm.explanation.prior_rules import ParameterPrior
from hlm.explanation.prior_text import distribution, left_over
from hlm.explanation.structure import ModelStructure
from hlm.explanation.words_nouns import noun, part_text
from hlm.formula.formula import Block

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class PriorRow:
    """One parameter: its name in the posterior, its letter, its prior and the reason for it."""

    name: str
    symbol: Expression
    prior: str
    reason: str


@dataclass(frozen=True, slots=True)
class PriorTable:
    """The priors of the partial-pooling model; prints as a table, in Jupyter as HTML."""

    rows: tuple[PriorRow, ...]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Columns ``name, symbol, prior, reason``."""
        import pandas as pd

        return pd.DataFrame([(r.name, plain(r.symbol), r.prior, r.reason) for r in self.rows],
                            columns=["name", "symbol", "prior", "reason"])  # fmt: skip

    def __str__(self) -> str:
        cells = [(visible(r.name), plain(r.symbol), r.prior, r.reason) for r in self.rows]
        widths = [max((len(row[i]) for row in cells), default=0) for i in range(3)]
        lines = ["  ".join([*(f"{c:<{w}}" for c, w in zip(row, widths, strict=False)), row[3]]) for row in cells]
        return "\n".join([*(f"  {line}" for line in lines), *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        rows = [
            (f"<code>{escape(visible(r.name))}</code>", math_html(r.symbol), escape(r.prior), column(r.reason))
            for r in self.rows
        ]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return table(("in the posterior", "symbol", "prior", "why"), rows) + notes


def prior_table(model: ModelStructure) -> PriorTable:
    """Every parameter of the partial-pooling model with its prior."""
    rows = tuple(
        PriorRow(prior.label, symbols.symbol(prior, model), plain(distribution(prior, model)), _reason(prior, model))
        for prior in model.priors
    )
    return PriorTable(rows, tuple(_notes(model)))


def _reason(prior: ParameterPrior, model: ModelStructure) -> str:
    """The default's reason in the model's own words."""
    if prior.given:
        return "given by you"
    parts = prior.column.parts if prior.column is not None else ()
    if prior.role == "sd":
        what = noun(prior.column) if prior.column is not None else "intercept"
    else:
        what = part_text(parts[0]) if len(parts) == 1 else "it"
    where = " at the average of all predictors" if model.centred else ""
    group = visible(model.bars[prior.bar or 0].factor.name) if model.bars else ""
    beside = prior.role in ("slope", "sd") and "others" in plain(row(*left_over(prior, model)))
    left = " that the other columns leave" if beside else ""
    return prior.rule.reason.format(where=where, response=visible(model.response), what=what, group=group, left=left)


def _notes(model: ModelStructure) -> Iterator[str]:
    rules = "".join(plain(distribution(prior, model)) for prior in model.priors)
    if "| others" in rules:
        yield "x | others: what the other columns leave of x (in a bar: those before it). Data give the numbers."
    if "rms(" in rules:
        yield "rms: the root mean square, as far from 0 as the column lies."
    for bar in model.bars:
        if model.model.is_orthogonalised(bar.block):
            block = Block(tuple(effect.term for effect in bar.block.effects), bar.factor.term, correlated=True)
            others = ", ".join(visible(column.label) for column in bar.held)
            several = " (each column less what those before it explain)" if len(bar.columns) > 2 else ""
            zero = "wherever its zero lies" if len(bar.held) == 1 else "wherever their zeros lie"
            yield (
                f"The priors of the sds and the correlation in {visible(str(block))} hold at the mean of {others}"
                f"{several}, {zero}; the posterior reports them as the formula writes them."
            )
    if model.family.has_thresholds:
        yield "The thresholds have Bambi's default priors."
    yield "Normal(mean, standard deviation). No-pooling coefficients have other priors: default_priors(pooling='none')."
