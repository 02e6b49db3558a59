"""Arrays inside NPZ files: header-only looks, mapping in place, whole files or nothing."""

from __future__ import annotations

import io
import pickle
import resource
import zipfile
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.files.pickled_text import read_pickled_text

ARRAYS = hnp.arrays(
    st.sampled_from(["<f4", "<f8", "<u2", "<i8", "<c8", "|b1", "|u1", ">f4"]),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    elements={"allow_nan": False},
)


@given(array=ARRAYS, fortran=st.booleans(), compressed=st.booleans())
def test_every_array_comes_back(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray, fortran: bool, compressed: bool
) -> None:
    """What is written is read, mapped and described alike, for every dtype, rank, order and compression."""
    path = tmp_path_factory.mktemp("npz") / "a.npz"
    array = np.asfortranarray(array) if fortran else array
    npz.write(path, {"a": array}, compressed=compressed)
    shape, dtype, order = npz.npz_header(path, "a")
    assert (shape, dtype) == (array.shape, array.dtype)
    assert order == (array.flags.f_contiguous and not array.flags.c_contiguous)
    for read in (npz.read_array, npz.map_array):
        np.testing.assert_array_equal(read(path, "a"), array)
    np.testing.assert_array_equal(np.load(path)["a"], array)


def test_stored_arrays_are_mapped_in_place(tmp_path: Path) -> None:
    """An uncompressed member is a view of the file; a compressed one is read into memory."""
    array = np.arange(600.0).reshape(10, 6, 10)
    stored = npz.write(tmp_path / "stored", {"first": np.ones(3), "a": array}, compressed=False)
    packed = npz.write(tmp_path / "packed", {"a": array})
    assert isinstance(npz.map_array(stored, "a"), np.memmap)
    assert not npz.map_array(stored, "a").flags.writeable
    assert not isinstance(npz.map_array(packed, "a"), np.memmap)
    np.savez(tmp_path / "numpy.npz", first=np.ones(3), a=array)
    np.testing.assert_array_equal(npz.map_array(tmp_path / "numpy.npz", "a"), array)


def test_header_needs_none_of_the_array(tmp_path: Path) -> None:
    """The header of a 4 GB array is read although most of the array is not there; mapping it is refused."""
    path = tmp_path / "huge.npz"
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": (2**30,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", content.getvalue() + bytes(2**20))
    assert npz.npz_header(path, "a") == ((2**30,), np.dtype(np.float32), False)
    with pytest.raises(ScanError, match="bytes are missing"):
        npz.map_array(path, "a")


def test_only_the_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a header reads a bounded number of bytes, however large the array."""
    path = npz.write(tmp_path / "a", {"a": np.random.default_rng(0).random(400_000)})
    read: list[int] = []

    class Counted(io.FileIO):
        def read(self, size: int = -1) -> bytes:  # type: ignore[override]
            got = super().read(size)
            read.append(len(got))
            return got

    monkeypatch.setattr(Path, "open", lambda self, _mode: Counted(self))
    npz.npz_header(path, "a")
    assert 0 < sum(read) < 100_000


def test_equal_arrays_make_equal_files(tmp_path: Path) -> None:
    """Files hold no date: the same arrays give the same bytes."""
    one, two = (npz.write(tmp_path / name, {"a": np.arange(5)}) for name in "ab")
    assert one.read_bytes() == two.read_bytes()


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """When an array cannot be written the file is what it was, and nothing is left beside it."""
    path = npz.write(tmp_path / "a", {"a": np.arange(5)})
    before = path.read_bytes()

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            npz.write(path, {"a": np.zeros(2**20)}, compressed=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is a FileNotFoundError that names it."""
    with pytest.raises(FileNotFoundError) as caught:
        npz.npz_header(tmp_path / "no.npz", "a")
    assert str(caught.value) == f"scan file not found: {tmp_path / 'no.npz'}\n  expected  an .npz file"


