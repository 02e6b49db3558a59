"""PtychoModel: a network in the making, or one out of a checkpoint, with the configurations it came with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.settings import views
from ptycho_torch.config_params import DataConfig, InferenceConfig, ModelConfig, TrainingConfig
from ptycho_torch.lightning_utils import find_best_checkpoint
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.training.result import TrainingResult
    from ptycho.training.trained_model import Model
    from ptycho_torch.api.configs import ConfigManager
    from ptycho_torch.lit.checkpoints import PtychoPINN_Lightning
    from ptycho_torch.lit.module import PtychoModule
    from ptycho_torch.nn.model import PtychoNetwork

__all__ = ["PtychoModel"]

STRATEGY = "lightning"
Configs = tuple[DataConfig, ModelConfig, TrainingConfig, InferenceConfig]


@dataclass
class PtychoModel:
    """A network with the configurations that describe it.

    Attributes:
        model_config: What the network is.
        data_config: How frames become groups.
        training_config: How it is trained.
        inference_config: How it reconstructs.
        model: The Lightning module. None in a new model until a training is set up: probe and scales come
            from the scan.
        kind: Class of the module that a training makes; None takes `PtychoPINN_Lightning`.
    """

    model_config: ModelConfig
    data_config: DataConfig
    training_config: TrainingConfig
    inference_config: InferenceConfig
    model: PtychoModule | None = None
    kind: type[PtychoModule] | None = None

    @classmethod
    def _new_model(cls, model: type[PtychoModule], config_manager: ConfigManager) -> PtychoModel:
        """Describe a network that a training is going to make.

        Args:
            model: Class of the Lightning module, `ptycho_torch.model.PtychoPINN_Lightning`.
            config_manager: What it is made of.
        """
        return cls(
            model_config=config_manager.model_config,
            data_config=config_manager.data_config,
            training_config=config_manager.training_config,
            inference_config=config_manager.inference_config,
            kind=model,
        )

    @staticmethod
    def _extract_configs_from_checkpoint(checkpoint_path: str | Path) -> Configs:
        """Read the configurations that a checkpoint keeps; no code of it runs.

        Returns:
            DataConfig, ModelConfig, TrainingConfig and InferenceConfig.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no checkpoint of this library.
        """
        from ptycho.run.resolve import resolve_layers
        from ptycho_torch.lit.checkpoints import read_settings
        from ptyconf.sources import mapping

        settings = read_settings(Path(checkpoint_path))
        resolution = resolve_layers([mapping.layer("bundle", settings, kind="bundle", label="checkpoint")])
        return (
            resolution.build(views.TORCH_DATA),
            resolution.build(views.TORCH_MODEL),
            resolution.build(views.TORCH_TRAINING),
            resolution.build(views.TORCH_INFERENCE),
        )

    @classmethod
    def _load(
        cls,
        config_manager: ConfigManager,
        strategy: str,
        run_path: str | Path,
        model_class: type[PtychoPINN_Lightning],
    ) -> PtychoModel:
        """Open the best checkpoint of a run's folder, with the configurations that stand in it.

        Args:
            config_manager: Taken and left alone: the checkpoint knows what its network is.
            strategy: "lightning".
            run_path: Folder of a training, or one that `save` wrote.
            model_class: Class of the Lightning module.

        Raises:
            FileNotFoundError: The folder holds no checkpoint.
            ValueError: Another strategy, or a checkpoint that is none of this library.
        """
        del config_manager
        _require_lightning(strategy)
        checkpoint = _best_checkpoint(Path(run_path))
        data, model, training, inference = cls._extract_configs_from_checkpoint(checkpoint)
        opened = cls(model, data, training, inference, kind=model_class)
        opened.model = model_class.load_from_checkpoint(checkpoint)
        return opened

    def save(
        self,
        path: str | Path,
        source_run_path: TrainingResult[PtychoNetwork] | str | Path,
        strategy: str = STRATEGY,
    ) -> Path:
        """Copy the best checkpoint and the bundle of a training into a folder.

        Args:
            path: The folder; made when missing.
            source_run_path: What `Trainer.train` gave, or the folder of its run.
            strategy: "lightning".

        Returns:
            The folder.

        Raises:
            FileNotFoundError: The run left no checkpoint.
            ValueError: Another strategy.
            OSError: The folder cannot be written.
        """
        from ptycho.bundle.archive import FILE_NAME
        from ptycho.files.atomic import copy_file

        _require_lightning(strategy)
        run = Path(source_run_path) if isinstance(source_run_path, (str, Path)) else _run_of(source_run_path)
        folder = Path(path)
        checkpoint = _best_checkpoint(run)
        folder.mkdir(parents=True, exist_ok=True)
        for file in (checkpoint, run / FILE_NAME):
            if file.is_file():
                copy_file(file, folder / file.name)
        return folder

    def network(self) -> PtychoNetwork:
        """Give the network.

        Raises:
            ValueError: There is none yet.
        """
        return self._module().network

    def trained(self) -> Model[PtychoNetwork]:
        """Give the network with the scales of the scan that it was trained on.

        Raises:
            ValueError: There is none yet.
        """
        from ptycho.training.trained_model import Model

        module = self._module()
        return Model(module.network.eval(), module.normalisation)

    def _module(self) -> PtychoModule:
        if self.model is None:
            raise ValueError(
                error_text(
                    "this model has no network yet",
                    expected="a model that was trained, or opened from a checkpoint",
                    hint="Trainer._from_lightning(...).train(), or PtychoPINN_Lightning.load_from_checkpoint",
                )
            )
        return self.model

    def trained_settings(self) -> dict[str, Any]:
        """Give what the checkpoint says about the network and its scan, by path; nothing for a new model."""
        from ptycho_torch.lit.checkpoints import settings_by_path

        settings = {} if self.model is None else settings_by_path(self.model.settings_toml)
        return {
            path: value
            for path, value in settings.items()
            if value is not None and path.startswith(("model.", "data."))
        }


def _run_of(result: TrainingResult[PtychoNetwork]) -> Path:
    """Find the folder of a training by its best checkpoint.

    Raises:
        FileNotFoundError: It kept none.
    """
    if result.best_checkpoint is None:
        raise _no_checkpoint("the training")
    return result.best_checkpoint.parent


def _best_checkpoint(folder: Path) -> Path:
    """Find the best checkpoint of a folder.

    Raises:
        FileNotFoundError: There is none.
    """
    checkpoint = find_best_checkpoint(folder)
    if checkpoint is None:
        raise _no_checkpoint(str(folder))
    return checkpoint


def _no_checkpoint(where: str) -> FileNotFoundError:
    return FileNotFoundError(
        error_text(
            f"{where} holds no checkpoint",
            expected="last.ckpt, or one of a best epoch",
            hint="execution.enable_checkpointing = true",
        )
    )


def _require_lightning(strategy: str) -> None:
    if strategy != STRATEGY:
        raise ValueError(error_text(f"strategy {strategy!r} is not built here", expected=repr(STRATEGY)))
