"""One scan as a beamline's own script would write it: whatever lies where, it is the same."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import shutil
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import layouts
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_every_format import MADE, require_the_scan

from ptycho.errors import ScanError
from ptycho.files.hdf5 import Hdf5File
from ptycho.files.stored_frames import StoredFrames
from ptycho.raw_data import RawData
from ptycho.scan.cxi_writer import write_cxi
from ptycho.scan.geometry import ELECTRON_CHARGE_C
from ptycho.scan.npz_writer import write_npz
from ptycho.scan.product_writer import write_product
from ptycho.settings.data import ScanOptions

GEOMETRY = {"energy_kev": 8.0, "distance_m": layouts.DISTANCE_M, "pixel_size_m": layouts.PIXEL_M}
X_UM, Y_UM = MADE.x_m * 1e6, MADE.y_m * 1e6
NUMBERS = count()
JAIL = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])

Put = Callable[[h5py.File, np.ndarray[Any, Any]], dict[str, Any]]


def as_list(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """(n, H, W), and a link to it."""
    file["run/frames"] = frames
    file["alias"] = h5py.SoftLink("/run/frames")
    return {}


def counted_last(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """(H, W, n)."""
    file["frames"] = np.ascontiguousarray(frames.transpose(1, 2, 0))
    return {"frames": "frames"}


def raster_of_one(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """(1, lines, points, H, W)."""
    file["frames"] = frames.reshape(1, layouts.LINES, layouts.POINTS, *frames.shape[1:])
    return {}


def one_each(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """A dataset a frame, whose numbers have no leading zeros."""
    for number, frame in enumerate(frames):
        file[f"images/{number}"] = frame
    return {}


def cells(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """A cell array of MATLAB."""
    references = np.empty((len(frames), 1), h5py.ref_dtype)
    for number, frame in enumerate(frames):
        dataset = file.create_dataset(f"#refs#/{chr(120 - number)}", data=frame.T)
        dataset.attrs["MATLAB_class"] = np.bytes_("uint16")
        references[number, 0] = dataset.ref
    cell = file.create_dataset("cell", data=references, dtype=h5py.ref_dtype)
    cell.attrs["MATLAB_class"] = np.bytes_("cell")
    return {"frames": "cell"}


def default_signal(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The signal of NeXus' default plot, with another stack beside it."""
    file["entry/plot/counts"], file["entry/plot/thumbnails"] = frames, frames[:, ::-1]
    file.attrs["default"], file["entry"].attrs["default"] = "entry", "plot"
    file["entry/plot"].attrs["signal"] = "counts"
    return {}


def linked(file: h5py.File, frames: np.ndarray[Any, Any]) -> dict[str, Any]:
    """In another file."""
    name = f"source-{next(NUMBERS)}.h5"
    with h5py.File(name, "w") as other:
        other["e/d"] = frames.astype(">u2")
    file["frames"] = h5py.ExternalLink(name, "/e/d")
    return {}


FRAMES: tuple[Put, ...] = (as_list, counted_last, raster_of_one, one_each, cells, default_signal, linked)


def two_arrays(file: h5py.File) -> str:
    """Two arrays, each with its own unit."""
    file["motors/px"], file["motors/py"] = X_UM, Y_UM * 1e-3
    file["motors/px"].attrs["units"], file["motors/py"].attrs["units"] = "microns", "mm"
    return "motors/px,motors/py"


def units_in_names(file: h5py.File) -> str:
    """Two arrays whose names end in their units."""
    file["Pos X (um)"], file["Pos Y [nm]"] = X_UM.astype(">f8"), Y_UM * 1e3
    return "Pos X (um),Pos Y [nm]"


def texts(file: h5py.File) -> str:
    """Numbers as text."""
    for name, values in (("sx_um", X_UM), ("sy_um", Y_UM)):
        words = np.array([f"{value:.9f}" for value in values], object)
        file.create_dataset(name, data=words, dtype=h5py.string_dtype())
    return "sx_um,sy_um"