def test_missing_key_names_the_keys_found(tmp_path: Path) -> None:
    """A key that is not there is refused with those that are."""
    path = npz.write(tmp_path / "a", {"x": np.ones(1), "y": np.ones(1)})
    with pytest.raises(ScanError) as caught:
        npz.npz_header(path, "z")
    assert str(caught.value) == f"there is no 'z' in {path}\n  known here  x, y"


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A file that is no zip archive is refused with what was expected."""
    path = tmp_path / "a.npz"
    path.write_bytes(b"not a zip archive")
    with pytest.raises(ScanError) as caught:
        npz.array_keys(path)
    assert str(caught.value) == (
        f"{path} is not an NPZ file (File is not a zip file)\n"
        "  expected  a zip archive of arrays, as numpy.savez writes it\n"
        "  try       copy the file again; an interrupted copy looks like this"
    )


@given(st.integers(0, 4095), st.integers(0, 7), st.booleans())
def test_a_flipped_bit_is_refused(place: int, bit: int, mapped: bool) -> None:
    """One wrong bit of an array is seen, whether it is read into memory or mapped where it lies."""
    with TemporaryDirectory() as folder:
        frames = np.arange(4096, dtype=np.uint8)
        path = npz.write(Path(folder, "a.npz"), {"frames": frames}, compressed=False)
        content = bytearray(path.read_bytes())
        content[content.index(frames.tobytes()) + place] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(ScanError, match=r"'frames' in .*a\.npz cannot be read \(Bad CRC-32"):
            (npz.map_array if mapped else npz.read_array)(path, "frames")


def test_truncated_archive_is_refused(tmp_path: Path) -> None:
    """A file cut anywhere is refused, never half read."""
    path = npz.write(tmp_path / "a", {"a": np.arange(100.0)}, compressed=False)
    content = path.read_bytes()
    for length in (0, 10, 200, len(content) - 5):
        path.write_bytes(content[:length])
        with pytest.raises(ScanError, match="is not an NPZ file"):
            npz.map_array(path, "a")


@given(place=st.integers(1, 120), byte=st.integers(0, 255))
def test_a_changed_directory_is_read_or_refused(place: int, byte: int) -> None:
    """Whatever byte of an archive's directory is another, the array comes back or the file is refused."""
    with TemporaryDirectory() as folder:
        path = npz.write(Path(folder, "a.npz"), {"a": np.arange(9.0)}, compressed=False)
        content = bytearray(path.read_bytes())
        content[-place] = byte
        path.write_bytes(content)
        with suppress(ScanError):
            assert np.array_equal(npz.read_array(path, "a"), np.arange(9.0))


def test_array_shorter_than_its_header_is_refused(tmp_path: Path) -> None:
    """A member that ends before its array does is refused, mapped or read."""
    path = tmp_path / "a.npz"
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        whole = io.BytesIO()
        np.save(whole, np.arange(10_000.0))
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr("a.npy", whole.getvalue()[:-800])
        with pytest.raises(ScanError) as caught:
            npz.read_array(path, "a")
        assert str(caught.value) == (
            f"'a' in {path} cannot be read (800 bytes are missing)\n"
            "  expected  a whole array in numpy's NPY format\n"
            "  try       copy the file again; an interrupted copy looks like this"
        )
        with pytest.raises(ScanError, match="bytes are missing"):
            npz.map_array(path, "a")


@pytest.mark.parametrize("header", ["-" * 9000 + "1", "(" * 90, "1" + "+1j" * 3000])
def test_a_header_is_no_way_in(tmp_path: Path, header: str) -> None:
    """Headers are parsed as Python by numpy: those that its parser does not survive are refused as damage."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
    for look in (npz.read_array, npz.map_array, npz.npz_header):
        with pytest.raises(ScanError) as caught:
            look(path, "a")
        assert str(caught.value) == (
            f"'a' in {path} cannot be read (its NPY header cannot be understood)\n"
            "  expected  a whole array in numpy's NPY format\n"
            "  try       copy the file again; an interrupted copy looks like this"
        )


def test_damaged_member_is_refused(tmp_path: Path) -> None:
    """Bytes changed inside a compressed member are refused, not returned."""
    path = npz.write(tmp_path / "a", {"a": np.random.default_rng(1).random(1000)})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(ScanError, match="cannot be read"):
        npz.read_array(path, "a")


def test_python_objects_are_refused(tmp_path: Path) -> None:
    """An array of Python objects is neither read nor written."""
    objects = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "a.npz", o=objects)
    for read in (npz.npz_header, npz.read_array, npz.map_array):
        with pytest.raises(ScanError) as caught:
            read(tmp_path / "a.npz", "o")
        assert str(caught.value) == (
            f"'o' in {tmp_path / 'a.npz'} holds Python objects; it is not opened, "
            "because opening a pickle can run code\n"
            "  expected  an array of numbers\n"
            "  try       where you trust the file: np.savez(new_path, o=array.astype(float), ...)"
        )
    with pytest.raises(ScanError, match="holds Python objects"):
        npz.write(tmp_path / "b.npz", {"o": objects})


@given(
    text=st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=400)
)
def test_text_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A text is read alike from a unicode array and from the pickle of older programs."""
    folder = tmp_path_factory.mktemp("text")
    npz.write(folder / "new.npz", {"_metadata": text})
    np.savez(folder / "old.npz", _metadata=np.array(text, dtype=object))
    assert npz.read_text(folder / "new.npz", "_metadata") == text
    assert npz.read_text(folder / "old.npz", "_metadata") == text


