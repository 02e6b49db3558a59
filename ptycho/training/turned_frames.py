"""Whether a network looks at frames as they are or turned by 180 degrees, as beam or earlier run say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ptycho.physics.illumination import converges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ptycho.network.settings import NetworkSettings

    from .resume import EarlierTraining


def turn_by_beam(
    settings: NetworkSettings,
    wanted: bool | None,
    probe: NDArray[np.complex64],
    earlier: EarlierTraining | None,
) -> tuple[NetworkSettings, list[str]]:
    """Settle `model.turn_frames` where nobody did.

    Args:
        settings: Of the network.
        wanted: What the settings say; None leaves it to the earlier training, or to the beam.
        probe: Complex modes, shape (P, N, N); of the first scan where there are several.
        earlier: The training that is resumed.

    Returns:
        The settings, and a sentence where the frames are turned by the beam.
    """
    if wanted is not None or "turn_frames" not in settings.kind.uses:
        return settings, []
    if earlier is not None:
        return replace(settings, turn_frames=bool(earlier.network.get("turn_frames"))), []
    if not converges(probe):
        return settings, []
    note = "the beam converges on the sample: frames are turned by 180 degrees (model.turn_frames)"
    return replace(settings, turn_frames=True), [note]
