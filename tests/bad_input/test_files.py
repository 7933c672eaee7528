"""Files of every kind on the command line: status 2 and what to do, or status 0; never a traceback."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hlm.cli import main
from hlm.data.files import read_table
from hlm.errors import DataError

ROWS = [f"{i % 7 + (i // 7) * 2 + (i * 37 % 11) / 5},{i % 7},{'abcdefgh'[i // 7]}" for i in range(56)]
GOOD = "\n".join(["y,x,g", *ROWS]) + "\n"
FORMULA = "y ~ x + (1|g)"
LONG_ROWS = "\n".join(["y,x,g", *[row + ",9" for row in ROWS]])

BAD: dict[str, tuple[bytes, str]] = {
    "empty.csv": (b"", "No columns to parse from file"),
    "blank.csv": (b"\n\n\n", "No columns to parse from file"),
    "utf16.csv": (GOOD.encode("utf-16"), "it is UTF-16. Save it as CSV, UTF-8, and try again."),
    "utf16le.csv": (GOOD.encode("utf-16-le"), "it is no text: it has bytes of 0"),
    "zeros.csv": (bytes(1000), "it is no text: it has bytes of 0"),
    "latin1.csv": (
        GOOD.replace(",a\n", ",\xe9\n").encode("latin-1"),
        "Save it as UTF-8, or read it in Python, pd.read_csv('latin1.csv', encoding='latin-1').",
    ),
    "random.csv": (np.random.default_rng(1).bytes(5000), "it is no text"),
    "gzip.csv": (gzip.compress(GOOD.encode()), "it is compressed (gzip)."),
    "excel.csv": (b"PK\x03\x04 and more", "it is a zip or Excel file."),
    "quote.csv": ((GOOD + '1,2,"a\n').encode(), "EOF inside string starting at row 57"),
    "long row.csv": ((GOOD + "1,2,a,4\n").encode(), "Expected 3 fields in line 58, saw 4"),
    "long rows.csv": (LONG_ROWS.encode(), "has 3 names in its first line, but rows of 4 fields: name every column."),
    "twice.csv": (GOOD.replace("y,x,g", "y,x,x").encode(), "has two columns named 'x': rename one in the first line."),
    "semicolon.csv": (
        GOOD.replace(".", "d").replace(",", ";").replace("d", ",").encode(),
        "is separated by ';', not by commas. Save it with commas, or read it in Python, pd.read_csv('semicolon.csv', "
        "sep=';', decimal=',').",
    ),
    "tab.csv": (GOOD.replace(",", "\t").encode(), "is separated by tabs, not by commas."),
    "tab.tsv": (
        GOOD.replace(",", "\t").encode(),
        "In Python: hlm.fit_pooling(formula, pd.read_csv('tab.tsv', sep='\\t')).",
    ),
    "good.csv.gz": (gzip.compress(GOOD.encode()), "In Python: hlm.fit_pooling(formula, pd.read_csv('good.csv.gz'))."),
    "sheet.xlsx": (b"PK", "is not a .csv or .parquet file, nor a packaged name (exam, "),
    "none": (b"", "There is no packaged data set "),
    "broken.parquet": (b"PAR1 nonsense", "broken.parquet cannot be read as parquet: "),
    "empty.parquet": (b"", "empty.parquet cannot be read as parquet: "),
    "header.csv": (b"y,x,g\n", "The data have no rows."),
    "infinite.csv": (GOOD.replace("0.0,0,a", "inf,0,a").encode(), "Column 'y' is inf in row 0 (counting from 0)"),
    "one text.csv": (GOOD.replace("0.0,0,a", "n/a?,0,a").encode(), "but not 'n/a?' (row 0, counting from 0)."),
    "thousands.csv": (GOOD.replace("0.0,0,a", '"1,000",0,a').encode(), "but not '1,000' (row 0, counting from 0)."),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_told(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    assert main(["compare", FORMULA, str(tmp_path / name), "--quiet"]) == 2
    printed = capsys.readouterr()
    assert message in printed.err and "Traceback" not in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.rstrip().encode(),
    ],
    ids=["plain", "byte order mark", "Windows", "old Mac", "no last newline"],
)
def test_good_files_are_the_same_table(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "good.CSV").write_bytes(content)
    found = read_table(str(tmp_path / "good.CSV"))
    assert found.columns.tolist() == ["y", "x", "g"]
    assert found["y"].tolist() == [float(row.split(",")[0]) for row in ROWS]
    assert found["g"].tolist() == [row.split(",")[2] for row in ROWS]


def test_a_newline_in_quotes_is_part_of_a_label(tmp_path: Path) -> None:
    (tmp_path / "quoted.csv").write_text(GOOD.replace(",a\n", ',"a\nb"\n'))
    assert read_table(str(tmp_path / "quoted.csv"))["g"].iloc[0] == "a\nb"


def test_what_is_no_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "mine.csv").write_text(GOOD)
    for name, message in (
        ("folder.csv", "is a folder: name the file in it."),
        ("min.csv", "Did you mean 'mine.csv'? There is: mine.csv."),
        ("a" * 5000 + ".csv", "File name too long."),
    ):
        with pytest.raises(DataError) as caught:
            read_table(str(tmp_path / name))
        assert message in str(caught.value)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)  # the tests may run as root, whom nothing is denied
    with pytest.raises(DataError, match=r"^mine.csv cannot be read: Permission denied\.$"):
        read_table(str(tmp_path / "mine.csv"))


def test_a_seed_is_not_rounded(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", FORMULA, "exam", "--seed", "1.5"]) == 2
    assert "'1.5' is no whole number" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error() -> None:
    """``hlm data | head -0``: the reader is gone before the first line."""
    code = "import sys, os; os.close(1); r, w = os.pipe(); os.close(r); os.dup2(w, 1); sys.argv = ['hlm', 'data']; import hlm.__main__; hlm.__main__.run()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
