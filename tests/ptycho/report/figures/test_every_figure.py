"""Pictures: whole PNG files from plain arrays, the same bytes from the same arrays."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ptycho.metrics.frc import frc
from ptycho.report.figures.comparison import save_comparison
from ptycho.report.figures.diffraction import save_diffraction
from ptycho.report.figures.loss import save_loss
from ptycho.report.figures.object import save_object
from ptycho.report.figures.positions import save_positions
from ptycho.report.figures.probe import save_probe
from ptycho.report.figures.raster import FONT
from ptycho.report.figures.ring_correlation import save_frc
from ptycho.report.figures.ticks import MINUS


def every_picture(folder, scene, rng):
    """Draw one of each kind."""
    probe = np.stack([scene[:32, :32], 0.2 * scene[:32, :32]])
    frames = rng.poisson(5.0, (2, 32, 32)) ** 0.5
    positions = rng.uniform(0, 100, (30, 2))
    curve = frc(rng.standard_normal((32, 32)), rng.standard_normal((32, 32)))
    save_object(folder / "object.png", scene, coverage=np.ones(scene.shape))
    save_probe(folder / "probe.png", probe)
    save_diffraction(folder / "diffraction.png", frames, frames + 0.1, frame_indices=[3, 9])
    save_loss(folder / "loss.png", {"train": [3.0, 1.0, 0.1], "val": [3.0, np.nan, 0.2]}, best_epoch=3)
    save_positions(folder / "positions.png", positions, N=32)
    save_comparison(folder / "comparison.png", scene, scene * np.exp(0.1j))
    save_frc(folder / "frc.png", {"phase": curve})
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
        save_object(tmp_path / name, scene)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_failed_drawing_leaves_the_old_picture(tmp_path, scene, monkeypatch):
    """When drawing fails, the picture from before is untouched and nothing half-written remains."""
    path = tmp_path / "object.png"
    save_object(path, scene)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("disk full")

    monkeypatch.setattr("PIL.Image.Image.save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_object(path, 2 * scene)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["object.png"]


def test_drawing_needs_no_plotting_library():
    """Importing the module loads neither Pillow nor matplotlib, and drawing loads Pillow alone."""
    code = (
        "import sys, pathlib, tempfile, numpy as np\n"
        "from ptycho.report.figures.object import save_object\n"
        "assert not {'PIL', 'matplotlib'} & sys.modules.keys()\n"
        "folder = pathlib.Path(tempfile.mkdtemp())\n"
        "save_object(folder / 'a.png', np.ones((20, 20), complex))\n"
        "assert 'PIL' in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_font_has_every_sign_that_is_written():
    """A label with a root, a micrometre or a minus shows no box."""
    font = ImageFont.truetype(FONT, 20)

    def drawn(sign):
        page = Image.new("L", (40, 40))
        ImageDraw.Draw(page).text((5, 5), sign, font=font, fill=255)
        return page.tobytes()

    box = drawn("\ue123")
    assert not [sign for sign in "√µ₁₀²°é" + MINUS if drawn(sign) == box]
