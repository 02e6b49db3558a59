"""Reconstruct a scan with a trained network: the call that all backends share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptycho.reconstruction import picture
from ptycho.reconstruction.groups import Portions
from ptycho.reconstruction.picture import PictureOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from ptycho.network.precision import Precision
    from ptycho.physics.scale import Normalisation
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.reconstruction.retrieved_picture import RetrievedPicture
    from ptycho.reconstruction.trained_network import TrainedNetwork
    from ptycho.scan.raw_data import RawData


@dataclass(frozen=True)
class NetworkReconstruction:
    """Turn a scan into a picture with the networks of one backend.

    Attributes:
        on_device: Puts a network on a device, ready for one scan, with convolutions of a precision.
        threads: Keeps to a number of CPU threads inside its block; None stands for the backend's choice.
        device: Where to compute if nobody says so, in the backend's own words.
    """

    on_device: Callable[[Any, RawData, Any, Precision], TrainedNetwork]
    threads: Callable[[int | None], AbstractContextManager[None]]
    device: str

    def __call__(
        self,
        network: Any,
        normalisation: Normalisation,
        scan: RawData,
        *,
        batch_size: int = 64,
        device: object = None,
        options: PictureOptions | None = None,
        on_batch: Callable[[int], None] | None = None,
        retrieved: Sequence[RetrievedPicture] = (),
    ) -> Reconstruction:
        """Turn a scan into a picture, as `picture.reconstruct` does; the network stays as it is.

        Args:
            network: A trained network of the backend.
            normalisation: Scales of the scan that it was trained on.
            scan: What to reconstruct.
            batch_size: Groups per step; halved as often as memory asks for it.
            device: Where to compute, in the backend's own words; None takes the backend's default.
            options: What is wanted beside the picture.
            on_batch: Called with the number of positions done after each step.
            retrieved: Pictures that its training retrieved with the probes of its scans.

        Raises:
            ValueError: Frames, trim or groups do not fit the network.
        """
        options = options or PictureOptions()
        picture.require_fitting(scan, network.settings.N, options.middle_trim)
        with self.threads(options.threads):
            where = self.device if device is None else device
            trained = self.on_device(network, scan, where, options.precision)
            portions = Portions(batch_size, on_batch)
            return picture.reconstruct(trained, normalisation, scan, options, portions, retrieved)
