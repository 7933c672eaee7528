"""Expressions as Unicode text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from hlm.explanation.math_expression import Call, Expression, Greek, Line, Matrix, Name, Row, Scripted, Sign, visible

_SPACED = ("=", "~", "+", "·", "−", "∈", "|")
_BELOW = str.maketrans("0123456789hijklmnprstuvx", "₀₁₂₃₄₅₆₇₈₉ₕᵢⱼₖₗₘₙₚᵣₛₜᵤᵥₓ")


def plain(expression: Expression) -> str:
    """One expression on one line."""
    match expression:
        case Greek(letter):
            return letter
        case Name(text):
            return visible(text)
        case Sign(text):
            mark = text.strip()
            return f" {mark} " if mark in _SPACED else ", " if mark == "," else mark
        case Scripted(base, below, above):
            lower, upper = ("".join(map(plain, script)) for script in (below, above))
            lowered = lower.translate(_BELOW) if {*map(ord, lower)} <= _BELOW.keys() else f"_{lower}"
            return plain(base) + (f"^({upper})" if upper else "") + lowered
        case Call(name, arguments):
            return f"{visible(name)}({', '.join(map(plain, arguments))})"
        case Row(parts):
            return "".join(map(plain, parts))
        case Matrix(rows):
            lines = [", ".join(map(plain, cells)) for cells in rows]
            return f"({', '.join(lines)})" if all(len(r) == 1 for r in rows) else f"[{'; '.join(lines)}]"


def plain_lines(lines: Sequence[Line]) -> str:
    """Lines aligned at their relations, remarks in a column of their own."""
    left, right = [plain(line.left) for line in lines], [plain(line.right) for line in lines]
    wide, far = max(map(len, left)), max((len(r) for r in right if len(r) <= 60), default=0)
    return "\n".join(
        f"{before:>{wide}} {line.relation or ' '} {after:<{far}}   {visible(line.remark)}".rstrip()
        for before, line, after in zip(left, lines, right, strict=True)
    )
