"""Reconstruct a scan with a trained network."""

from collections.abc import Callable

import torch

from ptycho.physics.scale import Normalisation
from ptycho.reconstruction import picture
from ptycho.reconstruction.groups import Portions
from ptycho.reconstruction.picture import PictureOptions
from ptycho.reconstruction.result import Reconstruction
from ptycho.scan.raw_data import RawData
from ptycho_torch.nn.model import PtychoNetwork

from .threads import limited
from .trained_network import TrainedTorchNetwork


def reconstruct(
    network: PtychoNetwork,
    normalisation: Normalisation,
    scan: RawData,
    *,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    options: PictureOptions | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> Reconstruction:
    """Turn a scan into a picture, as `reconstruction.picture.reconstruct` does; the network stays as it is.

    Args:
        network: A trained network.
        normalisation: Scales of the scan that it was trained on.
        scan: What to reconstruct.
        batch_size: Groups per step; halved as often as memory asks for it.
        device: Where to compute.
        options: What is wanted beside the picture.
        on_batch: Called with the number of positions done after each step.

    Raises:
        ValueError: Frames, trim or groups do not fit the network.
    """
    options = options or PictureOptions()
    picture.require_fitting(scan, network.settings.N, options.middle_trim)
    with limited(options.threads or 1):
        trained = TrainedTorchNetwork(network, scan, device)
        return picture.reconstruct(trained, normalisation, scan, options, Portions(batch_size, on_batch))
