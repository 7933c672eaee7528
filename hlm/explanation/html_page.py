"""All views as one HTML fragment: no scripts, nothing loaded from elsewhere, everything from the user escaped."""

from __future__ import annotations

from html import escape

from hlm.explanation.code import Code
from hlm.explanation.diagram import Diagram
from hlm.explanation.equations import Equations
from hlm.explanation.html_pieces import lettered, styled
from hlm.explanation.math_expression import visible
from hlm.explanation.priors_table import PriorTable
from hlm.explanation.words import Words


def page(title: str, words: Words, equations: Equations, priors: PriorTable, diagram: Diagram, code: Code) -> str:
    """One page: words, diagram, equations, priors, code."""
    why = f"<p>{lettered(equations.why)}</p>" if equations.why else ""
    programs = "".join(
        f"<details{' open' if name == 'lme4' else ''}><summary>{escape(name)}</summary>"
        f"<pre><code>{escape(text)}</code></pre></details>"
        for name, text in code.items()
    )
    return styled(
        f"<h2><code>{escape(visible(title))}</code></h2>"
        f"<h3>In words</h3>{words.html}"
        f'<h3>The picture</h3><div class="wide">{diagram.svg}</div>'
        f'<h3>In equations</h3><div class="wide">{equations.mathml}</div>{why}'
        f"<details><summary>LaTeX</summary><pre><code>{escape(equations.latex)}</code></pre></details>"
        f'<h3>Priors</h3><div class="wide">{priors._repr_html_()}</div>'
        f"<h3>In code</h3>{programs}"
    )
