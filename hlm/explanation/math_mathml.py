"""Expressions as MathML, which browsers and Jupyter show without any program."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hlm.explanation.math_expression import Call, Expression, Greek, Line, Matrix, Name, Row, Scripted, Sign, visible

# Drawn as borders: brackets grow with a matrix only where the browser has a mathematical font.
_BRACKETS = "border: solid; border-width: 0 1.5px; border-radius: .7em; padding: 0 .25em; margin: 0 .1em"
_SIGNS = {",": 'separator="true"', **dict.fromkeys("=~+·−∈", 'lspace="0.28em" rspace="0.28em"')}


def mathml(expression: Expression) -> str:
    """One expression as MathML elements, without the ``math`` around them."""
    match expression:
        case Greek(letter):
            style = ' mathvariant="normal"' if letter in "ΣΩ" else ""
            return f"<mi{style}>{escape(letter)}</mi>"
        case Name(text):
            return f"<mtext>{escape(visible(text)).replace(' ', '&#160;')}</mtext>"
        case Sign(text):
            return _sign(text)
        case Scripted(base, below, above):
            parts = "".join(f"<mrow>{''.join(map(mathml, part))}</mrow>" for part in ((base,), below, above) if part)
            tag = f"m{'sub' if below else ''}{'sup' if above else ''}"
            return f"<{tag}>{parts}</{tag}>" if below or above else parts
        case Call(name, arguments):
            inner = '<mo separator="true">,</mo>'.join(map(mathml, arguments))
            return f'{mathml(Name(name))}<mo stretchy="true">(</mo><mrow>{inner}</mrow><mo stretchy="true">)</mo>'
        case Row(parts):
            return f"<mrow>{''.join(map(mathml, parts))}</mrow>"
        case Matrix(rows):
            cells = "".join(f"<mtr>{''.join(f'<mtd>{mathml(c)}</mtd>' for c in cells)}</mtr>" for cells in rows)
            return f'<mtable style="{_BRACKETS}">{cells}</mtable>'


def mathml_lines(lines: Sequence[Line], label: str) -> str:
    """Lines aligned at their relations, as one ``math`` element with a label for screen readers."""
    rows = []
    for line in lines:
        relation = f"<mo>{escape(line.relation)}</mo>" if line.relation in ("=", "~", "∈") else ""
        sides = (("right", mathml(line.left)), ("center", relation), ("left", f"<mrow>{mathml(line.right)}</mrow>"))
        cells = "".join(f'<mtd style="text-align: {side}">{content}</mtd>' for side, content in sides)
        remark = f'<mtext class="remark">{escape(visible(line.remark))}</mtext>' if line.remark else ""
        rows.append(f'<mtr>{cells}<mtd style="text-align: left; padding-left: 2em">{remark}</mtd></mtr>')
    return (
        f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block" aria-label="{escape(label)}">'
        f"<mtable>{''.join(rows)}</mtable></math>"
    )


def _sign(text: str) -> str:
    mark = text.strip()
    if mark.replace(".", "").replace("−", "").replace("e", "").isdigit():
        return f"<mn>{mark}</mn>"
    if mark.isalpha():
        return f"<mi>{mark}</mi>"
    return f"<mo {_SIGNS.get(mark, 'stretchy="false" lspace="0" rspace="0"')}>{escape(mark)}</mo>"
