"""What an optic is to those who choose one by name, and where its beam is sampled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptyconf.errors import error_text

__all__ = ["Field", "Numbers", "ProbeKind", "Sampling"]

Field = NDArray[np.complexfloating[Any, Any]]
Numbers = Mapping[str, float]
"""The numbers of `data.probe_model`, by name, in the unit that the name ends with."""


class Sampling(NamedTuple):
    """The pixels of a beam at the sample, and its wavelength.

    Attributes:
        N: Pixels of a side.
        pixel_m: Side of a pixel at the sample.
        wavelength_m: Of the beam; None where it is not known.
    """

    N: int
    pixel_m: float
    wavelength_m: float | None = None

    def detector_px(self, per_m: float) -> float:
        """Give the distance from the middle of the detector, in pixels, of a spatial frequency."""
        return per_m * self.N * self.pixel_m

    def spread_px2(self, distance_m: float) -> float:
        """Give wavelength x distance in square pixels: what free space does to a beam on the way.

        Raises:
            ScanError: The wavelength is not known.
        """
        return self.known_wavelength_m * distance_m / self.pixel_m**2

    @property
    def known_wavelength_m(self) -> float:
        """The wavelength.

        Raises:
            ScanError: It is not known.
        """
        if self.wavelength_m is None:
            raise ScanError(
                error_text(
                    "the model of the probe needs the wavelength of the beam",
                    expected="data.energy_kev or data.wavelength_m",
                    hint="data.energy_kev = 8.0",
                )
            )
        return self.wavelength_m


@dataclass(frozen=True)
class ProbeKind:
    """A kind of beam.

    Attributes:
        what: What makes it, in a few words.
        draw: Makes a usual one on N x N pixels, centred on pixel [N/2, N/2], in any scale.
        build: Makes the one that numbers describe, in any scale; None where there are no numbers for it.
        needs: The numbers of `data.probe_model` that it cannot do without.
        takes: Further ones that it knows what to do with.
    """

    what: str
    draw: Callable[[int], Field]
    build: Callable[[Sampling, Numbers], Field] | None = None
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
