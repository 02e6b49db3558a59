"""A picture lies around the middle of the scan, wherever the scan lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.raw_data import RawData
from ptycho.reconstruction.result import Reconstruction
from ptycho_torch.api.base_api import InferenceEngine, PtychoDataLoader
from ptycho_torch.api.inference import lay_around_middle
from ptycho_torch.backend import reconstruct
from ptycho_torch.config_params import InferenceConfig

from .conftest import Done


def picture_at(left: int, top: int, height: int, width: int) -> Reconstruction:
    """Make a reconstruction of ones with its first pixel there."""
    empty = np.zeros((0, 2, 2), np.float32)
    return Reconstruction(
        object=np.ones((height, width), np.complex64),
        coverage=np.ones((height, width), np.float32),
        origin_px=np.array([left, top], float),
        positions=np.zeros((1, 2)),
        probe=np.zeros((1, 2, 2), np.complex64),
        frame_indices=np.zeros(0, np.int64),
        measured=empty,
        predicted=empty,
    )


@given(st.integers(-40, -1), st.integers(-40, -1), st.integers(1, 90), st.integers(1, 90))
def test_picture_is_widened_to_its_middle(left: int, top: int, height: int, width: int) -> None:
    """All pixels are kept, sides are even, and the origin of the positions is pixel [H/2, W/2]."""
    laid = lay_around_middle(picture_at(left, top, height, width))
    assert laid.shape[0] % 2 == laid.shape[1] % 2 == 0
    assert laid.sum() == height * width
    first = np.argwhere(laid)[0]
    assert tuple(first) == (laid.shape[0] // 2 + top, laid.shape[1] // 2 + left)
    assert min(laid[0].any() or laid[-1].any(), laid[:, 0].any() or laid[:, -1].any())


@pytest.fixture(scope="module")
def scan(client_folder: Path) -> RawData:
    """The scan that was trained on."""
    return RawData.from_file(client_folder / "train_data.npz")


def loader(done: Done, scan: RawData, shift: float = 0.0) -> PtychoDataLoader:
    """Hand a scan over as the client does."""
    return PtychoDataLoader.from_np(
        scan.diff3d, scan.probeGuess, scan.positions[:, ::-1] + shift, done.manager
    )


def test_where_the_scan_lies_does_not_matter(done: Done, scan: RawData) -> None:
    """Positions of another origin give the same picture."""
    engine = InferenceEngine(config_manager=done.manager, ptycho_model=done.model)
    here = engine.predict_and_stitch(loader(done, scan))
    there = engine.predict_and_stitch(loader(done, scan, shift=-2048.0))
    assert here.dtype == np.complex64
    np.testing.assert_array_equal(here, there)


def test_picture_is_that_of_the_library(done: Done, scan: RawData) -> None:
    """The doors show what `ptycho infer` shows, widened by zeros."""
    given = loader(done, scan)
    shown = InferenceEngine(done.manager, done.model).predict_and_stitch(given)
    assert given.scan is not None
    settings = done.manager.resolve_inference()
    found = reconstruct(done.model.trained(), settings, given.scan)
    np.testing.assert_array_equal(shown, lay_around_middle(found))
    assert np.abs(shown).max() > 0


def test_patch_weighting_reaches_the_picture(done: Done, scan: RawData) -> None:
    """Uniform weights cover more of the object than the probe does."""
    manager = done.manager
    before = manager.inference_config
    try:
        lit = InferenceEngine(manager, done.model).predict_and_stitch(loader(done, scan))
        manager.inference_config = replace(before, patch_weighting="uniform")
        alike = InferenceEngine(manager, done.model).predict_and_stitch(loader(done, scan))
    finally:
        manager.inference_config = before
    assert isinstance(before, InferenceConfig)
    assert np.count_nonzero(alike) > np.count_nonzero(lit)


def test_scan_of_a_file_is_refused(done: Done, client_folder: Path, tmp_path: Path) -> None:
    """The engine takes arrays; the error names the command for files."""
    given = PtychoDataLoader(client_folder, done.manager, output_dir=tmp_path)
    with pytest.raises(ValueError, match="from arrays") as caught:
        InferenceEngine(done.manager, done.model).predict_and_stitch(given)
    assert str(caught.value) == (
        "a reconstruction needs a scan from arrays\n"
        "  expected  PtychoDataLoader.from_np(...)\n"
        "  try       `ptycho infer` for a scan in a file"
    )
