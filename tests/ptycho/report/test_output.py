"""Files of a picture for other programs say the same as the picture, read by programs of others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from ptycho.commands.main import main
from ptycho.physics.canvas import cut
from ptycho.physics.fourier import far_field_amplitude
from ptycho.reconstruction.result import Reconstruction
from ptycho.report.markdown import write_results
from ptycho.report.output import output_for
from ptycho.report.results import Results
from ptycho.run.resolve import resolve_run
from ptycho.scan.geometry import photon_wavelength_m

PIXEL_M, DISTANCE_M, ENERGY_EV = 30e-9, 1.5, 8000.0
LENGTHS = {
    "wavelength_m": photon_wavelength_m(ENERGY_EV),
    "distance_m": DISTANCE_M,
    "detector_pixel_m": 75e-6,
    "object_pixel_m": PIXEL_M,
}


@pytest.fixture
def picture(results: Results) -> Reconstruction:
    """The true object where the scan saw it, its probe in another unit, and the geometry."""
    known = results.reconstruction
    return replace(known, probe=known.probe * np.complex64(0.01), lengths_m=LENGTHS)


def write(picture: Reconstruction, name: str) -> Path:
    """Write a picture as the file that a name asks for."""
    path = Path(name)
    output_for(path).write(picture, "scan.npz", path)
    return path


def test_the_probe_explains_the_frames(picture: Reconstruction) -> None:
    """Probe and object predict the frames in sqrt(counts), whatever unit the network had."""
    patches = cut(picture.object, picture.positions[:2], 64, origin_px=tuple(picture.origin_px.astype(int)))
    predicted = far_field_amplitude(patches, picture.probe_in_counts())
    difference = np.sum((predicted - picture.measured) ** 2) / np.sum(picture.measured**2)
    assert difference < 0.01


def test_a_product_shows_each_patch(jail: Path, picture: Reconstruction) -> None:
    """Read by ptychodus' rule from metres to pixels, every position shows the patch that the picture has."""
    with h5py.File(write(picture, "product.h5")) as file:
        image, probe = file["object"][0], file["probe"][0]
        width_m, centre = file["object"].attrs["pixel_width_m"], file["object"].attrs
        x = (file["probe_position_x_m"][()] - centre["center_x_m"]) / width_m + image.shape[1] / 2
        y = (file["probe_position_y_m"][()] - centre["center_y_m"]) / width_m + image.shape[0] / 2
        assert file.attrs["probe_energy_eV"] == pytest.approx(ENERGY_EV)
        assert file.attrs["detector_object_distance_m"] == DISTANCE_M
        assert file.attrs["probe_photon_count"] == pytest.approx(np.sum(np.abs(probe) ** 2))
    there = cut(image, np.stack([x, y], axis=1), 64)
    here = cut(picture.object, picture.positions, 64, origin_px=tuple(picture.origin_px.astype(int)))
    np.testing.assert_allclose(there, here, atol=1e-5)


def test_a_cxi_file_holds_the_picture(jail: Path, picture: Reconstruction) -> None:
    """Picture, place and size in metres, positions and energy in joules stand where CXI has them."""
    with h5py.File(write(picture, "object.cxi")) as file:
        np.testing.assert_array_equal(file["entry_1/image_1/data"], picture.object)
        np.testing.assert_array_equal(file["entry_1/image_1/mask"][()] == 0, picture.coverage > 0)
        middle = (picture.origin_px + np.array(picture.object.shape[::-1]) / 2) * PIXEL_M
        np.testing.assert_allclose(file["entry_1/image_1/image_center"][:2], middle)
        np.testing.assert_allclose(file["entry_1/data_1/translation"][:, :2], picture.positions * PIXEL_M)
        energy_ev = file["entry_1/instrument_1/source_1/energy"][()] / 1.602176634e-19
        assert energy_ev == pytest.approx(ENERGY_EV)


def test_a_tiff_file_has_its_scale(jail: Path, picture: Reconstruction) -> None:
    """Two readers find both pages in float32; what was never seen is NaN, and a pixel has its size."""
    unseen = picture.coverage <= 0
    path = write(picture, "object.tiff")
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata is not None
        assert file.imagej_metadata["unit"] == "um"
        assert file.imagej_metadata["Labels"] == ["amplitude", "phase in rad"]
        pixels, per = file.pages.first.tags["XResolution"].value
        assert per / pixels == pytest.approx(PIXEL_M * 1e6, rel=1e-5)
    with Image.open(path) as image:
        pages = []
        for number in range(2):
            image.seek(number)
            pages.append(np.asarray(image))
    for page, expected in zip(pages, (np.abs(picture.object), np.angle(picture.object)), strict=True):
        assert page.dtype == np.float32
        np.testing.assert_array_equal(page[~unseen], expected.astype(np.float32)[~unseen])
        assert np.isnan(page[unseen]).all()


