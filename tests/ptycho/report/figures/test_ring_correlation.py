"""Ring correlations in words."""

from __future__ import annotations

from scipy import ndimage

from ptycho.metrics.frc import frc
from ptycho.report.figures.figure import metres
from ptycho.report.figures.ring_correlation import _reach


def test_resolution_is_written_in_words(rng):
    """The legend of a ring correlation says where it ends, in px or in metres."""
    picture = rng.standard_normal((32, 32))
    assert _reach(frc(picture, picture)) == "above the threshold to the last ring"
    assert _reach(frc(picture, -picture)) == "below the threshold from the first ring"
    smooth = ndimage.gaussian_filter(rng.standard_normal((64, 64)), 2)
    noisy = frc(smooth, smooth + 0.05 * rng.standard_normal((64, 64)), against="truth", pixel_size_m=5e-9)
    assert 0.1 < noisy.crossing < 0.4
    assert _reach(noisy) == f"{noisy.crossing:.3f} cycles/px, half period {metres(noisy.resolution_m)}"
