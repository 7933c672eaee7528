"""The data in printed Python: the complete rows, their columns, and what the formula computes from them."""

from __future__ import annotations

import json
import keyword
import re
import unicodedata
from collections.abc import Iterator

from hlm.explanation.code_numpy import basis_code, numpy_code
from hlm.explanation.regressors import Column, Part
from hlm.explanation.structure import ModelStructure
from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.contrasts import contrast_choice
from hlm.formula.function_calls import is_call, label_columns, read_call, shown, source_columns
from hlm.formula.tokens import Token
from hlm.model.families import chosen_link

_OWN_NAMES = ("np", "pm", "pt", "bmb", "hlm", "rows", "data", "coords", "model", "eta", "mu", "n", "chol", "per_sd",
              "slope_scales", "before", "corr", "stds", "q", "r", "columns", "priors")  # fmt: skip


class Names:
    """Python names for the user's columns, functions and factors, each used once."""

    def __init__(self, model: ModelStructure) -> None:
        functions = model.formula.functions
        self._model = model
        self._taken = {*_OWN_NAMES, *functions, *model.family.auxiliary, *(f"{a}_" for a in model.family.auxiliary)}
        self.response = self.fresh(model.response)
        columns = dict.fromkeys([*model.common, *(c for bar in model.bars for c in bar.columns)])
        parts = dict.fromkeys(part for column in columns for part in column.parts)
        self.sources: dict[str, str] = {}  # columns of the data that are needed as numbers
        self.computed: dict[str, str] = {}  # functions that give numbers
        numbers = [part.variable for part in parts if part.level is None]
        for variable in dict.fromkeys([*numbers, *model.formula.offsets]):
            self._add(variable)
        self.parts = {part: self._part(part) for part in parts}
        for variable in model.formula.computed:  # what is inside factor(), a group or the response
            column = _in_factor(variable, model)
            if column is None or not (variable in model.formula.group_variables or _holds_labels(column, model)):
                for name in source_columns(variable, functions):
                    self._add(name)
        self.factors = {factor: self.fresh(factor.name) for factor in model.factors}
        self.coefficients = {c: self.fresh(f"b_{c.label}") if c.parts else "Intercept" for c in columns}

    def number(self, variable: str) -> str:
        """A variable of numbers."""
        return self.computed.get(variable) or self.sources[variable]

    def values(self, column: Column) -> str:
        """The column's numbers as Python."""
        return " * ".join(self.parts[part] for part in column.parts)

    def fresh(self, name: str) -> str:
        """A Python name like this one that nothing has yet."""
        plain = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name)).strip("_") or "x"
        plain = plain if plain.isidentifier() and not keyword.iskeyword(plain) else f"x_{plain}"
        while plain in self._taken or not plain.isidentifier():
            plain = f"{plain}_"
        self._taken.add(plain)
        return plain

    def _add(self, variable: str) -> None:
        whole, functions = self._model.basis_of(variable) or variable, self._model.formula.functions
        if not is_call(whole, functions):
            if whole not in self.sources:
                self.sources[whole] = self.fresh(whole)
        elif whole not in self.computed:
            for name in source_columns(whole, functions):
                self._add(name)
            self.computed[whole] = self.fresh(whole)

    def _part(self, part: Part) -> str:
        basis = self._model.basis_of(part.variable)
        if basis is not None:
            return f"{self.computed[basis]}[:, {self._model.bases[basis].index(part.variable)}]"
        return self.number(part.variable) if part.level is None else self.fresh(f"{part.variable}_{part.level}")


def quoted(text: str) -> str:
    """A text as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


def build_call(model: ModelStructure) -> str:
    """`hlm.build` of the model, up to its closing bracket."""
    link = chosen_link(model.family)
    options = "" if model.family.name == "gaussian" else f", family={quoted(model.family.name)}"
    options += "" if link is None else f", link={quoted(link)}"
    options += "" if model.weights is None else f", weights={quoted(model.weights)}"
    own = ", ".join(f"{quoted(name)}: {name}" for name in model.formula.functions)
    options += f", functions={{{own}}}" if own else ""
    return f"hlm.build({quoted(str(model.written))}, data{options}"


def column_lines(model: ModelStructure, names: Names) -> Iterator[str]:
    """The complete rows and the predictors."""
    yield "# data: a pandas data frame"
    for function in model.formula.functions:
        yield f"# {function}: your own function"
    yield f"rows = data[[{', '.join(map(quoted, model.written.columns))}]].dropna()"
    for variable, name in names.sources.items():
        kind = "astype(str).to_numpy()" if _is_text(variable, model) else "to_numpy(float)"
        yield f"{name} = rows[{quoted(variable)}].{kind}"
    splines = [variable for variable in model.bases if not variable.startswith("poly(") and variable in names.computed]
    if splines:
        yield "# splines have no short form in numpy: hlm has their columns, which are R's"
        yield f"columns = {build_call(model)}).data"
    for variable in splines:
        wanted = ", ".join(map(quoted, model.bases[variable]))
        yield f"{names.computed[variable]} = columns[[{wanted}]].to_numpy()"
    for variable, name in names.computed.items():
        if variable not in model.bases:
            yield f"{name} = {numpy_code(read_call(variable), names.sources)}  # {shown(variable)}"
        elif variable.startswith("poly("):
            yield from basis_code(name, read_call(variable), names.sources)
    for part, name in names.parts.items():
        if part.level is not None:
            yield f"{name} = {_indicator(part, model, names)}"


def response_lines(model: ModelStructure, names: Names) -> Iterator[str]:
    """The response, and the trials where it has any."""
    yield f"{names.response} = {_response(model.response, model, names)}"
    if model.formula.response.trials is not None:
        yield f"n = {_response(model.formula.response.trials, model, names)}"


def group_lines(model: ModelStructure, names: Names) -> Iterator[str]:
    """The grouping factors as pandas' categories."""
    for factor, name in names.factors.items():
        columns = [labels_code(variable, model, names) for variable in factor.term.variables]
        whole = columns[0] if len(columns) == 1 else f"({' + ":" + '.join(f'{c}.astype(str)' for c in columns)})"
        yield f'{name} = {whole}.astype("category").cat.remove_unused_categories().cat'


