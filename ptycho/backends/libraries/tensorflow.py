"""TensorFlow, by Keras 3 and a training loop of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.backends.base import Library
from ptycho.training.cluster import VARIABLE, read_cluster

if TYPE_CHECKING:
    from ptyconf import Resolution


def _leads(resolution: Resolution) -> bool:
    """Tell by TF_CONFIG, which counts only where a strategy was asked for."""
    return resolution["execution.strategy"] == "auto" or read_cluster().first


BACKEND = Library(
    name="tensorflow",
    title="TensorFlow",
    package="tensorflow",
    oldest="2.18",
    module="ptycho.tf.backend",
    process_variables=(VARIABLE,),
    leads=_leads,
)
