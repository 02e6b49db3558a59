"""ConfigManager: a client's configuration objects, and how they become the settings of a run."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Self

from ptycho.run.bundle_layer import FREE_SETTINGS
from ptycho.run.resolve import Sources, resolve_layers
from ptycho.settings import views
from ptycho.settings.layers import TORCH_BACKEND
from ptycho_torch.config_params import (
    DataConfig,
    DatagenConfig,
    InferenceConfig,
    ModelConfig,
    TrainingConfig,
)
from ptycho_torch.config_payload import training_payload
from ptyconf import Origin
from ptyconf.errors import error_text
from ptyconf.sources import instance, mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptycho_torch.api.models import PtychoModel
    from ptycho_torch.config_payload import TrainingPayload
    from ptyconf import Layer, Resolution

__all__ = ["ConfigManager"]

_HERE = "ptycho_torch.api"
_FILES = frozenset({"training_directories", "train_data_file", "test_data_file", "output_dir"})
_BLANK: tuple[Any, ...] = ("", [""])


class ConfigManager:
    """Hold a client's configuration objects and resolve them with everything else that has a say.

    What a client changed stands above the environment (`PTYCHO__SECTION__NAME`), which stands above all
    defaults; in a reconstruction, what the network was trained with stands between the two.

    Args:
        data_config: How frames become groups.
        model_config: What the network is.
        training_config: How it is trained.
        inference_config: How it reconstructs.
        datagen_config: Taken and left alone: scans are simulated by `ptycho simulate`.
        trained: Settings that a network was trained with, by path.
    """

    def __init__(
        self,
        data_config: DataConfig | None = None,
        model_config: ModelConfig | None = None,
        training_config: TrainingConfig | None = None,
        inference_config: InferenceConfig | None = None,
        datagen_config: DatagenConfig | None = None,
        *,
        trained: Mapping[str, Any] | None = None,
    ) -> None:
        self.data_config = data_config or DataConfig()
        self.model_config = model_config or ModelConfig()
        self.training_config = training_config or TrainingConfig()
        self.inference_config = inference_config or InferenceConfig()
        self.datagen_config = datagen_config or DatagenConfig()
        self.trained = dict(trained or {})

    @classmethod
    def from_loaded_model(cls, ptycho_model: PtychoModel) -> Self:
        """Take over the configurations that a model was opened with, and the settings in its checkpoint."""
        return cls(
            data_config=ptycho_model.data_config,
            model_config=ptycho_model.model_config,
            training_config=ptycho_model.training_config,
            inference_config=ptycho_model.inference_config,
            trained=ptycho_model.trained_settings(),
        )

    def validate_arch_compatibility(self, ptycho_model: PtychoModel) -> None:
        """Accept a network that these configurations describe.

        Raises:
            ValueError: They describe another one.
        """
        from ptycho.network.settings import NetworkSettings

        actual = ptycho_model.network().settings.as_dict()
        model = self.resolve_inference().build(views.MODEL)
        wanted = NetworkSettings.of(model).as_dict()
        if model.turn_frames is None:  # The beam of the training has settled what these leave open.
            wanted["turn_frames"] = actual["turn_frames"]
        differing = [name for name in actual if name not in FREE_SETTINGS and actual[name] != wanted[name]]
        if differing:
            listed = ", ".join(f"{name} = {wanted[name]!r} (there {actual[name]!r})" for name in differing)
            raise ValueError(
                error_text(
                    f"the network is not the one that the configurations describe: {listed}",
                    expected="the configurations that the network was trained with",
                    hint="PtychoModel._extract_configs_from_checkpoint on the checkpoint of the network",
                )
            )

    def prepare_training(self, scan: Path, test_scan: Path | None, output_dir: Path) -> TrainingPayload:
        """Resolve a training, publish it in `params.cfg` and seal that.

        Raises:
            FileNotFoundError: The scan is not there.
            ConfigError: Everything that is wrong with the settings.
        """
        from ptycho.run.data_file import probe_side

        named = {
            "training.train_data_file": scan,
            "training.test_data_file": test_scan,
            "training.output_dir": output_dir,
            # A client that leaves the size open says 0.
            **({"model.N": self.data_config.N} if self.data_config.N else {}),
        }
        layers = [
            _layer_of_call("overrides", named),
            *self._changed("overrides"),
            *Sources(environ=os.environ).layers("train"),
            _layer_of_call("cli-defaults", {"training.n_groups": _count_positions(scan)}),
            TORCH_BACKEND,
        ]
        return training_payload(resolve_layers(layers, scan=scan, probe=probe_side(scan)))

    def resolve_inference(self) -> Resolution:
        """Resolve a reconstruction.

        Raises:
            ConfigError: Everything that is wrong with the settings.
        """
        layers = [
            *Sources(environ=os.environ).layers("infer"),
            *self._described(),
            mapping.layer("bundle", self.trained, kind="bundle", label="checkpoint"),
            TORCH_BACKEND,
        ]
        return resolve_layers(layers)

    def _changed(self, name: str) -> list[Layer]:
        """Give what differs from the defaults; a client that names every field means those."""
        return [
            instance.layer(name, _sized(self.data_config), views.TORCH_DATA, fields="changed", within=1),
            instance.layer(name, self.model_config, views.TORCH_MODEL, fields="changed", within=2),
            instance.layer(
                name, _as_meant(self.training_config), views.TORCH_TRAINING, fields="changed", within=3
            ),
            instance.layer(name, self.inference_config, views.TORCH_INFERENCE, fields="changed", within=4),
        ]

    def _described(self) -> list[Layer]:
        return [
            instance.layer(
                "bundle", self.data_config, views.TORCH_DATA_IN_INFERENCE, fields="changed", within=1
            ),
            instance.layer("bundle", self.model_config, views.TORCH_MODEL, fields="changed", within=2),
            instance.layer(
                "bundle", self.inference_config, views.TORCH_INFERENCE, fields="changed", within=3
            ),
        ]


def _sized(data: DataConfig) -> DataConfig:
    """Leave the size to the scan where a client says 0."""
    return data if data.N else replace(data, N=DataConfig.N)


def _as_meant(training: TrainingConfig) -> TrainingConfig:
    """Leave open what a client says nothing about: empty texts, and the strategy of a single device."""
    defaults = TrainingConfig()
    blank = {
        item.name: getattr(defaults, item.name)
        for item in fields(training)
        if item.name in _FILES and getattr(training, item.name) in _BLANK
    }
    if training.n_devices == 1:
        blank["strategy"] = defaults.strategy
    return replace(training, **blank)


def _layer_of_call(name: str, values: Mapping[str, Any]) -> Layer:
    def origin(path: str) -> Origin:
        return Origin("mapping", _HERE, f"{_HERE}: {path}")

    return mapping.layer(name, values, label=_HERE, origin=origin)


def _count_positions(scan: Path) -> int:
    """Count the positions of a scan file: every one of them leads a group."""
    from ptycho.files import npz

    return int(npz.npz_header(scan, "xcoords")[0][0])
