"""One scan written in every HDF5 layout of the field reads back as the same scan, whatever it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import find_format, read_header
from ptycho.settings.data import ScanOptions

if TYPE_CHECKING:
    from collections.abc import Callable

WAVELENGTH_M = 12.39841984e-10 / 8.0
PIXEL_M = 75e-6
DISTANCE_M = 1.5
ENERGY_J = 1.98644586e-25 / WAVELENGTH_M
GEOMETRY = ScanOptions(energy_kev=8.0, distance_m=DISTANCE_M, pixel_size_m=PIXEL_M)


@dataclass(frozen=True)
class Made:
    """A scan as it was before anybody wrote it.

    Attributes:
        frames: Counts, shape (n, N, N).
        x: Columns in metres.
        y: Rows in metres.
        pixel_m: Side of an object pixel.
    """

    frames: np.ndarray[Any, Any]
    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    pixel_m: float

    def require(self, scan: Any) -> None:
        """Assert that a scan was read with these frames, at these positions."""
        np.testing.assert_array_equal(scan.diff3d, self.frames)
        for read, written in ((scan.xcoords, self.x), (scan.ycoords, self.y)):
            np.testing.assert_allclose(read, written / self.pixel_m, rtol=1e-6)
        assert scan.quantity == "counts"
        assert scan.object_pixel_m == pytest.approx(self.pixel_m, rel=1e-6)


def make(n: int = 12, N: int = 16, seed: int = 0, dtype: Any = np.uint16) -> Made:
    """Make a scan: a bright spot in the middle, positions that differ along both axes."""
    rng = np.random.default_rng(seed)
    middle = np.hypot(*np.meshgrid(*(np.arange(N) - N // 2,) * 2)) < N / 4
    frames = rng.poisson(1.0 + 20.0 * middle, size=(n, N, N)).astype(dtype)
    pixel_m = WAVELENGTH_M * DISTANCE_M / (N * PIXEL_M)
    x, y = rng.uniform(0, 40, size=(2, n)) * pixel_m
    return Made(frames, x, y, pixel_m)


@pytest.fixture
def made() -> Made:
    """Give one scan."""
    return make()


@pytest.fixture
def truncate() -> Callable[[Path], Path]:
    """Give a way to cut the last third off a file."""

    def cut(path: Path) -> Path:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        return path

    return cut


def write_cxi(path: Path, made: Made) -> ScanOptions:
    """Write a CXI file, frames behind a soft link as most programs do."""
    with h5py.File(path, "w") as file:
        file["cxi_version"] = 160
        detector = "entry_1/instrument_1/detector_1"
        file[f"{detector}/data"] = made.frames
        file[f"{detector}/distance"], file[f"{detector}/x_pixel_size"] = DISTANCE_M, [PIXEL_M]
        file[f"{detector}/y_pixel_size"] = PIXEL_M
        file["entry_1/instrument_1/source_1/energy"] = ENERGY_J
        file["entry_1/data_1/data"] = h5py.SoftLink(f"/{detector}/data")
        file["entry_1/data_1/translation"] = np.stack([made.x, made.y, 0 * made.x], axis=1)
    return ScanOptions()


def write_nexus(path: Path, made: Made) -> ScanOptions:
    """Write a NeXus file whose energy carries its unit."""
    with h5py.File(path, "w") as file:
        file["entry_1/definition"] = "NXptycho"
        file["entry_1/data/data"] = made.frames
        for name, values in (("x", made.x), ("y", made.y)):
            file[f"entry_1/data/{name}"] = values * 1e6
            file[f"entry_1/data/{name}"].attrs["units"] = "um"
        detector = "entry_1/instrument_1/detector_1"
        file[f"{detector}/distance"] = DISTANCE_M
        file[f"{detector}/x_pixel_size"], file[f"{detector}/y_pixel_size"] = PIXEL_M, PIXEL_M
        file["entry_1/instrument_1/beam_1/energy"] = 8.0
        file["entry_1/instrument_1/beam_1/energy"].attrs["units"] = "keV"
    return ScanOptions()


def write_eiger(path: Path, made: Made) -> ScanOptions:
    """Write a master file, two data files and a table of positions in micrometres."""
    half = len(made.frames) // 2
    for number, part in enumerate((made.frames[:half], made.frames[half:]), start=1):
        with h5py.File(path.with_name(f"{path.stem}_data_{number:06d}.h5"), "w") as file:
            file["entry/data/data"] = part
    detector = "entry/instrument/detector"
    with h5py.File(path, "w") as file:
        for number in (2, 1):
            target = f"{path.stem}_data_{number:06d}.h5"
            file[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(target, "/entry/data/data")
        file[f"{detector}/detector_distance"] = DISTANCE_M
        file[f"{detector}/x_pixel_size"], file[f"{detector}/y_pixel_size"] = PIXEL_M, PIXEL_M
        file[f"{detector}/detectorSpecific/photon_energy"] = 8000.0
    table = path.with_suffix(".csv")
    np.savetxt(table, np.stack([made.x, made.y], axis=1) * 1e6, delimiter=",", header="x_um,y_um")
    return ScanOptions(positions=str(table))


def write_ptyd(path: Path, made: Made) -> ScanOptions:
    """Write prepared data in two chunks, the tenth before the second by name."""
    third = len(made.frames) // 3
    spans = {"2": slice(0, third), "10": slice(third, None)}
    with h5py.File(path, "w") as file:
        for name, span in spans.items():
            file[f"chunks/{name}/data"] = made.frames[span]
            file[f"chunks/{name}/positions"] = np.stack([made.y[span], made.x[span]], axis=1)
            file[f"chunks/{name}/weights"] = np.ones(made.frames[span].shape, np.float32)
        file["meta/energy"], file["meta/distance"], file["meta/psize"] = 8.0, DISTANCE_M, [PIXEL_M, PIXEL_M]
    return ScanOptions()


def write_fold_slice(path: Path, made: Made) -> ScanOptions:
    """Write frames, and beside them the stage's positions, which run the other way."""
    frames = path.with_name(f"{path.stem}_dp.hdf5")
    with h5py.File(frames, "w") as file:
        file["dp"] = made.frames
    with h5py.File(path.with_name(f"{path.stem}_para.hdf5"), "w") as file:
        file["ppX"], file["ppY"] = -made.x[np.newaxis], -made.y
    path.symlink_to(frames)
    return ScanOptions(**vars(GEOMETRY) | {"positions": None})


