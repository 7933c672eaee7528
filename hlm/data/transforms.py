"""What the functions of a formula compute, on columns of the data.

A transform is learned on the rows of a fit (the mean and sd of ``scale``, the knots of ``ns``) and then gives the same
function of new rows. It walks over the tree of the call; nothing is ever evaluated as Python.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hlm.data.labels_in_functions import apply_means, compared_side, compares_labels, known_labels, learn_means, texts
from hlm.data.pandas_polars_arrow import as_factor
from hlm.data.polynomials_and_splines import BASES
from hlm.errors import DataError
from hlm.formula.allowed_functions import FUNCTIONS
from hlm.formula.function_calls import arguments, canonical, read_call, shown, source_columns
from hlm.formula.syntax_tree import Call, Group, Node, Operation
from hlm.formula.tokens import Token

if TYPE_CHECKING:
    import pandas as pd

type Functions = Mapping[str, Callable[..., Any]]

_UFUNCS: Mapping[str, np.ufunc] = MappingProxyType(
    {
        "log": np.log, "log10": np.log10, "log2": np.log2, "log1p": np.log1p, "exp": np.exp, "expm1": np.expm1,
        "sqrt": np.sqrt, "abs": np.abs, "sin": np.sin, "cos": np.cos, "pmin": np.minimum, "pmax": np.maximum,
        "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
        "^": np.power, "%%": np.mod, "%/%": np.floor_divide, "<": np.less, ">": np.greater, "<=": np.less_equal,
        ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Transform:
    """One computed variable, and what its functions learned."""

    variable: str  # its text, ``scale(x)``
    memory: Mapping[str, tuple[np.ndarray, ...]]  # by the text of a call inside it: the numbers that the call learned
    # the caller's own, by name; they are given the columns as arrays, and new rows alone when predicting
    functions: Functions = field(default_factory=lambda: MappingProxyType({}))

    def on(self, columns: pd.DataFrame) -> dict[str, pd.Series]:
        """The variable's columns by their names: one, or those of ``poly(x, 2)``, as category where they are labels.

        DataError: where a value is not finite, with function, column, row and value; for labels where numbers are
            needed.
        """
        return _Walk(columns, dict(self.memory), self.functions).columns_of(self.variable)


def learn(variable: str, columns: pd.DataFrame, functions: Functions) -> tuple[Transform, dict[str, pd.Series]]:
    """A transform learned on the rows of a fit, none of them with a missing value, and its columns there.

    Examples
    --------
    >>> import pandas as pd
    >>> transform, found = learn("scale(x)", pd.DataFrame({"x": [1.0, 2.0, 3.0]}), {})
    >>> found["scale(x)"].tolist(), transform.on(pd.DataFrame({"x": [4.0]}))["scale(x)"].tolist()
    ([-1.0, 0.0, 1.0], [2.0])
    """
    walk = _Walk(columns, {}, functions, learning=True)
    found = walk.columns_of(variable)
    return Transform(variable, MappingProxyType(walk.memory), functions), found


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk over a tree; ``memory`` is filled on the way where something is being learned."""

    columns: pd.DataFrame
    memory: dict[str, tuple[np.ndarray, ...]]
    functions: Functions
    learning: bool = False

    @np.errstate(all="ignore")  # what is not finite is told with its row
    def columns_of(self, variable: str) -> dict[str, pd.Series]:
        import pandas as pd

        node = read_call(variable)
        kind = FUNCTIONS[node.name].kind if node.name not in self.functions else "number"
        if kind == "factor":
            return {variable: self.labels(node.args[0])}
        values = self.basis(node) if kind == "basis" else self.number(node)
        if values.dtype == bool:
            return {variable: as_factor(values.tolist(), self.columns.index)}
        wide = values.reshape(len(self.columns), -1)
        self.check_finite(node, wide)
        names = [f"{variable}{j + 1}" for j in range(wide.shape[1])] if kind == "basis" else [variable]
        return {n: pd.Series(wide[:, j], index=self.columns.index) for j, n in enumerate(names)}

    def number(self, node: Node) -> np.ndarray:
        """A number a row, shape (rows,)."""
        match node:
            case Token() as token if token.kind == "number":
                return np.full(len(self.columns), float(token.text))
            case Token() as token:
                return self.numeric_column(token.text)
            case Group(inner):
                return self.number(inner)
            case Operation(op, None, right):
                return -self.as_float(right) if op == "-" else self.as_float(right)
            case Operation("%in%", Token(text=name), Call(args=named)):
                any_of = known_labels(self.columns[name], named, learning=self.learning)
                return np.isin(texts(self.columns[name]).astype(str), any_of)
            case Operation("==" | "!=" as op, left, right) if left and compares_labels(left, right, self.columns):
                pairs = ((left, right), (right, left))
                sides = [compared_side(*pair, self.columns, learning=self.learning) for pair in pairs]
                return np.asarray(_UFUNCS[op](*sides), dtype=bool)
            case Operation(op, left, right) if left is not None:
                return np.asarray(_UFUNCS[op](self.as_float(left), self.as_float(right)))
            case Call(name) if name in self.functions:
                return self.callers_own(node)
            case Call(name="I", args=args):
                return self.number(args[0])
            case Call(name="scale" | "center"):
                return self.standardised(node)
            case Call(name="mean_by" | "ave"):
                return self.means(node)
            case Call(name="dummy", args=(of, level)):
                column = self.columns[canonical(of).strip("`")]
                (known,) = known_labels(column, (level,), learning=self.learning)
                return np.asarray(texts(column) == known, dtype=np.float64)
            case Call(name="pmin" | "pmax" as name, args=args):
                return np.asarray(reduce(_UFUNCS[name], map(self.as_float, args)))
            case Call(name, args):
                return np.asarray(_UFUNCS[name](self.as_float(args[0])))
        raise AssertionError(node)  # the parser lets nothing else pass

    def as_float(self, node: Node) -> np.ndarray:
        return self.number(node).astype(np.float64)

    def numeric_column(self, name: str) -> np.ndarray:
        column = self.columns[name]
        if column.dtype == "category":
            if set(column.cat.categories) <= {"False", "True"}:
                return (column.astype(str) == "True").to_numpy()
            raise DataError(f"Column {name!r} holds labels ({column.iloc[0]!r}, ...): a function needs numbers.")
        return np.asarray(column.to_numpy(dtype=np.float64))

    def labels(self, node: Node) -> pd.Series:
        """A factor: the levels of a column of labels in their order, those of numbers by size."""
        if isinstance(node, Token) and node.kind == "name":
            column = self.columns[node.text]
            if column.dtype == "category":
                return column
            if column.dtype == np.int64:  # as they are: long ids would be the same in float64
                return as_factor(column.tolist(), column.index)
        values = self.number(node)
        self.check_finite(node, values.astype(np.float64)[:, None])
        return as_factor(values.tolist(), self.columns.index)

    def standardised(self, node: Call) -> np.ndarray:
        """R's ``scale``: the sd with divisor n - 1; without centring, the root of the mean square instead."""
        values = self.as_float(node.args[0])
        options = {name: canonical(value) == "TRUE" for name, value in arguments(node).items()}
        centred, scaled = options.get("center", True), options.get("scale", node.name == "scale")
        (middle,) = self.remember(canonical(node), lambda: (np.asarray(values.mean() if centred else 0.0),))
        rest = values - middle
        if not scaled:
            return np.asarray(rest)
        (size,) = self.remember(f"sd of {canonical(node)}", lambda: (np.sqrt((rest**2).sum() / max(len(rest) - 1, 1)),))
        if size <= 1e-14 * np.abs(values).max(initial=0.0):  # float64 keeps about 1e-16 of a constant's size
            raise DataError(f"{shown(canonical(node))} would divide by 0: {canonical(node.args[0])} is constant.")
        return np.asarray(rest / size)

    def means(self, node: Call) -> np.ndarray:
        """R's ``ave``: the mean of each row's group among the rows learned from."""
        groups = [texts(self.columns[of.text]) for of in node.args[1:] if isinstance(of, Token)]
        learned = self.remember(canonical(node), lambda: learn_means(self.as_float(node.args[0]), groups))
        return apply_means(groups, learned, shown(canonical(node)))

    def basis(self, node: Call) -> np.ndarray:
        """Several columns, shape (rows, columns)."""
        learn_basis, apply_basis = BASES[node.name]
        values = self.as_float(node.args[0])
        self.check_finite(node.args[0], values[:, None])
        texts = {name: canonical(value) for name, value in arguments(node).items()}
        options = {name: int(text) if text.isdecimal() else text == "TRUE" for name, text in texts.items()}
        try:
            memory = self.remember(canonical(node), lambda: learn_basis(values, **options))
        except ValueError as problem:
            raise DataError(f"{shown(canonical(node))}: {problem}") from problem
        return np.asarray(apply_basis(values, memory))

    def callers_own(self, node: Call) -> np.ndarray:
        given = [self.number(argument) for argument in node.args]
        try:
            values = np.asarray(self.functions[node.name](*given))
        except Exception as problem:  # whatever a function of the caller's raises: the call is named, the cause kept
            call, kind = shown(canonical(node)), type(problem).__name__
            raise DataError(f"Your function {node.name}, called as {call}, raised {kind}: {problem}") from problem
        if values.shape != (len(self.columns),) or values.dtype.kind not in "biuf":
            raise DataError(
                f"Your function {node.name} must give one number for each of the {len(self.columns)} rows; it gave "
                f"{values.dtype} of shape {values.shape}."
            )
        return values

    def remember(self, text: str, learned: Callable[[], tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
        if self.learning and text not in self.memory:
            self.memory[text] = learned()
        return self.memory[text]

    def check_finite(self, node: Node, values: np.ndarray) -> None:
        """Name the first row where a value is not finite, and what the columns held there."""
        bad = ~np.isfinite(values).all(axis=1)
        if not bad.any():
            return
        row = int(np.flatnonzero(bad)[0])
        inside = source_columns(f"I({canonical(node)})")  # a call, as which any expression can be read
        held = " and ".join(f"{name!r} is {self.columns[name].iloc[row]}" for name in inside)
        more = f", and the same in {int(bad.sum()) - 1} more" if bad.sum() > 1 else ""
        raise DataError(
            f"{shown(canonical(node))} is {values[row][~np.isfinite(values[row])][0]} in row {self.columns.index[row]} "
            f"(counting from 0), where {held}{more}: change the function, or make the value missing."
        )
