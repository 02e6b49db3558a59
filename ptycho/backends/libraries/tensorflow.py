"""TensorFlow, by Keras 3 and a training loop of our own."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import Library
from ptycho.training.cluster import VARIABLE, read_cluster
from ptycho.training.launch import RANK_VARIABLES, read_launch

if TYPE_CHECKING:
    from ptyconf import Resolution


def _leads(resolution: Resolution) -> bool:
    """Tell by what started the processes, or by TF_CONFIG, which counts where a strategy was asked for."""
    launch = read_launch()
    if launch.size > 1:
        return launch.first
    return resolution["execution.strategy"] == "auto" or read_cluster().first


def _best_accelerator(tensorflow: Any) -> tuple[str, str]:
    """Ask for GPUs; on a Mac they are Metal's."""
    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return "cpu", "TensorFlow finds no GPU"
    kind = "mps" if platform.system() == "Darwin" else "cuda"
    return kind, f"TensorFlow finds {len(gpus)} GPU{'s' * (len(gpus) > 1)}"


BACKEND = Library(
    name="tensorflow",
    title="TensorFlow",
    package="tensorflow",
    oldest="2.18",
    module="ptycho.tf.backend",
    best_accelerator=_best_accelerator,
    process_variables=(VARIABLE, *RANK_VARIABLES),
    leads=_leads,
)
