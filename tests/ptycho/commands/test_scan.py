"""``ptycho scan``, ``formats`` and ``check``: a scan file is looked at before anything runs."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from ptycho.commands.main import main
from ptycho.raw_data import RawData
from ptycho.run.resolve import resolve_run
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import FORMATS
from ptycho.simulate.scan import Simulation, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

GEOMETRY = ["--energy_kev", "8.0", "--distance_m", "0.93", "--pixel_size_m", "75e-6"]


@pytest.fixture
def scan(jail: Path, tiny_scan: RawData) -> Path:
    """Write a scan in an empty folder."""
    return tiny_scan.to_file(jail / "scan.npz")


def test_a_scan_is_shown(scan: Path, tiny_scan: RawData, capsys: pytest.CaptureFixture[str]) -> None:
    """What is in the file, what is taken and why, and a picture beside it."""
    assert main(["scan", "scan.npz"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("scan.npz: npz, an NPZ file with")
    assert "  diff3d (36, 64, 64) uint16" in printed.out
    assert "  36 frames of 64 x 64" in printed.out
    assert "written: scan.npz.png" in printed.out
    assert Path("scan.npz.png").read_bytes().startswith(b"\x89PNG")
    for decision in RawData.from_file(scan).decisions:
        assert f"  {decision}" in printed.out
    assert printed.err == ""


PLATE = {"kind": "zone_plate", "diameter_m": 180e-6, "outer_zone_width_m": 75e-9, "stop_m": 60e-6}
"""The numbers of the beam that simulations scan with, on pixels of 30 nm, but for its defocus."""


@pytest.mark.parametrize("source", ["file", "model", "frames"])
def test_the_probe_is_drawn(jail: Path, capsys: pytest.CaptureFixture[str], source: str) -> None:
    """`--probe`, wherever it stands, draws the probe that a reconstruction starts from, and says where."""
    scan = simulate(Simulation(N=32, n_frames=36, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    probe = {"probeGuess": scan.probeGuess} if source == "file" else {}
    np.savez(jail / "scan.npz", diff3d=scan.diff3d, xcoords=scan.xcoords, ycoords=scan.ycoords, **probe)
    plate = [word for name, value in PLATE.items() for word in (f"--data.probe_model.{name}", str(value))]
    more = [*GEOMETRY, "--pixel_size_m", "150e-6", *plate, "--data.probe_model.defocus_m=-186e-6"]
    assert main(["scan", "--probe", "scan.npz", *(more if source == "model" else [])]) == 0
    printed = capsys.readouterr()
    assert "\nprobe: scan.npz.probe.png\n" in printed.out
    assert ("the probe was found from the frames" in printed.err) == (source == "frames")
    assert Path("scan.npz.probe.png").read_bytes().startswith(b"\x89PNG")


def test_the_printed_settings_take_the_same_scan(
    scan: Path, tiny_scan: RawData, capsys: pytest.CaptureFixture[str]
) -> None:
    """The TOML that is printed reads the scan as it was read, and leaves nothing to find."""
    assert main(["scan", "scan.npz", *GEOMETRY, "--crop_px", "128"]) == 0
    text = capsys.readouterr().out.partition("[training]")
    Path("run.toml").write_text(text[1] + text[2] + "\n")
    assert tomllib.loads(Path("run.toml").read_text())["model"]["N"] == 128
    resolution = resolve_run("train", files=["run.toml"])
    again = RawData.from_file("scan.npz", options=resolution.build(ScanOptions))
    assert (again.N, again.quantity) == (128, "counts")
    assert again.object_pixel_m == pytest.approx(1.549802e-10 * 0.93 / (128 * 75e-6), rel=1e-5)


def test_a_product_keeps_the_scan(scan: Path, tiny_scan: RawData) -> None:
    """A product that holds its patterns reads back with frames, positions, probe and geometry."""
    assert main(["scan", "scan.npz", "--to", "scan.h5", *GEOMETRY]) == 0
    read = RawData.from_file("scan.h5")
    np.testing.assert_allclose(read.amplitudes(), tiny_scan.amplitudes(), rtol=1e-6)
    np.testing.assert_allclose(read.positions, tiny_scan.positions, rtol=1e-9)
    assert read.probe_modes is not None
    assert tiny_scan.probe_modes is not None
    np.testing.assert_allclose(read.probe_modes, tiny_scan.probe_modes, rtol=1e-6)
    assert read.object_pixel_m == pytest.approx(1.549802e-10 * 0.93 / (64 * 75e-6), rel=1e-5)
    with h5py.File("scan.h5") as file:
        width, rows = file["object"].attrs["pixel_width_m"], file["object"].shape[1]
        # ptychodus' own rule: (y - centre) / pixel + H / 2.
        y = (file["probe_position_y_m"][:] - file["object"].attrs["center_y_m"]) / width + rows / 2
    np.testing.assert_allclose(y - tiny_scan.positions[:, 1], y[0] - tiny_scan.positions[0, 1], atol=1e-6)


def test_the_picture_goes_where_it_may(
    scan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside a file in somebody else's folder nothing is written: the picture stands in the current one."""
    theirs = Path("theirs")
    theirs.mkdir()
    scan.rename(theirs / "scan.npz")
    monkeypatch.setattr("ptycho.commands.scan._is_own", lambda _: False)
    assert main(["scan", "theirs/scan.npz"]) == 0
    assert "written: scan.npz.png" in capsys.readouterr().out
    assert Path("scan.npz.png").is_file()
    assert not (theirs / "scan.npz.png").exists()