def write_ptychodus(path: Path, made: Made) -> ScanOptions:
    """Write patterns in another order than the positions of the product, matched by index."""
    order = np.random.default_rng(3).permutation(len(made.frames))
    with h5py.File(path, "w") as file:
        file["patterns"], file["indexes"] = made.frames, 2 * np.arange(len(made.frames))
        file["bad_pixels"] = np.zeros(made.frames.shape[1:], bool)
    product = path.with_suffix(".npz")
    np.savez(
        product,
        probe_position_indexes=2 * order,
        probe_position_x_m=made.x[order],
        probe_position_y_m=made.y[order],
        probe=np.ones((1, 2, *made.frames.shape[1:]), complex),
    )
    return ScanOptions(**vars(GEOMETRY) | {"positions": str(product), "probe": str(product)})


def write_any(path: Path, made: Made) -> ScanOptions:
    """Write a layout of nobody's: one stack of frames, x and y beside it."""
    with h5py.File(path, "w") as file:
        file["scan/detector"] = made.frames
        file["scan/x"], file["scan/y"] = made.x, made.y
    return ScanOptions(**vars(GEOMETRY) | {"position_unit": "m"})


WRITERS: dict[str, Callable[[Path, Any], ScanOptions]] = {
    "cxi": write_cxi,
    "nexus": write_nexus,
    "eiger": write_eiger,
    "ptyd": write_ptyd,
    "fold_slice": write_fold_slice,
    "ptychodus": write_ptychodus,
    "hdf5": write_any,
}
EVERY_FORMAT = pytest.mark.parametrize("name", list(WRITERS))


@EVERY_FORMAT
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(6, 20), side=st.sampled_from([16, 24, 33]), seed=st.integers(0, 9), wide=st.booleans())
def test_every_layout_reads_as_the_same_scan(
    tmp_path_factory: pytest.TempPathFactory, name: str, n: int, side: int, seed: int, wide: bool
) -> None:
    """Frames, positions in pixels and the pixel in metres come back, under a name that says nothing."""
    path = tmp_path_factory.mktemp("scan") / "file.dat"
    made = make(n, side, seed, np.uint32 if wide else np.uint16)
    options = WRITERS[name](path, made)
    assert find_format(open_scan(path)).name == name
    made.require(RawData.from_file(path, options=options))


