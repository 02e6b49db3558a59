"""Write a bundle: the file appears whole or not at all, and the same bundle gives the same bytes."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

import numpy as np

from ptycho.bundle import manifest
from ptycho.bundle.archive import LARGEST_SUM, LIMITS, Bundle, BundleError, not_finite
from ptycho.bundle.manifest import Manifest
from ptycho.bundle.probe_modes import dump_modes
from ptycho.files import archive
from ptycho.files.atomic import replacing
from ptycho.files.strict_json import dump_table
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

_DEFLATED_MEMBERS = (manifest.NAME, "settings.toml", "provenance.json", "scaling.json")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def write_bundle(path: Path, bundle: Bundle) -> None:
    """Write a bundle; the file appears whole or not at all, and the same bundle gives the same bytes.

    Args:
        path: The archive to write, by convention ``RUN_FOLDER/wts.h5.zip``.
        bundle: What to write; ``created`` and ``versions`` are filled in when empty.

    Raises:
        BundleError: It is larger than what is read back, or holds values that are no numbers.
        OSError: The folder cannot be written.
    """
    from safetensors.numpy import save

    if bad := not_finite({**bundle.weights, "probe.npy": bundle.probe}):
        raise BundleError(
            error_text(
                f"{path} would hold values that are NaN or infinite: {bad}",
                expected="finite numbers",
                hint="looking at the training loss: did it diverge?",
            )
        )
    weights = {name: np.asarray(array, order="C") for name, array in sorted(bundle.weights.items())}
    contents = {
        "settings.toml": bundle.settings_toml.encode("utf-8"),
        "provenance.json": dump_table(bundle.provenance),
        "scaling.json": dump_table(bundle.normalisation),
        "probe.npy": dump_modes(bundle.probe),
        "weights.safetensors": save(weights),
    }
    described = manifest.describe(contents)
    head = Manifest(bundle.writer.completed(), bundle.network, bundle.converted_from, described, bundle.scans)
    contents = {manifest.NAME: head.content(), **contents}
    _require_readable(path, contents)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=False) as packed:
        for name, content in contents.items():
            packed.writestr(*_packing(name, content), compresslevel=6)


def _packing(name: str, content: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    """Choose how a member is packed: arrays hardly shrink, and texts may be all one letter."""
    info = zipfile.ZipInfo(name, _FIRST_DAY)
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    shrinks = name in _DEFLATED_MEMBERS and len(content) <= archive.FREE_BYTES
    info.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
    return info, content


def _require_readable(path: Path, contents: dict[str, bytes]) -> None:
    total = sum(len(content) for content in contents.values())
    limits = [(name, len(content), LIMITS[name]) for name, content in contents.items()]
    for name, size, limit in [*limits, ("all members", total, LARGEST_SUM)]:
        if size > limit:
            raise BundleError(
                error_text(
                    f"{path} would hold {size} bytes for {name}",
                    expected=f"at most {limit} bytes",
                    hint="a smaller n_filters_scale",
                )
            )
