"""Trained networks on the disk, by the names that clients know."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.write import write_bundle
from ptycho.clients.predictor import last
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.clients.predictor import Predictor

__all__ = ["ModelManager", "save"]

_log = logging.getLogger(__name__)


class ModelManager:
    """Write networks to bundles and read them back."""

    @staticmethod
    def save_model(model: Predictor, model_path: str | Path) -> Path:
        """Write a network to a bundle, whole or not at all.

        Args:
            model: What a training or `load_model` gave.
            model_path: A folder, or the archive itself.

        Returns:
            The archive.

        Raises:
            OSError: The folder cannot be written.
        """
        archive = archive_at(model_path)
        write_bundle(archive, model.pack(archive.parent))
        _log.info("the network is kept in %s", archive)
        return archive

    @staticmethod
    def load_model(model_path: str | Path) -> Predictor:
        """Open a network by the backend that wrote it.

        Raises:
            FileNotFoundError: There is no bundle.
            BundleError: It cannot be read.
            BackendError: The framework is missing.
        """
        from ptycho.clients.saved_network import find_archive, open_predictor

        return open_predictor(find_archive(model_path), {})[0]


def save(out_prefix: str | Path) -> Path:
    """Write the network that this process trained or opened last.

    Args:
        out_prefix: A folder, or the archive itself.

    Returns:
        The archive, ``wts.h5.zip``.

    Raises:
        RuntimeError: Nothing was trained or opened yet.
        OSError: The folder cannot be written.
    """
    model = last()
    if model is None:
        raise RuntimeError(
            error_text(
                "there is no network to save: nothing was trained or opened in this process",
                expected="run_cdi_example, train_cdi_model or load_inference_bundle before",
                hint="ModelManager.save_model(model, path) for a network at hand",
            )
        )
    return ModelManager.save_model(model, out_prefix)


def archive_at(path: str | Path) -> Path:
    """Name the archive that a path means: itself, or the one in a folder."""
    path = Path(path)
    if path.suffix == ".zip":
        return path
    stem = Path(FILE_NAME).stem
    return path.with_name(FILE_NAME) if path.name == stem else path / FILE_NAME