@EVERY_FORMAT
def test_the_header_reads_no_frame(tmp_path: Path, name: str, made: Made) -> None:
    """The side of a frame and the key are known from a look."""
    path = tmp_path / "file.dat"
    WRITERS[name](path, made)
    header = read_header(path)
    assert header.frame_shape == (16, 16)
    assert header.frames_key
    assert header.doubt == f"{path} holds no probe"


@EVERY_FORMAT
def test_a_truncated_file_is_told_so(
    tmp_path: Path, name: str, made: Made, truncate: Callable[[Path], Path]
) -> None:
    """A file that was not copied to its end is one clear error that names it."""
    path = tmp_path / "file.dat"
    options = WRITERS[name](path, made)
    cut = path.with_name("file_data_000002.h5") if name == "eiger" else path.resolve()
    truncate(cut)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert cut.name in str(caught.value) or path.name in str(caught.value)
    assert len(str(caught.value).split("\n")) <= 4


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("cxi", "entry_1/data_1/translation"),
        ("nexus", "entry_1/data/x"),
        ("ptyd", "chunks/10/positions"),
        ("hdf5", "scan/y"),
    ],
)
def test_missing_positions_are_one_clear_error(tmp_path: Path, name: str, key: str, made: Made) -> None:
    """A file that lacks its positions says so, with what it holds."""
    path = tmp_path / "file.dat"
    options = WRITERS[name](path, made)
    with h5py.File(path, "a") as file:
        del file[key]
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert str(path) in str(caught.value)
    assert "known here" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("cxi", "entry_1/data_1/translation", (12, 2)),
        ("ptyd", "chunks/10/positions", (8, 3)),
        ("ptyd", "chunks/10/data", (8, 4, 4)),
        ("nexus", "entry_1/data/x", (5,)),
        ("nexus", "entry_1/instrument_1/detector_1/distance", (3,)),
    ],
)
def test_a_wrong_shape_is_one_clear_error(
    tmp_path: Path, name: str, key: str, shape: tuple[int, ...], made: Made
) -> None:
    """An array of another shape than its layout says is named with its shape."""
    path = tmp_path / "file.dat"
    options = WRITERS[name](path, made)
    with h5py.File(path, "a") as file:
        del file[key]
        file[key] = np.ones(shape)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert str(path) in str(caught.value)
    assert str(shape) in str(caught.value)


def test_a_missing_data_file_is_named(tmp_path: Path, made: Made) -> None:
    """A master file without one of its data files names the one that is missing."""
    path = tmp_path / "file.dat"
    options = write_eiger(path, made)
    path.with_name("file_data_000002.h5").unlink()
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert str(caught.value) == (
        f"'entry/data/data_000002' in {path} lies in a file that is missing: "
        f"{tmp_path / 'file_data_000002.h5'}\n"
        "  expected  file_data_000002.h5 beside file.dat\n"
        '  try       data.frames = "entry/data/data_000001" takes the frames before it; '
        "or copy the data files along"
    )


def test_a_virtual_dataset_never_reads_as_zeros(tmp_path: Path, made: Made) -> None:
    """A virtual dataset with a missing part is refused with the name of the part."""
    path = tmp_path / "file.dat"
    options = write_any(path, made)
    layout = h5py.VirtualLayout(shape=made.frames.shape, dtype=made.frames.dtype)
    layout[:] = h5py.VirtualSource("gone.h5", "data", shape=made.frames.shape)
    with h5py.File(path, "a") as file:
        del file["scan/detector"]
        file.create_virtual_dataset("scan/detector", layout)
    with pytest.raises(ScanError, match=r"1 of 1 files are missing: gone\.h5"):
        RawData.from_file(path, options=options)


def test_eiger_without_positions_asks_for_them(tmp_path: Path, made: Made) -> None:
    """Positions are never in an Eiger file; the error says which setting names them."""
    path = tmp_path / "file.dat"
    write_eiger(path, made)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path)
    assert str(caught.value).startswith(f"{path} holds no positions\n")
    assert 'data.positions = "positions.csv"' in str(caught.value)