def test_absent_text_is_none(tmp_path: Path) -> None:
    """A file without the key has no text, which is no error."""
    assert npz.read_text(npz.write(tmp_path / "a", {"x": np.ones(1)}), "_metadata") is None


def test_array_in_place_of_text_is_refused(tmp_path: Path) -> None:
    """Numbers under a key of text are refused with their shape."""
    path = npz.write(tmp_path / "a", {"_metadata": np.ones((2, 3))})
    with pytest.raises(ScanError) as caught:
        npz.read_text(path, "_metadata")
    assert str(caught.value) == (
        f"'_metadata' in {path} is an array of float64 with shape (2, 3)\n"
        "  expected  one text, stored as a zero-dimensional unicode array\n"
        "  try       np.savez(path, _metadata=np.array(text), ...)"
    )


class Bomb:
    """Calls ``eval`` when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("__import__('pathlib').Path('exploded').touch()",)


def test_pickled_code_is_never_run(jail: Path) -> None:
    """A pickle that would run code is refused, and the code does not run."""
    np.savez(jail / "a.npz", _metadata=np.array(Bomb(), dtype=object))
    with pytest.raises(ScanError) as caught:
        npz.read_text(jail / "a.npz", "_metadata")
    assert str(caught.value) == (
        f"'_metadata' in {jail / 'a.npz'} is a pickle that holds more than one text; it is not opened, "
        "because opening a pickle can run code\n"
        "  expected  one text, stored as a zero-dimensional unicode array\n"
        "  try       where you trust the file: np.savez(new_path, _metadata=np.array(text), ...)"
    )
    assert not (jail / "exploded").exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "text", ["", "|", "b", "O8", "numpy._core.multiarray", "short", "é" * 300, '{"a": 1}' * 10_000]
)
def test_pickled_text_of_every_protocol(protocol: int, text: str) -> None:
    """Numpy's pickle of one string is read, whatever protocol wrote it."""
    assert read_pickled_text(pickle.dumps(np.array(text, dtype=object), protocol=protocol)) == text


def test_pickled_text_of_numpy_1() -> None:
    """The module name that numpy 1 wrote is accepted."""
    content = pickle.dumps(np.array("text", dtype=object), protocol=3)
    assert b"numpy._core.multiarray" in content or b"numpy.core.multiarray" in content
    older = content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert read_pickled_text(older) == "text"


@pytest.mark.parametrize(
    "value", [3, None, b"bytes", ["a"], {"a": "b"}, np.array(["a", "b"], dtype=object), "bare string", Bomb()]
)
def test_other_pickles_are_no_text(value: object) -> None:
    """Whatever is not exactly one string in one zero-dimensional array is no text."""
    wrapped = value
    if not isinstance(value, np.ndarray | str):
        wrapped = np.empty((), dtype=object)
        wrapped[()] = value
    assert read_pickled_text(pickle.dumps(wrapped, protocol=4)) is None


def test_one_opcode_off_is_no_text() -> None:
    """Another class, another dtype, an opcode more: whatever differs from numpy's own pickle is refused."""
    whole = pickle.dumps(np.array("text", dtype=object), protocol=4)
    others = [
        whole.replace(b"ndarray", b"recarra"),
        whole.replace(b"_reconstruct", b"_frombuffer0"),
        whole.replace(b"\x8c\x02O8", b"\x8c\x02i8"),
        whole[:-1] + b"0N.",
        whole[:-1] + b"N0.",
    ]
    for other in others:
        assert other != whole
        assert read_pickled_text(other) is None


@given(content=st.binary(max_size=200), cut=st.integers(0, 200))
def test_noise_is_no_text(content: bytes, cut: int) -> None:
    """Arbitrary bytes, and pickles cut short, are no text and raise nothing."""
    whole = pickle.dumps(np.array("text", dtype=object), protocol=4)
    read_pickled_text(content)
    assert cut >= len(whole) or read_pickled_text(whole[:cut]) is None
