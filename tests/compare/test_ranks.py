"""Expected ranks against counting pairs."""

from __future__ import annotations

import numpy as np
import pytest

from hlm.compare.ranks import expected_ranks


def test_expected_rank_is_one_plus_the_probabilities_of_being_larger():
    draws = np.random.default_rng(0).normal(np.linspace(0, 1, 7), 0.5, size=(400, 7))
    expected, lower, upper = expected_ranks(draws, prob=0.8)
    pairs = [1 + sum(np.mean(draws[:, k] > draws[:, j]) for j in range(7) if j != k) for k in range(7)]
    np.testing.assert_allclose(expected, pairs, rtol=1e-12)  # the same sum in another order
    assert expected.mean() == pytest.approx(4.0, rel=1e-12)  # (K + 1) / 2
    ranks = draws.argsort(axis=1).argsort(axis=1) + 1
    inside = ((ranks >= lower) & (ranks <= upper)).mean(axis=0)
    assert (inside >= 0.8).all()
    assert set(lower) | set(upper) <= set(range(1, 8))


def test_a_tie_counts_half():
    assert expected_ranks(np.array([[1.0, 1.0, 2.0]]))[0].tolist() == [1.5, 1.5, 3.0]
