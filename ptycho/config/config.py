"""Door: The configuration classes, by the public name; the code is in `ptycho.settings`."""

from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.legacy import dataclass_to_legacy_dict, update_legacy_dict
from ptycho.settings.model import ModelConfig
from ptycho.settings.plain_files import load_toml_config, load_yaml_config
from ptycho.settings.training import TrainingConfig
from ptycho.settings.validation import (
    validate_inference_config,
    validate_model_config,
    validate_training_config,
)

__all__ = [
    "InferenceConfig",
    "ModelConfig",
    "PyTorchExecutionConfig",
    "TrainingConfig",
    "dataclass_to_legacy_dict",
    "load_toml_config",
    "load_yaml_config",
    "update_legacy_dict",
    "validate_inference_config",
    "validate_model_config",
    "validate_training_config",
]
