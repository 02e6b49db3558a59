"""A folder into which a bundle was unpacked is one, under the same checks."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME, LIMITS, Bundle, BundleError, locate
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle

from .damage import (
    COPY_AGAIN,
    refusal_text,
    refusal_without_writer,
)


def unpack(folder: Path, trained: Bundle) -> Path:
    """Unpack a bundle, as a client does that takes every archive for a folder."""
    write_bundle(folder / FILE_NAME, trained)
    target = folder / "unpacked"
    with zipfile.ZipFile(folder / FILE_NAME) as archive:
        archive.extractall(target)
    return target


def test_an_unpacked_bundle_is_one(tmp_path: Path, trained: Bundle) -> None:
    """A folder with the members of a bundle is read as the bundle; other files in it stay closed."""
    folder = unpack(tmp_path, trained)
    os.mkfifo(folder / "of somebody else")
    back = read_bundle(locate(folder))
    assert back.writer == trained.writer
    np.testing.assert_array_equal(back.probe, trained.probe)


@pytest.mark.parametrize("member", ["probe.npy", "manifest.json"])
def test_an_unpacked_bundle_is_checked(tmp_path: Path, trained: Bundle, member: str) -> None:
    """A member that was changed, or that became a link, is refused with its name."""
    folder = unpack(tmp_path, trained)
    content = (folder / member).read_bytes()
    (folder / member).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=member):
        read_bundle(folder)
    (folder / member).write_bytes(content)
    (folder / member).rename(tmp_path / "elsewhere")
    (folder / member).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    said = refusal_without_writer if member == "manifest.json" else refusal_text
    what = f"holds {member}, which is no plain file"
    assert str(caught.value) == said(folder, what, "plain files", COPY_AGAIN)


def test_an_unpacked_bundle_is_bounded(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes are bounded before anything is read, and no member may be missing."""
    folder = unpack(tmp_path, trained)
    (folder / "scaling.json").unlink()
    with pytest.raises(BundleError, match=r"lacks scaling\.json"):
        read_bundle(folder)
    monkeypatch.setitem(LIMITS, "probe.npy", 10)
    with pytest.raises(
        BundleError, match=r"holds \d+ bytes for probe\.npy\n.*\n  expected    at most 10 bytes\n"
    ):
        read_bundle(folder)
