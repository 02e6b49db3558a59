"""Which attribute of which class holds which setting, with the conversion both ways.

This is the one table in which torch names meet TensorFlow names. The factories read it from settings to
classes, the bridge from torch-side instances to TensorFlow-side classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ptycho.settings import torch_classes as torch
from ptycho.settings.checks import AMPLITUDE_ACTIVATIONS
from ptycho.settings.classes import InferenceConfig, ModelConfig, PyTorchExecutionConfig, TrainingConfig
from ptycho.settings.scan_options import ScanOptions
from ptyconf import Bind, Conversion, View

_MODES = {"Unsupervised": "pinn", "Supervised": "supervised"}
_LOSSES = {"Poisson": "poisson", "MAE": "mae"}
_SILU = {"silu": "swish", "SiLU": "swish"}
_ACTIVATIONS = sorted({*_SILU, *AMPLITUDE_ACTIVATIONS})


def _side(pair: Any) -> Any:
    if not isinstance(pair, (tuple, list)):
        return pair
    if len(pair) != 2 or pair[0] != pair[1]:
        raise ValueError(f"Non-square grids not supported by TensorFlow backend: {tuple(pair)!r}")
    return pair[0]


def _translate(names: Mapping[str, str], wrong: str) -> Callable[[Any], Any]:
    known = {*names, *names.values()}

    def to_setting(value: Any) -> Any:
        if not isinstance(value, str) or value not in known:
            raise ValueError(wrong.format(v=value))
        return names.get(value, value)

    return to_setting


def _back(names: Mapping[str, str]) -> Callable[[Any], Any]:
    reverse = {setting: target for target, setting in reversed(list(names.items()))}
    return lambda value: reverse.get(value, value)


def _activation(value: Any) -> Any:
    if value not in _ACTIVATIONS:
        raise ValueError(f"Unknown activation '{value}'. Supported values: {_ACTIVATIONS}")
    return _SILU.get(value, value)


def _mask(value: Any) -> bool:
    return value if isinstance(value, bool) else value is not None


def _weight(value: Any) -> Any:
    return float(value) if isinstance(value, bool) else value


SQUARE = Conversion("(g, g) <-> g", _side, lambda g: (g, g), type=tuple[int, int])
MODE = Conversion(
    "Unsupervised <-> pinn, Supervised <-> supervised",
    _translate(_MODES, "Invalid mode '{v}'. Must be 'Unsupervised' or 'Supervised'."),
    _back(_MODES),
    type=str,
)
ACTIVATION = Conversion("silu <-> swish", _activation, _back(_SILU), type=str)
MASK = Conversion("array -> true, none -> false", _mask, lambda on: on, lossy="the array itself", type=Any)
LOSS = Conversion(
    "Poisson <-> poisson, MAE <-> mae",
    _translate(_LOSSES, "Invalid loss_function '{v}'. Must be 'Poisson' or 'MAE'."),
    _back(_LOSSES),
    type=str,
)
NLL = Conversion(
    "true <-> 1.0, false <-> 0.0",
    _weight,
    lambda weight: weight > 0,
    lossy="a weight between 0 and 1 becomes true",
    type=bool,
)
STRATEGY = Conversion(
    "none -> auto",
    lambda name: "auto" if name is None else name,
    lambda name: name,
    type=str | None,
)
TEXT_PATH = Conversion(
    "text <-> path",
    lambda text: None if text is None else Path(text),
    lambda path: None if path is None else str(path),
)

MODEL = View(ModelConfig, "model")
TRAINING = View(
    TrainingConfig,
    "training",
    {"model": MODEL, "intensity_scale_trainable": "model.intensity_scale_trainable"},
    omit=("n_images",),
)
INFERENCE = View(InferenceConfig, "inference", {"model": MODEL}, omit=("n_images",))
EXECUTION = View(PyTorchExecutionConfig, "execution")
SCAN = View(ScanOptions, "data")


def _torch_data(task: str) -> View[torch.DataConfig]:
    return View(
        torch.DataConfig,
        "data",
        {
            "nphotons": "training.nphotons",
            "N": "model.N",
            "K": f"{task}.neighbor_count",
            "n_subsample": "data.samples_per_point",
            "subsample_seed": f"{task}.subsample_seed",
            "grid_size": Bind("model.gridsize", SQUARE),
            "probe_scale": "model.probe_scale",
        },
    )


TORCH_DATA = _torch_data("training")
TORCH_DATA_IN_INFERENCE = _torch_data("inference")
TORCH_NEIGHBOURS_IN_INFERENCE = View(
    torch.DataConfig,
    "data",
    {"K": "inference.neighbor_count"},
    omit=[item.name for item in fields(torch.DataConfig) if item.name != "K"],
)
TORCH_MODEL = View(
    torch.ModelConfig,
    "model",
    {
        "mode": Bind("model.model_type", MODE),
        "amp_activation": Bind("model.amp_activation", ACTIVATION),
        "probe_mask": Bind("model.probe_mask", MASK),
        "loss_function": Bind("training.torch_loss_mode", LOSS),
    },
)
TORCH_TRAINING = View(
    torch.TrainingConfig,
    "training",
    {
        "nll": Bind("training.nll_weight", NLL),
        "device": "execution.accelerator",
        "strategy": Bind("execution.strategy", STRATEGY),
        "n_devices": "execution.devices",
        "learning_rate": "execution.learning_rate",
        "epochs": "training.nepochs",
        "scheduler": "execution.scheduler",
        "warmup_epochs": "execution.warmup_epochs",
        "min_lr_ratio": "execution.min_lr_ratio",
        "num_workers": "execution.num_workers",
        "accum_steps": "execution.accum_steps",
        "gradient_clip_val": "execution.gradient_clip_val",
        "train_data_file": Bind("training.train_data_file", TEXT_PATH),
        "test_data_file": Bind("training.test_data_file", TEXT_PATH),
        "output_dir": Bind("training.output_dir", TEXT_PATH),
    },
)
TORCH_INFERENCE = View(
    torch.InferenceConfig,
    "inference",
    {"middle_trim": "execution.middle_trim", "pad_eval": "execution.pad_eval"},
)
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
