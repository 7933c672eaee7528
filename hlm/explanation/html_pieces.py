"""Pieces of the HTML of an explanation: its style, Greek letters with what belongs to them."""

from __future__ import annotations

import re
from html import escape

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


def styled(fragment: str) -> str:
    """A fragment with the style that it needs."""
    return f'<div class="hlm-explain"><style>{_STYLE}</style>{fragment}</div>'


def lettered(text: str) -> str:
    """A sentence, what belongs to its Greek letters set high and low."""
    return _BELOW.sub(r"\1<sub>\2</sub>", _ABOVE.sub(r"\1<sup>\2</sup>", escape(text)))
