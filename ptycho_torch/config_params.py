"""The torch-side configuration classes, where torch users look for them; no torch is imported."""

from ptycho.config.torch_side import DataConfig, DatagenConfig, InferenceConfig, ModelConfig, TrainingConfig

__all__ = ["DataConfig", "DatagenConfig", "InferenceConfig", "ModelConfig", "TrainingConfig"]
