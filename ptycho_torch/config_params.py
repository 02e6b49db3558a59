"""The torch-side configuration classes, where torch users look for them; no torch is imported."""

from ptycho.settings.torch_names import (
    DataConfig,
    DatagenConfig,
    InferenceConfig,
    ModelConfig,
    TrainingConfig,
)

__all__ = ["DataConfig", "DatagenConfig", "InferenceConfig", "ModelConfig", "TrainingConfig"]
