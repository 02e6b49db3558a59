"""Arrays that settings name are taken from any file, and advice that is typed as it stands leads on."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import layouts
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts import written
from scipy.io import savemat
from test_every_format import HDF5, MADE, all_datasets, require_the_scan

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import read_scan
from ptycho.settings.data import ScanOptions

GEOMETRY = {"energy_kev": 8.0, "distance_m": layouts.DISTANCE_M, "pixel_size_m": layouts.PIXEL_M}
PIXELS = np.stack([MADE.x, MADE.y], axis=1)
METRES = np.stack([MADE.x_m, MADE.y_m], axis=1)


DROPPED = "ignore:.* positions were dropped:RuntimeWarning"


@pytest.mark.filterwarnings(DROPPED)
@pytest.mark.parametrize("name", HDF5)
def test_named_arrays_win_over_a_refusal(jail: Path, name: str) -> None:
    """Of a file of any layout that lost all but its frames, these and other positions are read by name."""
    path, options = written(name, jail, MADE)
    key = read_scan(open_scan(path), options)[1].frames_key
    with h5py.File(path, "a") as file:
        stored = file[key][...]
        for other in all_datasets(file):
            if other in file and file[other] != file[key]:
                del file[other]
    path.rename(path.with_name("lost.h5"))
    np.savetxt("px.csv", PIXELS, delimiter=",", header="x_px,y_px")
    contents = RawData.from_file(
        "lost.h5", options=ScanOptions(frames=key, positions="px.csv", quantity="counts")
    )
    np.testing.assert_array_equal(np.sort(contents.diff3d, axis=None), np.sort(stored, axis=None))


NAMES = (
    st.text("abz:,@ µ(1)", min_size=1, max_size=8).map(str.strip).filter(lambda name: name not in {"", "."})
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(NAMES, min_size=3, max_size=3, unique=True), alone=st.booleans())
def test_any_name_can_be_typed(jail: Path, names: list[str], alone: bool) -> None:
    """Colons, commas, blanks and letters of any kind in names of arrays are no obstacle."""
    frames, x, y = (f"scan/{name}" for name in names)
    Path("any.h5").unlink(missing_ok=True)
    with h5py.File("any.h5", "w") as file:
        file[frames], file[x], file[y] = MADE.frames, METRES[:, 0], METRES[:, 1]
    pair = f"{x},{y}"
    options = ScanOptions(
        frames=frames if alone else f"any.h5:/{frames}",
        positions=pair if alone else f"any.h5:{pair}",
        position_unit="m",
        **GEOMETRY,
    )
    require_the_scan(RawData.from_file("any.h5", options=options))


MOTION = st.fixed_dictionaries(
    {
        "unit": st.sampled_from(["m", "mm", "um", "nm"]),
        "signs": st.tuples(st.sampled_from([-1, 1]), st.sampled_from([-1, 1])),
        "chained": st.booleans(),
        "height": st.booleans(),
        "column": st.booleans(),
        "entry": st.sampled_from(["entry_1", "entry"]),
    }
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(how=MOTION)
def test_axes_that_move_the_sample_are_read(jail: Path, how: dict[str, Any]) -> None:
    """NXtransformations: units, directions, constant axes and chains give the positions that were meant."""
    factor = {"m": 1, "mm": 1e3, "um": 1e6, "nm": 1e9}[how["unit"]]
    entry = how["entry"]
    sample = f"{entry}/sample{'_1' if entry == 'entry_1' else ''}"
    Path("moved.nxs").unlink(missing_ok=True)
    with h5py.File("moved.nxs", "w") as file:
        file[f"{entry}/definition"] = "NXcxi_ptycho"
        file[f"{entry}/data{'_1' if entry == 'entry_1' else ''}/data"] = MADE.frames
        axes = file.create_group(f"{sample}/transformations")
        axes.attrs["NX_class"] = "NXtransformations"
        for axis, values, sign in zip("xy", METRES.T, how["signs"], strict=True):
            vector = [sign, 0, 0] if axis == "x" else [0, sign, 0]
            stored = sign * values * factor
            axes[f"trans_{axis}"] = stored[:, np.newaxis] if how["column"] else stored
            axes[f"trans_{axis}"].attrs.update(
                units=how["unit"], transformation_type="translation", vector=vector, depends_on="."
            )
        if how["height"]:
            axes["trans_z"] = 7.0
            axes["trans_z"].attrs.update(
                units="mm", transformation_type="translation", vector=[0, 0, 1], depends_on="."
            )
        if how["chained"]:
            file[f"{sample}/depends_on"] = "transformations/trans_x"
            axes["trans_x"].attrs["depends_on"] = "trans_y"
    scan = RawData.from_file("moved.nxs", options=ScanOptions(**GEOMETRY))
    require_the_scan(scan)
    assert any("trans_x'" in text and "move the sample, in metres" in text for text in scan.decisions)


def own_npz() -> ScanOptions:
    """Write an NPZ file with names of nobody's."""
    np.savez("own.npz", intensities=MADE.frames, places=METRES)
    return ScanOptions()