def pairs(file: h5py.File) -> str:
    """(2, n)."""
    file["positions"] = np.stack([X_UM, Y_UM])
    file["positions"].attrs["units"] = "um"
    return "positions"


def chosen_columns(file: h5py.File) -> str:
    """Two of four columns, y before x."""
    file["log"] = np.column_stack([np.arange(len(X_UM)) * 0.1, Y_UM, X_UM, 0 * X_UM + 1])
    file["log"].attrs["units"] = "um"
    return "log:3,2"


def records(file: h5py.File) -> str:
    """Records, as PyTables writes them."""
    table = np.zeros(len(X_UM), [("time", "f8"), ("samx_um", "f8"), ("samy_um", "f8"), ("label", "S4")])
    table["samx_um"], table["samy_um"] = X_UM, Y_UM
    file["table"] = table
    return "table"


def raster(file: h5py.File) -> str:
    """The points of a line, and the lines."""
    file["points"], file["lines"] = X_UM[: layouts.POINTS], Y_UM[:: layouts.POINTS]
    file["points"].attrs["units"] = file["lines"].attrs["units"] = "um"
    return "points,lines"


def each_its_own(file: h5py.File) -> str:
    """A number a frame."""
    for number, (x, y) in enumerate(zip(X_UM, Y_UM, strict=True)):
        file[f"point_{number}/x"], file[f"point_{number}/y"] = x, y
        file[f"point_{number}/x"].attrs["units"] = file[f"point_{number}/y"].attrs["units"] = "um"
    return "point_*/x,point_*/y"


POSITIONS: tuple[Callable[[h5py.File], str], ...] = (
    two_arrays, units_in_names, texts, pairs, chosen_columns, records, raster, each_its_own,
)  # fmt: skip


@JAIL
@given(put_frames=st.sampled_from(FRAMES), put_positions=st.sampled_from(POSITIONS))
def test_any_arrangement_is_the_same_scan(
    jail: Path, put_frames: Put, put_positions: Callable[[h5py.File], str]
) -> None:
    """However frames and positions are arranged, those that settings name, or that stand alone, are taken."""
    name = f"own-{next(NUMBERS)}.h5"
    with h5py.File(name, "w") as file:
        options = put_frames(file, MADE.frames) | GEOMETRY
        options["positions"] = f"{name}:{put_positions(file)}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*legacy order")
        require_the_scan(RawData.from_file(name, options=ScanOptions(**options)))


ENERGIES = {"eV": layouts.ENERGY_EV, "keV": 8.0, "J": layouts.ENERGY_EV * ELECTRON_CHARGE_C}
LENGTHS = {"m": 1.0, "mm": 1e3, "um": 1e6}


@JAIL
@given(
    energy=st.sampled_from(sorted(ENERGIES)),
    distance=st.sampled_from(sorted(LENGTHS)),
    pixel=st.sampled_from(sorted(LENGTHS)),
    where=st.sampled_from(["dataset", "name", "attribute"]),
)
def test_geometry_that_says_its_unit_is_taken(
    jail: Path, energy: str, distance: str, pixel: str, where: str
) -> None:
    """Energy, distance and pixel in any unit, beside, in the name or as attributes, make pixels of metres."""
    name = f"own-{next(NUMBERS)}.h5"
    said = {
        "photon_energy": (ENERGIES[energy], energy),
        "distance": (layouts.DISTANCE_M * LENGTHS[distance], distance),
        "detector_pixel_size": (layouts.PIXEL_M * LENGTHS[pixel], pixel),
    }
    with h5py.File(name, "w") as file:
        file["scan/frames"], file["scan/x"], file["scan/y"] = MADE.frames, MADE.x_m, MADE.y_m
        for key, (value, unit) in said.items():
            if where == "attribute":
                file["scan"].attrs[f"{key}_{unit}"] = value
            elif where == "name":
                file[f"setup/{key}_{unit}"] = value
            else:
                file[f"setup/{key}"] = [value]
                file[f"setup/{key}"].attrs["units"] = unit
        file["scan/frames"].attrs["beam_center_x"], file["scan/frames"].attrs["beam_center_y"] = 8, 8
    require_the_scan(scan := RawData.from_file(name, options=ScanOptions(position_unit="m")))
    assert "the beam is at row 8, column 8: the file says so" in scan.decisions


