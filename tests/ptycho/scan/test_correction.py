"""Dark frame and flat field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.scan.correction import CorrectedFrames
from ptycho.settings.data import ScanOptions

PICTURES = hnp.arrays(np.float32, (3, 4), elements=st.floats(0.5, 2.0, width=32))


@given(dark=PICTURES, flat=PICTURES, which=st.slices(5))
def test_what_the_detector_did_is_undone(dark: Any, flat: Any, which: slice) -> None:
    """Frames that a detector darkened and shaded come back, a few at a time or all at once."""
    light = np.arange(5 * 12, dtype=np.float32).reshape(5, 3, 4)
    corrected = CorrectedFrames(light * flat + dark, dark, flat)
    assert (corrected.shape, corrected.ndim, corrected.size, len(corrected)) == ((5, 3, 4), 3, 60, 5)
    np.testing.assert_allclose(corrected[which], light[which], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.asarray(corrected), light, rtol=1e-5, atol=1e-5)


def test_a_corrected_scan_holds_counts(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Dark and flat come from files of their own or from the scan's; blind pixels are masked."""
    flat = np.linspace(0.8, 1.2, 256).reshape(16, 16)
    dark = np.full((3, 16, 16), 2.0)
    frames = scan_arrays["diff3d"] * (flat / flat.mean()) + 2.0
    flat[4, 4] = 0.0
    with h5py.File("detector.h5", "w") as file:
        file["darks"] = dark
    path = npz.write("scan.npz", scan_arrays | {"diff3d": frames, "flat": flat})
    scan = RawData.from_file(path, options=ScanOptions(dark="detector.h5:darks", flat="flat"))
    assert scan.quantity == "counts"
    assert scan.mask is not None
    assert np.argwhere(~scan.mask).tolist() == [[4, 4]]
    expected = scan_arrays["diff3d"].astype(float)
    expected[:, 4, 4] = 0.0
    np.testing.assert_allclose(scan.amplitudes() ** 2, expected, rtol=5e-3, atol=5e-3)
    assert "the dark frame detector.h5:darks, 2 on average, was taken off" in scan.decisions


@pytest.mark.parametrize(
    ("name", "text"),
    [("no", "there is no 'no' in scan.npz"), ("xcoords", 'data.dark = "xcoords" has shape (12,)')],
)
def test_a_dark_frame_that_does_not_fit_is_refused(
    jail: Path, scan_arrays: dict[str, Any], name: str, text: str
) -> None:
    """A name of nothing, and an array of another shape, are refused with what would fit."""
    with pytest.raises(ScanError) as caught:
        RawData.from_file(npz.write("scan.npz", scan_arrays), options=ScanOptions(dark=name))
    assert text in str(caught.value)
