"""Sharpen a stitched picture against all frames of its scan: the physics has the last word.

The network supplies what iterations lack, a good start; a few sweeps supply what the network lacks, the
agreement of every frame with every other. The probe stays as it was learned.
"""

from ptycho.physics import sweeps as iterations
from ptycho.physics.arrays import Complex, Mask
from ptycho.physics.sweeps import Frames, FrameSource, Picture, Positions, Refined, Steps

from .iteration import engine_maker


def refine(
    frames: FrameSource,
    positions: Positions,
    picture: Picture,
    probe: Complex,
    *,
    sweeps: int,
    mask: Mask | None = None,
    steps: Steps | None = None,
    device: str | None = None,
) -> Refined:
    """Move a picture towards what all frames together measured.

    Args:
        frames: Gives normalised amplitudes X by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        picture: What the network and the stitching gave.
        probe: Modes on the network's scale, learned gain included, shape (P, N, N).
        sweeps: Times that all frames are visited.
        mask: True where a detector pixel is good, shape (N, N).
        steps: How to move.
        device: Where to compute, as TensorFlow calls it; None lets TensorFlow choose.

    Returns:
        The picture on its own canvas, and the misfit of each sweep.

    Raises:
        ValueError: The picture reaches beyond what its patches cover.
    """
    make = engine_maker(Frames(frames, positions, mask), steps, device)
    return iterations.sharpen(make, positions, picture, probe, sweeps)
