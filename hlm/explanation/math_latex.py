"""Expressions as LaTeX that amsmath, MathJax and KaTeX read."""

from __future__ import annotations

from collections.abc import Sequence

from hlm.explanation.math_expression import Call, Expression, Greek, Line, Matrix, Name, Row, Scripted, Sign, visible

_LETTERS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda",
    "μ": "mu", "ν": "nu", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "ψ": "psi", "Σ": "Sigma",
    "Ω": "Omega",
}  # fmt: skip
_SIGNS = {
    "~": r"\sim", "·": r"\cdot ", "…": r"\dots", "∑": r"\sum", "−": "-", "{": r"\{", "}": r"\}", "√": r"\surd",
    "²": "^{2}", "/": "/", "≤": r"\leq ", "×": r"\times ", "∞": r"\infty",
}  # fmt: skip
# In mathematics mode, so that LaTeX and MathJax agree; inside \text they do not on \_ and \%.
_CHARACTERS = {
    "\\": r"\backslash ", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "^": r"\wedge ", "~": r"\sim ", " ": r"\ ", "<": "{<}", ">": "{>}", "-": "{-}", "'": r"{\prime}",
    "`": r"{\prime}", "=": "{=}", "…": r"\dots ", "+": "{+}", "*": "{*}", "|": "{|}", ":": "{:}", '"': r"''",
}  # fmt: skip


def latex(expression: Expression) -> str:
    """One expression, to stand in mathematics mode."""
    match expression:
        case Greek(letter):
            return f"\\{_LETTERS[letter]} " if letter in _LETTERS else letter
        case Name(text):
            return _roman(text)
        case Sign(text):
            return _SIGNS.get(text.strip(), text)
        case Scripted(base, below, above):
            lower = f"_{{{''.join(map(latex, below))}}}" if below else ""
            upper = f"^{{{''.join(map(latex, above))}}}" if above else ""
            return f"{{{latex(base).strip()}}}{lower}{upper}"
        case Call(name, arguments):
            return rf"{_roman(name)}\left({', '.join(map(latex, arguments))}\right)"
        case Row(parts):
            return "".join(map(latex, parts))
        case Matrix(rows):
            body = r" \\ ".join(" & ".join(map(latex, cells)) for cells in rows)
            return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"


def latex_lines(lines: Sequence[Line]) -> str:
    """Lines aligned at their relations, as one ``aligned`` environment."""
    rows = []
    for line in lines:
        remark = f" && {_roman(line.remark)}" if line.remark else ""
        rows.append(f"  {latex(line.left)} &{_SIGNS.get(line.relation, line.relation)} {latex(line.right)}{remark}")
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def _roman(text: str) -> str:
    return rf"\mathrm{{{''.join(_CHARACTERS.get(c, c) for c in visible(text))}}}"
