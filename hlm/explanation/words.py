"""The model in plain sentences: one for each term, one for each pooling strategy, and the number of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from hlm.explanation import symbols
from hlm.explanation.html_pieces import heading, lettered, styled, table
from hlm.explanation.math_expression import visible
from hlm.explanation.math_text import plain
from hlm.explanation.parameter_counts import parameter_text, strategy_coefficients, strategy_formulas
from hlm.explanation.regressors import INTERCEPT_COLUMN, Column, levels
from hlm.explanation.structure import Bar, Factor, ModelStructure
from hlm.explanation.words_functions import basis_origin, basis_source, computed_meanings
from hlm.explanation.words_nouns import group_noun, is_dummy, noun, part_text
from hlm.formula.formula import ALL_OTHERS


@dataclass(frozen=True, slots=True)
class Sentence:
    """What one piece of the formula means."""

    about: str  # the piece: a term, a bar, ``sigma``, or the name of a strategy
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Words:
    """The model in sentences; prints as a list."""

    terms: tuple[Sentence, ...]
    strategies: tuple[Sentence, ...]  # empty without a grouping factor
    notes: tuple[str, ...]  # the number of parameters, and what else must be known
    functions: tuple[Sentence, ...]  # what the functions of the formula compute

    @property
    def _titled(self) -> dict[str, tuple[Sentence, ...]]:
        parts = {"": self.terms, "What is computed": self.functions, "The three poolings": self.strategies}
        return {title: sentences for title, sentences in parts.items() if sentences}

    def __repr__(self) -> str:
        width = min(max(len(s.about) for sentences in self._titled.values() for s in sentences), 24)
        lines: list[str] = []
        for title, sentences in self._titled.items():
            lines += [*(["", title] if title else []), *(f"  {s.about:<{width}}  {s.text}" for s in sentences)]
        return "\n".join([*lines, "", *self.notes])

    @property
    def html(self) -> str:
        """The sentences as an HTML fragment, without their style."""
        parts = []
        for title, sentences in self._titled.items():
            parts += [heading(4, title)] if title else []
            parts.append(table((), [(f"<code>{escape(visible(s.about))}</code>", lettered(s.text)) for s in sentences]))
        return "".join([*parts, *(f"<p>{lettered(note)}</p>" for note in self.notes)])

    def _repr_html_(self) -> str:
        return styled(self.html)


def words(model: ModelStructure) -> Words:
    """Say the model."""
    terms = [*_common(model), *_bars(model), *_others(model)]
    shown = tuple(Sentence(visible(s.about), s.text) for s in terms)
    functions = tuple(Sentence(*meaning) for meaning in computed_meanings(model))
    return Words(shown, tuple(_strategies(model)), tuple(_notes(model)), functions)


def _common(model: ModelStructure) -> Iterator[Sentence]:
    """The response, and one sentence per common column."""
    name, trials, family = visible(model.response), model.formula.response.trials, model.family
    of = f" out of {visible(trials)}" if trials is not None else ""
    what = " or ".join(map(visible, model.labels)) or family.meaning
    what += f", {visible(model.order)}," if model.order else ""
    text = f"{name}{of} is {what} ({family.name} family); the terms below add up to {_scale(model)}."
    yield Sentence(name, text)
    typical = f" in an average {_factors(model)}" if model.bars else ""
    for column in model.common:
        letter, parts = plain(symbols.centre(column, model)), column.parts
        about = column.label if parts else "1"
        if not parts:
            text = f"The common intercept {letter} is {_scale(model)}{_zero(model)}"
        elif len(parts) > 1:
            first, *rest = map(part_text, parts)
            per = "per unit of" if all(part.level is None or part.is_score for part in parts[1:]) else "where"
            text = f"The effect of {first} changes by {letter} {per} {' and '.join(rest)}"
        elif parts[0].variable == ALL_OTHERS:
            yield Sentence(".", f"Every other column of the data has a coefficient {letter} of its own: give data to "
                                f"have them named.")  # fmt: skip
            continue
        elif basis := model.basis_of(parts[0].variable):
            place = model.bases[basis].index(parts[0].variable) + 1
            text = f"Column {place} of the curve in {basis_source(basis)} is multiplied by {letter}"
        elif column.is_numeric and not is_dummy(parts[0]):
            text = f"One more unit of {part_text(parts[0])} changes {_scale(model)} by {letter}"
        else:
            text = f"{part_text(parts[0])} changes {_scale(model)} by {letter}{_reference(column, model)}"
        yield Sentence(about, f"{text}{typical}.")


def _bars(model: ModelStructure) -> Iterator[Sentence]:
    """One sentence per varying column, one more for how those of a bar go together."""
    for bar in model.bars:
        for column in bar.columns:
            yield Sentence(f"{column.label if column.parts else '1'}|{bar.factor.name}", _varying(bar, column, model))
        if bar.correlation is not None:
            yield Sentence(bar.correlation, _together(bar, model))
    for block in model.formula.blocks:
        if not block.correlated and len(block.effects) > 1:
            text = f"The double bar || leaves out the correlation: knowing a {group_noun(block.group.name)}'s "
            named = ["intercept" if str(e) == "1" else f"slope for {visible(str(e))}" for e in block.effects[:2]]
            yield Sentence(f"||{block.group.name}", f"{text}{' tells nothing about its '.join(named)}.")


def _varying(bar: Bar, column: Column, model: ModelStructure) -> str:
    group, what, centre = group_noun(bar.factor.name), noun(column), bar.centre(column)
    own, spread = (plain(letter(bar, column, model)) for letter in (symbols.coefficient, symbols.spread))
    spread = f"with standard deviation {spread}"
    if symbols.is_departure(bar, column, model):
        return f"Each {group} shifts the {what} by its own {own}; these shifts vary around 0 {spread}."
    if centre is None and INTERCEPT_COLUMN not in bar.columns and _is_zero_or_one(column, model):
        text = part_text(column.parts[0])
        where = text if " = " in text else f"{text} is 1"
        return f"Each {group} has its own intercept in the rows where {where}, {own}; these vary around 0 {spread}."
    if centre is None:
        around, spread = "0", f"{spread}: there is no common {what} in the formula"
    elif isinstance(centre, Factor):
        around = f"the {what} of their {group_noun(centre.name)}"
    else:
        around = f"the common {what}, {plain(symbols.centre(column, model))},"
    return f"Each {group} has its own {what}, {own}; these vary around {around} {spread}."


def _is_zero_or_one(column: Column, model: ModelStructure) -> bool:
    """Whether a column alone is 0 or 1 in every row, as far as formula and data tell."""
    if len(column.parts) != 1 or not column.is_numeric:
        return False
    name = column.parts[0].variable
    known = model.model.has_data and name in model.model.data.columns
    return is_dummy(column.parts[0]) or (known and bool(model.model.data.columns[name].isin((0, 1)).all()))


def _together(bar: Bar, model: ModelStructure) -> str:
    group, letter = group_noun(bar.factor.name), plain(symbols.correlation(bar, model))
    first, second, *more = map(noun, bar.columns)
    if more:
        width, pairs = len(bar.columns), len(bar.columns) * (len(bar.columns) - 1) // 2
        return f"These {width} coefficients of a {group} vary together: {pairs} correlations, in {letter}."
    steeper = f"a higher {first} may come with a higher {second} ({letter} > 0) or a lower one ({letter} < 0)"
    return f"Both vary together with correlation {letter}: in a {group}, {steeper}."


def _others(model: ModelStructure) -> Iterator[Sentence]:
    for name, own in model.family.auxiliary.items():
        yield Sentence(name, f"{plain(symbols.parameter(name))} is {own.meaning}; it is the same in every group.")
    if model.family.has_thresholds:
        yield Sentence("threshold", "Thresholds θ between neighbouring labels stand in for the intercept.")


def _strategies(model: ModelStructure) -> Iterator[Sentence]:
    if not model.bars:
        return
    counts, group = strategy_coefficients(model), _factors(model)
    separate = [group_noun(own.name) for own in model.model.design.no_pooling.designs]
    alone = f"each {' and '.join(separate)} from its own rows alone, blind to the others"
    several = f"coefficients of its own for each {' and '.join(separate)}, none pulled towards another's"
    meaning = {
        "complete": f"{group} ignored: the same coefficients for everybody",
        "none": several if len(separate) > 1 else alone,
        "partial": f"each {group} from its own rows and, the fewer they are, from the others",
    }
    departures = " + ".join(f"{len(bar.columns)} × {bar.factor.size_text}" for bar in model.bars)
    parts = f"{len(model.common)} common + {departures} departures, held together by their standard deviations"
    for pooling, formula in strategy_formulas(model).items():
        count = "" if counts is None else f"; {counts[pooling]} coefficient{'s' if counts[pooling] != 1 else ''}"
        count += f" ({parts})" if pooling == "partial" else ""
        yield Sentence(pooling, f"{visible(str(formula))}: {meaning[pooling]}{count}.")


def _notes(model: ModelStructure) -> Iterator[str]:
    yield f"The model has {parameter_text(model)}"
    if ALL_OTHERS in model.expansions:
        yield f"'.' stands for {', '.join(visible(name) for name in model.expansions[ALL_OTHERS])}."
    if model.data is None:
        if any(column.parts for column in model.slopes):
            yield "Without data every predictor is read as a number; a factor with L levels has L − 1 coefficients."
        return
    if model.data.message:
        yield model.data.message
    yield from (f"{visible(note)}." for note in (*model.model.design.left_out, *model.model.design.left_out_of_bars))
    notes = model.model.design.no_pooling.notes if model.bars else ()
    yield from (f"No pooling: {visible(note)}." for note in notes)


def _scale(model: ModelStructure) -> str:
    event = "".join(f" = {visible(label)}" for label in model.labels[1:])
    return model.family.scale.format(y=f"{visible(model.response)}{event}")


def _factors(model: ModelStructure) -> str:
    return " and ".join(dict.fromkeys(group_noun(f.name) for f in model.factors))


def _zero(model: ModelStructure) -> str:
    """Where the intercept holds: numbers at 0, factors at their first level."""
    numbers = dict.fromkeys(p.variable for c in model.common for p in c.parts if p.level is None)
    factors = dict.fromkeys(p.variable for c in model.common for p in c.parts if p.level is not None)
    at = [f"{visible(name)} is 0" for name in numbers if not model.basis_of(name) and name != ALL_OTHERS]
    at += [basis_origin(basis) for basis in dict.fromkeys(map(model.basis_of, numbers)) if basis]
    at += [_origin(f, model) for f in factors]
    return f" where {', '.join(at)}," if at else ""


def _origin(factor: str, model: ModelStructure) -> str:
    """Where all columns of a factor are 0: at its reference level, or at the average of its levels."""
    contrast = None if model.data is None else model.data.contrasts.get(factor)
    if contrast is None:
        return f"{visible(factor)} is {visible(levels(factor, model.data)[0])}"
    source = basis_source(factor)
    return f"the levels of {source} are averaged" if contrast.base is None else f"{source} is {visible(contrast.base)}"


def _reference(column: Column, model: ModelStructure) -> str:
    variable = column.parts[0].variable
    coded = {c.parts[0].level for c in model.common if c.term == column.term}
    left_out = [name for name in levels(variable, model.data) if name not in coded and not column.is_numeric]
    return f" against {visible(variable)} = {visible(left_out[0])}" if left_out else ""