def test_what_is_doubtful_is_said(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings of the reading stand in a part of their own."""
    with np.load(scan) as arrays:
        given = dict(arrays)
    given["xcoords"] = np.where(np.arange(36) == 7, 90_000.0, given["xcoords"])
    np.savez("far.npz", **given)
    assert main(["scan", "far.npz"]) == 0
    assert "\ndoubtful\n  1 positions are far from all others" in capsys.readouterr().out


def test_a_scan_is_converted_there_and_back(scan: Path, tiny_scan: RawData) -> None:
    """NPZ to CXI to NPZ keeps frames, positions, probe, mask and geometry."""
    assert main(["scan", "scan.npz", "--to", "scan.cxi", *GEOMETRY]) == 0
    assert main(["scan", "scan.cxi", "--to", "again.npz"]) == 0
    cxi, again = RawData.from_file("scan.cxi"), RawData.from_file("again.npz")
    for read in (cxi, again):
        np.testing.assert_allclose(read.amplitudes(), tiny_scan.amplitudes(), rtol=1e-6)
        moved = read.positions - tiny_scan.positions
        np.testing.assert_allclose(moved - moved.mean(axis=0), 0.0, atol=1e-6)
        assert read.probe_modes is not None
        assert tiny_scan.probe_modes is not None
        np.testing.assert_allclose(read.probe_modes, tiny_scan.probe_modes, rtol=1e-6)
    assert cxi.object_pixel_m == pytest.approx(1.549802e-10 * 0.93 / (64 * 75e-6), rel=1e-5)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("scan.cxi", "cannot be written as CXI: positions are lengths there"),
        ("scan.mp4", "--to scan.mp4: no such kind of file is written\n  expected  .npz, .cxi, .h5"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    scan: Path, capsys: pytest.CaptureFixture[str], target: str, text: str
) -> None:
    """A conversion that lacks something, or an unknown one, leaves no file and exit code 2."""
    assert main(["scan", "scan.npz", "--to", target]) == 2
    assert text in capsys.readouterr().err
    assert not Path(target).exists()


def test_every_format_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each reader stands in the list with what its files hold and need."""
    assert main(["formats"]) == 0
    printed = capsys.readouterr().out
    for name in FORMATS:
        assert f"{name} " in printed
        assert FORMATS[name].layout in printed
        assert FORMATS[name].needs in printed


def test_check_opens_the_scan(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that hold and a scan that can be read are fine; a file that is no scan is a failed check."""
    settings = '[training]\nbackend = "pytorch"\nn_groups = 8\ntrain_data_file = '
    Path("run.toml").write_text(f'{settings}"scan.npz"\n')
    assert main(["check", "run.toml"]) == 0
    Path("notes.txt").write_text("no scan\n")
    Path("run.toml").write_text(f'{settings}"notes.txt"\n')
    capsys.readouterr()
    assert main(["check", "run.toml"]) == 1
    assert "notes.txt is no scan file: it is a text file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("architecture", "side", "N"),
    [
        ("cnn", 100, 128),
        ("cnn", 70, 64),
        ("cnn", 514, 256),
        ("cnn", 64, 64),
        ("unet", 96, 96),
        ("unet", 72, 72),
        ("unet", 103, 96),
        ("unet", 24, 32),
    ],
)
def test_frames_get_the_side_of_a_network(
    jail: Path, architecture: str, side: int, N: int, make_hdf5: Callable[[int], Path]
) -> None:
    """Frames of a side that the architecture does not take are cut or filled up; explain shows it."""
    path = make_hdf5(side)
    written = {"training.train_data_file": path, "model.architecture": architecture}
    resolution = resolve_run("train", overrides=written)
    assert resolution["model.N"] == N
    assert resolution["data.crop_px"] == (None if side == N else N)
    asked = resolve_run("train", overrides=written | {"model.N": 64})
    assert asked["data.crop_px"] == (None if side == N else 64)
    scan = RawData.from_file(path, options=resolution.build(ScanOptions))
    assert scan.N == N


@pytest.fixture
def make_hdf5(jail: Path) -> Callable[[int], Path]:
    """Give a way to write frames of a side with positions in pixels."""

    def write(side: int) -> Path:
        disk = np.hypot(*np.meshgrid(*(np.arange(side) - side // 2,) * 2)) < side / 5
        with h5py.File("scan.h5", "w") as file:
            file["frames"] = np.random.default_rng(0).poisson(2.0 + 9.0 * disk, (6, side, side)).astype("u2")
            file["x"], file["y"] = np.arange(6.0) * 9, np.arange(6.0) % 2 * 9
        return jail / "scan.h5"

    return write


@pytest.mark.parametrize("target", ["scan.npz", "linked.npz", "note.cxi"])
def test_no_file_is_replaced(scan: Path, capsys: pytest.CaptureFixture[str], target: str) -> None:
    """A scan is never written over a file or a link: neither over itself nor over anything else."""
    Path("note.cxi").write_text("a note")
    Path("linked.npz").symlink_to("scan.npz")
    before = {path: path.read_bytes() for path in Path().iterdir()}
    assert main(["scan", "scan.npz", "--to", target, *GEOMETRY]) == 2
    assert f"--to {target}: this file is there already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path().iterdir()} == before


def test_a_cut_archive_is_one_clear_error(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of an NPZ file is named with what helps, however often a run looks at it."""
    scan.write_bytes(scan.read_bytes()[: scan.stat().st_size // 2])
    assert main(["scan", "scan.npz"]) == 2
    assert "scan.npz is not an NPZ file" in capsys.readouterr().err


def _refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that fails, and give what it says."""
    assert main([*words]) == 2
    return capsys.readouterr().err


def test_what_is_no_scan_is_named_with_what_helps(
    scan: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, an empty file, a name that is almost right and a link that leads nowhere say what to do."""
    Path("frames").mkdir()
    for number in range(3):
        Path(f"frames/img_{number}.tif").write_bytes(b"II*\0")
    assert "try       frames/img_0.tif" in _refused(capsys, "scan", "frames")
    Path("empty.h5").touch()
    assert "empty.h5 is no scan file: it is empty (0 bytes)" in _refused(capsys, "scan", "empty.h5")
    assert "known here  scan.npz" in _refused(capsys, "scan", "scam.npz")
    with h5py.File("dangling.h5", "w") as file:
        file["entry/data"] = h5py.SoftLink("/gone/data")
    told = _refused(capsys, "scan", "dangling.h5")
    assert "'entry/data' in dangling.h5 is a link to '/gone/data', which is not there" in told
    monkeypatch.setenv("HOME", str(Path().absolute()))
    assert main(["scan", "~/scan.npz"]) == 0


def test_what_is_cut_for_a_network_is_told(
    jail: Path, make_hdf5: Callable[[int], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a network takes another side than sweeps do, both answers are given."""
    path = make_hdf5(73)
    assert main(["scan", str(path), *GEOMETRY]) == 0
    assert "so it is for a training; `ptycho reconstruct` takes the frames whole" in capsys.readouterr().out


def test_a_distance_in_another_unit_is_doubted(scan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A distance of a kilometre is not believed, and what it looks like is said."""
    assert main(["scan", "scan.npz", "--to", "scan.cxi", *GEOMETRY]) == 0
    with h5py.File("scan.cxi", "a") as file:
        file["entry_1/instrument_1/detector_1/distance"][...] = 930.0
    told = _refused(capsys, "scan", "scan.cxi")
    assert "distance is 930 m: the number looks like mm" in told
    assert "try       data.distance_m" in told
    assert main(["scan", "scan.cxi", "--distance_m", "0.93"]) == 0


def test_a_crop_is_written_cropped(scan: Path, tiny_scan: RawData) -> None:
    """What is converted is what the settings take: frames of the side that was asked for."""
    assert main(["scan", "scan.npz", "--to", "other.npz", "--data.crop_px", "32"]) == 0
    taken = RawData.from_file(scan, options=ScanOptions(crop_px=32))
    np.testing.assert_allclose(RawData.from_file("other.npz").amplitudes(), taken.amplitudes(), rtol=1e-6)
    assert taken.N == 32 != tiny_scan.N


def test_a_simulation_can_be_made_again(jail: Path) -> None:
    """The same simulation leaves one file; another one under its name leaves the earlier beside it."""
    for seed in (1, 1, 2):
        assert (
            main(["simulate", "x.npz", "--N", "64", "--n-frames", "9", "--seed", str(seed), "--quiet"]) == 0
        )
    assert sorted(path.name for path in jail.iterdir()) == ["x.npz", "x.npz.1"]
