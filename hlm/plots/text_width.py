"""How wide a text is before it is drawn, and where it must be broken to stay inside its picture."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

POINTS = 72.0  # in an inch
_SLACK = 1.07  # on a screen the letters' widths are rounded to whole pixels
_MEASURE = TextToPath()


def text_width(text: str, size: float | str) -> float:
    """The width of one line in matplotlib's current font, in points; at least as much as it will be drawn with."""
    width, _, _ = _MEASURE.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)
    return _SLACK * float(width)


def room_above(ax: Axes) -> float:
    """Points from the left end of the axes to the right end of what is theirs: the figure, if they are alone in it."""
    whole, _ = room_along(ax)
    if len(ax.figure.axes) > 1:
        return whole
    labels = [text_width(label.get_text(), label.get_fontsize()) for label in ax.get_yticklabels()]
    return whole - max(labels, default=0.0) - (25 if ax.get_ylabel() else 10)  # ticks, the label of the axis


def room_along(ax: Axes) -> tuple[float, float]:
    """Points below and beside the axes that are theirs: nearly all of the figure, if they are alone in it."""
    alone = len(ax.figure.axes) == 1
    box, share = (ax.figure.bbox, 0.98) if alone else (ax.bbox, 1.0)
    width, height = share * box.width, share * box.height
    return float(width / ax.figure.dpi * POINTS), float(height / ax.figure.dpi * POINTS)


def wrapped(text: str, size: float | str, room: float) -> list[str]:
    """Text in lines of at most so many points, broken at spaces; a longer word is broken where it must."""
    lines: list[str] = []
    for given in text.split("\n"):
        line = ""
        for word in given.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, size) > room:
                lines.append(line)
                longer = word
            while len(longer) > 1 and text_width(longer, size) > room:
                fitting = next((n for n in range(len(longer) - 1, 1, -1) if text_width(longer[:n], size) <= room), 1)
                lines.append(longer[:fitting])
                longer = longer[fitting:]
            line = longer
        lines.append(line)
    return lines
