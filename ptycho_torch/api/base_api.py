"""The names by which clients train and reconstruct with configuration objects. Imports no framework."""

from ptycho_torch.api.configs import ConfigManager
from ptycho_torch.api.inference import InferenceEngine
from ptycho_torch.api.models import PtychoModel
from ptycho_torch.api.scans import DataloaderFormats, PtychoDataLoader
from ptycho_torch.api.training import Trainer
from ptycho_torch.config_params import (
    DataConfig,
    DatagenConfig,
    InferenceConfig,
    ModelConfig,
    TrainingConfig,
)

__all__ = [
    "ConfigManager",
    "DataConfig",
    "DatagenConfig",
    "DataloaderFormats",
    "InferenceConfig",
    "InferenceEngine",
    "ModelConfig",
    "PtychoDataLoader",
    "PtychoModel",
    "Trainer",
    "TrainingConfig",
]
