"""Formats find their files by content, and anybody may bring one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.run.resolve import resolve_run
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader, find_format
from ptycho.settings.registries import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions


def read_drawer(file: ScanFile, _options: ScanOptions) -> ScanContents:
    """Read the dummy's layout: everything in one drawer."""
    table = file.read("positions")
    arrays = {"diff3d": file.frames("drawer"), "xcoords": table[:, 1], "ycoords": table[:, 0]}
    return ScanContents(arrays | {"probeGuess": file.read("beam")}, "drawer", quantity="counts")


@pytest.fixture
def drawer() -> Iterator[ScanFormat]:
    """Register a format for one test."""
    added = ScanFormat(
        name="drawer",
        layout="an NPZ file with 'drawer', 'positions' and 'beam'",
        recognise=lambda file: "drawer" in file.keys,
        read=read_drawer,
        header=lambda file: ScanHeader(file.keys, "beam", file.shape("beam")),
    )
    yield FORMATS.add("drawer", added)
    FORMATS.remove("drawer")


def drawer_arrays(scan: RawData) -> dict[str, Any]:
    """Lay a scan out in the dummy's way."""
    positions = np.stack([scan.ycoords, scan.xcoords], axis=1)
    return {"drawer": scan.diff3d, "positions": positions, "beam": scan.probeGuess}


def test_every_built_in_format_has_its_own_name() -> None:
    """A format's module, its entry and its name are one word, and each says what a file of it holds."""
    assert {name: FORMATS[name].name for name in FORMATS} == {name: name for name in FORMATS}
    assert all(FORMATS[name].layout for name in FORMATS)


def test_a_format_brought_along_is_read(jail: Path, tiny_scan: RawData, drawer: ScanFormat) -> None:
    """A format added at run time serves the settings of a TOML file and the reading of the scan."""
    path = npz.write("scan.npz", drawer_arrays(tiny_scan))
    Path("run.toml").write_text('training.train_data_file = "scan.npz"\ntraining.n_groups = 12\n')
    resolution = resolve_run("train", files=["run.toml"])
    assert resolution["model.N"] == 64
    assert "beam (64, 64)" in str(resolution.trace("model.N").winner.origin)
    scan = RawData.from_file(path)
    np.testing.assert_array_equal(scan.diff3d, tiny_scan.diff3d)
    np.testing.assert_array_equal(scan.xcoords, tiny_scan.xcoords)


def test_without_the_format_its_file_is_refused(jail: Path, tiny_scan: RawData) -> None:
    """What one format alone understands is refused once that format is gone."""
    with pytest.raises(ScanError, match="holds no diffraction frames"):
        RawData.from_file(npz.write("scan.npz", drawer_arrays(tiny_scan)))


def test_two_formats_for_one_file_are_refused(jail: Path, tiny_scan: RawData, drawer: ScanFormat) -> None:
    """A file that two formats recognise is not read by a guess."""
    both = {
        **drawer_arrays(tiny_scan),
        "data": np.ones((1, 2, 4, 4)),
        "scan": np.ones((1, 2, 2)),
        "probe": 1,
    }
    with pytest.raises(ScanError) as caught:
        RawData.from_file(npz.write("scan.npz", both))
    assert str(caught.value) == (
        "scan.npz looks like more than one scan format: tike, drawer\n"
        "  expected  a file that one format alone recognises"
    )


@pytest.mark.parametrize(
    ("content", "kind"), [(b"%PDF-1.7", "a PDF document"), (b"\x00\x01", "of no kind that is known")]
)
def test_an_unknown_file_says_what_it_is(jail: Path, content: bytes, kind: str) -> None:
    """A file that is no scan is named by its first bytes, with the formats that would do."""
    Path("scan.npz").write_bytes(content)
    with pytest.raises(ScanError) as caught:
        find_format(open_scan("scan.npz"))
    first, second = str(caught.value).split("\n")[:2]
    assert first == f"scan.npz is no scan file: it is {kind}"
    assert re.fullmatch(r"  expected  (\w+, )*\w+: `ptycho formats` says what each holds", second)
    assert " npz," in second
