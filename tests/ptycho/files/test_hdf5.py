"""HDF5 files: links, filters, parts and numbers, each missing one named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import hdf5plugin
import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files.hdf5 import Hdf5File

if TYPE_CHECKING:
    from collections.abc import Callable


def write(path: Path, **arrays: Any) -> Path:
    """Write datasets by key; two underscores are a stroke."""
    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[key.replace("__", "/")] = array
    return path


@pytest.mark.parametrize(
    "compression",
    [hdf5plugin.Bitshuffle(cname="lz4"), hdf5plugin.LZ4(), hdf5plugin.Blosc(), hdf5plugin.Zstd()],
    ids=lambda compression: type(compression).__name__,
)
def test_the_filters_of_detectors_are_read(tmp_path: Path, compression: Any) -> None:
    """Datasets that detectors and beamlines compress come back unchanged."""
    frames = np.random.default_rng(0).integers(0, 99, (5, 16, 16)).astype(np.uint32)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=frames, chunks=(1, 16, 16), **compression)
    with Hdf5File(tmp_path / "a.h5") as file:
        np.testing.assert_array_equal(file.read("data"), frames)


def test_a_missing_filter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dataset whose filter is not installed names the filter and what to install."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=np.ones((4, 8)), chunks=(1, 8), **hdf5plugin.Bitshuffle())
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda _number: False)
    with pytest.raises(ScanError) as caught:
        Hdf5File(tmp_path / "a.h5").read("data")
    assert str(caught.value) == (
        f"'data' in {tmp_path / 'a.h5'} is compressed with the filter bitshuffle, "
        "which is not installed here\n"
        "  expected  the HDF5 filters of the field's detectors\n"
        "  try       pip install hdf5plugin"
    )


def test_no_hdf5_file_is_refused(tmp_path: Path) -> None:
    """A file of another kind is refused by its name."""
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ScanError, match=r"a\.h5 cannot be opened as an HDF5 file"):
        Hdf5File(tmp_path / "a.h5")


def test_keys_are_listed_through_links(tmp_path: Path) -> None:
    """All datasets are listed, through groups and soft links; links to other files are not followed."""
    path = write(tmp_path / "a.h5", a=1, g__b=np.ones((2, 3)))
    with h5py.File(path, "a") as file:
        file["g/soft"], file["far"] = h5py.SoftLink("/a"), h5py.ExternalLink("no.h5", "/x")
        file["circle/again"] = h5py.SoftLink("/circle")
    with Hdf5File(path) as file:
        assert set(file.keys) == {"a", "g/b", "g/soft", "far"}
        assert file.shown_keys() == "a (), far in no.h5, g/b (2, 3), g/soft ()"
        assert file.members("g") == ("b", "soft")
        assert file.first("no", "g/b", "a") == "g/b"


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda file: file.read("no"), "there is no 'no' in a.h5\n  known here  a (2,), g/b ()"),
        (lambda file: file.read("g"), "'g' in a.h5 is a group, not a dataset\n  known here  g/b"),
        (
            lambda file: file.number("a"),
            "'a' in a.h5 is an array of int64 with shape (2,)\n  expected  one number",
        ),
    ],
)
def test_what_is_not_there_is_named(jail: Path, ask: Callable[[Hdf5File], Any], text: str) -> None:
    """Every refusal names file and key, what is there and what is expected."""
    write(Path("a.h5"), a=[1, 2], g__b=3)
    with Hdf5File("a.h5") as file, pytest.raises(ScanError) as caught:
        ask(file)
    assert str(caught.value) == text


def test_complex_numbers_of_matlab_are_read(tmp_path: Path) -> None:
    """A pair of real and imaginary part is one complex number, as MATLAB writes it."""
    pairs = np.zeros(3, dtype=[("real", "<f8"), ("imag", "<f8")])
    pairs["imag"] = 2.0
    path = write(tmp_path / "a.h5", a=pairs)
    np.testing.assert_array_equal(Hdf5File(path).read("a"), [2j, 2j, 2j])


def test_numbers_and_texts_are_read(tmp_path: Path) -> None:
    """A number may stand in an array of length 1, a text may be bytes; a missing key is None or ""."""
    path = write(tmp_path / "a.h5", n=[[2.5]], t=b"NXptycho", u="mm")
    with h5py.File(path, "a") as file:
        file["n"].attrs["units"] = np.bytes_(b"mm")
    with Hdf5File(path) as file:
        assert (file.number("n"), file.number("m")) == (2.5, None)
        assert (file.text("t"), file.text("u"), file.text("v")) == ("NXptycho", "mm", "")
        assert (file.attribute("n", "units"), file.attribute("n", "x")) == ("mm", None)


@pytest.mark.parametrize(
    ("part", "there"),
    [({}, "'frames' in part.h5 is not there"), ({"frames": np.ones((2, 4, 4))}, "has shape (2, 4, 4)")],
)
def test_a_part_that_is_too_short_is_named(jail: Path, part: dict[str, Any], there: str) -> None:
    """A virtual dataset over a file that lacks some of its frames would read as zeros: it is refused."""
    write(Path("part.h5"), other=1, **part)
    layout = h5py.VirtualLayout((3, 4, 4), np.float64)
    layout[:] = h5py.VirtualSource("part.h5", "frames", (3, 4, 4))
    with h5py.File("a.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    with Hdf5File("a.h5") as file, pytest.raises(ScanError) as caught:
        file.read("data")
    assert there in str(caught.value)
    assert "expected  (3, 4, 4) or more; what lacks would read as zeros" in str(caught.value)


def test_parts_within_the_file_are_read(jail: Path) -> None:
    """A virtual dataset over datasets of the same file is as good as they are."""
    layout = h5py.VirtualLayout((2, 3), np.float64)
    layout[0], layout[1] = (h5py.VirtualSource(".", name, (3,)) for name in "ab")
    with h5py.File("a.h5", "w") as file:
        file["a"], file["b"] = np.ones(3), np.full(3, 2.0)
        file.create_virtual_dataset("both", layout)
    with Hdf5File("a.h5") as file:
        np.testing.assert_array_equal(file.read("both"), [[1, 1, 1], [2, 2, 2]])
