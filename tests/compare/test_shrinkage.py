"""The shrinkage table: the lecture's numbers, a second route in plain loops, and the awkward groups."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from hlm.compare.group_information import level_of
from hlm.compare.shrinkage import shrinkage
from hlm.data.packaged_sets import load_data
from hlm.errors import FitError
from hlm.fits.fit import fit_pooling
from hlm.fits.results import PoolingFits


def test_the_lectures_numbers(exam: PoolingFits) -> None:
    """STATISTICS.md 8; 0.01 is what the issue allows, Monte Carlo error is below 0.001."""
    table = shrinkage(exam, term="pre", why=True).set_index("level")
    assert table["pooled"].mean() == pytest.approx(0.31, abs=0.01)
    assert table.loc["48", "pooled"] == pytest.approx(0.88, abs=0.01)
    assert table.loc["54", "pooled"] == pytest.approx(0.66, abs=0.01)
    assert list(table.columns) == [
        "group", "term", "n", "complete", "none", "partial", "none_lower", "none_upper", "lower", "upper", "prob",
        "movement", "pooled", "share", "reliability", "ratio", "note", "why",
    ]  # fmt: skip
    short = shrinkage(exam, term="pre")
    assert list(short.columns) == ["group", "level", "term", "n", "complete", "none", "partial", "pooled", "note"]
    pd.testing.assert_frame_equal(short, table.reset_index()[list(short.columns)])
    assert (table["lower"] < table["partial"]).all() and (table["partial"] < table["upper"]).all()


def test_a_second_route_in_plain_loops(sleepstudy: PoolingFits) -> None:
    """Every draw and group by itself, with inverses, straight from the posterior's own variables."""
    posterior = sleepstudy["partial"].idata["posterior"]
    sds = [posterior[f"{name}|Subject_sigma"].to_numpy().ravel() for name in ("1", "Days")]
    correlation = posterior["Subject_corr"].to_numpy()[..., 0, 1].ravel()
    sigma = posterior["sigma"].to_numpy().ravel()
    data, table = load_data("sleepstudy"), shrinkage(sleepstudy, why=True).set_index(["level", "term"])
    days = data.loc[data["Subject"].astype(str) == "308", "Days"].to_numpy(np.float64)
    z = np.column_stack([np.ones(len(days)), days])
    shares, reliabilities = [], []
    for t in range(len(sigma)):
        off = correlation[t] * sds[0][t] * sds[1][t]
        inverse = np.linalg.inv(np.array([[sds[0][t] ** 2, off], [off, sds[1][t] ** 2]]))
        shares.append(np.diagonal(np.linalg.inv(z.T @ z / sigma[t] ** 2 + inverse) @ inverse))
        sampling = sigma[t] ** 2 * np.linalg.inv(z.T @ z)
        reliabilities.append([sds[j][t] ** 2 / (sds[j][t] ** 2 + sampling[j, j]) for j in range(2)])
    for j, term in enumerate(("Intercept", "Days")):
        row = table.loc[("308", term)]
        assert row["share"] == pytest.approx(np.mean(shares, axis=0)[j], rel=1e-8)  # of the inverses
        assert row["pooled"] == pytest.approx(np.mean(shares), rel=1e-8)
        assert row["reliability"] == pytest.approx(np.mean(reliabilities, axis=0)[j], rel=1e-8)
        assert row["ratio"] == pytest.approx(
            1 - (row["partial"] - row["complete"]) / (row["none"] - row["complete"]), rel=1e-12
        ) or np.isnan(row["ratio"])


def test_what_a_group_cannot_tell(radon: PoolingFits) -> None:
    """Counties with one home, or with no home on the first floor, are pooled like the others; nothing is invented."""
    table = shrinkage(radon, term="floor", why=True).set_index("level")
    silent = table["none"].isna()
    assert silent.sum() == 25
    assert table.loc[silent, ["movement", "ratio", "reliability", "none_lower"]].isna().all(axis=None)
    assert table["pooled"].between(0, 1).all() and table["partial"].notna().all()
    assert table.loc[silent, "note"].str.startswith("this group's rows cannot determine it").all()
    assert table.loc[silent, "why"].str.contains("its own rows cannot tell").all()
    intercepts = shrinkage(radon, term="Intercept", why=True).set_index("level")
    alone = table.index[silent & (intercepts["n"] == 1)]
    assert len(alone) > 0 and intercepts.loc[alone, "pooled"].notna().all()


def test_the_sentence(exam: PoolingFits) -> None:
    table = shrinkage(exam, why=True).set_index(["level", "term"])["why"]
    intercept, slope = table["54", "Intercept"], table["54", "pre"]
    assert intercept.startswith(
        "school 54: 8 rows; 6 would count as much for Intercept as what the other groups of school say; "
        "the others decide 45% of its Intercept and 66% of its coefficients together; "
    )
    assert re.search(r"; 4[01] would count as much for pre as", slope)  # 40.4; 40 or 41 over eight seeds
    assert "its pre moved 65% of the way" in slope or "its pre moved 66% of the way" in slope


