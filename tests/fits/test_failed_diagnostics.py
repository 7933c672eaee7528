"""A diagnostic that failed is said wherever numbers of its strategy stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import hlm
from hlm.checks.check_spread import check_spread
from hlm.compare.compare_loo import compare_loo, stacking_weights
from hlm.compare.compare_slopes import compare_slopes
from hlm.compare.pooling_factors import pooling_factors
from hlm.compare.rank_groups import rank_groups
from hlm.compare.shrinkage import shrinkage
from hlm.compare.slope_differences import slope_differences
from hlm.compare.verdict import verdict
from hlm.engines.exact.diagnostics import ExactDiagnostics
from hlm.engines.interface import PointwiseLoo
from hlm.engines.sampling.chain_diagnostics import ChainDiagnostics
from hlm.fits.failed_diagnostics import failed_diagnostics
from hlm.fits.results import PoolingFits

DIVERGED = ChainDiagnostics(r_hat=1.2, r_hat_at="1|Subject_sigma", ess=37.0, ess_at="Days", divergences=12, chains=4)
CLAUSE = (
    "draws of partial pooling not reliable: 12 divergent transitions: part of the posterior may be missing; the chains "
    "disagree about 1|Subject_sigma (r_hat 1.200, wanted 1.01); effective sample size of Days is 37, wanted 400"
)


@pytest.fixture(scope="module")
def doubtful(sleepstudy: PoolingFits) -> PoolingFits:
    """Partial pooling as if NUTS had failed."""
    return PoolingFits({**sleepstudy, "partial": replace(sleepstudy["partial"], diagnostics=DIVERGED)})


TABLES = {
    "compare_slopes": lambda fits: compare_slopes(fits),
    "slope_differences": lambda fits: slope_differences(fits, term="Days", levels=["308", "309"]),
    "compare_loo": lambda fits: compare_loo(fits),
    "compare_loo of groups": lambda fits: compare_loo(fits, unit="Subject"),
    "check_spread": lambda fits: check_spread(fits, seed=1),
    "the verdict's evidence": lambda fits: verdict(fits).evidence,
}
OF_ALL_ARMS = {
    "shrinkage": lambda fits: shrinkage(fits),
    "rank_groups": lambda fits: rank_groups(fits["partial"], "Days"),
    "pooling_factors": lambda fits: pooling_factors(fits),
}


@pytest.mark.parametrize("name", TABLES)
def test_rows_of_the_strategy_say_it_and_others_do_not(
    name: str, doubtful: PoolingFits, sleepstudy: PoolingFits
) -> None:
    table = TABLES[name](doubtful)
    said = table["note"].str.contains(CLAUSE, regex=False)
    assert (said == (table["pooling"] == "partial")).all() and said.any()
    assert not TABLES[name](sleepstudy)["note"].str.contains("not reliable").any()


@pytest.mark.parametrize("name", OF_ALL_ARMS)
def test_every_row_says_it_once_where_a_row_rests_on_all_strategies(
    name: str, doubtful: PoolingFits, sleepstudy: PoolingFits
) -> None:
    assert (OF_ALL_ARMS[name](doubtful)["note"].str.count("draws of partial pooling not reliable") == 1).all()
    assert not OF_ALL_ARMS[name](sleepstudy)["note"].str.contains("not reliable").any()


def test_strategies_are_called_by_their_names(sleepstudy: PoolingFits) -> None:
    fits = {label: replace(fit, diagnostics=DIVERGED) for label, fit in sleepstudy.items()}
    clauses = [*failed_diagnostics(fits).values(), *failed_diagnostics({"with slopes": fits["partial"]}).values()]
    assert [clause.partition(" not reliable")[0] for clause in clauses] == [
        "draws of complete pooling", "draws of no pooling", "draws of partial pooling", "draws of with slopes",
    ]  # fmt: skip


PICTURES: dict[str, Callable[[Any], Any]] = {
    "slopes": hlm.plot_slopes, "plane": hlm.plot_plane, "shrinkage": hlm.plot_shrinkage, "ranks": hlm.plot_ranks,
    "lines of partial pooling": lambda fits: hlm.plot_lines(fits, pooling="partial"),
    "panels": lambda fits: hlm.plot_lines(fits, levels=["308", "309"], panels=True),
    "loo": lambda fits: hlm.plot_loo(fits), "loo of groups": lambda fits: hlm.plot_loo(fits, unit="Subject"),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_say_it_beneath_and_in_words(name: str, doubtful: PoolingFits, sleepstudy: PoolingFits) -> None:
    ax, sure = PICTURES[name](doubtful), PICTURES[name](sleepstudy)
    below = ax.get_xlabel().replace("\n", " ")
    assert below == f"{sure.get_xlabel()} D{CLAUSE[1:]}.".replace("\n", " ").strip()
    assert ax.alt_text == f"{sure.alt_text} D{CLAUSE[1:]}."
    plt.close("all")


def test_pictures_without_the_strategy_do_not(doubtful: PoolingFits) -> None:
    for ax in (hlm.plot_lines(doubtful), hlm.plot_loo(doubtful, poolings=("none", "complete"))):
        assert "not reliable" not in ax.get_xlabel() + ax.alt_text  # type: ignore[attr-defined]
    plt.close("all")


def test_predictions_say_it(doubtful: PoolingFits) -> None:
    assert set(hlm.predict(doubtful["partial"])["note"]) == {CLAUSE}
    assert set(hlm.predict(doubtful["complete"])["note"]) == {""}


def test_the_verdict_says_it(doubtful: PoolingFits) -> None:
    assert str(verdict(doubtful)).splitlines()[-1] == f"Not to be relied on yet: {CLAUSE}."
    assert "Not to be relied on yet" in verdict(doubtful)._repr_html_()


def test_prints_and_the_summary_say_it(doubtful: PoolingFits, sleepstudy: PoolingFits) -> None:
    sentence = f"Not reliable yet: {DIVERGED.problem}. Try more draws and tune."
    assert f"partial: {sentence}" in repr(doubtful) and f"partial: {sentence}" in repr(doubtful["partial"])
    assert "Not reliable yet: 12 divergent transitions" in doubtful._repr_html_()
    row = doubtful.summary.loc["draws not reliable"]
    assert row["partial", "mean"] == 4000 and np.isnan(row["complete", "mean"])
    assert "draws not reliable" not in sleepstudy.summary.index


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"pareto_k": 0.83}, "the importance weights have Pareto k 0.83, wanted 0.7 at most"),
        ({"pareto_k": np.nan}, "the importance weights have Pareto k nan, wanted 0.7 at most"),
        ({"ess": 63.0}, "the draws come from 63 effective points, wanted 100 at least"),
        ({"ess": np.nan}, "the draws come from nan effective points, wanted 100 at least"),
        ({"lost": 0.021}, "the density could not be computed at 2.1% of the points where it should be large"),
        ({"lost": np.nan}, "the density could not be computed at nan% of the points where it should be large"),
        ({"rounding": 0.4}, "rounding decides: a group-level sd is too large beside sigma, or columns are nearly collinear; "
                            "centre and scale the columns, or let less vary"),
    ],
)  # fmt: skip
def test_the_exact_engine_says_what_failed(options: dict[str, Any], problem: str, sleepstudy: PoolingFits) -> None:
    good = ExactDiagnostics(pareto_k=0.1, ess=6000.0, points=6700, draws=4000)
    bad = replace(good, **options)
    assert good.ok and good.problem is None
    assert not bad.ok and bad.problem == problem
    assert bad.sentence == f"Not reliable: {problem}; part of the posterior may be missing. Use method='nuts'."
    table = compare_slopes(replace(sleepstudy["partial"], diagnostics=bad))
    assert set(table["note"]) == {f"draws of partial pooling not reliable: {problem}"}


@pytest.mark.parametrize(
    ("name", "value"), [("r_hat", 1.011), ("r_hat", np.nan), ("ess", 399.0), ("ess", np.nan), ("divergences", 1)]
)
def test_each_diagnostic_of_nuts_fails_alone(name: str, value: float) -> None:
    good = ChainDiagnostics(r_hat=1.01, r_hat_at="a", ess=400.0, ess_at="b", divergences=0, chains=4)
    assert good.ok and good.sentence.startswith("The chains agree")
    bad = replace(good, **{name: value})
    assert not bad.ok and bad.sentence.startswith("Not reliable yet: ")


def test_what_could_not_be_computed_is_never_the_best_arm(
    doubtful: PoolingFits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leave-one-out with a row that is not a number: its strategy has no weight, is not the best, and says where."""
    loos = {pooling: fit.leave_out() for pooling, fit in doubtful.items()}
    broken = replace(loos["partial"], elpd=np.append(np.nan, loos["partial"].elpd[1:]),
                     pareto_k=np.append(np.inf, loos["partial"].pareto_k[1:]))  # fmt: skip
    monkeypatch.setattr(
        "hlm.compare.compare_loo._leave_out", lambda fit, _: broken if fit.pooling == "partial" else fit.leave_out()
    )
    table = compare_loo(doubtful).set_index("pooling")
    assert table.index.to_list() == ["none", "complete", "partial"]
    assert np.isnan(table.loc["partial", ["elpd", "elpd_diff", "weight"]].astype(float)).all()
    assert 0 not in loos["partial"].bad and 0 in broken.bad
    assert table.loc["partial", "bad_k"] == len(broken.bad) and table.loc["none", "elpd_diff"] == 0
    assert (
        f"elpd not to be trusted at {len(broken.bad)} row(s) with Pareto k > 0.7: Subject 308" in table["note"].iloc[2]
    )
    assert table.loc[["none", "complete"], "weight"].sum() == pytest.approx(1, abs=1e-9)  # of an optimiser's ftol


def test_no_weights_without_densities() -> None:
    nothing = PointwiseLoo(np.full(3, np.nan), np.zeros(3), np.full(3, np.nan))
    assert nothing.bad.tolist() == [0, 1, 2]  # a Pareto k that is not a number is not good
    assert np.isnan(list(stacking_weights({"a": nothing, "b": nothing}).values())).all()
