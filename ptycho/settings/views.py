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
from ptycho.settings.sections import NO_SETTINGS, SECTIONS, path_of, torch_names
from ptycho.settings.training import TrainingConfig
from ptyconf import Bind, SchemaError, View

T = TypeVar("T")

_IN_INFERENCE = ("model", "inference", "training", "execution", "data")


def _view(kind: type[T], section: str, nested: View[Any] | None = None) -> View[T]:
    names: dict[str, Bind | View[Any]] = {
        item.name: Bind(path_of(section, item))
        for item in fields(kind)  # type: ignore[arg-type]
        if item.name not in NO_SETTINGS.get(kind.__name__, ())
    }
    if nested is None:
        return View(kind, section, names)
    return View(kind, section, names | {"model": nested}, omit=("n_images",))


def _torch_view(kind: type[T], section: str, sections: Iterable[str] = tuple(SECTIONS)) -> View[T]:
    """Make the view of a torch-side class.

    Raises:
        SchemaError: A setting names a field of the class that it does not have.
    """
    binds = {
        name.partition(".")[2]: bind
        for name, bind in torch_names(sections).items()
        if name.partition(".")[0] == kind.__name__
    }
    own = {item.name: Bind(path_of(section, item)) for item in fields(kind)}  # type: ignore[arg-type]
    if unknown := binds.keys() - own:
        raise SchemaError(f"the torch-side {kind.__name__} has no field {', '.join(sorted(unknown))}")
    return View(kind, section, own | binds)


MODEL = _view(ModelConfig, "model")
TRAINING = _view(TrainingConfig, "training", MODEL)
INFERENCE = _view(InferenceConfig, "inference", MODEL)
EXECUTION = _view(PyTorchExecutionConfig, "execution")
SCAN = _view(ScanOptions, "data")
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
    SCAN,
    TORCH_DATA,
    TORCH_DATA_IN_INFERENCE,
    TORCH_MODEL,
    TORCH_TRAINING,
    TORCH_INFERENCE,
)
