"""A bundle comes back as it was written, and what could not come back is not written."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME, Bundle, BundleError
from ptycho.bundle.manifest import Writer
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle


def test_a_bundle_comes_back_as_it_was(tmp_path: Path, trained: Bundle) -> None:
    """Write then read is the identity on every field."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    back = read_bundle(path)
    np.testing.assert_array_equal(back.probe, trained.probe)
    assert back.weights.keys() == trained.weights.keys()
    for name, array in trained.weights.items():
        np.testing.assert_array_equal(back.weights[name], array)
        assert (back.weights[name].dtype, back.weights[name].shape) == (array.dtype, array.shape)
    assert back.backend == "pytorch"
    assert (back.network, back.normalisation) == (trained.network, trained.normalisation)
    assert (back.settings_toml, back.provenance) == (trained.settings_toml, trained.provenance)
    assert (back.created, back.versions) == (trained.created, trained.versions)
    assert back.converted_from == ()


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path, trained: Bundle) -> None:
    """Nothing but what a bundle holds decides over its bytes."""
    for name in ("a", "b"):
        write_bundle(tmp_path / name, trained)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_story_of_conversions_comes_back(tmp_path: Path, trained: Bundle) -> None:
    """Who trained a converted bundle stays in its manifest, in order."""
    path = tmp_path / FILE_NAME
    story = (trained.writer, Writer("tensorflow", "2026-11-25T00:00:00+00:00", {"keras": "3.15.1"}))
    write_bundle(path, replace(trained, converted_from=story))
    assert read_bundle(path).converted_from == story


def test_a_bundle_too_large_to_read_is_not_written(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits of reading hold for writing too, and then no file appears."""
    path = tmp_path / FILE_NAME
    monkeypatch.setattr("ptycho.bundle.write.LARGEST_SUM", 2000)
    with pytest.raises(BundleError) as caught:
        write_bundle(path, trained)
    total = re.search(r"would hold (\d+) bytes", str(caught.value))
    assert total
    assert str(caught.value) == (
        f"{path} would hold {total[1]} bytes for all members\n"
        "  expected  at most 2000 bytes\n"
        "  try       a smaller n_filters_scale"
    )
    assert not list(tmp_path.iterdir())


def test_a_network_that_diverged_is_not_written(tmp_path: Path, trained: Bundle) -> None:
    """What would not be read back is refused on the way out, and then no file appears."""
    path = tmp_path / FILE_NAME
    with pytest.raises(BundleError) as caught:
        write_bundle(path, replace(trained, weights={"kernel": np.array([np.nan], np.float32)}))
    assert str(caught.value) == (
        f"{path} would hold values that are NaN or infinite: kernel\n"
        "  expected  finite numbers\n"
        "  try       looking at the training loss: did it diverge?"
    )
    assert not list(tmp_path.iterdir())