def test_without_lengths_a_tiff_is_unscaled(jail: Path, picture: Reconstruction) -> None:
    """A picture of unknown scale claims none."""
    with tifffile.TiffFile(write(replace(picture, lengths_m={}), "object.tif")) as file:
        assert "unit" not in (file.imagej_metadata or {})


def asked(results: Results, picture: Reconstruction, *names: str) -> Results:
    """Give results of a run that asks for files."""
    resolution = resolve_run("infer", overrides={"inference.outputs": names, "model.gridsize": 1})
    return replace(results, resolution=resolution, reconstruction=picture)


def test_a_run_writes_what_is_asked_for(jail: Path, results: Results, picture: Reconstruction) -> None:
    """The files lie beside the report, under their own names."""
    write_results(jail, [asked(results, picture, "tiff", "product")])
    assert {"object.tiff", "product.h5", "report.md"} <= {path.name for path in jail.iterdir()}
    assert not (jail / "object.cxi").exists()


def test_a_missing_length_costs_no_run(jail: Path, results: Results, picture: Reconstruction) -> None:
    """A file that cannot be written is a warning on the page, which says how to get it."""
    bare = replace(picture, lengths_m={})
    write_results(jail, [asked(results, bare, "product", "tiff")])
    assert (jail / "object.tiff").is_file()
    assert not (jail / "product.h5").exists()
    page = (jail / "report.md").read_text()
    assert "product.h5 is missing: " in page
    assert "data.energy_kev and data.distance_m and data.detector_pixel_m" in page
    assert "`ptycho export RUN_FOLDER --to product.h5`" in page


def test_export_writes_what_a_run_knows(jail: Path, results: Results, picture: Reconstruction) -> None:
    """A finished run becomes any of the files, with its own geometry."""
    write_results(jail / "run", [asked(results, picture)])
    for name in ("a.cxi", "b.h5", "c.tif"):
        assert main(["export", "run", "--to", name, "--quiet"]) == 0
        assert Path(name).is_file()
    with h5py.File("b.h5") as file:
        assert file["object"].attrs["pixel_width_m"] == PIXEL_M


def test_export_takes_the_geometry(
    jail: Path, results: Results, picture: Reconstruction, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the run did not know is said to `export`; without it the missing settings are named."""
    write_results(jail / "run", [asked(results, replace(picture, lengths_m={}))])
    assert main(["export", "run", "--to", "b.h5"]) == 2
    error = capsys.readouterr().err
    assert "data.energy_kev and data.distance_m and data.detector_pixel_m" in error
    advice = error.partition("on the command line ")[2].split()
    values = iter(("8", "1.5", "75e-6"))
    known = [word if word.startswith("--") else next(values) for word in advice]
    assert main(["export", "run", "--to", "b.h5", *known, "--quiet"]) == 0
    with h5py.File("b.h5") as file:
        expected = LENGTHS["wavelength_m"] * DISTANCE_M / (64 * 75e-6)
        assert file["object"].attrs["pixel_width_m"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["missing", "--to", "a.cxi"], "there is no picture at missing"),
        (["run", "--to", "a.png"], r"a.png: no such kind of file is written"),
        (["run", "--to", "a.h5", "--energy_kev", "0"], "0 is not above zero"),
    ],
)
def test_export_says_what_is_wrong(
    jail: Path, words: list[str], text: str, results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing picture, an unknown kind of file and an absurd length are errors of use."""
    write_results(jail / "run", [results])
    try:
        code: Any = main(["export", *words])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert text in capsys.readouterr().err


def test_an_unknown_output_is_named(jail: Path) -> None:
    """The name that was meant is offered before anything runs."""
    with pytest.raises(Exception, match=r"names what is not there") as caught:
        resolve_run("infer", overrides={"inference.outputs": ["tif"]})
    assert 'outputs = ["tiff"]' in str(caught.value)


def test_the_advice_for_a_name_can_be_taken(tmp_path: Path) -> None:
    """A folder is answered with a file in it, a device with a file of this folder, a name with its ending."""
    for path, advice in (
        (tmp_path, tmp_path / "object.cxi"),
        (Path("/dev/null"), Path("object.cxi")),
        (tmp_path / "a.png", tmp_path / "a.cxi"),
    ):
        with pytest.raises(ValueError, match="no such kind of file is written") as caught:
            output_for(path)
        assert str(caught.value).endswith(f"\n  try       {advice}")