def test_geometry_without_a_unit_is_a_doubt(jail: Path) -> None:
    """A number that says no unit is not taken, and the error names it with the setting that says it."""
    with h5py.File("own.h5", "w") as file:
        file["frames"], file["x"], file["y"], file["energy"] = MADE.frames, MADE.x_m, MADE.y_m, 8.0
    with pytest.raises(ScanError) as caught:
        RawData.from_file("own.h5", options=ScanOptions(position_unit="m"))
    assert "own.h5:/energy is 8 in no unit and is not taken; data.energy_kev says it" in str(caught.value)


def test_geometry_said_twice_and_differently_is_a_doubt(jail: Path) -> None:
    """Where two places of a file differ, neither is taken."""
    with h5py.File("own.h5", "w") as file:
        file["frames"], file["x"], file["y"] = MADE.frames, MADE.x_m, MADE.y_m
        file["a/energy_kev"], file["b/energy_ev"] = 8.0, 9000.0
    with pytest.raises(ScanError, match="the energy is said differently: "):
        RawData.from_file(
            "own.h5", options=ScanOptions(position_unit="m", distance_m=1.5, pixel_size_m=75e-6)
        )


def test_records_are_proposed_and_then_read(jail: Path) -> None:
    """A table of records with names of axes is what the error of missing positions names."""
    with h5py.File("own.h5", "w") as file:
        file["frames"] = MADE.frames
        records(file)
    with pytest.raises(ScanError) as caught:
        RawData.from_file("own.h5", options=ScanOptions(**GEOMETRY))
    assert 'data.positions = "own.h5:table"' in str(caught.value)


def test_a_scan_that_was_killed_while_writing_is_read(jail: Path) -> None:
    """What was written for others to read meanwhile (SWMR) is read after a kill; what was not says how."""
    with h5py.File("live.h5", "w", libver="latest") as file:
        frames = file.create_dataset("frames", MADE.frames.shape, "u2", chunks=(1, 16, 16))
        file["x"], file["y"] = MADE.x_m, MADE.y_m
        file.swmr_mode = True
        frames[:] = MADE.frames
        frames.flush()
        shutil.copy("live.h5", "killed.h5")
    require_the_scan(RawData.from_file("killed.h5", options=ScanOptions(position_unit="m", **GEOMETRY)))


def packed_scan() -> bytes:
    """Write the scan as NPZ and give its bytes."""
    np.savez("plain.npz", diff3d=MADE.frames, xcoords=MADE.x, ycoords=MADE.y)
    return Path("plain.npz").read_bytes()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gzip", "bzip2", "xz"])
def test_a_compressed_scan_is_unpacked(jail: Path, pack: Callable[[bytes], bytes]) -> None:
    """An NPZ file compressed as a whole is read as it is; half of one says what it is."""
    packed = pack(packed_scan())
    Path("scan.bin").write_bytes(packed)
    require_the_scan(RawData.from_file("scan.bin"))
    Path("half.bin").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ScanError, match=r"half.bin is not a (gzip|bzip2|xz) file"):
        RawData.from_file("half.bin")


