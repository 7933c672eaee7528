"""All views as one HTML fragment: no scripts, nothing loaded from elsewhere, everything from the user escaped."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from hlm.explanation.math_expression import visible

if TYPE_CHECKING:
    from hlm.explanation.code import Code
    from hlm.explanation.diagram import Diagram
    from hlm.explanation.equations import Equations
    from hlm.explanation.priors_table import PriorTable
    from hlm.explanation.words import Sentence, Words

_ABOVE = re.compile(r"([αβγδτρΩμ])\^\(([^)]*)\)")
_BELOW = re.compile("([μτ]|</sup>)_([αβ][₀-₉]*)")
_STYLE = """
.hlm-explain { font-family: Helvetica, Arial, sans-serif; color: #1b1b1b; background: #fff; max-width: 76rem;
  padding: 1rem 1.5rem; line-height: 1.5; }
.hlm-explain h2 { font-size: 1.35rem; margin: 0 0 .8rem; }
.hlm-explain h3 { font-size: 1.1rem; margin: 1.6rem 0 .5rem; padding-bottom: .2rem; border-bottom: 2px solid #0072B2; }
.hlm-explain h4 { font-size: .92rem; margin: 1.1rem 0 .3rem; color: #444; font-weight: 600; }
div.hlm-explain dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .35rem 1.2rem;
  margin: 0; }
div.hlm-explain dt, div.hlm-explain dd { float: none; width: auto; margin: 0; } /* Jupyter has its own */
div.hlm-explain dt { font-weight: normal; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9rem;
  overflow-wrap: anywhere; }
.hlm-explain table { border-collapse: collapse; font-size: .92rem; }
.hlm-explain th, .hlm-explain td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #ddd;
  background: #fff; vertical-align: top; }
.hlm-explain math { font-size: 1.12rem; }
.hlm-explain math[display=block] { text-align: left; margin: .2rem 0 .2rem 1rem; width: max-content; }
.hlm-explain mtd { padding: .22rem .25rem; }
.hlm-explain .remark { color: #666; font-size: .82rem; font-family: Helvetica, Arial, sans-serif; }
.hlm-explain .wide { overflow-x: auto; overflow-y: hidden; }
.hlm-explain pre { background: #f5f5f5; padding: .8rem 1rem; overflow-x: auto; font-size: .85rem; line-height: 1.4; }
.hlm-explain summary { cursor: pointer; font-weight: 600; margin: .3rem 0; }
"""


def page(title: str, words: Words, equations: Equations, priors: PriorTable, diagram: Diagram, code: Code) -> str:
    """One page: words, diagram, equations, priors, code."""
    why = f"<p>{_lettered(equations.why)}</p>" if equations.why else ""
    programs = "".join(
        f"<details{' open' if name == 'lme4' else ''}><summary>{escape(name)}</summary>"
        f"<pre><code>{escape(text)}</code></pre></details>"
        for name, text in code.items()
    )
    return (
        f'<div class="hlm-explain"><style>{_STYLE}</style><h2><code>{escape(visible(title))}</code></h2>'
        f"<h3>In words</h3>{_words(words)}"
        f'<h3>The picture</h3><div class="wide">{diagram.svg}</div>'
        f'<h3>In equations</h3><div class="wide">{equations.mathml}</div>{why}'
        f"<details><summary>LaTeX</summary><pre><code>{escape(equations.latex)}</code></pre></details>"
        f'<h3>Priors</h3><div class="wide">{priors._repr_html_()}</div>'
        f"<h3>In code</h3>{programs}</div>"
    )


def words_page(words: Words) -> str:
    """The words alone."""
    return f'<div class="hlm-explain"><style>{_STYLE}</style>{_words(words)}</div>'


def _words(words: Words) -> str:
    functions = f"<h4>What is computed</h4>{_list(words.functions)}" if words.functions else ""
    arms = f"<h4>The three poolings</h4>{_list(words.arms)}" if words.arms else ""
    notes = "".join(f"<p>{_lettered(note)}</p>" for note in words.notes)
    return f"{_list(words.terms)}{functions}{arms}{notes}"


def _list(sentences: tuple[Sentence, ...]) -> str:
    items = "".join(f"<dt>{escape(visible(s.about))}</dt><dd>{_lettered(s.text)}</dd>" for s in sentences)
    return f"<dl>{items}</dl>"


def _lettered(text: str) -> str:
    """A sentence, what belongs to its Greek letters set high and low."""
    return _BELOW.sub(r"\1<sub>\2</sub>", _ABOVE.sub(r"\1<sup>\2</sup>", escape(text)))