def own_matlab() -> ScanOptions:
    """Write a MATLAB file with names of nobody's; its last axis counts the frames."""
    savemat("own.mat", {"dp": np.moveaxis(MADE.frames, 0, -1), "px": METRES[:, 0], "py": METRES[:, 1]})
    return ScanOptions()


def millimetres() -> ScanOptions:
    """Write a table of SPEC, which names motors and no units."""
    np.save("own.npy", MADE.frames)
    rows = "\n".join(f"{x:.9f} {y:.9f} 0 0" for x, y in METRES * 1e3)
    Path("spec.txt").write_text(
        f"#S 12 mesh samx 0 1 10 samy 0 1 10 .1\n#N 4\n#L samx  samy  Epoch  det\n{rows}\n"
    )
    return ScanOptions(positions="spec.txt", **GEOMETRY)


def micrometres_of_cxi() -> ScanOptions:
    """Write a CXI file whose translation is in micrometres, which the format does not know."""
    path, _ = written("cxi", Path(), MADE)
    path.rename("own.cxi")
    with h5py.File("own.cxi", "a") as file:
        for key in [key for key in all_datasets(file) if key.endswith("translation")]:
            values = file[key][...] * 1e6
            del file[key]
            file[key] = values
    return ScanOptions()


def aborted_eiger() -> ScanOptions:
    """Write a master file whose last data file was never written."""
    path, options = written("eiger", Path(), MADE)
    sorted(Path().glob("*_data_*.h5"))[-1].unlink()
    path.rename("own.h5")
    return options


def motors_of_hdf5() -> ScanOptions:
    """Write two stacks and two pairs of motors, in millimetres without a unit."""
    with h5py.File("own.h5", "w") as file:
        file["a/frames"], file["b/thumbs"] = MADE.frames, MADE.frames[:, ::2, ::2]
        file["m/samx"], file["m/samy"] = METRES[:, 0] * 1e3, METRES[:, 1] * 1e3
    return ScanOptions(**GEOMETRY)


SITUATIONS = (own_npz, own_matlab, millimetres, micrometres_of_cxi, aborted_eiger, motors_of_hdf5)
MOST_STEPS = 4


def advised(error: ScanError, options: ScanOptions) -> ScanOptions:
    """Type the first of the settings that an error offers; numbers that only the user knows are known."""
    tries = [line for line in str(error).splitlines() if line.startswith("  try")]
    assert tries, error
    first = re.split(r" or |;", tries[0])[0]
    values = dict(re.findall(r'data\.(\w+) = "([^"]*)"', first))
    asked = [name for name in GEOMETRY if re.search(rf"data\.{name}|detector_pixel_m", first)]
    return replace(options, **values, **{name: GEOMETRY[name] for name in asked})


@pytest.mark.filterwarnings(DROPPED)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda function: function.__name__)
def test_advice_typed_as_it_stands_leads_on(jail: Path, situation: Any) -> None:
    """Whoever types what each error offers reads the scan after a few of them, and never sees one twice."""
    options = situation()
    path = next(Path().glob("own.*"))
    seen: list[str] = []
    scan = None
    while scan is None and len(seen) < MOST_STEPS:
        try:
            scan = RawData.from_file(path, options=options)
        except ScanError as error:
            seen.append(str(error))
            options = advised(error, options)
    assert scan is not None, "\n\n".join(seen)
    assert len(set(seen)) == len(seen) > 0
    count = scan.n_frames
    np.testing.assert_array_equal(scan.diff3d, MADE.frames[:count])
    steps = np.diff(scan.positions, axis=0)
    np.testing.assert_allclose(steps, np.diff(PIXELS[:count], axis=0), atol=1e-2)


@pytest.mark.parametrize("kind", ["npz", "mat", "h5"])
def test_several_arrays_of_frames_follow_each_other(tmp_path: Path, kind: str) -> None:
    """Frames that are named with a comma between are taken one after the other, if their sides are equal."""
    path = tmp_path / f"scan.{kind}"
    parts = {"early": MADE.frames[:5], "late": MADE.frames[5:], "small": MADE.frames[:, :8, :8]}
    if kind == "npz":
        np.savez(path, **parts, places=PIXELS)
    elif kind == "mat":
        savemat(path, {name: np.moveaxis(part, 0, -1) for name, part in parts.items()} | {"places": PIXELS})
    else:
        with h5py.File(path, "w") as file:
            file.update(parts | {"places": PIXELS})
    options = ScanOptions(frames="early,late", positions=f"{path}:places")
    np.testing.assert_array_equal(RawData.from_file(path, options=options).diff3d, MADE.frames)
    with pytest.raises(ScanError, match="'small' in"):
        RawData.from_file(path, options=replace(options, frames="early,small"))


def test_complex_frames_are_named(tmp_path: Path) -> None:
    """A stack of complex numbers is refused with the reason."""
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["waves"] = np.ones((9, 32, 32), np.complex64)
    with pytest.raises(ScanError, match="'waves' is complex, and a detector gives real numbers"):
        RawData.from_file(tmp_path / "scan.h5")