def _indicator(part: Part, model: ModelStructure, names: Names) -> str:
    """1 in the rows that have a factor's level, else 0."""
    assert part.level is not None
    if part.is_score:
        return _score(part, model, names)
    computed, column = is_call(part.variable, model.formula.functions), _in_factor(part.variable, model)
    if not computed or _holds_labels(column, model):
        return f"(rows[{quoted(column or part.variable)}].astype(str) == {quoted(part.level)}).to_numpy(float)"
    call = read_call(part.variable)
    if call.name not in FUNCTIONS or FUNCTIONS[call.name].kind != "factor":
        truth = numpy_code(call, names.sources)
        return f"({truth}).astype(float)" if part.level == "True" else f"1.0 - ({truth})"
    level = {"True": "1", "False": "0"}.get(part.level, part.level)
    return f"({numpy_code(call.args[0], names.sources)} == {level}).astype(float)"


def unknown_contrasts(model: ModelStructure) -> str:
    """A factor that asks for contrasts, where no data say its levels; empty where there is none."""
    if model.data is not None:
        return ""
    asking = (v for v in model.formula.computed if v in model.formula.predictors and is_call(v))
    return next((shown(v) for v in asking if contrast_choice(read_call(v)) is not None), "")


def _score(part: Part, model: ModelStructure, names: Names) -> str:
    """A contrast's number of each level, by the levels of the rows."""
    assert model.data is not None
    contrast, levels = model.data.contrasts[part.variable], list(model.data.columns[part.variable].cat.categories)
    scores = contrast.matrix[:, contrast.labels.index(str(part.level))]
    of = read_call(part.variable).args[0]
    column = _in_factor(part.variable, model)
    held = _holds_labels(column, model)
    values = f"rows[{quoted(str(column))}].astype(str)" if held else numpy_code(of, names.sources)
    numbers = [quoted(level) if held else {"True": "1", "False": "0"}.get(level, level) for level in levels]
    places = ", ".join(f"{values} == {number}" for number in numbers)
    return f"np.select([{places}], {scores.tolist()})"


def _is_text(variable: str, model: ModelStructure) -> bool:
    """Whether a column is needed as labels: it is compared with a text, or is a group of ``mean_by``."""
    needed = any(variable in label_columns(read_call(v)) for v in model.formula.computed)
    if model.data is None:
        return needed
    column = model.data.columns[variable]
    return column.dtype == "category" and (needed or not set(column.cat.categories) <= {"False", "True"})


def _in_factor(variable: str, model: ModelStructure) -> str | None:
    """The column c of ``factor(c)``; None of any other variable."""
    call = read_call(variable) if is_call(variable, model.formula.functions) else None
    if call is None or call.name not in FUNCTIONS or FUNCTIONS[call.name].kind != "factor":
        return None
    return call.args[0].text if isinstance(call.args[0], Token) else None


def _holds_labels(column: str | None, model: ModelStructure) -> bool:
    return column is not None and model.data is not None and model.data.columns[column].dtype == "category"


def labels_code(variable: str, model: ModelStructure, names: Names) -> str:
    """A variable of labels as a pandas series."""
    column = _in_factor(variable, model)
    if column is None and is_call(variable, model.formula.functions):
        return f'rows.assign(cells={numpy_code(read_call(variable), names.sources)})["cells"]'
    return f"rows[{quoted(column or variable)}]"


def _response(name: str, model: ModelStructure, names: Names) -> str:
    whole, binary = model.family.support in ("count", "trials"), model.family.support == "binary"
    if is_call(name, model.formula.functions):
        values = numpy_code(read_call(name), names.sources)
        return f"np.rint({values}).astype(int)" if whole else f"({values}).astype({'int' if binary else 'float'})"
    if binary:
        return f'rows[{quoted(name)}].astype("category").cat.codes.to_numpy()  # the second label is a success'
    return f"rows[{quoted(name)}].to_numpy({'int' if whole else 'float'})"
