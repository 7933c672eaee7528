"""Tree to meaning: `parse` reads a formula in lme4's dialect."""

from __future__ import annotations

from hlm.errors import FormulaError
from hlm.formula.formula import INTERCEPT, Block, Formula, Response, Term, quote
from hlm.formula.tree import Call, Group, Leaf, Node, Operation, read_tree

_PROPORTION = ("p", "prop", "proportion")  # Bambi's three names for k successes out of n


def parse(formula: str | Formula) -> Formula:
    """Read a formula in lme4's dialect.

    Parameters
    ----------
    formula : str
        For example ``"post ~ pre + (pre|school)"``. Bars: ``(1|g)``, ``(x|g)`` (correlated), ``(x||g)`` (not),
        ``(0 + x|g)``, ``(x - 1|g)``, nested ``(1|a/b)``, cells ``(1|a:b)``, several bars.
        Common terms: ``+ - : * / ^ %in%`` and ``0``, ``1``. Binomial counts: ``p(k, n) ~ ...``.

    Returns
    -------
    Formula
        Frozen: ``.response``, ``.common``, ``.blocks``; ``str()`` of it reads back as the same formula.

    Raises
    ------
    FormulaError
        Where the text cannot be read, with the place marked and what to write instead.

    Examples
    --------
    >>> formula = parse("post ~ 1 + pre + (1 + pre | school)")
    >>> print(formula)
    post ~ pre + (pre|school)
    >>> [str(effect) for effect in formula.blocks[0].effects], formula.blocks[0].correlated
    (['1', 'pre'], True)
    """
    if isinstance(formula, Formula):
        return formula
    if not isinstance(formula, str):
        raise FormulaError(f"A formula is a text such as 'y ~ x + (x|g)', not {type(formula).__name__}.")
    if not formula.strip():
        raise FormulaError("The formula is empty; write for example 'y ~ x + (x|g)'.")
    return _Meaning(formula).read()


