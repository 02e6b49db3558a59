"""PtychoDataLoader: a scan to train on, from a client's folder, or one to reconstruct, from its arrays."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ptycho.settings.data import ScanOptions
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ptycho.scan.raw_data import RawData
    from ptycho_torch.api.configs import ConfigManager

__all__ = [
    "OUTPUTS",
    "TRAINING_SCAN",
    "DataloaderFormats",
    "PtychoDataLoader",
    "new_run_folder",
    "require_scan",
]

TRAINING_SCAN = "train_data.npz"
TEST_SCAN = "test_data.npz"
OUTPUTS = "training_outputs"


class DataloaderFormats(Enum):
    """Who makes the batches; here it is always Lightning's loaders."""

    LIGHTNING_ONLY_MODULE = "lightning_only_module"


class PtychoDataLoader:
    """Name the scan of a training and where its results go.

    Args:
        data_dir: Folder that holds `train_data.npz` or one scan of another name; `test_data.npz` is kept for
            the evaluation afterwards.
        config_manager: The client's configurations.
        data_format: Who makes the batches.
        output_dir: Folder in which the run gets a folder of its own, `run_` and the time.
        timestamp: The time that names that folder; None takes the present.

    Attributes:
        scan_file: The scan to train on; None for arrays.
        test_file: The scan to evaluate on, or None.
        output_dir: The run's own folder; None for arrays that nobody trained on yet.
        scan: The scan, where it was made from arrays.

    Raises:
        FileNotFoundError: The folder holds no scan.
        ValueError: It holds several, and none of them has the name of the one to train on.
    """

    def __init__(
        self,
        data_dir: str | Path,
        config_manager: ConfigManager,
        data_format: DataloaderFormats = DataloaderFormats.LIGHTNING_ONLY_MODULE,
        output_dir: str | Path = OUTPUTS,
        timestamp: datetime | None = None,
    ) -> None:
        self.config_manager = config_manager
        self.data_format = data_format
        self.scan_file: Path | None = find_scan(Path(data_dir))
        test = self.scan_file.with_name(TEST_SCAN)
        self.test_file = test if test.is_file() and test != self.scan_file else None
        self.output_dir: Path | None = new_run_folder(Path(output_dir), timestamp)
        self.scan: RawData | None = None

    @classmethod
    def from_np(
        cls,
        diff_patterns: ArrayLike,
        probe: ArrayLike,
        positions: ArrayLike,
        config_manager: ConfigManager,
        output_dir: str | Path | None = None,
    ) -> Self:
        """Take a scan from arrays, to reconstruct it or to train on it.

        Args:
            diff_patterns: Detector intensities, shape (n, N, N).
            probe: Complex modes, shape (N, N) or (P, N, N).
            positions: Patch centres (y, x) in pixels, shape (n, 2).
            config_manager: The client's configurations.
            output_dir: Folder in which a training gets a folder of its own; None takes the usual one.

        Raises:
            ScanError: The scan cannot be used as it stands.
            ValueError: The positions are no pairs.
        """
        from ptycho.scan.raw_data import RawData

        centres = _centred(np.asarray(positions, np.float64))
        loader = cls.__new__(cls)
        loader.config_manager = config_manager
        loader.data_format = DataloaderFormats.LIGHTNING_ONLY_MODULE
        loader.scan_file = loader.test_file = None
        loader.output_dir = None if output_dir is None else new_run_folder(Path(output_dir))
        loader.scan = RawData.from_coords_without_pc(
            xcoords=centres[:, 1],
            ycoords=centres[:, 0],
            diff3d=diff_patterns,
            probeGuess=probe,
            scan_index=None,
            options=config_manager.resolve_inference().build(ScanOptions),
            quantity="counts",
        )
        return loader


def require_scan(loader: PtychoDataLoader) -> RawData:
    """Give the scan that was made from arrays.

    Raises:
        ValueError: There is none.
    """
    if loader.scan is None:
        raise ValueError(
            error_text(
                "a reconstruction needs a scan from arrays",
                expected="PtychoDataLoader.from_np(...)",
                hint="`ptycho infer` for a scan in a file",
            )
        )
    return loader.scan


def _centred(positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Count positions from the middle of the scan, around which clients lay the picture."""
    if positions.ndim != 2 or positions.shape[1] != 2:
        raise ValueError(
            error_text(
                f"positions of shape {positions.shape} are no pairs",
                expected="(y, x) in pixels for each frame, shape (n, 2)",
                hint="numpy.column_stack((y, x))",
            )
        )
    centred: np.ndarray[Any, Any] = positions - (positions.min(axis=0) + positions.max(axis=0)) / 2
    return centred


def find_scan(folder: Path) -> Path:
    """Find the scan to train on in a client's folder.

    Raises:
        FileNotFoundError: There is no scan.
        ValueError: There are several, and none of them has the name of the one to train on.
    """
    if (folder / TRAINING_SCAN).is_file():
        return folder / TRAINING_SCAN
    scans = sorted(folder.glob("*.npz"))
    others = [path for path in scans if path.name != TEST_SCAN]
    if len(others) == 1:
        return others[0]
    if not scans:
        raise FileNotFoundError(
            error_text(
                f"{folder} holds no scan to train on",
                expected=f"{TRAINING_SCAN}, or one other scan (.npz)",
                hint="exporting the training data into that folder",
            )
        )
    names = ", ".join(path.name for path in scans[:5]) + (" ..." if len(scans) > 5 else "")
    raise ValueError(
        error_text(
            f"{folder} holds {len(scans)} scans: {names}",
            expected=f"{TRAINING_SCAN}, or one other scan (.npz); a training takes one scan",
            hint=f"calling the scan to train on {TRAINING_SCAN}",
        )
    )


def new_run_folder(folder: Path, when: datetime | None = None) -> Path:
    """Name a folder for a run by a time, None for the present; one that is not there yet."""
    stamp = f"run_{when or datetime.now(UTC).astimezone():%Y%m%d_%H%M%S}"
    path, number = folder / stamp, 1
    while path.exists():
        number += 1
        path = folder / f"{stamp}_{number}"
    return path
