"""Trainer: a training as clients start it, with Lightning's trainer at hand for their callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ptycho.settings.data import ScanOptions
from ptycho_torch.api.scans import OUTPUTS, TRAINING_SCAN, new_run_folder, require_scan
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.training.result import TrainingResult
    from ptycho_torch.api.configs import ConfigManager
    from ptycho_torch.api.models import PtychoModel
    from ptycho_torch.api.scans import PtychoDataLoader
    from ptycho_torch.lit.loop import Loop
    from ptycho_torch.nn.model import PtychoNetwork

__all__ = ["Trainer"]

ORCHESTRATION = "lightning"


class Trainer:
    """A training that stands ready.

    Args:
        loop: Module, loaders and Lightning's trainer.
        model: Gets the module, and its best weights after the training.

    Attributes:
        _trainer: Lightning's trainer; clients append their callbacks to its `callbacks`.
    """

    def __init__(self, loop: Loop, model: PtychoModel) -> None:
        self._loop = loop
        self._trainer = loop.trainer
        self.model = model

    @classmethod
    def _from_lightning(
        cls,
        model: PtychoModel,
        dataloader: PtychoDataLoader,
        orchestration: str = ORCHESTRATION,
        config_manager: ConfigManager | None = None,
    ) -> Self:
        """Read the scan, settle what is open, and make everything that stands before the first step.

        Args:
            model: Gets its module now: probe and scales are those of the scan.
            dataloader: Names the scan and the run's folder; a scan from arrays is written into that folder.
            orchestration: Who runs the loop, "lightning".
            config_manager: The client's configurations; None takes the loader's.

        Raises:
            ValueError: Settings and scan do not go together.
        """
        from ptycho.scan.raw_data import RawData
        from ptycho_torch.lit.train import open_loop

        _require_lightning(orchestration)
        scan_file, folder = _files_of(dataloader)
        manager = config_manager or dataloader.config_manager
        payload = manager.prepare_training(scan_file, dataloader.test_file, folder)
        scan = RawData.from_file(scan_file, options=payload.resolution.build(ScanOptions))
        loop = open_loop(payload, scan, folder, kind=model.kind)
        model.model = loop.module
        return cls(loop, model)

    def train(
        self, orchestration: str = ORCHESTRATION, experiment_name: str = ""
    ) -> TrainingResult[PtychoNetwork]:
        """Train; leave checkpoints, metrics and a bundle in the run's folder.

        Args:
            orchestration: Who runs the loop, "lightning".
            experiment_name: Left alone: run folders have names.

        Returns:
            The network with its best weights, and what happened on the way.

        Raises:
            NonFiniteLossError: The loss stopped being a number.
            KeyboardInterrupt: Ctrl-C came twice.
        """
        from ptycho.bundle.archive import FILE_NAME
        from ptycho.bundle.write import write_bundle
        from ptycho_torch.backend import pack
        from ptycho_torch.lit.train import run_loop

        del experiment_name
        _require_lightning(orchestration)
        result = run_loop(self._loop)
        folder = self._loop.plan.folder.path
        write_bundle(folder / FILE_NAME, pack(result.model, result.resolution, folder))
        return result


def _require_lightning(orchestration: Any) -> None:
    if orchestration != ORCHESTRATION:
        raise ValueError(
            error_text(
                f"orchestration {orchestration!r} is not built here",
                expected=repr(ORCHESTRATION),
                hint="execution.logger_backend for a tracker of runs",
            )
        )


def _files_of(dataloader: PtychoDataLoader) -> tuple[Path, Path]:
    """Give the scan file and the run's folder; a scan from arrays becomes a file of that folder first.

    So its settings name a file that is there, and the run can be resumed and reconstructed later.
    """
    folder = dataloader.output_dir
    if folder is None:
        folder = dataloader.output_dir = new_run_folder(Path(OUTPUTS))
    if dataloader.scan_file is not None:
        return dataloader.scan_file, folder
    return require_scan(dataloader).to_file(folder / TRAINING_SCAN), folder