class _Meaning:
    """Reads one formula's tree; keeps the text so that every error can show its place."""

    def __init__(self, text: str) -> None:
        self.text = text

    def read(self) -> Formula:
        left, right = self.sides(read_tree(self.text))
        response = self.response(left)
        self.check_bars_are_added(right)
        bars = [node for node in _summands(right) if _is_bar(node)]
        common = self.terms_of(right, default_intercept=True)
        blocks = self.blocks(bars)
        formula = Formula(response, common, blocks)
        for variable in response.variables:
            if variable in formula.predictors or variable in formula.group_variables:
                raise self.error(f"The response {quote(variable)} also stands on the right of '~'.", right)
        return formula

    def sides(self, tree: Node) -> tuple[Node, Node]:
        if not (isinstance(tree, Operation) and tree.op == "~"):
            raise self.error("There is no '~': write the response, then '~', then the predictors, as in y ~ x.", tree)
        if tree.left is None:
            raise self.error("The response is missing before '~'.", tree)
        if isinstance(tree.left, Operation) and tree.left.op == "~":
            raise FormulaError("A formula has one '~' only.", self.text, tree.place, tree.place + 1)
        return tree.left, tree.right

    def response(self, node: Node) -> Response:
        if isinstance(node, Leaf) and node.token.kind == "name":
            return Response(node.token.text)
        if isinstance(node, Call) and node.name in _PROPORTION:
            names = [a.token.text for a in node.args if isinstance(a, Leaf) and a.token.kind == "name"]
            if len(names) == len(node.args) == 2:
                return Response(names[0], names[1])
            raise self.error("Write p(k, n): the column of successes, then the column of trials.", node)
        if isinstance(node, Call) and node.name == "cbind":
            raise self.error("Write p(k, n) instead of cbind(k, n - k): successes, then trials.", node)
        raise self.error(
            "The response must be one column, or p(k, n). Compute a transformed response as a new column first.", node
        )

    def blocks(self, bars: list[Node]) -> tuple[Block, ...]:
        """Every bar as blocks, an effect at most once per group."""
        blocks: list[Block] = []
        for bar in bars:
            for block in self.block(bar):
                self.check_not_repeated(block, blocks, bar)
                blocks.append(block)
        return tuple(blocks)

    def block(self, node: Node) -> list[Block]:
        """One bar; ``(1|a/b)`` gives two blocks, for ``a`` and for ``a:b``."""
        assert isinstance(node, Group) and isinstance(node.inner, Operation) and node.inner.left is not None
        bar, left = node.inner, node.inner.left
        if _has_bar(left) or _has_bar(bar.right):
            raise self.error("One bar only inside parentheses, as in (x|g); brms's (x|id|g) is not read here.", node)
        effects = self.terms_of(left, default_intercept=True)
        if not effects:
            raise self.error("Nothing varies in this bar: write (1|g) for intercepts or (0 + x|g) for slopes.", left)
        groups = self.group_terms(bar.right)
        shared = {v for effect in effects for v in effect.variables} & {v for g in groups for v in g.variables}
        if shared:
            raise self.error(f"{quote(min(shared))} stands on both sides of the bar.", node)
        return [Block(effects, group, correlated=bar.op == "|") for group in groups]

    def group_terms(self, node: Node) -> list[Term]:
        """The grouping factors right of a bar: names joined by ``:`` (cells) and ``/`` (nested)."""
        if isinstance(node, Group):
            return self.group_terms(node.inner)
        if isinstance(node, Leaf) and node.token.kind == "name":
            return [Term((node.token.text,))]
        if isinstance(node, Operation) and node.left is not None and node.op in (":", "/"):
            left, right = self.group_terms(node.left), self.group_terms(node.right)
            if node.op == ":":
                return [_product(a, b) for a in left for b in right]
            return left + [_product(left[-1], b) for b in right]
        if isinstance(node, Operation) and node.op in ("+", "*"):
            raise self.error("Several factors after one bar: write one bar each, as in (1|g) + (1|h).", node)
        if isinstance(node, Call):
            raise self.error(self.function_message(node), node)
        raise self.error("After the bar stands a grouping column, as in (1|school).", node)

    def check_not_repeated(self, block: Block, blocks: list[Block], node: Node) -> None:
        for other in blocks:
            repeated = set(block.effects) & set(other.effects)
            if set(other.group.variables) != set(block.group.variables) or not repeated:
                continue
            if other.effects == block.effects:
                raise self.error(f"The bar {block} stands twice: leave one out.", node)
            effect = min(repeated, key=lambda term: term.degree)
            what = "intercept" if effect == INTERCEPT else f"effect of {effect}"
            merged = tuple(dict.fromkeys((*other.effects, *block.effects)))
            raise self.error(
                f"The {what} varies by {block.group} twice, in {other} and in {block}: its two standard deviations "
                f"cannot be told apart. Write {Block(merged, block.group)} (correlated) or "
                f"{Block(merged, block.group, correlated=False)} (not correlated).",
                node,
            )

    def check_bars_are_added(self, node: Node) -> None:
        """A bar must stand in parentheses and be added to the other terms, nothing else."""
        for summand in _summands(node):
            if _is_bar(summand):
                continue
            bar = _find_bar(summand)
            if bar is None:
                continue
            if bar is summand or not isinstance(summand, Operation):
                inside = self.text[bar.right.start : bar.right.stop]
                raise FormulaError(
                    f"The bar '{bar.op}' must stand inside parentheses. To let the intercept vary by {inside} write "
                    f"(1{bar.op}{inside}); for intercept and slope (x{bar.op}{inside}).",
                    self.text,
                    bar.place,
                    bar.place + len(bar.op),
                )
            raise self.error("A bar can only be added to the other terms, as in y ~ x + (x|g).", summand)

    def terms_of(self, node: Node, *, default_intercept: bool) -> tuple[Term, ...]:
        """The terms of a sum, the intercept first, then by degree as R orders them; bars are passed over."""
        terms = self.apply(node, (INTERCEPT,) if default_intercept else ())
        return tuple(sorted(terms, key=lambda term: term.degree))

    def apply(self, node: Node, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        """The terms after one more sum has been read: ``+`` adds, ``-`` removes, ``0`` removes the intercept."""
        if isinstance(node, Operation) and node.op in ("+", "-"):
            before = terms if node.left is None else self.apply(node.left, terms)
            if node.op == "+":
                return self.apply(node.right, before)
            if _is_bar(node.right):
                raise self.error("A bar cannot be subtracted: leave it out.", node)
            if _is_number(node.right, "0"):
                return _union(before, (INTERCEPT,))
            removed = [set(term.variables) for term in self.expand(node.right)]
            return tuple(term for term in before if set(term.variables) not in removed)
        if _is_bar(node):
            return terms
        if _is_number(node, "0"):
            return tuple(term for term in terms if term != INTERCEPT)
        return _union(terms, self.expand(node))

    def expand(self, node: Node) -> tuple[Term, ...]:
        """The terms of one summand: R's algebra of ``: * / ^ %in%``."""
        match node:
            case Leaf(token) if token.kind == "name":
                if token.text == ".":
                    raise self.error("'.' (all other columns) is not read here: name the columns.", node)
                return (Term((token.text,)),)
            case Leaf(token) if token.text == "1" and token.kind == "number":
                return (INTERCEPT,)
            case Leaf():
                raise self.error("Only 0 and 1 (without and with intercept) can stand as numbers in a formula.", node)
            case Call():
                raise self.error(self.function_message(node), node)
            case Group(inner):
                return self.apply(inner, ())
            case Operation(op="^", left=base, right=Leaf(token)) if base is not None and token.text.isdecimal():
                return self.power(self.expand(base), int(token.text), node)
            case Operation(op=op, left=left, right=right) if left is not None and op in (":", "*", "/", "%in%"):
                return _combine(op, self.expand(left), self.expand(right))
            case Operation(op="^"):
                raise self.error("'^' takes a whole number, as in (a + b)^2; for a square make a column first.", node)
            case Operation(op="~"):
                raise FormulaError("A formula has one '~' only.", self.text, node.place, node.place + 1)
            case _:
                return self.apply(node, ())

    def power(self, terms: tuple[Term, ...], exponent: int, node: Node) -> tuple[Term, ...]:
        if not 1 <= exponent <= 8:
            raise self.error("The exponent of '^' must be between 1 and 8.", node)
        result = terms
        for _ in range(exponent - 1):
            result = _union(result, tuple(_product(a, b) for a in result for b in terms))
        return result

    def function_message(self, node: Call) -> str:
        source = self.text[node.start : node.stop]
        return f"Functions are not read here: compute {source} as a new column of the data and use its name."

    def error(self, message: str, node: Node) -> FormulaError:
        return FormulaError(message, self.text, node.start, node.stop)


def _combine(op: str, left: tuple[Term, ...], right: tuple[Term, ...]) -> tuple[Term, ...]:
    products = tuple(_product(a, b) for a in left for b in right)
    if op == "*":
        return _union(left, right, products)
    if op == "/":  # a/b is a + a:b; (a + b)/c is a + b + a:b:c
        whole = INTERCEPT
        for term in left:
            whole = _product(whole, term)
        return _union(left, tuple(_product(whole, b) for b in right))
    return _union(products)


def _product(a: Term, b: Term) -> Term:
    return Term(tuple(dict.fromkeys((*a.variables, *b.variables))))


def _union(*parts: tuple[Term, ...]) -> tuple[Term, ...]:
    """All terms once; ``b:a`` is the same term as ``a:b``."""
    seen: dict[frozenset[str], Term] = {}
    for part in parts:
        for term in part:
            seen.setdefault(frozenset(term.variables), term)
    return tuple(seen.values())


def _summands(node: Node) -> list[Node]:
    """The parts of a sum, from left to right; what is subtracted counts as a part with its sign."""
    if isinstance(node, Operation) and node.op == "+":
        return (_summands(node.left) if node.left is not None else []) + _summands(node.right)
    if isinstance(node, Operation) and node.op == "-" and node.left is not None:
        return [*_summands(node.left), node.right]
    return [node]


def _is_bar(node: Node) -> bool:
    return isinstance(node, Group) and isinstance(node.inner, Operation) and node.inner.op in ("|", "||")


def _find_bar(node: Node | None) -> Operation | None:
    """The first bar anywhere below a node."""
    match node:
        case Operation(op="|" | "||"):
            return node
        case Operation(left=left, right=right):
            return _find_bar(left) or _find_bar(right)
        case Group(inner):
            return _find_bar(inner)
        case Call(args=args):
            return next((bar for bar in map(_find_bar, args) if bar), None)
    return None


def _has_bar(node: Node | None) -> bool:
    return _find_bar(node) is not None


def _is_number(node: Node, text: str) -> bool:
    return isinstance(node, Leaf) and node.token.kind == "number" and node.token.text == text
