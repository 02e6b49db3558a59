"""The names by which clients train and reconstruct with configuration objects. Imports no framework."""

from ptycho_torch.api.configs import ConfigManager
from ptycho_torch.api.inference import InferenceEngine
from ptycho_torch.api.models import PtychoModel
from ptycho_torch.api.scans import DataloaderFormats, PtychoDataLoader
from ptycho_torch.api.training import Trainer

__all__ = [
    "ConfigManager",
    "DataloaderFormats",
    "InferenceEngine",
    "PtychoDataLoader",
    "PtychoModel",
    "Trainer",
]
