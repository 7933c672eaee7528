"""Findings: what stands in a formula that its writer may not mean, and how it prints."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from hlm.formula.function_calls import shown
from hlm.linting.codes import CODES, SEVERITIES, Severity

_WIDTH = 96


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a formula.

    Attributes
    ----------
    code : str
        A short stable name such as ``bar-without-parentheses``; ``docs/lint.md`` has a section for each.
    severity : str
        ``"error"`` (cannot be fitted as written), ``"warning"`` (probably not what is meant) or ``"note"`` (good to
        know).
    place : tuple of int, or None
        First character and the one after the last, counted in the formula's text.
    text : str
        The text at that place; empty without a place.
    message : str
        What it means, with the user's own names and numbers.
    instead : str or None
        The formula to write instead (of a note: the alternative), where there is one.
    """

    code: str
    severity: Severity
    place: tuple[int, int] | None
    text: str
    message: str
    instead: str | None = None

    def __str__(self) -> str:
        write = f" {_label(self)} {self.instead}" if self.instead else ""
        return f"{self.severity} {self.code}: {self.message}{write}"


@dataclass(frozen=True, slots=True)
class Findings(Sequence[Finding]):
    """All findings of one formula, the gravest first; a sequence that shows itself in a terminal and in Jupyter.

    Attributes
    ----------
    formula : str
        The text that was checked; the places count its characters.
    found : tuple of Finding
    with_data : bool
        Whether the data were looked at, too.
    """

    formula: str
    found: tuple[Finding, ...]
    with_data: bool = False

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes found, each once."""
        return tuple(dict.fromkeys(finding.code for finding in self.found))

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.found if finding.severity == "error")

    def __len__(self) -> int:
        return len(self.found)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.found[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.found)

    def __str__(self) -> str:
        return "\n\n".join([self.summary, *(_block(finding, self.formula) for finding in self.found)])

    __repr__ = __str__

    @property
    def summary(self) -> str:
        """One sentence: how many findings of which severity."""
        where = "" if self.with_data else " (formula alone; with the data more can be checked)"
        if not self.found:
            return f"Nothing to say about {_one_line(self.formula)}{where}."
        counts = [(sum(f.severity == severity for f in self.found), severity) for severity in SEVERITIES]
        words = ", ".join(f"{n} {severity}{'s' if n > 1 else ''}" for n, severity in counts if n)
        return f"{_one_line(self.formula)}: {words}{where}."

    def _repr_html_(self) -> str:
        items = "".join(_item(finding, self.formula) for finding in self.found)
        return f"<div><div>{html.escape(self.summary)}</div>{items}</div>"


def finding_at(text: str, code: str, message: str, place: tuple[int, int] | None, instead: str | None) -> Finding:
    """A finding at a place of the formula's text."""
    return Finding(code, CODES[code], place, text[slice(*place)] if place else "", shown(message), instead)


def sorted_findings(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """The gravest first, then from left to right; what has no place comes last."""
    first = sorted(dict.fromkeys(found), key=lambda f: (f.place[0], -f.place[1]) if f.place else (10**9, 0))
    return tuple(sorted(first, key=lambda f: SEVERITIES.index(f.severity)))


def _block(finding: Finding, formula: str) -> str:
    """One finding for a terminal: heading, the place with carets, the message, what to write."""
    lines = [f"{finding.severity}: {finding.code}"]
    if finding.place:
        start, stop = finding.place
        lines += [f"    {_one_line(formula)}", f"    {' ' * start}{'^' * max(1, stop - start)}"]
    lines += textwrap.wrap(finding.message, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if finding.instead:
        lines.append(f"  {_label(finding)} {finding.instead}")
    return "\n".join(lines)


def _item(finding: Finding, formula: str) -> str:
    """One finding as HTML; everything that came from a person is escaped."""
    parts = [f"<div><b>{finding.severity}</b> <code>{html.escape(finding.code)}</code></div>"]
    if finding.place:
        start, stop = finding.place
        before, inside, after = (html.escape(s) for s in (formula[:start], formula[start:stop], formula[stop:]))
        parts.append(f"<div><code>{before}<mark>{inside}</mark>{after}</code></div>")
    parts.append(f"<div>{html.escape(finding.message)}</div>")
    if finding.instead:
        parts.append(f"<div>{_label(finding)} <code>{html.escape(finding.instead)}</code></div>")
    return f'<div style="margin-top:0.8em">{"".join(parts)}</div>'


def _label(finding: Finding) -> str:
    return "or:" if finding.severity == "note" else "write:"


def _one_line(formula: str) -> str:
    return "".join(" " if character.isspace() else character for character in formula)
