"""What inference needs of a training: it stands apart from all that trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from ptycho.physics.scale import Normalisation
    from ptycho.reconstruction.retrieved_picture import RetrievedPicture

Network = TypeVar("Network")


@dataclass(frozen=True)
class Model(Generic[Network]):
    """A network with the scales of the scan that it was trained on.

    Attributes:
        network: The network.
        normalisation: The scales.
        retrieved: Pictures that the training retrieved with the probes of its scans, as far as they are at
            hand.
    """

    network: Network
    normalisation: Normalisation
    retrieved: tuple[RetrievedPicture, ...] = ()
