"""Learn the probe from the training frames by iterative reconstruction, before a network relies on it.

A network that back-projects with a wrong probe has nothing to learn from; an analytic guess is wrong enough.
A few sweeps of mixed-state ptychography over the same frames correct it within seconds.
"""

from ptycho.physics import sweeps as iterations
from ptycho.physics.arrays import Complex, Mask
from ptycho.physics.sweeps import Frames, FrameSource, Positions, Retrieval, Steps

from .iteration import engine_maker


def retrieve_probe(
    frames: FrameSource,
    positions: Positions,
    probe: Complex,
    *,
    sweeps: int,
    mask: Mask | None = None,
    steps: Steps | None = None,
    device: str | None = None,
) -> Retrieval:
    """Reconstruct object and probe together from the frames of a training.

    The energy of the probe stays what it was, because object amplitudes are bounded on its scale.

    Args:
        frames: Gives normalised amplitudes X by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        probe: Modes to start from on the network's scale, shape (P, N, N).
        sweeps: Times that all frames are visited.
        mask: True where a detector pixel is good, shape (N, N).
        steps: How to move.
        device: Where to compute, as TensorFlow calls it; None lets TensorFlow choose.

    Returns:
        The probe, the object and the misfit of each sweep.
    """
    make = engine_maker(Frames(frames, positions, mask), steps, device)
    return iterations.retrieve(make, positions, probe, sweeps)