def test_a_compressed_hdf5_file_is_to_be_unpacked(jail: Path) -> None:
    """What its library opens by name alone is refused with the name that it has once it is unpacked."""
    with h5py.File("scan.h5", "w") as file:
        file["frames"] = MADE.frames
    Path("scan.h5.gz").write_bytes(gzip.compress(Path("scan.h5").read_bytes()))
    with pytest.raises(ScanError) as caught:
        RawData.from_file("scan.h5.gz")
    assert str(caught.value) == (
        "scan.h5.gz is an HDF5 file, compressed as a whole\n"
        "  expected  the file as it was before\n"
        "  try       unpack it: scan.h5"
    )


def test_files_of_other_kinds_are_called_by_them(jail: Path) -> None:
    """A pickle is never opened, an archive says what lies in it, and a known kind is told by its name."""
    Path("scan.pkl").write_bytes(pickle.dumps({"frames": MADE.frames}))
    Path("scan.mib").write_bytes(b"MQ1,000001,00384,01,0256,0256,U16" + bytes(600))
    shutil.make_archive("scan", "zip", ".", "scan.mib")
    np.savez("objects.npz", scan=np.array({"frames": 1}, dtype=object))
    for name, words in (
        ("scan.pkl", "a pickle of Python, which is not opened, because opening it can run code"),
        ("scan.mib", "a Merlin file (.mib)"),
        ("scan.zip", "unzip scan.zip, and then scan.mib"),
        ("objects.npz", "scan (Python objects, which are not opened: that can run code)"),
    ):
        with pytest.raises(ScanError) as caught:
            RawData.from_file(name)
        assert words in str(caught.value)


def test_parts_that_are_there_are_read_without_the_others(jail: Path) -> None:
    """Of a virtual dataset that lacks a file, the others' frames are taken by the setting that is advised."""
    layout = h5py.VirtualLayout(MADE.frames.shape, MADE.frames.dtype)
    for number, span in enumerate((slice(0, 5), slice(5, 12))):
        with h5py.File(f"part{number}.h5", "w") as part:
            part["d"] = MADE.frames[span]
        layout[span] = h5py.VirtualSource(f"part{number}.h5", "d", MADE.frames[span].shape)
    with h5py.File("whole.h5", "w") as file:
        file.create_virtual_dataset("frames", layout)
        file["x"], file["y"] = MADE.x, MADE.y
    Path("part0.h5").unlink()
    for options in (ScanOptions(), ScanOptions(leave_out="0:4")):
        with pytest.raises(ScanError) as caught:
            RawData.from_file("whole.h5", options=options)
        assert 'data.leave_out = "0:5" takes the others; or copy the data files along' in str(caught.value)
    scan = RawData.from_file("whole.h5", options=ScanOptions(leave_out="0:5"))
    np.testing.assert_array_equal(scan.diff3d, MADE.frames[5:])
    frames = pickle.loads(pickle.dumps(file_frames("whole.h5")))
    np.testing.assert_array_equal(frames[5:], MADE.frames[5:])


def file_frames(name: str) -> StoredFrames:
    """Open the frames of a file whose missing parts are left out."""
    file = Hdf5File(name)
    file.excused = range
    return StoredFrames(file, ("frames",))


@pytest.mark.parametrize("write", [write_cxi, write_product, write_npz])
def test_a_converted_scan_says_where_its_beam_is(jail: Path, write: Callable[[RawData, Path], Path]) -> None:
    """Frames that were centred where a setting wanted it are taken as they are, however the light lies."""
    np.savez("scan.npz", diff3d=np.pad(MADE.frames, ((0, 0), (3, 1), (0, 4))), xcoords=MADE.x, ycoords=MADE.y)
    options = ScanOptions(centre_px=(9.0, 10.0), crop_px=16, **GEOMETRY)
    taken = RawData.from_file("scan.npz", options=options)
    path = write(taken, Path(f"again{'.npz' if write is write_npz else '.h5'}"))
    again = RawData.from_file(path, options=ScanOptions())
    assert "the beam is at row 8, column 8: the file says so" in again.decisions
    np.testing.assert_allclose(again.amplitudes(), taken.amplitudes(), atol=1e-4)
