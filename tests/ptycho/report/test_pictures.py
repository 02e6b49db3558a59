"""Pictures: whole PNG files from plain arrays, blank where nothing was scanned, in the right units."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ptycho.metrics.frc import frc
from ptycho.report import pictures
from ptycho.report.pictures import flat_phase


def every_picture(folder, scene, rng):
    """Draw one of each kind."""
    probe = np.stack([scene[:32, :32], 0.2 * scene[:32, :32]])
    frames = rng.poisson(5.0, (2, 32, 32)) ** 0.5
    positions = rng.uniform(0, 100, (30, 2))
    curve = frc(rng.standard_normal((32, 32)), rng.standard_normal((32, 32)))
    pictures.save_object(folder / "object.png", scene, coverage=np.ones(scene.shape))
    pictures.save_probe(folder / "probe.png", probe)
    pictures.save_diffraction(folder / "diffraction.png", frames, frames + 0.1, frame_indices=[3, 9])
    pictures.save_loss(
        folder / "loss.png", {"train": [3.0, 1.0, 0.1], "val": [3.0, np.nan, 0.2]}, best_epoch=3
    )
    pictures.save_positions(folder / "positions.png", positions, N=32)
    pictures.save_comparison(folder / "comparison.png", scene, scene * np.exp(0.1j))
    pictures.save_frc(folder / "frc.png", {"phase": curve})
    return sorted(path.name for path in folder.iterdir())


def test_every_picture_is_a_whole_png(tmp_path, scene, rng):
    """All seven kinds appear, each a PNG, and no temporary file stays behind."""
    names = every_picture(tmp_path, scene, rng)
    assert names == [
        "comparison.png",
        "diffraction.png",
        "frc.png",
        "loss.png",
        "object.png",
        "positions.png",
        "probe.png",
    ]
    for name in names:
        content = (tmp_path / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content.endswith(b"IEND\xaeB`\x82")


def test_the_same_arrays_give_the_same_bytes(tmp_path, scene):
    """No date and no version in the file: pictures can be compared."""
    for name in ("a.png", "b.png"):
        pictures.save_object(tmp_path / name, scene)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_failed_drawing_leaves_the_old_picture(tmp_path, scene, monkeypatch):
    """When drawing fails, the picture from before is untouched and nothing half-written remains."""
    path = tmp_path / "object.png"
    pictures.save_object(path, scene)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        pictures.save_object(path, 2 * scene)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["object.png"]


def test_unscanned_pixels_are_blank(tmp_path, scene, drawn):
    """Below a twentieth of the largest coverage a pixel is NaN, and empty borders are cropped."""
    coverage = np.zeros(scene.shape)
    coverage[10:30, 8:48] = 1.0
    coverage[15, 20] = 0.01
    pictures.save_object(tmp_path / "object.png", scene, coverage=coverage, origin_px=(100, 200))
    amplitude, phase = (np.ma.filled(axes.images[0].get_array(), np.nan) for axes in drawn[0].axes[:2])
    assert amplitude.shape == phase.shape == (20, 40)
    assert np.isnan(amplitude[5, 12])
    assert np.isnan(amplitude).sum() == np.isnan(phase).sum() == 1
    assert drawn[0].axes[0].images[0].get_extent() == [107.5, 147.5, 229.5, 209.5]


def test_odd_pixels_do_not_set_the_colours(tmp_path, scene, drawn):
    """One hot pixel leaves the contrast of the others alone, and the colour bar shows an arrow."""
    scene[3, 3] = 1e6
    pictures.save_object(tmp_path / "object.png", scene)
    assert drawn[0].axes[0].images[0].norm.vmax < 1.0


def test_barely_scanned_pixels_do_not_set_the_colours(tmp_path, scene, drawn):
    """A rim of a tenth of the coverage is shown, but its wild values leave the colour limits alone."""
    coverage = np.ones(scene.shape)
    coverage[:8] = 0.1
    scene[:8] *= 40
    pictures.save_object(tmp_path / "object.png", scene, coverage=coverage)
    shown = drawn[0].axes[0].images[0]
    assert np.nanmax(shown.get_array()) > 30
    assert shown.norm.vmax < 1.0


def test_small_phases_are_symmetric_and_large_ones_cyclic(tmp_path, scene, drawn):
    """A phase that stays within the circle gets a symmetric range; one that fills it, cyclic colours."""
    pictures.save_object(tmp_path / "small.png", scene)
    y, x = np.mgrid[:40, :56]
    pictures.save_object(tmp_path / "large.png", np.exp(3.5j * np.sin(x / 6) * np.cos(y / 7)))
    small, large = (figure.axes[1].images[0] for figure in drawn)
    assert small.norm.vmin == -small.norm.vmax
    assert small.norm.vmax < 0.9 * np.pi
    assert small.cmap.name == "RdBu_r"
    assert (large.norm.vmin, large.norm.vmax) == (-np.pi, np.pi)
    assert large.cmap.name == "twilight_shifted"


def test_diffraction_shares_one_logarithmic_scale(tmp_path, rng, drawn):
    """Measured and predicted have the same colours, log10(counts + 1); bad pixels are blank."""
    measured = np.full((1, 16, 16), 3.0)
    mask = np.ones((16, 16), bool)
    mask[0, 0] = False
    pictures.save_diffraction(tmp_path / "d.png", measured, 2 * measured, frame_indices=[7], mask=mask)
    left, middle, right = (axes.images[0] for axes in drawn[0].axes[:3])
    assert left.get_clim() == middle.get_clim()
    assert np.ma.filled(left.get_array(), np.nan)[1, 1] == pytest.approx(1.0)
    assert np.isnan(np.ma.filled(left.get_array(), np.nan)[0, 0])
    assert np.ma.filled(right.get_array(), np.nan)[1, 1] == pytest.approx(3.0)
    assert drawn[0].axes[0].get_title() == "frame 7: measured"


def test_small_integers_do_not_overflow_in_pictures(tmp_path, drawn):
    """Amplitudes of uint16 are squared in floating point."""
    pictures.save_diffraction(
        tmp_path / "d.png", np.full((1, 8, 8), 1000, np.uint16), np.full((1, 8, 8), 1000.0)
    )
    assert np.asarray(drawn[0].axes[0].images[0].get_array())[0, 0] == pytest.approx(6.0, abs=1e-5)


def test_probe_modes_tell_their_energy(tmp_path, scene, drawn):
    """Every mode has its share of the energy above it."""
    probe = np.stack([scene[:32, :32], 0.5 * scene[:32, :32]])
    pictures.save_probe(tmp_path / "probe.png", probe)
    assert [axes.get_title() for axes in drawn[0].axes[:2]] == ["mode 1: 80.0 %", "mode 2: 20.0 %"]


def test_comparison_uses_the_scale_of_the_truth(tmp_path, scene, drawn):
    """Reconstruction and truth share the truth's colours, so that a weak contrast looks weak."""
    weak = 0.8 + 0.1 * (np.abs(scene) - 0.8) + 0j
    pictures.save_comparison(tmp_path / "c.png", weak, scene)
    ours, truth = drawn[0].axes[:2]
    assert ours.images[0].get_clim() == truth.images[0].get_clim()
    assert truth.get_title() == "amplitude, truth"


def test_ramps_and_mean_phases_are_taken_off(scene):
    """A tilt and a constant do not change the flat phase; the tilt stays when asked for."""
    y, x = np.indices(scene.shape)
    mask = np.ones(scene.shape, bool)
    tilted = scene * np.exp(1j * (2 + 0.1 * x - 0.05 * y))
    np.testing.assert_allclose(flat_phase(tilted, mask), flat_phase(scene, mask), atol=1e-9)
    assert np.ptp(flat_phase(tilted, mask, ramp=False)) > 4


def test_drawing_touches_no_global_state():
    """Importing the module loads no matplotlib, and drawing never loads pyplot."""
    code = (
        "import sys, pathlib, tempfile, numpy as np\n"
        "from ptycho.report import pictures\n"
        "assert not any(name.startswith('matplotlib') for name in sys.modules)\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "pictures.save_object(folder / 'a.png', np.ones((20, 20), complex))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
