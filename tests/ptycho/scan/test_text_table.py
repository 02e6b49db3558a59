"""Tables of positions as beamlines, spreadsheets and laboratory programs write them are read alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.files.text import encoding_of
from ptycho.scan.position_columns import choose_columns
from ptycho.scan.text_table import parse_table

NAMES = (
    ("x_um", "y_um"), ("X [µm]", "Y [µm]"), ("SampleX (um)", "SampleY (um)"), ("col_um", "row_um"),
    ("samx/um", "samy/um"), ("x_rbv_um", "y_rbv_um"),
)  # fmt: skip
WORKS = st.fixed_dictionaries(
    {
        "names": st.sampled_from(NAMES),
        "mark": st.sampled_from(["", "# ", "% "]),
        "separator": st.sampled_from([";", "\t", ",", " "]),
        "comma": st.booleans(),
        "quotes": st.booleans(),
        "before": st.lists(st.sampled_from(["index", "time", "asked", "word"]), max_size=3, unique=True),
        "behind": st.sampled_from(["", "z", "counter"]),
        "turned": st.booleans(),
        "title": st.booleans(),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
        "end": st.sampled_from(["\n", "\r\n"]),
    }
)


def written(positions: np.ndarray, how: dict) -> bytes:
    """Write positions as a program would that has these habits."""
    columns: dict[str, list[str]] = {}
    for extra in how["before"]:
        columns |= {
            "index": {"point": [str(row) for row in range(len(positions))]},
            "time": {"epoch": [f"{1.7e9 + row:.1f}" for row in range(len(positions))]},
            "asked": {
                "x_set_um": [f"{value:.0f}.0" for value in positions[:, 0]],
                "y_set_um": [f"{value:.0f}.0" for value in positions[:, 1]],
            },
            "word": {"when": [f"2026-11-29T13:00:{row:02d}" for row in range(len(positions))]},
        }[extra]
    axes = zip(how["names"], positions.T, strict=True)
    pair = {name: [f"{value:.5f}" for value in values] for name, values in axes}
    columns |= dict(reversed(pair.items())) if how["turned"] else pair
    if how["behind"]:
        columns[how["behind"]] = ["17.5"] * len(positions)
    separator = how["separator"]
    wide = "  " if separator == " " else separator
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    if how["comma"] and separator != ",":
        rows = [[cell.replace(".", ",") for cell in row] for row in rows]
    quote = '"' if how["quotes"] else ""
    lines = [
        how["mark"] + wide.join(columns),
        *(separator.join(f"{quote}{cell}{quote}" for cell in row) for row in rows),
    ]
    if how["title"]:
        lines.insert(0, "# positions of a gold star")
    return how["end"].join([*lines, ""]).encode(how["encoding"])


@given(how=WORKS, seed=st.integers(0, 99))
def test_every_habit_gives_the_same_positions(how: dict, seed: int) -> None:
    """Separators, decimal commas, quotes, encodings, further columns and their order change nothing."""
    positions = np.random.default_rng(seed).uniform(-9, 9, (20, 2)).round(5)
    content = written(positions, how)
    encoding = encoding_of(content, whole=True)
    table = parse_table(content.decode(encoding), Path("p.csv"))
    chosen = choose_columns(table, "p.csv")
    np.testing.assert_allclose(np.stack([chosen.x, chosen.y], axis=1), positions)
    assert chosen.unit == "um"
    if "asked" in how["before"] and "rbv" in how["names"][0]:
        assert "the measured ones" in chosen.note
        assert 'data.positions = "p.csv:x_set_um,y_set_um"' in chosen.note


@given(rows=st.integers(4, 40), start=st.integers(0, 5), named=st.booleans())
def test_a_column_that_numbers_rows_is_none(rows: int, start: int, named: bool) -> None:
    """Frame numbers before x and y are skipped, with or without names, and that is said."""
    xy = np.random.default_rng(rows).uniform(-9, 9, (rows, 2)).round(4)
    text = "\n".join(f"{start + row} {x} {y}" for row, (x, y) in enumerate(xy))
    chosen = choose_columns(parse_table(("# n a b\n" if named else "") + text, Path("p.txt")), "p.txt")
    np.testing.assert_allclose(np.stack([chosen.x, chosen.y], axis=1), xy)
    assert "column 1 numbers the rows" in chosen.note


@given(count=st.integers(4, 50), separator=st.sampled_from([" ", ",", ";", "\t"]))
def test_a_line_for_each_axis_is_turned(count: int, separator: str) -> None:
    """Two long lines are x and y of all frames, and that is said."""
    xy = np.random.default_rng(count).normal(size=(2, count)).round(6)
    text = "\n".join(separator.join(map(str, line)) for line in xy)
    chosen = choose_columns(parse_table(text, Path("p.txt")), "p.txt")
    np.testing.assert_array_equal([chosen.x, chosen.y], xy)
    assert f"one row of {count} numbers for each axis" in chosen.note


def test_columns_are_named_by_a_setting() -> None:
    """Names with or without their unit, and numbers, choose columns; one that is not there is refused."""
    table = parse_table("t,a_mm,b_mm\n1,2,3\n2,5,7\n4,6,6\n", Path("p.csv"))
    for wanted in (["a", "b"], ["a_mm", "B_MM"], ["2", "3"]):
        chosen = choose_columns(table, "p.csv", wanted)
        np.testing.assert_array_equal(chosen.y, [3, 7, 6])
        assert chosen.unit == "mm"
    with pytest.raises(
        ScanError, match=r"there is no column 'c' in p\.csv\n(.|\n)*known here +t, a_mm, b_mm\n"
    ):
        choose_columns(table, "p.csv", ["a", "c"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x_um,y_um\n-0,823,0,114\n0,5,1,2\n", "these look like decimal commas"),
        ("#S 1 mesh\n#L samx  samy\n1 2\n3 4\n#S 2 mesh\n#L samx  samy\n1 2\n", "holds 2 scans of SPEC"),
        ('{"x": [1, 2, 3], "y": [1, 2, 3]}', "holds no table"),
        ("1,2\n3,4\n5\n", "line 3 has 1 columns, and most have 2"),
    ],
)
def test_what_cannot_be_told_is_refused(text: str, told: str) -> None:
    """Commas of two meanings, several scans, other kinds of text and ragged rows are each one clear error."""
    with pytest.raises(ScanError, match=told):
        parse_table(text, Path("p.csv"))


def test_units_stand_in_names_or_a_line_of_their_own() -> None:
    """A row of units below the names, a comment, and different units of x and y are understood."""
    for text in ("x,y\nmm,mm\n1,2\n3,4\n5,3\n", "# units: mm\n# x y\n1 2\n3 4\n5 3\n"):
        assert choose_columns(parse_table(text, Path("p")), "p").unit == "mm"
    mixed = choose_columns(parse_table("x_mm,y_um\n1,2\n3,4\n5,3\n", Path("p")), "p")
    np.testing.assert_allclose([mixed.x[0], mixed.y[0]], [1e-3, 2e-6])
    assert mixed.unit == "m"


@given(content=st.binary(min_size=1, max_size=200))
def test_the_encoding_of_any_bytes_can_be_decoded(content: bytes) -> None:
    """Whatever encoding is told decodes the bytes; bytes with control characters are no text."""
    name = encoding_of(content, whole=True)
    if name:
        content.decode(name)
    elif b"\x00" not in content and content.isascii():
        assert any((byte < 32 and byte not in b"\t\r\n\f") or byte == 127 for byte in content)


def test_long_lines_are_read_whatever_separates_them() -> None:
    """Lines of a hundred thousand numbers are a table; as many letters within quotes are refused as none."""
    xy = np.arange(2e5).reshape(2, -1)
    for separator in (" ", ";", "\t"):
        text = "\n".join(separator.join(map(str, line)) for line in xy)
        np.testing.assert_array_equal(parse_table(text, Path("p.txt")).values.T, xy)
    with pytest.raises(ScanError, match="holds no table"):
        parse_table('"' + "x" * 200_000 + '"\n' * 3, Path("p.csv"))
