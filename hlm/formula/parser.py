"""Tree to meaning: `parse` reads a formula in lme4's dialect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hlm.errors import FormulaError
from hlm.formula.bars import check_bars_are_added, read_bars
from hlm.formula.check_calls import check_call, own_names
from hlm.formula.formula import ALL_OTHERS, INTERCEPT, Formula, Response, Term, quote
from hlm.formula.function_calls import Source, canonical, source_columns
from hlm.formula.response import check_beside, column, read_response
from hlm.formula.slips import what_was_meant
from hlm.formula.syntax_tree import COMPARISONS, Call, Group, Node, Operation, read_tree
from hlm.formula.term_algebra import (
    Parts,
    Terms,
    combine,
    in_one_order,
    is_bar,
    is_number,
    last_word_on_intercept,
    summands,
    union,
    without,
)
from hlm.formula.tokens import Token

_MOST_TERMS = 1000


def parse(formula: str | Formula, *, functions: Collection[str] = ()) -> Formula:
    """Read a formula in lme4's dialect.

    Parameters
    ----------
    formula : str
        For example ``"post ~ pre + (pre|school)"``. Bars: ``(1|g)``, ``(x|g)`` (correlated), ``(x||g)`` (not),
        ``(0 + x|g)``, ``(x - 1|g)``, nested ``(1|a/b)``, cells ``(1|a:b)``, several bars, ``(1|factor(g))``.
        Common terms: ``+ - : * / ^ %in%``, ``0``, ``1``, and ``.`` for all columns that stand nowhere else.
        Functions: ``I log log10 log2 log1p exp expm1 sqrt abs sin cos pmin pmax mean_by scale center factor as.factor
        dummy C poly bs ns offset``, and no others; contrasts ``C(f, Sum)``, ``C(f, Treatment("v"))``, ``C(f,
        Helmert)``, ``C(f, Poly)``; texts as in ``I(f == "a")``. Responses: ``y``, ``log(y)``, binomial counts
        ``p(k, n)``, ``cbind(k, n - k)``, and ``k/n``.
    functions : collection of str
        Names of functions that the caller will pass to `fit` or `build`, which may be called too.

    Returns
    -------
    Formula
        Frozen: ``.response``, ``.common``, ``.blocks``; ``str()`` of it reads back as the same formula. A call is one
        variable, under the text that R would print: ``Term(("poly(x, 2)",))``.

    Raises
    ------
    FormulaError
        Where the text cannot be read, with the place marked and what to write instead.

    Examples
    --------
    >>> formula = parse("post ~ 1 + scale(pre) + (1 + scale( pre ) | school)")
    >>> print(formula)
    post ~ scale(pre) + (scale(pre)|school)
    >>> [str(effect) for effect in formula.blocks[0].effects], formula.blocks[0].correlated
    (['1', 'scale(pre)'], True)
    >>> formula.columns
    ('post', 'pre', 'school')
    """
    if isinstance(formula, Formula):
        return formula
    if not isinstance(formula, str):
        raise FormulaError(f"A formula is a text such as 'y ~ x + (x|g)', not {type(formula).__name__}.")
    if not formula.strip():
        raise FormulaError("The formula is empty; write for example 'y ~ x + (x|g)'.")
    own = own_names(functions)
    try:
        return _Meaning(Source(formula, own)).read()
    except FormulaError as problem:
        if problem.instead is not None and not _is_read(problem.instead, own):
            problem.instead = None  # there is more to mend
        slip = what_was_meant(formula)
        if slip is None or not _is_read(slip.instead, own):
            raise
        told = FormulaError(f"{slip.message} Write {slip.instead}", formula, slip.start, slip.stop, slip.instead)
        raise told from problem


def _is_read(text: str, functions: tuple[str, ...]) -> bool:
    try:
        _Meaning(Source(text, functions)).read()
    except FormulaError:
        return False
    return True


class _Meaning:
    """Reads one formula's tree; keeps the text so that every error can show its place."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def read(self) -> Formula:
        left, right = self.sides(read_tree(self.source.text))
        response = read_response(left, self.source)
        check_bars_are_added(right, self.source)
        offsets, rest = self.offsets(right)
        common, removed = self.model(rest)
        bars = [part for _, part, _ in rest if is_bar(part)]
        blocks = read_bars(bars, lambda node: self.model(summands(node))[0], self.source)
        common, *varying = in_one_order(common, *(block.effects for block in blocks))
        blocks = tuple(replace(block, effects=effects) for block, effects in zip(blocks, varying, strict=True))
        own = tuple(name for name in self.source.functions if f"{name}(" in self.source.text)
        formula = Formula(response, common, blocks, offsets, removed, own)
        self.check_response(formula, right)
        return formula

    def sides(self, tree: Node) -> tuple[Node, Node]:
        if not (isinstance(tree, Operation) and tree.op == "~"):
            raise self.error("There is no '~': write the response, then '~', then the predictors, as in y ~ x.", tree)
        if tree.left is None:
            raise self.error("The response is missing before '~'.", tree)
        if isinstance(tree.left, Operation) and tree.left.op == "~":
            raise self.source.at_operator("A formula has one '~' only.", tree)
        check_beside(tree.left, tree.right, self.source)
        return tree.left, tree.right

    def check_response(self, formula: Formula, right: Node) -> None:
        """What is modelled cannot be its own predictor; ``I(after - before) ~ before`` can be meant."""
        response: Response = formula.response
        used = {*formula.predictors, *formula.group_variables, *formula.offsets}
        inside = {c for v in used if v != ALL_OTHERS for c in source_columns(v, formula.functions)}
        for variable in response.variables:
            if variable in used or (variable == response.variable and variable in inside):
                raise self.error(f"The response {quote(variable)} also stands on the right of '~'.", right)

    def offsets(self, node: Node) -> tuple[tuple[str, ...], list[tuple[str, Node, Node]]]:
        """The variables of ``offset(...)``, and the other parts of the sum."""
        found, rest = [], []
        for sign, part, whole in summands(node):
            if not (isinstance(part, Call) and part.name == "offset"):
                rest.append((sign, part, whole))
                continue
            check_call(part, self.source)
            if len(part.args) != 1 or sign == "-":
                raise self.error("Write + offset(x): a column added to the linear predictor.", whole)
            argument = part.args[0]
            if isinstance(argument, Token):
                found.append(argument.text)
                continue
            found.append(canonical(argument) if isinstance(argument, Call) else f"I({canonical(argument)})")
        return tuple(dict.fromkeys(found)), rest

    def model(self, parts: Parts) -> tuple[Terms, Terms]:
        """The terms of a whole sum by degree, as R orders them, and what was taken away from '.'."""
        terms, removed = self.sum_of(parts)
        dot = any(ALL_OTHERS in term.variables for term in terms)
        kept = without(removed, (INTERCEPT,)) if dot else ()
        ordered = tuple(sorted(without(terms, (INTERCEPT,)), key=lambda term: term.degree))
        return (ordered if last_word_on_intercept(parts) is False else (INTERCEPT, *ordered)), kept

    def sum_of(self, parts: Parts) -> tuple[Terms, Terms]:
        """The terms of a sum or of a part of it, and what was taken away; bars are passed over."""
        terms: Terms = ()
        removed: Terms = ()
        for sign, part, whole in parts:
            if is_bar(part):
                if sign == "-":
                    raise self.error("A bar cannot be subtracted: leave it out.", whole)
            elif not is_number(part, "0"):
                more = self.expand(part)
                terms = union(terms, more) if sign == "+" else without(terms, more)
                removed = union(removed, more) if sign == "-" else without(removed, more)
                self.check_number(terms, part)
                if sign == "-" and any(ALL_OTHERS in term.variables for term in more):
                    raise self.error("'.' (all other columns) cannot be subtracted: name the columns.", part)
        return terms, removed

    def expand(self, node: Node) -> Terms:
        """The terms of one summand: R's algebra of ``: * / ^ %in%``."""
        match node:
            case Token() as token if token.kind == "name":
                return (Term((column(node, self.source),)),)
            case Token() as token if token.text == "1" and token.kind == "number":
                return (INTERCEPT,)
            case Token() as token if token.kind == "string":
                name = quote(token.text[1:-1])
                inside = "A text in quotes stands inside functions only, as in dummy(f, 'a')."
                raise self.error(f"{inside} A column has no quotes: write {name}.", node, name)
            case Token():
                raise self.error("Only 0 and 1 (without and with intercept) can stand as numbers in a formula.", node)
            case Call():
                return (self.call(node),)
            case Group(inner):
                return self.sum_of(summands(inner))[0]
            case Operation(op="^", left=base, right=Token() as token) if base is not None and token.text.isdecimal():
                return self.power(self.expand(base), token.text, node)
            case Operation(op=op, left=left, right=right) if left is not None and op in (":", "*", "/", "%in%"):
                return self.combine(op, self.expand(left), self.expand(right), node)
            case Operation(op="^"):
                raise self.error("'^' takes a whole number, as in (a + b)^2; for a square write I(x^2).", node)
            case Operation(op=op) if op in (*COMPARISONS, "%%", "%/%"):
                message = f"{op!r} has no meaning between terms: write I({self.source.of(node)})."
                raise self.source.at_operator(message, node)
            case Operation(op="~"):
                raise self.source.at_operator("A formula has one '~' only.", node)
            case _:
                return self.sum_of(summands(node))[0]

    def call(self, node: Call) -> Term:
        kind = check_call(node, self.source).kind
        if kind == "offset":
            raise self.error("An offset is added to the common terms, as in y ~ x + offset(z) + (1|g).", node)
        if kind == "cells":
            instead = ":".join(self.source.of(argument) for argument in node.args if isinstance(argument, Token))
            raise self.error(f"Between columns write ':' instead, as in {instead}.", node, instead)
        return Term((canonical(node),))

    def combine(self, op: str, left: Terms, right: Terms, node: Node) -> Terms:
        if all(any(ALL_OTHERS in t.variables for t in side) for side in (left, right)):
            raise self.error("'.' (all other columns) cannot interact with itself: name the columns.", node)
        if op in (":", "%in%") and INTERCEPT in (*left, *right):
            raise self.error(
                f"The 1 of the intercept cannot stand in a product with {op!r}: R leaves it out without a word. Write "
                f"the terms that are meant, as in x + x:z.",
                node,
            )
        left, right = without(left, (INTERCEPT,)), without(right, (INTERCEPT,))
        if op == "/" and not left:
            raise self.error("There is no term before '/', in which the others could be nested.", node)
        if len(left) * len(right) > _MOST_TERMS:
            self.check_number((INTERCEPT,) * (_MOST_TERMS + 1), node)
        return combine(op, left, right)

    def power(self, terms: Terms, exponent: str, node: Node) -> Terms:
        if not (len(exponent) == 1 and 1 <= int(exponent) <= 8):
            raise self.error("The exponent of '^' must be between 1 and 8.", node)
        terms = result = without(terms, (INTERCEPT,))
        for _ in range(int(exponent) - 1):
            result = union(result, self.combine(":", result, terms, node))
        return result

    def check_number(self, terms: Terms, node: Node) -> None:
        if len(terms) > _MOST_TERMS:
            raise self.error(f"This makes more than {_MOST_TERMS} terms.", node)

    def error(self, message: str, node: Node, instead: str | None = None) -> FormulaError:
        return self.source.error(message, node, instead)
