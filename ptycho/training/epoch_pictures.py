"""The picture of a training that is on its way: a part of the scan, as the network sees it after an epoch."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ptycho.reconstruction.picture import PictureOptions
from ptycho.reconstruction.result import Reconstruction
from ptycho.reconstruction.with_network import NetworkReconstruction

from .journal import Draw
from .plan import Plan

FRAMES = 144
"""Frames of a picture, those in the middle of the scan: enough to see lines grow together."""

SHARE = 0.05
"""Share of the time that pictures may take; what the next one costs is what the last one did."""

FIRST_AFTER_S = 10.0
"""Nobody knows what the first picture costs: a short training is over before it."""


class EpochPictures:
    """Draw what a network makes of the middle of its scan, as often as that holds up nothing.

    Args:
        plan: The training.
        reconstruct: Reconstructs with a network of the backend.
        device: Where to compute, in the backend's own words.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        plan: Plan,
        reconstruct: NetworkReconstruction,
        device: object,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan, self._reconstruct, self._device, self._clock = plan, reconstruct, device, clock
        self._next = clock() + FIRST_AFTER_S
        self._scan: Any = None

    def after_epoch(self, network: Callable[[], Any]) -> Draw:
        """Give what draws the picture of this epoch, once, however many ask for it.

        Args:
            network: Gives the network as it is now; asked only where a picture is drawn.
        """
        drawn: list[Reconstruction | None] = []

        def draw() -> Reconstruction | None:
            if not drawn:
                drawn.append(self._draw(network) if self._clock() >= self._next else None)
            return drawn[0]

        return draw

    def _draw(self, network: Callable[[], Any]) -> Reconstruction:
        began = self._clock()
        if self._scan is None:
            self._scan = self._plan.scan.subset(middle(self._plan.scan.positions, FRAMES))
        options = PictureOptions(refine_epochs=0, threads=self._plan.execution.threads)
        reconstruction = self._reconstruct(
            network(), self._plan.normalisation, self._scan, device=self._device, options=options
        )
        now = self._clock()
        self._next = now + (now - began) * (1 - SHARE) / SHARE
        return reconstruction


def middle(positions: Any, count: int) -> Any:
    """Find the positions nearest to the middle of all: sorted indices of at most `count` of them.

    Args:
        positions: Shape (n, 2).
        count: How many.
    """
    distance = np.hypot(*(positions - np.median(positions, axis=0)).T)
    return np.sort(np.argsort(distance, kind="stable")[:count])
