"""What frames, probe, object and scan index must satisfy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.scan.array_checks import check_dtype, check_frames, check_object, check_probe, check_scan_index
from ptycho.scan.raw_data import RawData
from ptycho.scan.statistics import measure_frames
from ptycho.settings.data import ScanOptions

FILE = Path("scan.npz")


@pytest.mark.parametrize(("kind", "value"), [("NaN", np.nan), ("infinite", np.inf), ("negative", -2.0)])
def test_impossible_values_are_refused(kind: str, value: float) -> None:
    """NaN, infinite and negative values are refused with the first frame's index."""
    frames = np.ones((5, 4, 4))
    frames[2, 0, 0] = frames[4, 1, 1] = value
    with pytest.raises(ScanError) as caught:
        check_frames(measure_frames(frames), "diff3d", FILE)
    assert str(caught.value) == (
        f"frame 2 of 'diff3d' in scan.npz holds {kind} values (2 pixels in 2 frames)\n"
        "  expected  finite values of zero or more\n"
        "  try       data.mask = a file or key that marks the bad pixels, or leave these frames out"
    )


@pytest.mark.parametrize("name", ["mask", "bad_pixels_mask"])
def test_a_mask_in_the_file_is_named(name: str, tmp_path: Path) -> None:
    """What it is called, whether it is in use, and the setting that takes it, which works."""
    n = 60
    frames = np.random.default_rng(1).poisson(50.0, (n, 32, 32)).astype(np.float32)
    frames[3, 5, 6] = np.nan
    bad = np.zeros((32, 32), bool)
    bad[5, 6] = name != "mask"
    bad[0, 0] = True
    x, y = np.arange(n) % 8 * 4.0, np.arange(n) // 8 * 4.0
    probe = np.ones((32, 32), complex)
    path = tmp_path / "scan.npz"
    np.savez(path, diff3d=frames, xcoords=x, ycoords=y, probeGuess=probe, **{name: bad})
    with pytest.raises(ScanError, match="holds NaN values") as caught:
        RawData.from_file(path)
    in_use = name == "mask"
    assert f"'{name}' in the file{' does not mark them' if in_use else ''}\n" in str(caught.value)
    if not in_use:
        assert f'try       data.mask = "{name}"' in str(caught.value)
        assert RawData.from_file(path, options=ScanOptions(mask=name)).n_frames == n


def test_dark_frames_are_refused() -> None:
    """A scan without light is refused."""
    with pytest.raises(ScanError) as caught:
        check_frames(measure_frames(np.zeros((3, 4, 4))), "diff3d", FILE)
    assert str(caught.value) == (
        "every value of 'diff3d' in scan.npz is zero (3 frames)\n"
        "  expected  frames with some light in them\n"
        "  try       another data.mask, if all the light lies under it"
    )


def test_complex_frames_are_refused() -> None:
    """Complex frames are refused with the way to make them real."""
    with pytest.raises(ScanError) as caught:
        check_dtype(np.ones((3, 4, 4), complex), "diff3d", FILE)
    assert str(caught.value) == (
        "'diff3d' in scan.npz is an array of complex128\n"
        "  expected  real numbers: float32, float64, uint8, uint16 or uint32\n"
        "  try       diff3d = np.abs(diff3d)"
    )


def test_text_frames_are_refused() -> None:
    """Text in place of frames is refused."""
    with pytest.raises(ScanError) as caught:
        check_dtype(np.full((3, 4, 4), "a"), "diff3d", FILE)
    assert str(caught.value) == (
        "'diff3d' in scan.npz is an array of <U1\n"
        "  expected  real numbers: float32, float64, uint8, uint16 or uint32"
    )


def test_no_frames_are_refused() -> None:
    """An empty stack is refused."""
    with pytest.raises(ScanError) as caught:
        check_dtype(np.ones((0, 4, 4)), "diff3d", FILE)
    assert str(caught.value) == (
        "'diff3d' in scan.npz is empty: shape (0, 4, 4)\n  expected  at least one frame"
    )


