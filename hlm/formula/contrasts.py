"""The contrasts that ``C(f, Sum)`` and its kind ask for: R's four, by R's names and by patsy's. No numbers here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from hlm.formula.syntax_tree import Call, Named, Node
from hlm.formula.tokens import Token

ContrastKind = Literal["treatment", "sum", "helmert", "poly", "SAS"]

_KINDS: Mapping[str, ContrastKind] = MappingProxyType(
    {
        "Treatment": "treatment", "Sum": "sum", "Helmert": "helmert", "Poly": "poly", "treatment": "treatment",
        "sum": "sum", "helmert": "helmert", "poly": "poly", "SAS": "SAS", "contr.treatment": "treatment",
        "contr.sum": "sum", "contr.helmert": "helmert", "contr.poly": "poly", "contr.SAS": "SAS",
    }
)  # fmt: skip
USAGE = 'Write C(f, Treatment("v")) with the reference level, C(f, Sum), C(f, Helmert) or C(f, Poly).'


@dataclass(frozen=True, slots=True)
class ContrastChoice:
    """What the arguments of ``C`` say."""

    kind: ContrastKind
    base: str | None = None  # the label of the reference level
    place: int | None = None  # or its place among the levels, from 1
    levels: int | None = None  # how many levels there must be, as contr.sum(3) says
    columns: int | None = None  # how many of its columns are kept, the first ones; None: all


def contrast_choice(call: Call) -> ContrastChoice | None:
    """What a call of ``C`` asks for; None for ``C(f)`` and for other functions.

    ValueError: with a sentence about arguments that are none of a contrast.
    """
    if call.name != "C" or len(call.args) < 2:
        return None
    contrast, *more = call.args[1:]
    if isinstance(contrast, Named) and contrast.name in ("contr", "contrast"):
        contrast = contrast.value
    if isinstance(contrast, Named):  # R's own default
        name, more = "contr.treatment", [contrast, *more]
    else:
        name = _name(contrast)
    arguments: Sequence[Node] = contrast.args if isinstance(contrast, Call) else ()
    if name not in _KINDS:
        raise ValueError(f"{USAGE} R's names work, too: contr.treatment, contr.sum, contr.helmert, contr.poly.")
    found: dict[str, str | int] = {}
    for role, value in [*(_argument(one, name) for one in arguments), *(_beside(one, name) for one in more)]:
        if role in found or (role in ("base", "place") and _KINDS[name] != "treatment"):
            raise ValueError(USAGE)
        found[role] = value
    if "base" in found and "place" in found:
        raise ValueError(USAGE)
    return ContrastChoice(_KINDS[name], **found)  # type: ignore[arg-type]  # each role has values of its type


def label_text(node: Node) -> str | None:
    """The label that a text or a number in a formula stands for; None of anything else."""
    if not isinstance(node, Token) or node.kind not in ("string", "number"):
        return None
    return node.text[1:-1] if node.kind == "string" else node.text


def _name(node: Node) -> str:
    if isinstance(node, Call):
        return node.name
    if isinstance(node, Token) and node.kind in ("name", "string"):
        return node.text.strip("\"'")
    return ""


def _beside(node: Node, name: str) -> tuple[str, str | int]:
    """An argument of ``C`` after the contrast: R's ``how.many``, or one that the contrast has."""
    if isinstance(node, Named) and node.name != "how.many":
        return _argument(node, name)
    number = label_text(node.value if isinstance(node, Named) else node) or ""
    if not (number.isdecimal() and 1 <= int(number) < 1000):
        raise ValueError(f"How many contrasts are kept is a whole number, as in C(f, Poly, 1). {USAGE}")
    return "columns", int(number)


def _argument(node: Node, name: str) -> tuple[str, str | int]:
    """One argument of a contrast: a label, the place of the reference level, or the number of levels."""
    given = node.name if isinstance(node, Named) else ""
    value = node.value if isinstance(node, Named) else node
    label = label_text(value)
    if label is None or given not in ("", "base", "ref", "reference", "n"):
        raise ValueError(USAGE)
    numbered = isinstance(value, Token) and value.kind == "number" and name != "Treatment"
    if not numbered:
        return "base", label
    if not (label.isdecimal() and 1 <= int(label) < 1000):
        raise ValueError(f"The place of a level is a whole number from 1. {USAGE}")
    return "levels" if given in ("", "n") else "place", int(label)
