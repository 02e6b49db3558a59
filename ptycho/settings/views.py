"""Which attribute of which class holds which setting, read off the lines of the classes.

The factories read it from settings to classes, the bridge from torch-side instances to TensorFlow-side
classes.
"""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, TypeVar

from ptycho.settings import torch_names as torch
from ptycho.settings.data import ScanOptions
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.model import ModelConfig
from ptycho.settings.probe_model import ProbeModel
from ptycho.settings.sections import SECTIONS, path_of, torch_names
from ptycho.settings.training import TrainingConfig
from ptyconf import Bind, View

T = TypeVar("T")

_IN_INFERENCE = ("model", "inference", "training", "execution", "data")


def _view(kind: type[T], section: str, nested: View[Any] | None = None) -> View[T]:
    names: dict[str, Bind | View[Any]] = dict(_renamed(kind, section))
    if nested is None:
        return View(kind, section, names)
    return View(kind, section, names | {"model": nested}, omit=("n_images",))


def _renamed(kind: Any, section: str) -> dict[str, Bind]:
    """Give the fields whose setting says its path; the others are settings of the section by their names."""
    return {item.name: Bind(path_of(section, item)) for item in fields(kind) if "path" in item.metadata}


def _torch_view(kind: type[T], section: str, sections: Iterable[str] = tuple(SECTIONS)) -> View[T]:
    """Make the view of a torch-side class.

    Raises:
        SchemaError: A setting gives as its torch name a field that the class does not have.
    """
    binds = {
        name.partition(".")[2]: bind
        for name, bind in torch_names(sections).items()
        if name.partition(".")[0] == kind.__name__
    }
    return View(kind, section, _renamed(kind, section) | binds)


MODEL = _view(ModelConfig, "model")
TRAINING = _view(TrainingConfig, "training", MODEL)
INFERENCE = _view(InferenceConfig, "inference", MODEL)
EXECUTION = _view(PyTorchExecutionConfig, "execution")
PROBE_MODEL = _view(ProbeModel, "data.probe_model")
SCAN = View(ScanOptions, "data", _renamed(ScanOptions, "data") | {"probe_model": PROBE_MODEL})
TORCH_DATA = _torch_view(torch.DataConfig, "data")
TORCH_DATA_IN_INFERENCE = _torch_view(torch.DataConfig, "data", _IN_INFERENCE)
TORCH_NEIGHBOURS_IN_INFERENCE = View(
    torch.DataConfig,
    "data",
    {"K": "inference.neighbor_count"},
    omit=[item.name for item in fields(torch.DataConfig) if item.name != "K"],
)
TORCH_MODEL = _torch_view(torch.ModelConfig, "model")
TORCH_TRAINING = _torch_view(torch.TrainingConfig, "training")
TORCH_INFERENCE = _torch_view(torch.InferenceConfig, "inference")
ALL = (
    MODEL,
    TRAINING,
    INFERENCE,
    EXECUTION,
    PROBE_MODEL,
    SCAN,
    TORCH_DATA,
    TORCH_DATA_IN_INFERENCE,
    TORCH_MODEL,
    TORCH_TRAINING,
    TORCH_INFERENCE,
)