@pytest.mark.parametrize(
    ("shape", "modes"), [((8, 8), 1), ((3, 8, 8), 3), ((8, 8, 1), 1), ((1, 1, 1, 2, 8, 8), 2), ((1, 8, 8), 1)]
)
def test_probe_becomes_a_stack_of_modes(shape: tuple[int, ...], modes: int) -> None:
    """Every shape of the contract becomes (P, N, N)."""
    assert check_probe(np.ones(shape, np.complex64), FILE).shape == (modes, 8, 8)


def test_probe_keeps_its_precision() -> None:
    """Single stays single, double stays double, real becomes complex."""
    kinds = {np.complex64: np.complex64, np.complex128: np.complex128, np.float32: np.complex64}
    for given, kept in kinds.items():
        assert check_probe(np.ones((4, 4), given), FILE).dtype == kept


@pytest.mark.parametrize("shape", [(8,), (8, 6), (2, 3, 8, 8), (0, 8, 8)])
def test_probe_of_other_shapes_is_refused(shape: tuple[int, ...]) -> None:
    """A probe of no known shape is refused with its shape."""
    with pytest.raises(ScanError) as caught:
        check_probe(np.ones(shape, np.complex64), FILE)
    assert str(caught.value) == (
        f"'probeGuess' in scan.npz is an array of complex64 with shape {shape}\n"
        "  expected  complex, of shape (N, N), (modes, N, N) or (N, N, 1)"
    )


def test_probe_with_nan_is_refused() -> None:
    """A probe must be finite."""
    probe = np.ones((4, 4), complex)
    probe[1, 1] = np.nan
    with pytest.raises(ScanError) as caught:
        check_probe(probe, FILE)
    assert str(caught.value) == (
        "'probeGuess' in scan.npz holds values that are not finite\n  expected  finite complex numbers"
    )


def test_dark_probe_is_refused() -> None:
    """A probe whose main mode is zero illuminates nothing."""
    with pytest.raises(ScanError) as caught:
        check_probe(np.zeros((2, 4, 4)), FILE)
    assert str(caught.value) == (
        "'probeGuess' in scan.npz is dark: its main mode is zero everywhere\n"
        "  expected  the illumination, in any scale"
    )


def test_object_of_ones_counts_as_absent() -> None:
    """An object that only fills the key is no object."""
    assert check_object(None, FILE) is None
    assert check_object(np.ones((5, 7), complex), FILE) is None
    found = check_object(np.full((1, 5, 7), 0.5), FILE)
    assert found is not None
    assert (found.shape, found.dtype) == ((5, 7), np.complex128)


def test_object_of_other_shapes_is_refused() -> None:
    """A stack of objects is refused with its shape."""
    with pytest.raises(ScanError) as caught:
        check_object(np.zeros((2, 5, 7)), FILE)
    assert str(caught.value) == (
        "'objectGuess' in scan.npz is an array of float64 with shape (2, 5, 7)\n"
        "  expected  complex, of shape (H, W)"
    )


def test_object_with_nan_is_refused() -> None:
    """An object must be finite."""
    with pytest.raises(ScanError) as caught:
        check_object(np.full((5, 7), np.nan), FILE)
    assert str(caught.value) == (
        "'objectGuess' in scan.npz holds values that are not finite\n  expected  finite complex numbers"
    )


def test_scan_index_defaults_to_zeros() -> None:
    """One index serves all frames, none means zero, surplus ones are dropped."""
    np.testing.assert_array_equal(check_scan_index(None, 3, FILE), [0, 0, 0])
    np.testing.assert_array_equal(check_scan_index(4, 3, FILE), [4, 4, 4])
    np.testing.assert_array_equal(check_scan_index([1, 2, 3, 4], 3, FILE), [1, 2, 3])


def test_short_scan_index_is_refused() -> None:
    """Fewer indices than frames are refused."""
    with pytest.raises(ScanError) as caught:
        check_scan_index([1, 2], 3, FILE)
    assert str(caught.value) == (
        "'scan_index' in scan.npz is an array of int64 with shape (2,)\n"
        "  expected  one whole number per frame: (3,)"
    )
