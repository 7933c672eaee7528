"""`plot_recovery`, by what it draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hlm.errors import FitError
from hlm.plots.glyphs import LOOKS
from hlm.plots.plot_recovery import plot_recovery

RMSE = {"complete": [0.3, 0.31, 0.32], "none": [0.6, 0.3, 0.1], "partial": [0.25, 0.2, 0.11]}


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        {"term": term, "size": size, "pooling": pooling, "rmse": factor * values[i], "se": 0.01}
        for term, factor in (("Intercept", 2.0), ("x", 1.0))
        for i, size in enumerate((5, 20, 80))
        for pooling, values in RMSE.items()
    ]
    return pd.DataFrame(rows)


def test_three_lines_with_the_glyphs_of_the_strategies(table):
    ax = plot_recovery(table)
    for container, pooling in zip(ax.containers, ("complete", "none", "partial"), strict=True):
        line, _, (bars,) = container
        np.testing.assert_array_equal(line.get_xdata(), [5, 20, 80])
        np.testing.assert_array_equal(line.get_ydata(), RMSE[pooling])
        assert line.get_color() == LOOKS[pooling].color
        heights = np.array([segment[:, 1] for segment in bars.get_segments()])
        np.testing.assert_allclose(heights, np.array(RMSE[pooling])[:, None] + [-0.02, 0.02])
    faces = [c[0].get_markerfacecolor() for c in ax.containers[1:]]
    assert faces == ["#FFFFFF", LOOKS["partial"].color] and ax.containers[0][0].get_marker() == "none"


def test_labels_and_words(table):
    ax = plot_recovery(table)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("rows in the group", "root mean squared error of the slope on x")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["5", "20", "80"]
    assert ax.get_ylim()[0] == 0
    assert ax.get_title(loc="left") == "Partial pooling is closest to the truth at 2 of 3 group sizes"
    assert ax.alt_text == (
        "Root mean squared error of the slope on x against group size, 5 to 80 rows. Complete pooling: 0.3 to 0.32. "
        "No pooling: 0.6 to 0.1. Partial pooling: 0.25 to 0.11."
    )
    assert plot_recovery(table, term="Intercept").get_ylabel() == "root mean squared error of the intercept"


def test_an_unknown_term(table):
    with pytest.raises(FitError, match="There is no term 'X'. Did you mean 'x'?"):
        plot_recovery(table, term="X")