def test_nested_factors_have_a_table_each(pastes: PoolingFits) -> None:
    """A batch of three casks is not sixty pastes: s2/6 + tau_cask^2/3 stands against tau_batch^2."""
    table = shrinkage(pastes, why=True)
    assert list(dict.fromkeys(table["group"])) == ["batch", "batch:cask"]
    posterior = pastes["partial"].idata["posterior"]
    s2, cask, batch = (
        posterior[name].to_numpy().ravel() ** 2 for name in ("sigma", "1|batch:cask_sigma", "1|batch_sigma")
    )
    sampling = s2 / 6 + cask / 3
    batches, casks = table.query("group == 'batch'"), table.query("group == 'batch:cask'")
    np.testing.assert_allclose(batches["pooled"], np.mean(sampling / (sampling + batch)), rtol=1e-10)
    np.testing.assert_allclose(casks["pooled"], np.mean((s2 / 2) / (s2 / 2 + cask)), rtol=1e-10)
    assert (batches["note"] == "").all()
    assert (casks["note"] == "given the effects of batch").all()
    assert "in groups of batch:cask that differ among themselves" in batches["why"].iloc[0]
    assert "less than one would count as much" in casks["why"].iloc[0]


def test_crossed_factors_are_given_each_other(penicillin: PoolingFits) -> None:
    table = shrinkage(penicillin, why=True)
    notes = table.groupby("group", sort=False)["note"].unique().map(list).to_dict()
    assert notes == {"plate": ["given the effects of sample"], "sample": ["given the effects of plate"]}
    posterior = penicillin["partial"].idata["posterior"]
    s2, plate = posterior["sigma"].to_numpy() ** 2, posterior["1|plate_sigma"].to_numpy() ** 2
    by_hand = float(np.mean((s2 / 6) / (s2 / 6 + plate)))  # every plate has one row of each of six samples
    np.testing.assert_allclose(table.query("group == 'plate'")["pooled"], by_hand, rtol=1e-10)


def test_binomial_rows_weigh_by_their_information(cbpp: PoolingFits) -> None:
    table = shrinkage(cbpp, why=True).set_index("level")
    assert table["note"].str.contains("working linear model at the posterior mean").all()
    partial = cbpp["partial"]
    herds, posterior = load_data("cbpp"), partial.idata["posterior"]
    here = herds["herd"].astype(str) == "8"
    eta = float(posterior["Intercept"].mean() + posterior["1|herd"].sel(herd__factor_dim="8").mean())
    information = 0.0
    for period, size in zip(herds.loc[here, "period"].astype(str), herds.loc[here, "size"], strict=True):
        shift = 0.0 if period == "1" else float(posterior["period"].sel(period_dim=period).mean())
        p = 1 / (1 + np.exp(-eta - shift))
        information += size * p * (1 - p)
    tau2 = posterior["1|herd_sigma"].to_numpy() ** 2
    assert table.loc["8", "pooled"] == pytest.approx(float(np.mean(1 / (1 + tau2 * information))), rel=1e-9)


def test_uncorrelated_blocks_of_one_factor_are_one_table() -> None:
    """(x||g) has two blocks: one covariance with zeros between them, and names in the data's units."""
    fits = fit_pooling("Reaction ~ Days + (Days||Subject)", load_data("sleepstudy"), seed=1, progress=False)
    level = level_of(fits["partial"], fits["partial"].resolved.written.groups[0])
    assert level is not None and level.labels == ("Intercept", "Days")
    assert (level.covariance[:, 0, 1] == 0).all() and (level.covariance[:, 1, 1] > 0).all()
    assert shrinkage(fits)["pooled"].nunique() == 1  # everybody was measured on the same days


def test_many_groups_thin_the_draws() -> None:
    """3000 groups of 2: half the sort of size that needs thinning, and the answer stays the textbook's."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(3000), 2)
    frame = pd.DataFrame({"g": g, "y": rng.normal(size=3000)[g] + rng.normal(size=6000)})
    fits = fit_pooling("y ~ 1 + (1|g)", frame, seed=1, progress=False)
    level = level_of(fits["partial"], fits["partial"].resolved.written.groups[0])
    assert level is not None and len(level.scale) == 2000
    pooled = level.shares()
    assert float(pooled.mean()) == pytest.approx(1 / 3, abs=0.04)  # sds 1 and 1; s2/2 / (s2/2 + tau2); 4 posterior sds


def test_the_pooled_arm_is_needed(exam: PoolingFits) -> None:
    with pytest.raises(FitError, match="'partial' is missing"):
        shrinkage({"none": exam["none"]})
    with pytest.raises(FitError, match="not on 'none': give fits\\['partial'\\]"):
        level_of(exam["none"], exam["none"].resolved.written.groups[0])
