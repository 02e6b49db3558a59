"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptycho.network.inference import Inference, Light, fitting_mask, fitting_probe
from ptycho.network.initial import initial_value
from ptycho.network.prediction import Prediction
from ptycho.network.settings import NetworkSettings
from ptycho.network.weights import as_parts

from .layers import Core, TorchLayers
from .naming import canonical_name, canonical_shape, native
from .physics import PHYSICS


class PtychoNetwork(Inference, nn.Module):
    """A module of torch that holds network, probe and scale, made as `Inference` says."""

    physics = PHYSICS

    def __init__(
        self,
        settings: NetworkSettings,
        probe: NDArray[np.complexfloating[Any, Any]],
        intensity_scale: float,
        mask: NDArray[np.bool_] | None = None,
        seed: int | None = 0,
    ) -> None:
        super().__init__()
        self.settings = settings
        modes = fitting_probe(np.asarray(probe), settings)
        self.core = settings.kind.build(settings, "pytorch", Core, TorchLayers())
        if seed is not None:
            initialise(self.core, seed)
        # Convolutions on the CPU are faster with channels last, here and in every copy.
        self.core.to(memory_format=torch.channels_last)
        parts = torch.from_numpy(as_parts(modes).astype(np.float32))
        for name, value, learned in (
            ("probe_parts", parts, settings.probe_trainable),
            ("log_gain", torch.zeros(()), settings.intensity_scale_trainable),
        ):
            # A buffer travels with the weights and is never learned.
            self.register_parameter(name, nn.Parameter(value)) if learned else self.register_buffer(
                name, value
            )
        self.register_buffer("measured_scale", torch.tensor(float(intensity_scale)))
        self.register_buffer("mask", torch.from_numpy(fitting_mask(mask, settings.N)))

    def forward(
        self, measured: Tensor, relative: Tensor | None = None, light: Light | None = None
    ) -> Prediction:
        """Predict groups, as `predict_groups` does."""
        return self.predict_groups(measured, relative, light)


def initialise(core: nn.Module, seed: int) -> None:
    """Give every weight the values that its canonical name and the seed stand for."""
    for name, parameter in core.named_parameters():
        canonical = canonical_name(f"core.{name}")
        value = initial_value(canonical, canonical_shape(parameter), seed)
        if value is not None:
            parameter.data.copy_(native(value))
