"""A reconstruction comes back from its file as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ptycho.reconstruction.result import Reconstruction

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def reconstruction() -> Reconstruction:
    """A small one with every field filled."""
    rng = np.random.default_rng(1)

    def picture(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)

    return Reconstruction(
        object=picture(9, 7),
        coverage=rng.random((9, 7)).astype(np.float32),
        origin_px=np.array([-3.0, 4.0]),
        positions=rng.random((5, 2)),
        probe=picture(2, 4, 4),
        frame_indices=np.array([0, 3]),
        measured=rng.random((2, 4, 4)).astype(np.float32),
        predicted=rng.random((2, 4, 4)).astype(np.float32),
        notes=("one", "two"),
        network_object=picture(9, 7),
        flat_object=picture(9, 7),
        refined_from="the network",
        lengths_m={"wavelength_m": 1.5e-10, "object_pixel_m": 3e-8},
    )


def _same(a: Reconstruction, b: Reconstruction) -> bool:
    return all(np.array_equal(getattr(a, item.name), getattr(b, item.name)) for item in fields(a))


def test_saving_then_loading_is_the_identity(tmp_path: Path, reconstruction: Reconstruction) -> None:
    """Every field comes back, with and without a picture of the network alone."""
    for case in (
        reconstruction,
        replace(reconstruction, network_object=None, flat_object=None, refined_from="", notes=()),
    ):
        case.save(tmp_path / "r.npz")
        assert _same(Reconstruction.load(tmp_path / "r.npz"), case)


def test_another_file_is_refused(tmp_path: Path) -> None:
    """The error says what is missing and which file was meant."""
    path = tmp_path / "scan.npz"
    np.savez(path, object=np.zeros((2, 2)), format_version=1)
    with pytest.raises(ValueError, match="is not a reconstruction") as caught:
        Reconstruction.load(path)
    assert str(caught.value) == (
        f"{path} is not a reconstruction: it lacks coverage, origin_px, positions, probe, frame_indices, "
        "measured, predicted\n"
        "  expected  object, coverage, origin_px, positions, probe, frame_indices, measured, predicted\n"
        "  try       the reconstruction.npz of a run folder"
    )


def test_another_format_is_refused(tmp_path: Path, reconstruction: Reconstruction) -> None:
    """A file of a later format says so."""
    path = tmp_path / "r.npz"
    reconstruction.save(path)
    arrays = dict(np.load(path))
    np.savez(path, **(arrays | {"format_version": np.array(7)}))
    with pytest.raises(ValueError, match="has reconstruction format 7"):
        Reconstruction.load(path)


def test_a_notebook_shows_the_picture(reconstruction: Reconstruction) -> None:
    """Amplitude, phase and notes; pixels that were never scanned are transparent, and notes are text."""
    page = replace(reconstruction, notes=("<b>",))._repr_html_()
    assert page.count("data:image/png;base64,") == 2
    assert "7 x 9 px from 5 frames" in page
    assert "<li>&lt;b&gt;</li>" in page
    nothing = replace(reconstruction, coverage=np.zeros((9, 7), np.float32))
    assert nothing._repr_html_().count("<img ") == 2
