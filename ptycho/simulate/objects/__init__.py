"""Objects to scan, one module each: its constant OBJECT is a `ptycho.simulate.kinds.ObjectKind`.

An object is a random transmission whose amplitude and phase are drawn independently.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptycho.settings.registries import OBJECTS
from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptyconf.errors import error_text

__all__ = ["Contrast", "draw_object"]


@dataclass(frozen=True)
class Contrast:
    """Between which values an object varies.

    Attributes:
        amplitude: Lowest and highest amplitude; no sample amplifies, so the highest is at most 1.
        phase_rad: Lowest and highest phase.
    """

    amplitude: tuple[float, float] = (0.5, 1.0)
    phase_rad: tuple[float, float] = (-1.0, 1.0)


def draw_object(
    family: str, shape: Shape, rng: np.random.Generator, contrast: Contrast | None = None
) -> NDArray[np.complex64]:
    """Draw one object; amplitude and phase are two independent draws of the same family.

    Args:
        family: A name in ``ptycho.settings.registries.OBJECTS``.
        shape: (H, W) in pixels.
        rng: The one source of randomness.
        contrast: Between which values it varies.

    Returns:
        Complex transmission of shape (H, W).

    Raises:
        ScanError: There is no such family.
    """
    kind: ObjectKind | None = OBJECTS.get(family)
    if kind is None:
        raise ScanError(
            error_text(
                f'there is no family of objects "{family}"',
                known=", ".join(OBJECTS),
                hint='object_family = "textures"',
            )
        )
    limits = Contrast() if contrast is None else contrast
    amplitude, phase = (_stretch(kind.draw(shape, rng)) for _ in range(2))
    low, high = limits.amplitude
    first, last = limits.phase_rad
    wave = np.exp(1j * (first + (last - first) * phase))
    drawn: NDArray[np.complex64] = ((low + (high - low) * amplitude) * wave).astype(np.complex64)
    return drawn


def _stretch(image: Image) -> Image:
    """Map an image to 0..1, the rarest half per cent at either end clipped."""
    low, high = np.percentile(image, (0.5, 99.5))
    stretched: Image = np.clip((image - low) / max(float(high - low), 1e-12), 0.0, 1.0)
    return stretched