def test_a_product_without_common_frames_is_refused(tmp_path: Path, made: Made) -> None:
    """Frames and positions are matched by index; without one in common it is another scan."""
    path = tmp_path / "file.dat"
    options = write_ptychodus(path, made)
    with h5py.File(path, "a") as file:
        file["indexes"][...] = 1000 + np.arange(12)
    with pytest.raises(ScanError, match="frames are numbered 1000 to 1011, the positions 0 to 22"):
        RawData.from_file(path, options=options)


def test_frames_without_a_position_are_left_out(tmp_path: Path, made: Made) -> None:
    """Only frames that the product has positions for are taken, in the order of their indices."""
    path = tmp_path / "file.dat"
    options = write_ptychodus(path, made)
    with h5py.File(path, "a") as file:
        file["indexes"][3:5] = [997, 998]
    scan = RawData.from_file(path, options=options)
    np.testing.assert_array_equal(scan.diff3d, np.delete(made.frames, [3, 4], axis=0))
    assert "2 of 12 frames have no position and were left out" in scan.decisions


def test_lengths_need_the_geometry(tmp_path: Path, made: Made) -> None:
    """Positions in metres without energy, distance and detector pixel name the settings that are missing."""
    path = tmp_path / "file.dat"
    write_fold_slice(path, made)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=ScanOptions(distance_m=1.0))
    assert str(caught.value).endswith("try       data.energy_kev and data.detector_pixel_m")


def test_an_energy_without_a_unit_is_not_guessed(tmp_path: Path, made: Made) -> None:
    """An energy of 8 in a file that counts in electronvolts is doubted; the setting settles it."""
    path = tmp_path / "file.dat"
    write_nexus(path, made)
    with h5py.File(path, "a") as file:
        del file["entry_1/instrument_1/beam_1/energy"].attrs["units"]
    with pytest.raises(ScanError, match="is 8 without a unit; such files use eV, the number looks like keV"):
        RawData.from_file(path)
    made.require(RawData.from_file(path, options=ScanOptions(energy_kev=8.0)))


def test_a_raster_of_frames_reads_line_by_line(tmp_path: Path) -> None:
    """A raster with one x a point and one y a line is the list of its frames."""
    made = make(n=12, N=16)
    x, y = made.x[:4], made.y[:3]
    path = tmp_path / "file.dat"
    write_nexus(path, made)
    with h5py.File(path, "a") as file:
        for key, values in (("data", made.frames.reshape(3, 4, 16, 16)), ("x", x * 1e6), ("y", y * 1e6)):
            attributes = dict(file[f"entry_1/data/{key}"].attrs)
            del file[f"entry_1/data/{key}"]
            file[f"entry_1/data/{key}"] = values
            file[f"entry_1/data/{key}"].attrs.update(attributes)
    scan = RawData.from_file(path)
    np.testing.assert_array_equal(scan.diff3d, made.frames)
    np.testing.assert_allclose(scan.xcoords, np.tile(x, 3) / made.pixel_m)
    np.testing.assert_allclose(scan.ycoords, np.repeat(y, 4) / made.pixel_m)


def test_several_stacks_ask_for_a_name(tmp_path: Path, made: Made) -> None:
    """Where two datasets could be the frames, both are named and the setting takes one."""
    path = tmp_path / "file.dat"
    options = write_any(path, made)
    with h5py.File(path, "a") as file:
        file["scan/other"] = made.frames + 1
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path, options=options)
    assert "known here  scan/detector, scan/other" in str(caught.value)
    made.require(RawData.from_file(path, options=ScanOptions(**vars(options) | {"frames": "scan/detector"})))


def test_the_real_cxi_file_is_read(shared_data: Callable[[str], Path]) -> None:
    """The near-field scan of PETRA III: frames, mask, geometry and positions as the file states them."""
    path = shared_data("PETRAIII_P25_Near_Field_Ptycho.cxi")
    scan = RawData.from_file(path)
    assert (scan.n_frames, scan.N, scan.quantity) == (200, 100, "counts")
    assert scan.object_pixel_m == pytest.approx(9.79e-11 * 1.12 / (100 * 55e-6), rel=1e-3)
    with h5py.File(path) as file:
        translation = file["entry_1/sample_1/geometry_1/translation"][:]
    np.testing.assert_allclose(
        np.ptp(scan.xcoords) * scan.object_pixel_m, np.ptp(translation[:, 0]), rtol=1e-5
    )
