"""The packaged data are what data/README.md says they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hlm.data import packaged_sets as datasets
from hlm.data.packaged_sets import list_data, load_data
from hlm.errors import DataError

ROOT = Path(__file__).parents[2]
NAMES = ["exam", "sleepstudy", "radon", "pastes", "penicillin", "cbpp"]


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return {name: load_data(name) for name in NAMES}


def _per_group(frame: pd.DataFrame, group: str, column: str, how: str) -> pd.Series:
    return frame.groupby(group, observed=True)[column].agg(how)


def _slopes(frame: pd.DataFrame, group: str, x: str, y: str) -> pd.Series:
    """Least-squares slope per group, from the textbook ratio of sums."""
    dx = frame[x] - frame.groupby(group, observed=True)[x].transform("mean")
    dy = frame[y] - frame.groupby(group, observed=True)[y].transform("mean")
    sums = pd.DataFrame({"xy": dx * dy, "xx": dx * dx}).groupby(frame[group], observed=True).sum()
    return (sums["xy"] / sums["xx"]).rename("slope")


# ---------------------------------------------------------------- loading


@pytest.mark.parametrize(
    ("name", "shape", "levels", "numeric"),
    [
        (
            "exam",
            (4059, 10),
            {"school": 65, "student": 650, "sex": 2, "schgend": 3, "vr": 3, "intake": 3, "type": 2},
            ["post", "pre", "schavg"],
        ),
        ("sleepstudy", (180, 3), {"Subject": 18}, ["Reaction", "Days"]),
        ("radon", (919, 4), {"county": 85}, ["floor", "log_radon", "log_uranium"]),
        ("pastes", (60, 4), {"batch": 10, "cask": 3, "sample": 30}, ["strength"]),
        ("penicillin", (144, 3), {"plate": 24, "sample": 6}, ["diameter"]),
        ("cbpp", (56, 4), {"herd": 15, "period": 4}, ["incidence", "size"]),
    ],
)
def test_shape_types_and_levels(frames, name, shape, levels, numeric):
    frame = frames[name]
    assert frame.shape == shape
    assert not frame.isna().any().any()
    categories = frame.select_dtypes("category")
    assert {column: categories[column].cat.categories.size for column in categories} == levels
    assert frame.select_dtypes("number").columns.tolist() == numeric
    for column in categories:
        labels = frame[column].cat.categories
        assert all(type(label) is str for label in labels)
        assert set(labels) == set(frame[column])  # no empty level
        assert not frame[column].cat.ordered


@pytest.mark.parametrize("name", NAMES)
def test_the_values_are_those_of_the_file_in_its_row_order(frames, name):
    raw = pd.read_csv(ROOT / "hlm" / "data" / "sets" / f"{name}.csv", dtype=str)
    for column in raw:
        if isinstance(frames[name][column].dtype, pd.CategoricalDtype):
            assert frames[name][column].tolist() == raw[column].tolist()
        else:
            assert frames[name][column].tolist() == raw[column].astype(float).tolist()


@pytest.mark.parametrize(
    ("name", "column", "expected"),
    [
        ("exam", "school", [str(k) for k in range(1, 66)]),
        ("exam", "schgend", ["boys", "girls", "mixed"]),
        ("cbpp", "herd", [str(k) for k in range(1, 16)]),
        ("cbpp", "period", ["1", "2", "3", "4"]),
        ("pastes", "batch", list("ABCDEFGHIJ")),
        ("penicillin", "plate", list("abcdefghijklmnopqrstuvwx")),
    ],
)
def test_categories_are_numeric_for_integers_and_alphabetical_for_text(frames, name, column, expected):
    assert frames[name][column].cat.categories.tolist() == expected


def test_county_is_alphabetical_although_the_file_is_not(frames):
    counties = frames["radon"]["county"]
    assert counties.cat.categories[[0, -1]].tolist() == ["AITKIN", "YELLOWMEDICINE"]
    in_the_file = counties.drop_duplicates().tolist()
    assert in_the_file.index("MCLEOD") < in_the_file.index("MAHNOMEN")
    assert counties.cat.categories.tolist() == sorted(in_the_file)


def test_every_call_gives_a_fresh_frame():
    first = load_data("pastes")
    first.loc[0, "strength"] = -1.0
    assert load_data("pastes").loc[0, "strength"] == 62.8


# ---------------------------------------------------------------- the table


def test_list_data_agrees_with_the_files(frames):
    table = list_data()
    assert table.columns.tolist() == ["name", "rows", "groups", "story", "source"]
    assert table["name"].tolist() == NAMES
    for row in table.itertuples():
        frame = frames[row.name]
        assert row.rows == len(frame)
        groups = re.findall(r"(\w+) \((\d+)\)", row.groups)
        assert ", ".join(f"{factor} ({size})" for factor, size in groups) == row.groups
        assert {factor: frame[factor].nunique() for factor, _ in groups} == {f: int(size) for f, size in groups}
        assert row.story.endswith("?")
        assert re.search(r"\(\d{4}\)", row.source)


def test_the_readme_has_a_section_per_file_with_rows_columns_and_trap(frames):
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert sorted(path.stem for path in (ROOT / "hlm" / "data" / "sets").glob("*.csv")) == sorted(NAMES)
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))
    assert list(sections) == NAMES
    for name, section in sections.items():
        assert f"**Rows:** {len(frames[name])}" in section
        assert re.findall(r"^\| `(\w+)` \|", section, re.M) == frames[name].columns.tolist()
        for label in ("**Source:**", "**Licence:**", "**Citation:**", "**The trap"):
            assert label in section


def test_the_table_of_data_sets_is_frozen():
    with pytest.raises(TypeError):
        datasets._DATASETS[0][1] = 0


# ---------------------------------------------------------------- errors and places


@pytest.mark.parametrize(
    ("name", "hint"),
    [("exams", "Did you mean 'exam'? "), ("Radon", "Did you mean 'radon'? "), ("iris", ""), ("../data/exam", None)],
)
def test_an_unknown_name_is_shown_with_the_nearest_and_the_list(name, hint):
    with pytest.raises(DataError) as caught:
        load_data(name)
    message = str(caught.value)
    assert message.startswith(f"There is no packaged data set {name!r}. ")
    assert message.endswith("There are: exam, sleepstudy, radon, pastes, penicillin, cbpp.")
    if hint is not None:
        assert message.startswith(f"There is no packaged data set {name!r}. {hint}There are:")


def test_a_name_that_is_not_text_is_an_unknown_name():
    with pytest.raises(DataError, match=r"^There is no packaged data set 3\. There are: exam"):
        load_data(3)


def test_a_lost_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "packaged_sets.py"))
    with pytest.raises(DataError) as caught:
        load_data("exam")
    assert (
        str(caught.value) == f"The file of 'exam' is missing: no {tmp_path / 'sets' / 'exam.csv'}. Install hlm again."
    )


def test_importing_the_module_does_not_import_pandas():
    code = "import sys, hlm.data.packaged_sets; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# ---------------------------------------------------------------- exam


def test_exam_student_ids_repeat_across_schools_and_four_times_within_one(frames):
    exam = frames["exam"]
    schools = exam.groupby("student", observed=True)["school"].nunique()
    assert (len(schools), (schools > 1).sum(), schools.max()) == (650, 322, 34)
    rows = exam.groupby(["school", "student"], observed=True).size()
    assert (len(rows), rows.max()) == (4055, 2)
    assert rows[rows == 2].index.tolist() == [("43", "86"), ("50", "39"), ("52", "2"), ("52", "21")]


def test_exam_scores_are_standardised(frames):
    exam = frames["exam"]
    # The README gives four decimals.
    assert exam["post"].agg(["mean", "std"]).tolist() == pytest.approx([-0.0001, 0.9989], abs=5e-5)
    assert exam["pre"].agg(["mean", "std"]).tolist() == pytest.approx([0.0018, 0.9932], abs=5e-5)
    assert (exam["post"].nunique(), exam["pre"].nunique()) == (71, 70)


def test_exam_school_sizes(frames):
    sizes = frames["exam"]["school"].value_counts()
    assert sizes[["48", "54", "37", "14"]].tolist() == [2, 8, 22, 198]
    assert sizes.nsmallest(3).index.tolist() == ["48", "54", "37"]
    assert sizes.idxmax() == "14"


def test_exam_extreme_least_squares_slopes(frames):
    slopes = _slopes(frames["exam"], "school", "pre", "post").sort_values()
    assert slopes.index[:2].tolist() == ["48", "54"]
    assert slopes["48"] == pytest.approx(-6.9015, abs=1e-4)  # R 4.2.2, four decimals
    assert slopes["54"] == pytest.approx(0.0381, abs=1e-4)
    # A second route: numpy's own straight-line fit.
    school = frames["exam"].query("school == '54'")
    assert slopes["54"] == pytest.approx(np.polyfit(school["pre"], school["post"], 1)[0], abs=1e-10)


def test_exam_columns_that_are_constant_within_a_school(frames):
    exam = frames["exam"]
    levels = exam.groupby("school", observed=True).nunique()
    assert levels[["schgend", "schavg", "vr", "type"]].max().tolist() == [1, 1, 1, 1]
    means = exam.groupby("school", observed=True)["pre"].mean()
    # schavg has seven decimals, each value of pre too
    assert (_per_group(exam, "school", "schavg", "first") - means).abs().max() < 1e-6


def test_exam_type_says_again_what_schgend_says(frames):
    exam = frames["exam"]
    assert ((exam["type"] == "Mxd") == (exam["schgend"] == "mixed")).all()
    assert pd.crosstab(exam["schgend"], exam["sex"]).to_dict("index") == {
        "boys": {"F": 0, "M": 513},
        "girls": {"F": 1377, "M": 0},
        "mixed": {"F": 1059, "M": 1110},
    }
    first = exam.drop_duplicates("school")["schgend"].value_counts()
    assert first[["boys", "girls", "mixed"]].tolist() == [10, 20, 35]


def test_exam_intake_bands_are_labelled_upside_down(frames):
    means = _per_group(frames["exam"], "intake", "pre", "mean")
    assert means[["bottom 25%", "mid 50%", "top 25%"]].tolist() == pytest.approx([0.917, -0.151, -1.330], abs=5e-4)
    posts = _per_group(frames["exam"], "intake", "post", "mean")
    assert posts[["bottom 25%", "mid 50%", "top 25%"]].tolist() == pytest.approx([0.736, -0.142, -0.990], abs=5e-4)


def test_exam_vr_is_a_band_of_the_school_average(frames):
    ranges = frames["exam"].groupby("vr", observed=True)["schavg"].agg(["min", "max"])
    assert ranges.loc["bottom 25%", "max"] < ranges.loc["mid 50%", "min"]
    assert ranges.loc["mid 50%", "max"] < ranges.loc["top 25%", "min"]
    schools = frames["exam"].drop_duplicates("school")["vr"].value_counts()
    assert schools[["bottom 25%", "mid 50%", "top 25%"]].tolist() == [14, 33, 18]


# ---------------------------------------------------------------- the other five


def test_sleepstudy_is_balanced_and_its_ids_are_gappy_labels(frames):
    sleep = frames["sleepstudy"]
    assert (pd.crosstab(sleep["Subject"], sleep["Days"]) == 1).to_numpy().all()
    assert sorted(set(sleep["Days"])) == list(range(10))
    assert sleep["Subject"].cat.categories[[0, 2, 3, -1]].tolist() == ["308", "310", "330", "372"]
    assert (sleep["Days"] >= 2).sum() == 144


def test_sleepstudy_slopes_differ_in_sign(frames):
    slopes = _slopes(frames["sleepstudy"], "Subject", "Days", "Reaction").sort_values()
    assert slopes.index[[0, -1]].tolist() == ["335", "308"]
    assert slopes.iloc[[0, -1]].tolist() == pytest.approx([-2.88, 21.76], abs=5e-3)  # README: two decimals
    assert (slopes < 0).sum() == 1


def test_radon_uranium_is_one_number_per_county(frames):
    assert _per_group(frames["radon"], "county", "log_uranium", "nunique").max() == 1
    assert frames["radon"]["log_uranium"].nunique() == 85


def test_radon_counties_without_a_slope(frames):
    homes = frames["radon"].groupby("county", observed=True)["floor"].agg(["size", "sum", "nunique"])
    flat = homes[homes["nunique"] == 1]
    assert (len(flat), flat["sum"].max(), (flat["size"] == 1).sum()) == (25, 0, 3)
    assert (homes["sum"] == 1).sum() == 25
    assert frames["radon"]["floor"].value_counts().to_dict() == {0: 766, 1: 153}
    assert (homes["size"].min(), homes["size"].median(), homes["size"].max()) == (1, 5, 116)
    assert homes["size"].idxmax() == "STLOUIS"


def test_radon_is_the_log_of_the_measurement_plus_a_tenth(frames):
    radon = frames["radon"]
    tenths = 10 * np.exp(radon["log_radon"])
    assert (tenths - tenths.round()).abs().max() < 1e-9  # the instrument gave one decimal
    lowest = radon[np.isclose(radon["log_radon"], np.log(0.1), atol=1e-12)]
    assert sorted(lowest["county"]) == ["CARVER", "COTTONWOOD", "MCLEOD"]
    assert lowest["floor"].tolist() == [1, 1, 1]
    assert (radon["log_radon"] >= np.log(0.1) - 1e-12).all()
    assert radon["log_radon"].mean() - np.log(0.1) > 4 * radon["log_radon"].std()
    assert radon.duplicated().sum() == 149


def test_pastes_cask_letters_repeat_in_every_batch(frames):
    pastes = frames["pastes"]
    assert (pastes.groupby("cask", observed=True)["batch"].nunique() == 10).all()
    assert (pastes["sample"].astype(str) == pastes["batch"].astype(str) + ":" + pastes["cask"].astype(str)).all()
    assert (pastes["sample"].value_counts() == 2).all()


def test_penicillin_is_fully_crossed_with_one_row_a_cell(frames):
    cells = pd.crosstab(frames["penicillin"]["plate"], frames["penicillin"]["sample"])
    assert cells.shape == (24, 6)
    assert (cells == 1).to_numpy().all()
    assert (frames["penicillin"]["diameter"].min(), frames["penicillin"]["diameter"].max()) == (18, 27)


def test_cbpp_counts_are_out_of_size(frames):
    cbpp = frames["cbpp"]
    assert (cbpp["incidence"] <= cbpp["size"]).all()
    assert (cbpp["incidence"].sum(), cbpp["size"].sum(), (cbpp["incidence"] == 0).sum()) == (99, 842, 22)
    assert (cbpp["size"].min(), cbpp["size"].max()) == (2, 34)
    totals = cbpp.groupby("period", observed=True)[["incidence", "size"]].sum()
    shares = (100 * totals["incidence"] / totals["size"]).round(1)
    assert shares.to_dict() == {"1": 21.9, "2": 8.0, "3": 7.1, "4": 4.5}


def test_cbpp_herds_that_lack_periods(frames):
    periods = frames["cbpp"].groupby("herd", observed=True)["period"].agg(list)
    assert periods["2"] == ["1", "2", "3"]
    assert periods["8"] == ["1"]
    assert (periods.drop(["2", "8"]).map(len) == 4).all()
    assert len(periods.drop(["2", "8"])) == 13
