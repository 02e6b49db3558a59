"""The network with its physics: measured amplitudes in, object patches and explained amplitudes out.

Shape legend: B groups, C positions of a group, P probe modes, N patch side.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ptycho.network.inference import Inference, fitting_mask, fitting_probe
from ptycho.network.initial import initial_value
from ptycho.network.prediction import Prediction
from ptycho.network.settings import NetworkSettings
from ptycho.network.weights import as_parts
from ptycho.physics.forward_model import ForwardModel

from .layers import Core, TorchLayers
from .naming import canonical_array, canonical_name, native
from .physics import PHYSICS


class PtychoNetwork(Inference, nn.Module):
    """Network, probe and forward model in one differentiable piece.

    Args:
        settings: Shape and physics.
        probe: Complex probe modes on the network's scale, shape (P, N, N) or (N, N).
        intensity_scale: Measured s, so that (s X)² are counts.
        mask: True where a detector pixel is good, shape (N, N); None takes all. What bad pixels say never
            enters the network.
        seed: Seed of the weights to start from.

    Raises:
        ValueError: The probe or the mask does not fit the settings.
    """

    physics: ClassVar[ForwardModel] = PHYSICS
    probe_parts: Tensor
    log_gain: Tensor
    measured_scale: Tensor
    mask: Tensor

    def __init__(
        self,
        settings: NetworkSettings,
        probe: NDArray[np.complexfloating[Any, Any]],
        intensity_scale: float,
        mask: NDArray[np.bool_] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.settings = settings
        modes = fitting_probe(np.asarray(probe), settings)
        self.core = settings.kind.build(settings, "pytorch", Core, TorchLayers())
        initialise(self.core, seed)
        # Convolutions on the CPU are faster with channels last, here and in every copy.
        self.core.to(memory_format=torch.channels_last)
        parts = torch.from_numpy(as_parts(modes).astype(np.float32))
        for name, value, learned in (
            ("probe_parts", parts, settings.probe_trainable),
            ("log_gain", torch.zeros(()), settings.intensity_scale_trainable),
        ):
            self.register_parameter(name, nn.Parameter(value)) if learned else self.register_buffer(
                name, value
            )
        self.register_buffer("measured_scale", torch.tensor(float(intensity_scale)))
        self.register_buffer("mask", torch.from_numpy(fitting_mask(mask, settings.N)))

    @property
    def probe(self) -> Tensor:
        """Complex probe modes on the network's scale, shape (P, N, N)."""
        return torch.view_as_complex(self.probe_parts)

    @property
    def gain(self) -> Tensor:
        """The learned factor between the model's and the measured amplitude."""
        return self.log_gain.exp()

    @property
    def good_pixels(self) -> Tensor:
        """True where a detector pixel is good, shape (N, N)."""
        return self.mask

    @property
    def intensity_scale(self) -> Tensor:
        """The scale in force: the measured s times the learned gain."""
        return self.measured_scale * self.gain

    def forward(self, measured: Tensor, relative: Tensor | None = None) -> Prediction:
        """Predict groups, as `predict_groups` does."""
        return self.predict_groups(measured, relative)


def initialise(core: nn.Module, seed: int) -> None:
    """Give every weight the values that its canonical name and the seed stand for."""
    for name, parameter in core.named_parameters():
        canonical = canonical_name(f"core.{name}")
        value = initial_value(canonical, canonical_array(parameter).shape, seed)
        if value is not None:
            parameter.data.copy_(native(value))
