"""The diagram by its content: what stands where, that nothing overlaps, that every parameter is there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from hlm.explanation.diagram import Diagram
from hlm.explanation.diagram_svg import text_width, wrapped
from hlm.explanation.explain import Explanation, explain
from hlm.explanation.math_text import plain
from hlm.explanation.symbols import symbol
from hlm.model.prior_distributions import prior_shape

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Box:
    text: str
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def holds(self, x: float, y: float) -> bool:
        return self.left < x < self.right and self.top < y < self.bottom


def boxes(picture: Diagram) -> list[Box]:
    """The ink of every text: capitals are 0.72 of the size high, what hangs below the line 0.2."""
    found = []
    for element in ElementTree.fromstring(picture.svg).iter(f"{SVG}text"):
        text, size, x, y = element.text or "", *(float(element.attrib[k]) for k in ("font-size", "x", "y"))
        width = text_width(text, size, bold=element.get("font-weight") == "bold") / 1.02  # without the slack
        if element.get("font-style") == "italic":
            width = 0.45 * size  # the ink of a Greek letter in Times italic
        left = x - width / 2 if element.get("text-anchor") == "middle" else x
        found.append(Box(text, left, y - 0.72 * size, left + width, y + 0.2 * size))
    return found


def arrow_points(picture: Diagram) -> list[tuple[float, float]]:
    """Points along every arrow."""
    points = []
    for element in ElementTree.fromstring(picture.svg).iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?\d+\.\d", element.attrib["d"])]
        x0, start, y0, xa, ya, xb, yb, x1, y1, end = numbers
        points += [(x0, start + (y0 - start) * i / 10) for i in range(11)]
        for t in (i / 60 for i in range(61)):
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
            points.append((a * x0 + b * xa + c * xb + d * x1, a * y0 + b * ya + c * yb + d * y1))
        points += [(x1, y1 + (end - y1) * i / 30) for i in range(31)]
    return points


def problems(picture: Diagram) -> list[str]:
    """Texts over texts, arrows over texts, texts outside the page."""
    texts, root = boxes(picture), ElementTree.fromstring(picture.svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    found = [f"{a.text!r} meets {b.text!r}" for a, b in combinations(texts, 2) if a.meets(b)]
    found += [f"an arrow crosses {b.text!r}" for b in texts if any(b.holds(x, y) for x, y in arrow_points(picture))]
    return found + [
        f"{b.text!r} leaves the page" for b in texts if not (b.left > 0 and b.right < width and b.bottom < height)
    ]


def test_nothing_overlaps(explained: Explanation) -> None:
    assert problems(explained.diagram) == []


def test_nothing_overlaps_whatever_the_names(named: tuple[tuple[str, str, str], str, pd.DataFrame]) -> None:
    names, formula, frame = named
    picture = explain(formula, frame).diagram
    assert problems(picture) == []
    drawn = "".join(box.text for box in boxes(picture)).replace(" ", "")
    assert all(name.replace(" ", "") in drawn for name in names)


def test_every_parameter_is_drawn(explained: Explanation) -> None:
    """Each letter of the prior table is on the page as often as it has an arrow to end at."""
    drawn = "".join(box.text for box in boxes(explained.diagram))
    model = explained.model
    for prior in model.priors:
        letters = plain(symbol(prior, model))
        assert letters[0] in drawn, prior.name
    arrows = explained.diagram.svg.count("<path")
    means = sum(centre is not None for bar in model.bars for centre in bar.centres)
    fixed = sum(not any(c in bar.columns for bar in model.bars) for c in model.common)
    own = sum(len(bar.columns) for bar in model.bars)
    correlations = sum(bar.correlation is not None for bar in model.bars)
    inner = sum(inside for bar in model.bars for c in bar.columns for b, inside in model.carriers(c) if b is bar)
    # to bars: means, sds, correlations; to the predictor: coefficients that no finer group has; then response, data
    assert arrows == means + own + correlations + (own - inner) + fixed + 2 + len(model.family.auxiliary)


def test_numbers_and_sizes_of_exam(explained_as: Callable[[str], Explanation]) -> None:
    drawn = " ".join(box.text for box in boxes(explained_as("correlated").diagram))
    for text in ("school: k = 1, …, 65", "the data: 4059 rows", "2.51", "their correlation", "Read from the bottom up"):
        assert text in drawn, text
    assert "school: k = 1, …, K" in " ".join(b.text for b in boxes(explained_as("without data").diagram))


def test_data_are_at_the_bottom_and_priors_on_top(explained_as: Callable[[str], Explanation]) -> None:
    height = {box.text: box.bottom for box in boxes(explained_as("nested").diagram)}
    order = ["common intercept", "batch: k = 1, …, 10", "batch:cask: l = 1, …, 30", "the data: 60 rows"]
    assert sorted(order, key=height.__getitem__) == order


def test_svg_speaks_and_needs_nothing(explained: Explanation) -> None:
    svg = explained.diagram.svg
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}title").text == str(explained.model.formula)  # type: ignore[union-attr]
    assert "Read from the bottom up" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    assert not re.search(r"<script|href=|url\(|@import", svg)


def test_save_writes_the_picture(tmp_path: Path, explained_as: Callable[[str], Explanation]) -> None:
    picture = explained_as("crossed").diagram
    assert picture.save(tmp_path / "model.svg").read_text(encoding="utf-8") == picture.svg


@pytest.mark.parametrize(
    ("name", "numbers", "low", "at", "height"),
    [
        ("Normal", {"mu": 3.0, "sigma": 2.0}, -3.0, 5.0, math.exp(-0.5)),  # one sd from the mean
        ("HalfNormal", {"sigma": 2.0}, 0.0, 4.0, math.exp(-2)),  # two sds from 0
        ("HalfStudentT", {"nu": 4.0, "sigma": 1.0}, 0.0, 2.0, 2**-2.5),  # (1 + 4/4)^(-5/2)
        ("Exponential", {"lam": 2.0}, 0.0, 0.5, math.exp(-1)),
        ("LKJ", {"eta": 2.0}, -1.0, 0.5, 0.75),  # (1 - rho^2)^(eta - 1)
        ("LKJ", {"eta": 1.0}, -1.0, 0.5, 1.0),  # flat
        ("Beta", {"alpha": 2.0, "beta": 2.0}, 0.0, 0.25, 0.75),  # 4 x (1 - x)
        ("HalfCauchy", {"beta": 1.0}, 0.0, 1.0, 0.5),
        ("Gamma", {"alpha": 2.0, "beta": 0.1}, 0.0, 20.0, 2 / math.e),  # x/10 exp(1 - x/10)
    ],
)
def test_shapes_are_the_densities(name: str, numbers: dict[str, float], low: float, at: float, height: float) -> None:
    shape = prior_shape(name, numbers)
    assert shape is not None and shape.low == low
    steps = len(shape.heights) - 1
    place = (at - shape.low) / (shape.high - shape.low) * steps
    before, share = int(place), place - int(place)
    between = shape.heights[before] * (1 - share) + shape.heights[min(before + 1, steps)] * share
    # linear between 61 points, and relative to the largest of them, which may lie beside the mode
    assert between == pytest.approx(height, abs=0.01)


def test_lines_are_broken_where_they_must() -> None:
    assert wrapped("aaa bbb ccc", 10, text_width("aaa bbb", 10) + 1) == ["aaa bbb", "ccc"]
    assert "".join(wrapped("x" * 50, 10, 60)) == "x" * 50
    assert all(text_width(line, 10) <= 60 for line in wrapped("x" * 50, 10, 60))
